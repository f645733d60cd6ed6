"""nn.archive: what comes back is what was written, bit for bit, or a clear error; memory and names are bounded."""

import io
import json
import os
import pickle
import signal
import stat
import struct
import subprocess
import sys
import textwrap
import tracemalloc
import types
import zipfile
import zlib
from contextlib import nullcontext
from importlib.util import find_spec

import numpy as np
import pytest

import autograd_mini as ag
import nn
from nn import archive

needs_library = pytest.mark.skipif(
    find_spec("safetensors") is None, reason="needs the extra: pip install 'autograd-mini[safetensors]'"
)
KINDS = [".npz", pytest.param(".safetensors", marks=needs_library)]
RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 4))
BITS = np.array([0x7FF8000000000001, 0xFFF0000000000001, 0x7FF0000000000001, 1 << 63, 0x7FF0000000000000], "<u8")

EVERY = {  # what both formats hold exactly, or (big-endian, Fortran) as the same values
    "float64": A,
    "float32": A.astype(np.float32),
    "float16": A.astype(np.float16),
    "NaN payloads, -0.0, inf": BITS.view("<f8"),
    "subnormal": np.array([5e-324, -5e-324]),
    "bool": A > 0,
    **{code: np.array([0, 1, 127], code) for code in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8")},
    "int64 extremes": np.array([-(2**63), 2**63 - 1]),
    "0-d": np.array(1.5),
    "0-d bool": np.array(True),
    "empty": np.zeros((0,)),
    "empty (0, 3)": np.zeros((0, 3), np.float32),
    "empty (3, 0, 2)": np.zeros((3, 0, 2)),
    "one element": np.ones((1, 1, 1)),
    "Fortran order": np.asfortranarray(A),
    "transposed": RNG.normal(size=(2, 3, 4)).transpose(2, 0, 1),
    "negative strides": A[::-1, ::-2],
    "sliced": RNG.normal(size=(6, 8))[1::2, 2:7:3],
    "broadcast": np.broadcast_to(np.arange(4.0), (3, 4)),
    "big-endian": A.astype(">f8"),
    "big-endian ints": np.arange(5, dtype=">i4"),
    "big-endian, Fortran, reversed": np.asfortranarray(A.astype(">f4"))[::-1],
    "unaligned": np.frombuffer(b"\0" + A.tobytes(), np.uint8)[1:].view(np.float64),
    "read-only": np.frombuffer(A.tobytes()),
    "32 axes": np.ones((1,) * 32),
}
NPZ_ONLY = {
    "complex128": A + 1j * A[::-1],
    "complex64": (A * 1j).astype(np.complex64),
    "text": np.array(["a", "bé", "\U0001f600"]),
    "bytes": np.array([b"a", b"bc"]),
    "dates": np.array(["2020-01-01", "NaT"], "datetime64[D]"),
    "spans": np.array([1, 2], "timedelta64[25us]"),
    "long double": np.array([1, 2], np.longdouble) / 3,
}


def same(a, b):
    """Return whether two arrays have equal values to the last bit, shape, and dtype but for the byte order."""
    native = b.dtype.newbyteorder("=")
    return (
        a.shape == b.shape
        and a.dtype.newbyteorder("=") == native
        and a.astype(native).tobytes() == b.astype(native).tobytes()
    )


def around(tmp_path, kind, arrays, meta=None):
    path = tmp_path / f"a{kind}"
    archive.write(path, arrays, {} if meta is None else meta)
    return archive.read(path)


# --- what comes back -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", EVERY)
def test_every_layout_comes_back_to_the_last_bit(tmp_path, kind, layout):
    array = EVERY[layout]
    arrays, meta = around(tmp_path, kind, {"x": array})
    assert same(arrays["x"], array)
    assert meta == {}
    assert arrays["x"].flags.writeable


@pytest.mark.parametrize("layout", {**EVERY, **NPZ_ONLY})
def test_npz_keeps_byte_order_and_fortran_order(tmp_path, layout):
    array = {**EVERY, **NPZ_ONLY}[layout]
    back = around(tmp_path, ".npz", {"x": array})[0]["x"]
    assert same(back, array)
    assert back.dtype.str == array.dtype.str
    assert back.flags.f_contiguous >= array.flags.f_contiguous


@pytest.mark.parametrize("kind", KINDS)
def test_names_and_their_order_come_back(tmp_path, kind):
    names = ["b", "a", "layers.0.weight", "a/b", "é", "#1", "metadata.json", "__metadata__x", "x:0", "..", "a b"][:-2]
    arrays, _ = around(tmp_path, kind, {name: np.array(i) for i, name in enumerate(names)})
    assert {name: int(array) for name, array in arrays.items()} == {name: i for i, name in enumerate(names)}
    assert list(arrays) == names


@pytest.mark.parametrize("kind", KINDS)
def test_metadata_come_back(tmp_path, kind):
    meta = {
        "int": 2**127,
        "float": 0.1,
        "zero": -0.0,
        "text": 'q"\\é\ud800\n',
        "list": [1, [True, None]],
        "": {"a": {}},
    }
    back = around(tmp_path, kind, {}, meta)[1]
    assert back == meta
    assert str(back["zero"]) == "-0.0"


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_content_makes_the_same_file(tmp_path, kind):
    for name in "ab":
        archive.write(tmp_path / f"{name}{kind}", {"x": A}, {"y": 1})
    assert (tmp_path / f"a{kind}").read_bytes() == (tmp_path / f"b{kind}").read_bytes()


def test_tensors_are_written_as_their_arrays(tmp_path):
    assert same(around(tmp_path, ".npz", {"x": ag.Tensor(A)})[0]["x"], A)


@pytest.mark.parametrize("compressed", [False, True])
def test_files_of_numpy_are_read(tmp_path, compressed):
    arrays = {**EVERY, **NPZ_ONLY}
    (np.savez_compressed if compressed else np.savez)(tmp_path / "a.npz", **arrays)
    back, meta = archive.read(tmp_path / "a.npz")
    assert meta == {}
    assert list(back) == list(arrays)
    assert all(same(back[name], arrays[name]) for name in arrays)


def test_numpy_reads_the_files_and_python_finds_no_fault_in_them(tmp_path):
    arrays = {**EVERY, **NPZ_ONLY}
    archive.write(tmp_path / "a.npz", arrays, {"a": 1})
    with np.load(tmp_path / "a.npz", allow_pickle=False) as found:
        assert all(same(found[name], arrays[name]) for name in arrays)
    with zipfile.ZipFile(tmp_path / "a.npz") as file:
        assert file.testzip() is None
        assert json.loads(file.read("metadata.json"))["metadata"] == {"a": 1}


def test_the_library_reads_our_safetensors_and_we_read_its(tmp_path):
    library = pytest.importorskip("safetensors.numpy", reason="needs the extra")
    archive.write(tmp_path / "a.safetensors", EVERY, {"a": 1})
    found = library.load_file(tmp_path / "a.safetensors")
    assert found.keys() == EVERY.keys()
    assert all(same(found[name], EVERY[name]) for name in EVERY)
    plain = {name: np.array(array, array.dtype.newbyteorder("="), order="C") for name, array in EVERY.items()}
    library.save_file(plain, tmp_path / "b.safetensors", metadata={"format": "np"})
    back, meta = archive.read(tmp_path / "b.safetensors")
    assert meta == {}
    assert back.keys() == plain.keys()
    assert all(same(back[name], plain[name]) for name in plain)


def test_without_the_library_a_safetensors_file_is_neither_written_nor_read(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    tensors(path, {"x": entry()}, A.tobytes())
    before = path.read_bytes()
    monkeypatch.setitem(sys.modules, "safetensors", None)
    monkeypatch.delitem(sys.modules, "safetensors.numpy", raising=False)
    for use in (lambda: archive.write(path, {"x": 2 * A}, {}), lambda: archive.read(path)):
        with pytest.raises(ImportError, match=r"pip install 'autograd-mini\[safetensors\]'"):
            use()
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.safetensors"]


def test_the_library_is_loaded_when_it_is_used():
    command = [sys.executable, "-c", "import nn, sys; print('safetensors' in sys.modules)"]
    root = os.path.dirname(os.path.dirname(nn.__file__))
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": root}, check=True)
    assert done.stdout.strip() == "False"


@needs_library
def test_arrays_in_safetensors_are_aligned(tmp_path):
    archive.write(tmp_path / "a.safetensors", {"a": np.ones(3, bool), "b": A, "c": np.ones(1, np.float16)}, {})
    data = (tmp_path / "a.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert length % 8 == 0
    for name, size in (("a", 1), ("b", 8), ("c", 2)):
        assert header[name]["data_offsets"][0] % size == 0


@needs_library
def test_bfloat16_of_others_becomes_the_float32_of_that_value(tmp_path):
    tensors(
        tmp_path / "a.safetensors", {"x": entry("BF16", [3], 0, 6)}, np.array([0x3FC0, 0xC000, 0x7F80], "<u2").tobytes()
    )
    back = archive.read(tmp_path / "a.safetensors")[0]["x"]
    assert back.dtype == np.float32
    assert back.tolist() == [1.5, -2.0, np.inf]


# --- trees -----------------------------------------------------------------------------------------------------------

TREE = {
    "state": np.random.default_rng(0).bit_generator.state,
    "philox": np.random.Generator(np.random.Philox(1)).bit_generator.state,
    "history": [0.1 * i for i in range(20)] + [float("nan"), float("inf"), -0.0],
    "short": [float("-inf"), float("nan"), -0.0, 1e-320, 3],
    "bits": struct.unpack(">d", bytes.fromhex("fff8000000000123"))[0],
    "tuple": (1, (), [()], {"a": (2.5,)}),
    "keys": {1: "a", "1": "b", (2, "x"): "c", None: 0, True and 2.5: 1},
    "tags": {"$array": "x"},
    "deeper": [{"$tuple": []}, {"$": 1}, {"a": 1, "$b": 2}, {}],
    "scalars": [np.float32(0.1), np.int64(3), np.bool_(True), np.float64(-0.0), np.complex128(1j)],
    "arrays": [A, A.T, np.array(2), np.zeros(0), {"w.0": A[::2]}],
    "names": {"../../x": A, "": A, "/a": np.ones(1), "a": {"b": np.ones(1)}, "a.b": np.zeros(1)},
    "others": [None, True, False, 2**127 + 1, -(2**200), "é", ""],
}


def equal(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, (np.ndarray, np.generic)):
        return same(np.asarray(a), np.asarray(b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(equal, a, b))
    return struct.pack(">d", a) == struct.pack(">d", b) if isinstance(a, float) else a == b


@pytest.mark.parametrize("part", TREE)
@pytest.mark.parametrize("kind", KINDS)
def test_a_packed_tree_comes_back_to_the_last_bit(tmp_path, kind, part):
    arrays, packed = archive.pack(TREE[part])
    if kind == ".safetensors":
        arrays = {name: array for name, array in arrays.items() if array.dtype.kind != "c"}
    back, meta = around(tmp_path, kind, arrays, {"tree": packed})
    if part == "scalars" and kind == ".safetensors":  # which has no complex numbers
        with pytest.raises(nn.FileError, match=r"no array '4'"):
            archive.unpack(back, meta["tree"])
    else:
        assert equal(archive.unpack(back, meta["tree"]), TREE[part])


def test_a_whole_tree_comes_back(tmp_path):
    arrays, packed = archive.pack(TREE, "root")
    assert equal(archive.unpack(*around(tmp_path, ".npz", arrays, {"t": packed})[:1], packed), TREE)
    assert all(not name.startswith(("/", "..")) for name in arrays)


def test_a_generator_that_was_packed_goes_on_as_it_would_have(tmp_path):
    rng = np.random.default_rng(5)
    rng.random(7)
    arrays, packed = archive.pack(rng.bit_generator.state)
    back, meta = around(tmp_path, ".npz", arrays, {"rng": packed})
    other = np.random.default_rng()
    other.bit_generator.state = archive.unpack(back, meta["rng"])
    assert (other.random(5) == rng.random(5)).all()


def test_names_that_are_taken_are_not_given():
    arrays, packed = archive.pack({"a": A, "b": A}, taken=["a", "#0"])
    assert not {"a", "#0"} & arrays.keys()
    assert equal(archive.unpack(arrays, packed), {"a": A, "b": A})


def test_what_is_special_is_asked_for():
    arrays, packed = archive.pack(
        [A, {3}, (1, {4})], special=lambda value: sorted(value) if type(value) is set else None
    )
    assert json.loads(json.dumps(packed)) == packed
    assert equal(archive.unpack(arrays, packed, special=set), [A, {3}, (1, {4})])


BAD_TREES = {
    "an array that is missing": {"$array": "x"},
    "a name that is none": {"$array": 3},
    "an array of an array": {"$array": ["x"]},
    "an unknown tag": {"$eval": []},
    "a tuple of no list": {"$tuple": 3},
    "pairs that are none": {"$dict": [[1, 2, 3]]},
    "a key that cannot be one": {"$dict": [[[], 1]]},
    "a key that is a tuple of lists": {"$dict": [[{"$tuple": [[]]}, 1]]},
    "a number that is none": {"$float": "zz"},
    "a number of another length": {"$float": "00"},
    "a number that is an array": {"$scalar": "held"},
    "numbers that are text": {"$floats": "text"},
    "a special part": {"$special": 0},
    "what JSON has not": {"a": {1}},
    "a deep nest": json.loads("[" * 400 + "]" * 400),
}


@pytest.mark.parametrize("bad", BAD_TREES)
def test_a_damaged_tree_is_refused(bad):
    with pytest.raises(nn.FileError, match="cannot be unpacked"):
        archive.unpack({"held": A, "text": np.array(["a"])}, BAD_TREES[bad])


# --- atomic ----------------------------------------------------------------------------------------------------------


def test_what_replaces_a_file_is_there_in_full_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    archive.write(path, {"x": A}, {})
    before = path.read_bytes()
    real = {name: getattr(os, name) for name in ("fsync", "replace")}
    for name in real:
        monkeypatch.setattr(os, name, lambda *args: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OSError, match="No space left"):
            archive.write(path, {"x": 2 * A}, {})
        monkeypatch.setattr(os, name, real[name])
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["a.npz"]


@needs_library
def test_ctrl_c_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "a.safetensors"
    archive.write(path, {"x": A}, {})
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        archive.write(path, {"x": 2 * A}, {})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.safetensors"]


@pytest.mark.skipif(sys.platform == "win32", reason="signals as on Unix")
@pytest.mark.parametrize("moment", ["os.fsync", "os.replace", "zipfile.ZipFile.close"])
def test_a_kill_at_any_moment_leaves_the_old_file_whole(tmp_path, moment):
    path = tmp_path / "a.npz"
    archive.write(path, {"x": A}, {"epoch": 1})
    program = f"""
        import os, signal, sys, zipfile
        import numpy as np
        from nn import archive
        {moment} = lambda *args: os.kill(os.getpid(), signal.SIGKILL)
        archive.write(sys.argv[1], {{"x": np.zeros(9)}}, {{"epoch": 2}})
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(path)]
    root = os.path.dirname(os.path.dirname(nn.__file__))
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": root}, check=False)
    assert done.returncode == -signal.SIGKILL
    back, meta = archive.read(path)
    assert meta == {"epoch": 1}
    assert same(back["x"], A)
    archive.write(path, {"x": 2 * A}, {"epoch": 2})  # what was left beside it is in nobody's way
    assert archive.read(path)[1] == {"epoch": 2}


@pytest.mark.parametrize("kind", KINDS)
def test_paths_may_be_text_bytes_or_objects_and_long(tmp_path, kind):
    name = "é" * 110 + kind
    for path in (str(tmp_path / name), os.fsencode(tmp_path / name), tmp_path / name):
        archive.write(path, {"x": A}, {})
        assert same(archive.read(path)[0]["x"], A)
    assert os.listdir(tmp_path) == [name]


def test_the_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    calls, real = [], {name: getattr(os, name) for name in ("fsync", "replace")}
    for name in real:
        monkeypatch.setattr(os, name, lambda *args, name=name: (calls.append(name), real[name](*args)))
    archive.write(tmp_path / "a.npz", {"x": A}, {})
    assert calls == ["fsync", "replace", "fsync"][: 3 if hasattr(os, "O_DIRECTORY") else 2]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions as on Unix")
def test_permissions_are_those_of_a_file_that_open_makes(tmp_path):
    before = os.umask(0o027)
    try:
        archive.write(tmp_path / "a.npz", {"x": A}, {})
        (tmp_path / "b").write_bytes(b"")
    finally:
        os.umask(before)
    assert (tmp_path / "a.npz").stat().st_mode == (tmp_path / "b").stat().st_mode
    os.chmod(tmp_path / "a.npz", 0o604)
    archive.write(tmp_path / "a.npz", {"x": A}, {})
    assert stat.S_IMODE((tmp_path / "a.npz").stat().st_mode) == 0o604


@pytest.mark.skipif(sys.platform == "win32", reason="links as on Unix")
def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.npz").symlink_to(tmp_path / "real" / "a.npz")
    for factor in (1, 2):  # first to what is not there yet
        archive.write(tmp_path / "link.npz", {"x": factor * A}, {})
        assert (tmp_path / "link.npz").is_symlink()
        assert os.listdir(tmp_path / "real") == ["a.npz"]
        assert same(archive.read(tmp_path / "real" / "a.npz")[0]["x"], factor * A)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with names")
def test_a_pipe_is_neither_replaced_nor_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.npz")
    with pytest.raises(FileExistsError, match="no file that may be replaced"):
        archive.write(tmp_path / "a.npz", {}, {})
    with pytest.raises(nn.FileError, match="no ordinary file"):
        archive.read(tmp_path / "a.npz")
    assert stat.S_ISFIFO((tmp_path / "a.npz").stat().st_mode)


def test_an_error_before_writing_leaves_nothing(tmp_path):
    for arrays, meta in (
        ({"x": np.array([None])}, {}),
        ({"../x": A}, {}),
        ({}, {"a": float("nan")}),
        ({}, {"a": (1,)}),
    ):
        with pytest.raises((TypeError, ValueError)):
            archive.write(tmp_path / "a.npz", arrays, meta)
    assert os.listdir(tmp_path) == []


# --- hostile: zip archives -------------------------------------------------------------------------------------------


def npy(array=A, header=None, version=b"\1\0", fill=True):
    """Return a .npy member, perhaps with another header."""
    if header is None:
        stream = io.BytesIO()
        np.lib.format.write_array(stream, array, allow_pickle=False)
        return stream.getvalue()
    text = header if isinstance(header, bytes) else repr(header).encode()
    return b"\x93NUMPY" + version + struct.pack("<H", len(text)) + text + (array.tobytes() if fill else b"")


def described(**changes):
    return {"descr": "<f8", "fortran_order": False, "shape": (3, 4), **changes}


def zipped(path, *members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in members:
            file.writestr(zipfile.ZipInfo(name), data, method)


class Evil:
    """Unpickled, it leaves a trace."""

    done = False

    def __reduce__(self):
        return setattr, (Evil, "done", True)


def objects():
    stream = io.BytesIO()
    np.lib.format.write_array(stream, np.array([Evil()], object), allow_pickle=True)
    return stream.getvalue()


HEADER = "x is no array, or its header is damaged"
MEMBERS = {
    "pickled objects": (objects(), "pickled Python objects"),
    "an object header of another spelling": (npy(header=described(descr="O")), "pickled Python objects"),
    "a structured dtype": (npy(header=described(descr=[("a", "<f8")])), "unknown dtype"),
    "a structured dtype of objects": (npy(header=described(descr=[("a", "|O")])), "pickled Python objects"),
    "a void dtype": (npy(header=described(descr="|V8")), "unknown dtype"),
    "an unknown dtype": (npy(header=described(descr="<q9")), "descr is not a valid dtype"),
    "text of no length": (npy(header=described(descr="<U0", shape=(10**12,)), fill=False), "unknown dtype"),
    "a dtype that is no text": (npy(header=described(descr=3)), "descr is not a valid dtype"),
    "an absurd shape": (npy(header=described(shape=(10**12,))), "96 bytes for it"),
    "an absurd shape whose product is 12": (npy(header=described(shape=(2**64 + 1, 12))), "96 bytes for it"),
    "an absurd shape beside a 0": (npy(header=described(shape=(0, 10**30)), fill=False), "0 bytes for it"),
    "too many axes": (npy(header=described(shape=(1,) * 70 + (12,))), "96 bytes for it"),
    "a negative shape": (npy(header=described(shape=(-3, -4))), "the shape of x is"),
    "a shape of booleans": (npy(header=described(shape=(True, 12))), "the shape of x is"),
    "a shape of floats": (npy(header=described(shape=(3.0, 4))), "shape is not valid"),
    "a shape that is a list": (npy(header=described(shape=[3, 4])), "shape is not valid"),
    "too few bytes": (npy()[:-1], "95 bytes for it"),
    "too many bytes": (npy() + b"\0", "97 bytes for it"),
    "an order that is no boolean": (npy(header=described(fortran_order=1)), "not a valid bool"),
    "a header that is a list": (npy(header=[1, 2]), "not a dictionary"),
    "a header with another key": (npy(header=described(x=1)), "correct keys"),
    "a header that is no Python": (npy(header=b"{'descr': "), HEADER),
    "a header that calls": (npy(header=b"{'descr': exit(), 'fortran_order': 0, 'shape': ()}"), HEADER),
    "a header that is nested deeply": (npy(header=b"(" * 5000), HEADER),
    "a header with an odd escape": (npy(header=rb"{'descr': '\d'}"), HEADER),
    "a header of which Python would warn": (npy(header=b"{'shape': 1if 1 else 2}"), HEADER),
    "a header with a long number": (npy(header=b"{'shape': (" + b"9" * 5000 + b",)}"), HEADER),
    "an enormous header": (npy(header=b" " * 20_000), HEADER),
    "a header beyond the end": (b"\x93NUMPY\1\0\xff\0{", HEADER),
    "a version of the future": (npy(header=described(), version=b"\x09\0"), "version .9, 0. of .npy"),
    "nothing": (b"", HEADER),
    "something else": (b"hello, here is text", HEADER),
    "a pickle": (pickle.dumps(Evil()), HEADER),
    "booleans of 2": (npy(np.full((3, 32), 2, np.uint8), described(descr="|b1", shape=(96,))), "neither 0 nor 1"),
}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("what", MEMBERS)
def test_a_member_that_is_no_plain_array_is_refused(tmp_path, what, method):
    data, message = MEMBERS[what]
    zipped(tmp_path / "a.npz", ("x.npy", data), method=method)
    with pytest.raises(nn.FileError, match=message) as caught:
        archive.read(tmp_path / "a.npz")
    assert str(tmp_path / "a.npz") in str(caught.value)
    assert not Evil.done


NAMES = ["../../x", "/etc/x", "a/../../x", "C:/x", "C:\\x", "..\\x", "a\\b", "", ".."]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_paths_are_refused(tmp_path, name, kind):
    path = tmp_path / f"a{kind}"
    with pytest.raises(ValueError, match=r"write: the name .* of an array"):
        archive.write(path, {name: A}, {})
    if kind == ".npz":
        zipped(path, (f"{name}.npy", npy()))
    else:
        tensors(path, {name: entry()}, A.tobytes())
    with pytest.raises(nn.FileError, match=r"the name .* of an array"):
        archive.read(path)


def good(tmp_path, kind=".npz", arrays=None, meta=None):
    """Return the path and the bytes of a file of ours."""
    path = tmp_path / f"good{kind}"
    archive.write(path, {"x": A, "y": np.arange(3)} if arrays is None else arrays, meta or {"epoch": 3})
    return path, bytearray(path.read_bytes())


def replaced(old, new, count=-1):
    def change(data):
        assert old in data
        return data.replace(old, new, count)

    return change


def at_end(offset, code, *values):
    """Write fields of the end of the central directory."""

    def change(data):
        struct.pack_into(code, data, data.rfind(b"PK\5\6") + offset, *values)
        return data

    return change


def in_table(number, offset, code, *values):
    """Write fields of an entry of the central directory."""

    def change(data):
        at = -1
        for _ in range(number + 1):
            at = data.find(b"PK\1\2", at + 1)
        struct.pack_into(code, data, at + offset, *values)
        return data

    return change


def twice(data):
    """Call y.npy x.npy, in both places."""
    return data.replace(b"y.npy", b"x.npy")


ZIPS = {
    "a table that begins elsewhere": (at_end(16, "<L", 3), "not at its beginning"),
    "a table of another size": (at_end(12, "<L", 2**31), "Bad offset for central directory"),
    "something before": (lambda data: b"PK\3\4more" + data, "not at its beginning"),
    "an absurd number of members": (at_end(8, "<HH", 60_000, 60_000), "not complete"),
    "an entry that swallows the next": (in_table(1, 32, "<H", 51), "not complete"),
    "something behind": (lambda data: data + b"more", "not at its end"),
    "two arrays of one name": (twice, "stands in it twice"),
    "another name in the table": (replaced(b"x.npy", b"z.npy", 1), "x.npy is damaged .*differ"),
    "NUL in a name": (replaced(b"x.npy", b"\0.npy"), "is no array"),
    "a name of another kind": (replaced(b"x.npy", b"x.exe"), "is no array"),
    "an encrypted member": (in_table(1, 8, "<H", 1), "is encrypted"),
    "a strongly encrypted member": (in_table(1, 8, "<H", 0x41), "is encrypted"),
    "a member that is a patch": (in_table(1, 8, "<H", 0x20), "x.npy is damaged .compressed patched data"),
    "another way of packing": (in_table(1, 10, "<H", 14), "packed by method 14"),
    "deflate that is none": (in_table(1, 10, "<H", 8), "x.npy is damaged"),
    "another checksum": (in_table(1, 16, "<L", 5), "x.npy is damaged .Bad CRC-32"),
    "a size that lies": (in_table(1, 24, "<L", 2**31), "two sizes"),
    "two sizes that lie": (in_table(2, 20, "<LL", 2**30, 2**30), "lies outside of it"),
    "a member beyond the end": (in_table(1, 42, "<L", 2**31), "lies outside of it"),
    "a member in the place of another": (in_table(2, 42, "<L", 0), "overlaps another"),
    "a version of the future": (in_table(1, 6, "<H", 99), "zip file version 9.9"),
    "a name that is no text": (
        lambda data: in_table(1, 8, "<H", 0x800)(data.replace(b"x.npy", b"\xff.npy")),
        "damaged",
    ),
}


@pytest.mark.parametrize("what", ZIPS)
def test_an_archive_that_contradicts_itself_is_refused(tmp_path, what):
    path, data = good(tmp_path)
    change, message = ZIPS[what]
    path.write_bytes(change(data))
    with pytest.raises(nn.FileError, match=message) as caught:
        archive.read(path)
    assert str(path) in str(caught.value)


HARMLESS = {  # what zipfile does not look at
    "several disks": at_end(4, "<H", 1),
    "a comment that is not there": at_end(20, "<H", 9),
    "a comment": lambda data: at_end(20, "<H", 4)(data) + b"more",
}


@pytest.mark.parametrize("what", HARMLESS)
def test_what_says_nothing_of_the_arrays_changes_nothing(tmp_path, what):
    path, data = good(tmp_path)
    before = archive.read(path)
    path.write_bytes(HARMLESS[what](data))
    after = archive.read(path)
    assert after[1] == before[1] == {"epoch": 3}
    assert list(after[0]) == list(before[0]) == ["x", "y"]
    assert all(same(after[0][name], before[0][name]) for name in before[0])


def test_an_archive_in_an_array_does_not_stand_for_the_one_that_was_cut_off(tmp_path):
    """The table of contents is looked for at the end: there may be another one."""
    _, inner = good(tmp_path, arrays={"x": 2 * A})
    path, data = good(tmp_path, arrays={"x": np.frombuffer(bytes(inner), np.uint8)})
    path.write_bytes(data[: data.find(inner) + len(inner)])
    with pytest.raises(nn.FileError, match="not at its beginning"):
        archive.read(path)


def test_members_that_overlap_are_refused(tmp_path):
    """A quine-like archive: the second entry lies inside the first, whose array holds a whole member."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as file:
        file.writestr(zipfile.ZipInfo("y.npy"), npy())
    local = inner.getvalue()[: inner.getvalue().find(b"PK\1\2")]
    outer = npy(np.frombuffer(local, np.uint8))
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(zipfile.ZipInfo("x.npy"), outer)
        file.writestr(zipfile.ZipInfo("y.npy"), npy())
    assert archive.read(path)[0].keys() == {"x", "y"}
    data = bytearray(path.read_bytes())
    struct.pack_into("<L", data, data.rfind(b"PK\1\2") + 42, data.find(local[:20], 10))
    path.write_bytes(data)
    with pytest.raises(nn.FileError, match="overlaps another"):
        archive.read(path)


def test_archives_with_64_bit_fields_are_read_and_their_lies_found(tmp_path):
    path = tmp_path / "a.npz"
    path.write_bytes(far(2**32 - 1))
    assert same(archive.read(path)[0]["x"], A)
    for size in (2**62, 2**64 - 1, 3):
        path.write_bytes(far(2**32 - 1, size=size))
        with pytest.raises(nn.FileError, match="two sizes"):
            archive.read(path)
    path.write_bytes(far(2**32 - 1, offset=2**63))
    with pytest.raises(nn.FileError, match="not at its beginning"):
        archive.read(path)
    data = far(2**32 - 1)
    for place, value in ((40, 2**60), (48, 2**62), (48, 2**64 - 1)):  # size and place of the table
        lie = bytearray(data)
        struct.pack_into("<Q", lie, lie.rfind(b"PK\6\6") + place, value)
        path.write_bytes(lie)
        with pytest.raises(nn.FileError, match=r"Bad offset for central directory|not at its beginning"):
            archive.read(path)


def far(full, size=None, offset=None):
    """Return an archive of one array with every number in its 64-bit place."""
    data = npy()
    crc = zlib.crc32(data)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 0, 0, 33, crc, full, full, 5, 20) + b"x.npy"
    local += struct.pack("<2H2Q", 1, 16, len(data), len(data))
    extra = struct.pack("<2H3Q", 1, 24, len(data) if size is None else size, len(data), 0 if offset is None else offset)
    table = struct.pack("<4s6H3L5H2L", b"PK\1\2", 45, 45, 0, 0, 0, 33, crc, full, full, 5, len(extra), 0, 0, 0, 0, full)
    table += b"x.npy" + extra
    start = len(local) + len(data)
    end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(table), start)
    end += struct.pack("<4sLQL", b"PK\6\7", 0, start + len(table), 1)
    return local + data + table + end + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2**16 - 1, 2**16 - 1, full, full, 0)


# --- hostile: memory -------------------------------------------------------------------------------------------------


def peak_of(function):
    tracemalloc.start()
    try:
        with pytest.raises(nn.FileError) as caught:
            function()
        return tracemalloc.get_traced_memory()[1], str(caught.value)
    finally:
        tracemalloc.stop()


def deflated(data):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


def test_a_bomb_is_refused_before_it_inflates(tmp_path):
    zeros = npy(np.zeros(2**24 + 2**10))  # 128 MB, in 130 kB
    zipped(tmp_path / "a.npz", ("x.npy", zeros), method=zipfile.ZIP_DEFLATED)
    assert (tmp_path / "a.npz").stat().st_size < 200_000
    peak, message = peak_of(lambda: archive.read(tmp_path / "a.npz"))
    assert "compressed members would grow" in message
    assert peak < 2**20


def test_many_small_bombs_are_one(tmp_path):
    zeros = npy(np.zeros(2**20))
    zipped(tmp_path / "a.npz", *((f"x{i}.npy", zeros) for i in range(20)), method=zipfile.ZIP_DEFLATED)
    peak, message = peak_of(lambda: archive.read(tmp_path / "a.npz"))
    assert "compressed members would grow" in message
    assert peak < 2**20


def test_a_bomb_that_lies_about_its_size_is_stopped_at_that_size(tmp_path):
    data, true = npy(), npy(np.zeros((3, 4)))
    bomb = deflated(true + bytes(2**24))
    assert len(data) == len(true)
    crc = zlib.crc32(true)
    local = struct.pack("<4s5H3L2H", b"PK\3\4", 20, 0, 8, 0, 33, crc, len(bomb), len(true), 5, 0) + b"x.npy"
    table = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 8, 0, 33, crc, len(bomb), len(true), 5, 0, 0, 0, 0, 0, 0)
    start = len(local) + len(bomb)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 1, 1, len(table) + 5, start, 0)
    (tmp_path / "a.npz").write_bytes(local + bomb + table + b"x.npy" + end)
    tracemalloc.start()
    try:
        back, _ = archive.read(tmp_path / "a.npz")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
    assert same(back["x"], np.zeros((3, 4)))


