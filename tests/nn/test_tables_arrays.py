"""Arrays in .npz, .npy and IDX files, and Parquet, as tables; damaged ones are refused in a sentence."""

import gzip
import struct

import numpy as np
import pytest

from nn import tables

rng = np.random.default_rng(0)
IMAGES = rng.integers(0, 256, (40, 4, 3), dtype=np.uint8)
LABELS = (np.arange(40) % 4).astype(np.uint8)
SIXTH = np.arange(40) == 5


def idx(path, array, code=8, change=lambda content: content):
    """Write an IDX file, packed if its name says so."""
    header = bytes([0, 0, code, array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    content = change(header + array.astype(array.dtype.newbyteorder(">")).tobytes())
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def npz(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


def refusal(path, target="y", opening=None, **options):
    with pytest.raises(tables.TableError) as caught:
        tables.load(tables.open_table(path, **(opening or {})), target, **options)
    return str(caught.value)


@pytest.mark.parametrize("images", ["train-images-idx3-ubyte.gz", "train-images-idx3-ubyte"])
@pytest.mark.parametrize("labels", ["train-labels-idx1-ubyte.gz", "train-labels-idx1-ubyte"])
def test_images_find_their_labels_and_are_bytes_divided_by_255(tmp_path, images, labels):
    idx(tmp_path / labels, LABELS)
    table = tables.open_table(idx(tmp_path / images, IMAGES))
    assert (table.columns, table.shapes["pixels"], table.rows) == (("pixels", "label"), (4, 3), 40)
    data = tables.load(table, "label", dtype=np.float32)
    X, y = data.arrays()
    assert X.dtype == np.float32 and data.encoding.width == 12
    np.testing.assert_allclose(X, IMAGES.reshape(40, 12) / 255, rtol=1e-6)
    np.testing.assert_array_equal(y, LABELS)
    np.testing.assert_array_equal(data.raw([3])["pixels"][0], IMAGES[3])
    assert data.raw([3])["label"] == ["3"] and data.numbers.tolist() == list(range(1, 41))


@pytest.mark.parametrize(("code", "dtype"), [(8, "u1"), (9, "i1"), (11, "i2"), (12, "i4"), (13, "f4"), (14, "f8")])
@pytest.mark.parametrize("name", ["a.idx", "a.idx.gz"])
def test_idx_holds_numbers_of_six_types(tmp_path, code, dtype, name):
    array = rng.integers(-100, 100, (30, 2)).astype(dtype)
    table = tables.open_table(idx(tmp_path / name, array, code), labels=idx(tmp_path / "l.idx", LABELS[:30]))
    np.testing.assert_array_equal(np.concatenate([chunk.columns["pixels"] for chunk in table.chunks(7)]), array)


IDX = {
    "cut off": (lambda c: c[:-7], "should hold 40 x 4 x 3 values, 480 bytes, and holds"),
    "too long": (lambda c: c + b"1234567", "should hold 40 x 4 x 3 values, 480 bytes, and holds"),
    "of another type": (lambda c: b"\0\0\7" + c[3:], "no IDX file does"),
    "something else": (lambda c: b"%PDF" + c[4:], "no IDX file does"),
    "cut off in its header": (lambda c: c[:9], "ends within its header"),
    "empty": (lambda c: b"", "the file is empty"),
    "of no images": (lambda c: c[:4] + bytes(4) + c[8:16], "none|no rows"),
    "of a size that no memory has": (lambda c: c[:4] + b"\xff" * 12 + c[16:], "values, .* bytes, and holds"),
}


@pytest.mark.parametrize("case", IDX)
@pytest.mark.parametrize("name", ["a-ubyte", "a-ubyte.gz"])
def test_idx_files_that_are(tmp_path, case, name):
    change, said = IDX[case]
    with pytest.raises(tables.TableError, match=said):
        tables.open_table(idx(tmp_path / name, IMAGES, change=change))


def test_labels_must_fit(tmp_path):
    images = idx(tmp_path / "a.idx", IMAGES)
    assert "40 images, and" in refusal(images, "label", {"labels": idx(tmp_path / "b.idx", LABELS[:30])})
    assert "labels are one per row" in refusal(images, "label", {"labels": images})
    assert "Its labels are in another file" in refusal(images, "label")
    with pytest.raises(FileNotFoundError, match="no such file of labels"):
        tables.open_table(images, labels=tmp_path / "none")


def test_an_archive_has_a_column_for_each_array(tmp_path):
    X, words = rng.normal(3, 2, (40, 5)), np.array(["u", "v", "w", "u"] * 10)
    path = npz(tmp_path / "a.npz", X=X, c=words, n=np.arange(40) % 7, t=np.arange(40) % 2 == 0, y=LABELS)
    data = tables.load(path, "y")
    kinds = [i.kind for i in data.encoding.inputs]
    assert kinds == ["block", "category", "number", "boolean"]
    inputs, _ = data.arrays()
    np.testing.assert_allclose(inputs[:, :5], (X - X.mean(0)) / X.std(0), atol=1e-12)
    assert data.encoding.names[:6] == ["X[0]", "X[1]", "X[2]", "X[3]", "X[4]", "c = u"]


def test_an_archive_with_two_parts_gives_one(tmp_path):
    path = npz(tmp_path / "a.npz", x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:8], y_test=LABELS[:8])
    assert tables.open_table(path).rows == 40
    assert tables.open_table(path, part="test").rows == 8
    assert tables.open_table(path).columns == ("x", "y")
    assert "it has no part 'valid'" in refusal(path, opening={"part": "valid"})


ARCHIVES = {
    "arrays of two lengths": ({"X": IMAGES, "y": LABELS[:3]}, r"not as many rows: X \(40, 4, 3\), y \(3,\)"),
    "a pickle": ({"X": np.array([{}, 1], object)}, "pickled Python objects"),
    "a single number": ({"X": IMAGES, "y": LABELS, "k": np.array(3)}, "'k' is a single number"),
    "nothing": ({}, "holds no arrays"),
    "no rows": ({"X": IMAGES[:0], "y": LABELS[:0]}, "no rows"),
    "values of no size": ({"X": IMAGES[:, :0], "y": LABELS}, "hold nothing"),
    "dates": ({"X": np.arange(40).astype("M8[D]"), "y": LABELS}, r"column 'X': its values are dates or times"),
    "complex numbers": ({"X": IMAGES.reshape(40, 12)[:, 0] * 1j, "y": LABELS}, "neither numbers nor text"),
    "rows of text": ({"X": np.array([["a", "b"]] * 40), "y": LABELS}, "arrays of text"),
    "a target of many values": ({"X": LABELS, "y": IMAGES}, r"shape \(4, 3\), and are no target"),
    "NaN in a matrix": ({"X": np.where(np.eye(40) * SIXTH, np.nan, 1.5), "y": LABELS}, "row 6, column 'X'"),
    "an infinite number": ({"X": np.where(SIXTH, np.inf, np.arange(40)), "y": LABELS}, "row 6, column 'X'"),
    "NaN": ({"X": np.where(SIXTH, np.nan, np.arange(40)), "y": LABELS}, "row 6, column 'X': the value is m"),
    "large whole numbers": ({"X": 2**60 + np.arange(40) // 2, "y": LABELS}, r"row 1, column 'X': .* beyond 2\^53"),
}


@pytest.mark.parametrize("case", ARCHIVES)
def test_archives_that_hold(tmp_path, case):
    arrays, said = ARCHIVES[case]
    with pytest.raises(tables.TableError, match=said):
        tables.load(npz(tmp_path / "a.npz", **arrays), "y")


def test_many_large_whole_numbers_are_refused(tmp_path):
    path = npz(tmp_path / "a.npz", X=np.append(np.arange(3000), 2**60), y=np.arange(3001) % 2)
    assert "row 3001, column 'X': 1152921504606846976 is a whole number beyond" in refusal(path)


def test_a_column_of_dates_can_be_left_out(tmp_path):
    path = npz(tmp_path / "a.npz", d=np.arange(40).astype("M8[D]"), X=IMAGES, y=LABELS)
    assert tables.load(path, "y", ignore="d").encoding.width == 12


@pytest.mark.parametrize("cut", [0, 10, 500, -5])
def test_an_archive_that_was_cut_off_is_refused(tmp_path, cut):
    path = npz(tmp_path / "a.npz", X=IMAGES, y=LABELS)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(tables.TableError, match=r"a\.npz: "):
        tables.open_table(path)


def test_a_matrix_has_a_column_for_each_of_its_columns(tmp_path):
    matrix = np.c_[rng.normal(size=(40, 3)), np.arange(40) % 2]
    np.save(tmp_path / "a.npy", matrix)
    data = tables.load(tmp_path / "a.npy", "column_4")
    assert data.encoding.names == ["column_1", "column_2", "column_3"]
    np.save(tmp_path / "labels.npy", LABELS)
    table = tables.open_table(tmp_path / "a.npy", labels=tmp_path / "labels.npy")
    assert table.columns == ("values", "label")
    np.testing.assert_array_equal(table.array("values"), matrix)


def test_records_have_a_column_for_each_field(tmp_path):
    records = np.zeros(20, [("size", "f4"), ("kind", "U3")])
    records["size"], records["kind"] = np.arange(20) ** 2, ["cat", "dog"] * 10
    np.save(tmp_path / "a.npy", records)
    assert tables.load(tmp_path / "a.npy", "kind").encoding.target.classes == ("cat", "dog")


@pytest.mark.parametrize("content", [b"xxxx", b"\x93NUMPY\1\0zzzz", b""])
def test_a_damaged_npy_file_is_refused(tmp_path, content):
    (tmp_path / "a.npy").write_bytes(content)
    with pytest.raises(tables.TableError, match=r"damaged|not begin|empty"):
        tables.open_table(tmp_path / "a.npy")


def test_a_npy_file_of_objects_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(tables.TableError, match="pickled"):
        tables.open_table(tmp_path / "a.npy")


def test_parquet_has_types_of_its_own(tmp_path):
    arrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {
        "x": arrow.array([1.5, None, 2.5, 4.0] * 5),
        "n": arrow.array([1, 2, None, 4] * 5),
        "b": arrow.array([True, False, None, True] * 5),
        "c": arrow.array(["u", "v", "u", None] * 5),
        "k": arrow.array(["u", "v", "u", "w"] * 5).dictionary_encode(),
        "d": arrow.array(np.arange(20).astype("M8[s]")),
        "l": arrow.array([[1, 2], [3]] * 10),
        "y": arrow.array(["no", "yes"] * 10),
    }
    parquet.write_table(arrow.table(columns), tmp_path / "a.parquet", row_group_size=7)
    assert "column 'd': its values are dates or times" in refusal(tmp_path / "a.parquet", missing="impute")
    assert "column 'l': its values are neither" in refusal(tmp_path / "a.parquet", missing="impute", ignore=["d"])
    data = tables.load(tmp_path / "a.parquet", "y", missing="impute", ignore=["d", "l"])
    kinds = [(i.name, i.kind, i.indicator) for i in data.encoding.inputs]
    assert kinds == [
        ("x", "number", True),
        ("n", "number", True),
        ("b", "boolean", True),
        ("c", "category", True),
        ("k", "category", False),
    ]
    assert data.raw([1])["x"] == [None] and data.raw([3])["n"] == [4.0]
    others = ["d", "l", "n", "b", "c"]
    assert "row 2, column 'x': the value is missing" in refusal(tmp_path / "a.parquet", ignore=others)
    (tmp_path / "b.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    assert "damaged, or no Parquet file" in refusal(tmp_path / "b.parquet")