def test_a_bomb_in_a_bomb_is_no_array(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.npy", npy(np.zeros(2**22)))
    zipped(tmp_path / "a.npz", ("x.npy", inner.getvalue()), method=zipfile.ZIP_DEFLATED)
    peak, message = peak_of(lambda: archive.read(tmp_path / "a.npz"))
    assert HEADER in message
    assert peak < 2**20


def test_compressed_files_are_read_up_to_the_limit(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(1000))
    assert archive.read(tmp_path / "a.npz", limit=8128)[0]["x"].shape == (1000,)
    with pytest.raises(nn.FileError, match="8,127 bytes that are left"):
        archive.read(tmp_path / "a.npz", limit=8127)


@pytest.mark.parametrize("kind", KINDS)
def test_reading_takes_no_more_memory_than_the_file_is_long(tmp_path, kind):
    archive.write(tmp_path / f"a{kind}", {"x": np.ones(2**20), "y": np.asfortranarray(np.ones((2**10, 2**9)))}, {})
    size = (tmp_path / f"a{kind}").stat().st_size
    tracemalloc.start()
    try:
        archive.read(tmp_path / f"a{kind}")
        assert tracemalloc.get_traced_memory()[1] < size + 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_an_array_for_which_there_is_no_memory_is_said_to_be_that(tmp_path, monkeypatch, kind):
    archive.write(tmp_path / f"a{kind}", {"x": A}, {})

    def full(*_args, **_options):
        raise MemoryError

    if kind == ".npz":
        monkeypatch.setattr(np, "empty", full)
    else:
        import safetensors

        file = types.SimpleNamespace(get_tensor=full)
        monkeypatch.setattr(safetensors, "safe_open", lambda *_args, **_options: nullcontext(file))
    with pytest.raises(nn.FileError, match="x takes 96 bytes, more memory than there is"):
        archive.read(tmp_path / f"a{kind}")


# --- hostile: safetensors --------------------------------------------------------------------------------------------


def entry(dtype="F64", shape=(3, 4), first=0, last=96):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [first, last]}


def tensors(path, header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text) if length is None else length) + text + data)


DATA = A.tobytes()
TWICE = b'{"x": %b, "x": %b}' % ((json.dumps(entry()).encode(),) * 2)
LIBRARY = "it was cut off or is damaged .Error while deserializing header"  # and why, in the words of its release
TENSORS = {
    "a header longer than the file": ({"x": entry()}, DATA, 10**6, "does not begin with the length of a header"),
    "an absurd length": ({"x": entry()}, DATA, 2**64 - 1, "does not begin with the length of a header"),
    "a header that is no JSON": (b"{'x': 1}", b"", None, "header is not JSON"),
    "a header that is a list": (b"[]", b"", None, "header is not a dict"),
    "a header that is nested deeply": (b'{"a":' * 10**5, b"", None, "nested too deeply|not JSON"),
    "a header of other text": (b"\xff\xfe{}", b"", None, "header is not JSON"),
    "a header with NaN": (b'{"x": NaN}', b"", None, "header is not JSON"),
    "a header with a long number": (b'{"x": ' + b"9" * 9999 + b"}", b"", None, "header is not JSON"),
    "a header with one name twice": (b'{"x": {}, "x": {}}', b"", None, "twice in one dict"),
    "an entry that is no dict": ({"x": 1}, b"", None, LIBRARY),
    "an entry without a shape": ({"x": {"dtype": "F64", "data_offsets": [0, 8]}}, DATA, None, LIBRARY),
    "a negative shape": ({"x": entry(shape=(-3, -4))}, DATA, None, LIBRARY),
    "a shape of floats": ({"x": entry(shape=(3.0, 4))}, DATA, None, LIBRARY),
    "a shape of booleans": ({"x": entry(shape=(True, 12))}, DATA, None, LIBRARY),
    "negative offsets": ({"x": entry(first=-96, last=0)}, DATA, None, LIBRARY),
    "an unknown dtype": ({"x": entry("F128")}, DATA, None, LIBRARY),
    "floats of 8 bits": ({"x": entry("F8_E4M3", (96,))}, DATA, None, "the dtype 'F8_E4M3', which NumPy does not have"),
    "complex numbers of another name": ({"x": entry("C128", (6,))}, DATA, None, LIBRARY),
    "too many axes": ({"x": entry(shape=(1,) * 70 + (12,))}, DATA, None, "x is no array of NumPy's"),
    "an array that stands twice": (TWICE, DATA, None, "twice in one dict"),
    "a dtype that is no text": ({"x": entry(["F64"])}, DATA, None, LIBRARY),
    "another shape": ({"x": entry(shape=(3, 5))}, DATA, None, LIBRARY),
    "an absurd shape": ({"x": entry(shape=(10**12,))}, DATA, None, LIBRARY),
    "an absurd shape beside a 0": ({"x": entry(shape=(0, 10**30), last=0)}, b"", None, LIBRARY),
    "sizes that overflow beside a 0": (
        {"x": entry(shape=(0, 2**62, 2**62), last=0)},
        b"",
        None,
        f"x is no array of NumPy's|{LIBRARY}",
    ),
    "offsets that go backwards": ({"x": entry(first=96, last=0)}, DATA, None, LIBRARY),
    "offsets beyond the end": ({"x": entry(shape=(6, 4), last=192)}, DATA, None, LIBRARY),
    "two arrays in one place": ({"x": entry(), "y": entry()}, DATA, None, LIBRARY),
    "arrays that overlap": ({"x": entry(), "y": entry(shape=(1,), first=88)}, DATA, None, LIBRARY),
    "a hole": ({"x": entry(first=8, last=104)}, DATA + bytes(8), None, LIBRARY),
    "more behind": ({"x": entry()}, DATA + b"more", None, LIBRARY),
    "metadata that are no dict": ({"__metadata__": 1}, b"", None, LIBRARY),
    "metadata that are no text": ({"__metadata__": {"a": 1}}, b"", None, LIBRARY),
    "booleans of 2": ({"x": entry("BOOL", (1,), 0, 1)}, b"\2", None, "neither 0 nor 1"),
    "metadata of ours without a checksum": (
        {"__metadata__": {"autograd_mini": "{}"}},
        b"",
        None,
        "checksum is another",
    ),
    "metadata with half a character": (
        b'{"__metadata__": {"autograd_mini": "autograd_mini 00000000 \\ud800"}}',
        b"",
        None,
        LIBRARY,
    ),
}


@needs_library
@pytest.mark.parametrize("what", TENSORS)
def test_a_safetensors_file_that_contradicts_itself_is_refused(tmp_path, what):
    header, data, length, message = TENSORS[what]
    path = tmp_path / "a.safetensors"
    tensors(path, header, data, length)
    with pytest.raises(nn.FileError, match=message) as caught:
        archive.read(path)
    assert str(path) in str(caught.value)


FLOODS = {
    "lists": b"[" + b"[]," * 10**6 + b"[]]",
    "dicts": b"[" + b"{}," * 10**6 + b"{}]",
    "text": b'"' + b"a" * 2**24 + b'"',
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_json_is_refused_before_it_is_parsed(tmp_path, flood, kind):
    path, text = tmp_path / f"a{kind}", b'{"x":' + FLOODS[flood] + b"}"
    if kind == ".npz":
        zipped(path, ("metadata.json", text))
    else:
        tensors(path, text)
    peak, message = peak_of(lambda: archive.read(path))
    assert "larger than" in message
    assert peak < 3 * path.stat().st_size + 2**20


def test_a_flood_of_members_takes_few_times_the_bytes_of_the_file(tmp_path):
    entry = struct.pack("<4s6H3L5H2L", b"PK\1\2", 20, 20, 0, 0, 0, 33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 50_000, 50_000, 50_000 * len(entry), 4, 0)
    (tmp_path / "a.npz").write_bytes(b"PK\3\4" + 50_000 * entry + end)
    peak, message = peak_of(lambda: archive.read(tmp_path / "a.npz"))
    assert "is no array" in message
    assert peak < 16 * (tmp_path / "a.npz").stat().st_size


@needs_library
def test_the_largest_metadata_that_pass_take_100_mb(tmp_path):
    values = b"[" + b"{}," * (2**19 - 10) + b"{}]"
    tensors(tmp_path / "a.safetensors", b'{"x":' + values + b"}")
    peak, message = peak_of(lambda: archive.read(tmp_path / "a.safetensors"))
    assert "it was cut off or is damaged" in message
    assert peak < 100 * 2**20


# --- hostile: the metadata -------------------------------------------------------------------------------------------

CONTENTS = {
    "a list": ([], "is not a dict"),
    "something else": ({"a": 1}, "written by something else"),
    "a version that is no number": ({"archive": "1", "checksums": {}, "metadata": {}}, "written by something else"),
    "a version of the future": ({"archive": 2, "checksums": {}, "metadata": {}}, "Install a newer autograd_mini"),
    "no table": ({"archive": 1, "checksums": [], "metadata": {}}, "written by something else"),
    "no metadata": ({"archive": 1, "checksums": {}, "metadata": []}, "metadata are not a dict"),
    "an array that is not in the table": ({"archive": 1, "checksums": {}, "metadata": {}}, "not in its table"),
    "an array that is missing": (
        {"archive": 1, "checksums": {"x": 1, "y": 1}, "metadata": {}},
        "the array y is missing",
    ),
    "a checksum that differs": ({"archive": 1, "checksums": {"x": 1}, "metadata": {}}, "x is damaged: its checksum"),
    "a checksum that is no number": ({"archive": 1, "checksums": {"x": []}, "metadata": {}}, "x is damaged"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", CONTENTS)
def test_metadata_of_other_types_are_refused(tmp_path, what, kind):
    content, message = CONTENTS[what]
    text = json.dumps(content)
    path = tmp_path / f"a{kind}"
    if kind == ".npz":
        zipped(path, ("metadata.json", text), ("x.npy", npy()))
    else:
        meta = {"autograd_mini": f"autograd_mini {zlib.crc32(text.encode()):08x} {text} autograd_mini"}
        tensors(path, {"__metadata__": meta, "x": entry()}, DATA)
    with pytest.raises(nn.FileError, match=message):
        archive.read(path)


# --- other files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"P", "cannot be read"),
        (b"hello\n" * 50, "no zip archive|length of a header"),
        (npy(), r"a single array|length of a header"),
        (pickle.dumps(Evil()), "a pickle, which is never opened|length of a header"),
        (b"\x89HDF\r\n\x1a\n" + bytes(99), "HDF5|length of a header"),
        (bytes(100), "no zip archive|header is not JSON"),
    ],
    ids=["empty", "a byte", "text", "npy", "pickle", "hdf5", "zeros"],
)
def test_files_of_other_kinds_are_refused(tmp_path, kind, content, message):
    (tmp_path / f"a{kind}").write_bytes(content)
    with pytest.raises(nn.FileError, match=message):
        archive.read(tmp_path / f"a{kind}")
    assert not Evil.done


@needs_library
def test_each_format_under_the_other_s_name_is_refused(tmp_path):
    archive.write(tmp_path / "a.npz", {"x": A}, {})
    archive.write(tmp_path / "b.safetensors", {"x": A}, {})
    os.rename(tmp_path / "a.npz", tmp_path / "a.safetensors")
    os.rename(tmp_path / "b.safetensors", tmp_path / "b.npz")
    with pytest.raises(nn.FileError, match="it is a zip archive"):
        archive.read(tmp_path / "a.safetensors")
    with pytest.raises(nn.FileError, match="it is no zip archive"):
        archive.read(tmp_path / "b.npz")


def test_zip_archives_of_other_things_are_refused(tmp_path):
    zipped(tmp_path / "a.npz", ("archive/data.pkl", pickle.dumps(Evil())))
    with pytest.raises(nn.FileError, match=r"'archive/data\.pkl' is no array"):
        archive.read(tmp_path / "a.npz")
    assert not Evil.done


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "a.npz").mkdir()
    with pytest.raises(nn.FileError, match="it is a directory"):
        archive.read(tmp_path / "a.npz")
    for path in ("b.npz", "no/b.npz"):
        with pytest.raises(FileNotFoundError, match=r"there is no file .*b\.npz"):
            archive.read(tmp_path / path)
    with pytest.raises(nn.FileError, match="no ordinary file"):
        archive.read("a\0.npz")


# --- damage ----------------------------------------------------------------------------------------------------------

SMALL = {"weight": A, "bias": np.arange(4, dtype=np.float32), "on": np.array([True, False]), "none": np.zeros((0, 2))}
META = {"epoch": 12, "loss": [0.5, 0.25], "who": "somebody"}


def outcome(path):
    """Return None where the error is clear, else what was read."""
    try:
        return archive.read(path)
    except nn.FileError as error:
        assert str(path) in str(error)
        return None


def whole(found):
    arrays, meta = found
    return meta == META and arrays.keys() == SMALL.keys() and all(same(arrays[name], SMALL[name]) for name in SMALL)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_off_at_any_byte_is_refused(tmp_path, kind):
    path, data = good(tmp_path, kind, SMALL, META)
    for length in range(len(data)):
        os.truncate(path, len(data) - 1 - length)
        assert outcome(path) is None, len(data) - 1 - length


@pytest.mark.parametrize("kind", KINDS)
def test_a_flipped_bit_is_found_or_changes_nothing(tmp_path, kind):
    """Every bit of the file in turn: some, such as a date's, mean nothing."""
    path, data = good(tmp_path, kind, SMALL, META)
    assert whole(archive.read(path))
    passed = 0
    for at in range(len(data)):
        bit = 1 << (at * 5 + 3) % 8
        data[at] ^= bit
        path.write_bytes(data)
        data[at] ^= bit
        found = outcome(path)
        assert found is None or whole(found), (at, bit)
        passed += found is not None
    assert passed < len(data) / 4


@needs_library
def test_metadata_whose_name_is_damaged_are_found_and_compared_with_their_checksum(tmp_path):
    path, data = good(tmp_path, ".safetensors", SMALL, META)
    renamed = replaced(b'{"autograd_mini":', b'{"autograd_mink":')(data)
    path.write_bytes(renamed)
    assert whole(archive.read(path))
    for damage in ((b'"autograd_mini ', b'"autograd_minj '), (b' autograd_mini"', b' autograd_minj"')):
        path.write_bytes(replaced(*damage)(renamed))
        with pytest.raises(nn.FileError, match="its metadata are damaged"):
            archive.read(path)


def test_a_flipped_bit_of_a_compressed_file_of_others_is_found_or_changes_nothing(tmp_path):
    """It has no checksums but those of its members."""
    path = tmp_path / "a.npz"
    np.savez_compressed(path, **SMALL)
    data = bytearray(path.read_bytes())
    for at in range(len(data)):
        data[at] ^= 1 << at * 5 % 8
        path.write_bytes(data)
        data[at] ^= 1 << at * 5 % 8
        found = outcome(path)
        assert found is None or whole((found[0], META)), at


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_mutated_at_random_is_read_exactly_or_refused(tmp_path, kind):
    path, original = good(tmp_path, kind, SMALL, META)
    rng = np.random.default_rng(7)
    for turn in range(400):
        data = bytearray(original)
        for _ in range(rng.integers(1, 4)):
            first, last = sorted(rng.integers(len(data), size=2))
            last = min(last, first + int(rng.integers(1, 64)))
            piece = data[first:last]
            change = rng.integers(7)
            if change == 0:
                data[first:last] = rng.bytes(len(piece))
            elif change == 1:
                del data[first:last]
            elif change == 2:
                data[first:first] = piece
            elif change == 3:
                data[first:last] = bytes(len(piece))
            elif change == 4:
                data[first:last] = b"\xff" * len(piece)
            elif change == 5:
                to = int(rng.integers(len(data)))
                data[to : to + len(piece)] = piece
            elif len(data) > 8:
                struct.pack_into("<L", data, int(rng.integers(len(data) - 4)), int(rng.integers(2**32)))
        path.write_bytes(data)
        found = outcome(path)
        assert found is None or whole(found), turn
