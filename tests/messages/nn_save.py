"""What goes wrong with files of arrays and of models: nn.archive, nn.save, nn.load."""

import functools
import os
import sys
import tempfile
import zipfile
from unittest import mock

import numpy as np

import nn
from autograd_mini import errors
from nn import archive

A = np.ones((2, 3))


@functools.cache
def folder():
    """Return a directory that goes when the tests end."""
    return tempfile.TemporaryDirectory(prefix="nn-")


def place(name):
    return os.path.join(folder().name, name)


def written(name, content):
    with open(place(name), "wb") as file:
        file.write(content)
    return place(name)


def saved(name, model=None, **options):
    nn.save(nn.MLP([2, 3, 1], "tanh", rng=0) if model is None else model, place(name), **options)
    return place(name)


def damaged():
    with open(saved("damaged.npz"), "r+b") as file:
        content = file.read()
        file.seek(content.find(b"2.weight.npy") + 12 + 130)
        file.write(b"****")
    return nn.load(place("damaged.npz"))


def not_found(path):
    return nn.load(place(path))


def without_the_library():
    with mock.patch.dict(sys.modules, {"safetensors": None, "safetensors.numpy": None}):
        archive.write(place("a.safetensors"), {"x": A}, {})


def pipe():
    os.mkdir(place("folder.npz")) if not os.path.isdir(place("folder.npz")) else None
    return place("folder.npz")


def repacked(value):
    return archive.unpack({}, value)


class Net(nn.Module):
    def __init__(self):
        self.linear = nn.Linear(2, 3, rng=0)

    def config(self):
        return {"width": 3}

    def forward(self, x):
        return self.linear(x)


def changed(**changes):
    """Write a model whose description was changed."""
    arrays, meta = archive.read(saved("changed.npz"))
    meta["model"].update(changes)
    archive.write(place("changed.npz"), arrays, meta)
    return nn.load(place("changed.npz"))


def with_json(text):
    with zipfile.ZipFile(place("json.npz"), "w") as file:
        file.writestr("metadata.json", text)
    return archive.read(place("json.npz"))


def deep():
    tree = []
    for _ in range(200):
        tree = [tree]
    return tree


def added_to():
    model = nn.Tanh()
    model.more = nn.Parameter(A)
    return nn.load(saved("added.npz", model))


FIX = "Take another copy"

ROWS = {
    "archive.write('a.npz', [x], {})": (
        lambda: archive.write(place("a.npz"), [A], {}),
        TypeError,
        ["write: arrays is", "dict from names to arrays"],
    ),
    "archive.write('a.npz', {'../x': x}, {})": (
        lambda: archive.write(place("a.npz"), {"../x": A}, {}),
        ValueError,
        [r"write: the name '\.\./x' of an array is a path", "Name arrays like attributes"],
    ),
    "archive.write('a.npz', {1: x}, {})": (
        lambda: archive.write(place("a.npz"), {1: A}, {}),
        ValueError,
        ["write: the name 1 of an array is no text"],
    ),
    "archive.write('a.npz', {'x': np.ma.array(x)}, {})": (
        lambda: archive.write(place("a.npz"), {"x": np.ma.array(A)}, {}),
        errors.DTypeError,
        ["write: x is a masked array", r"a\.filled\(value\)"],
    ),
    "archive.write('a.npz', {'x': np.array([None])}, {})": (
        lambda: archive.write(place("a.npz"), {"x": np.array([None])}, {}),
        errors.DTypeError,
        ["write: x holds object", r"a\.astype\(float\)"],
    ),
    "archive.write('a.safetensors', {'x': 1j * x}, {})": (
        lambda: archive.write(place("a.safetensors"), {"x": 1j * A}, {}),
        errors.DTypeError,
        ["write: x holds complex128", r"\.safetensors has no type", r"Save it as \.npz"],
    ),
    "archive.write('a.safetensors', {}, {}) without the library": (
        without_the_library,
        ImportError,
        ["needs the package safetensors, which could not be loaded", r"pip install 'autograd-mini\[safetensors\]'"],
    ),
    "archive.write('a.npz', {}, {'a': nan})": (
        lambda: archive.write(place("a.npz"), {}, {"a": float("nan")}),
        TypeError,
        ["write: the metadata cannot be written as JSON", r"archive\.pack\(metadata\)"],
    ),
    "archive.write('a.npz', {}, {'a': (1, 2)})": (
        lambda: archive.write(place("a.npz"), {}, {"a": (1, 2)}),
        TypeError,
        ["write: the metadata would come back changed", r"archive\.pack\(metadata\)"],
    ),
    "archive.write('a.npz', {}, {'a': 'a' * 2**24})": (
        lambda: archive.write(place("a.npz"), {}, {"a": "a" * 2**24}),
        ValueError,
        ["write: the metadata are 16,777,", "Keep what is large in arrays"],
    ),
    "archive.write('none/a.npz', {}, {})": (
        lambda: archive.write(place("none/a.npz"), {}, {}),
        FileNotFoundError,
        ["write: there is no directory", r"os\.makedirs"],
    ),
    "archive.write(folder, {}, {})": (
        lambda: archive.write(pipe(), {}, {}),
        FileExistsError,
        [r"write: .*folder\.npz is there, and is no file", "Choose another name"],
    ),
    "archive.pack({1, 2})": (lambda: archive.pack({1, 2}), TypeError, ["pack: the tree holds", "dicts, lists, tuples"]),
    "archive.pack(tree) of 200 levels": (
        lambda: archive.pack(deep()),
        ValueError,
        ["pack: the tree is nested more than 100 deep", "Make it flatter"],
    ),
    "archive.unpack({}, {'$array': 'x'})": (
        lambda: repacked({"$array": "x"}),
        nn.FileError,
        ["cannot be unpacked: there is no array 'x'", r"archive\.pack returned"],
    ),
    "archive.unpack({}, {'$dict': [[[], 1]]})": (
        lambda: repacked({"$dict": [[[], 1]]}),
        nn.FileError,
        ["a key is a list, a dict or an array"],
    ),
    "nn.save(model, 3)": (lambda: nn.save(nn.Tanh(), 3.5), TypeError, ["write: path is 3.5", "name of a file"]),
    "nn.save(model, 'model.pt')": (
        lambda: nn.save(nn.Tanh(), "model.pt"),
        ValueError,
        [r"write: path is 'model\.pt'", r"must end in \.npz or \.safetensors"],
    ),
    "nn.save(model, 'model')": (
        lambda: nn.save(nn.Tanh(), "model"),
        ValueError,
        [r"write: path is 'model', but must end in \.npz or \.safetensors", r"Write 'model\.npz'\."],
    ),
    "nn.save(model.state_dict(), 'model.npz')": (
        lambda: nn.save({"weight": A}, place("model.npz")),
        TypeError,
        ["save: model is a dict", "must be a Module"],
    ),
    "nn.save(model, path, metadata=[1])": (
        lambda: nn.save(nn.Tanh(), place("model.npz"), metadata=[1]),
        TypeError,
        [r"save: metadata is \[1\]", "must be a dict"],
    ),
    "nn.load('model.pkl')": (lambda: nn.load("model.pkl"), ValueError, [r"read: path is 'model\.pkl'", r"\.npz"]),
    "nn.load('none.npz')": (
        lambda: not_found("none.npz"),
        FileNotFoundError,
        [r"read: there is no file .*none\.npz", r"os\.getcwd\(\)"],
    ),
    "nn.load(folder)": (lambda: nn.load(pipe()), nn.FileError, [r"folder\.npz cannot be read: it is a directory"]),
    "nn.load(file of no bytes)": (lambda: nn.load(written("empty.npz", b"")), nn.FileError, ["it is empty", FIX]),
    "nn.load(damaged file)": (
        damaged,
        nn.FileError,
        [r"damaged\.npz cannot be read: its member 2\.weight\.npy is damaged \(Bad CRC-32", FIX],
    ),
    "nn.load(file with NaN in its JSON)": (
        lambda: with_json('{"x": NaN}'),
        nn.FileError,
        [r"json\.npz cannot be read: its metadata is not JSON \(NaN is no JSON\)", FIX],
    ),
    "nn.load(file with a name twice)": (
        lambda: with_json('{"x": 1, "x": 2}'),
        nn.FileError,
        [r"its metadata is not JSON \(a name stands twice in one dict\)", FIX],
    ),
    "nn.load(path, model=Net)": (
        lambda: nn.load(saved("m.npz"), model=Net),
        TypeError,
        ["load: model is the class Net", "must be a Module"],
    ),
    "nn.load(path, classes=['Net'])": (
        lambda: nn.load(saved("m.npz"), classes=["Net"]),
        TypeError,
        ["load: classes holds 'Net'", r"classes=\[MyNet\]"],
    ),
    "nn.load(path) of a class of one's own": (
        lambda: nn.load(saved("net.npz", Net())),
        nn.FileError,
        ["it needs a class 'Net', which is not known here", r"nn\.load\(path, classes=\[Net\]\)", "model=model"],
    ),
    "nn.load(path, classes=[Net]) where config() and __init__ disagree": (
        lambda: nn.load(saved("net.npz", Net()), classes=[Net]),
        TypeError,
        ["unexpected keyword argument 'width'"],
    ),
    "nn.load(path, model=model) of other sizes": (
        lambda: nn.load(saved("m.npz"), model=nn.MLP([2, 4, 1], rng=0)),
        nn.FileError,
        [r"m\.npz does not fit this model: 0\.bias has shape|0\.weight has shape", "Build the model with the sizes"],
    ),
    "nn.load(path) of a newer version": (
        lambda: changed(version=99, package="9.1"),
        nn.FileError,
        [r"cannot be loaded: autograd_mini 9\.1 wrote it", "Install a newer autograd_mini"],
    ),
    "nn.load(path) of arguments that a layer does not take": (
        lambda: changed(modules=[{"class": "Tanh", "own": True, "config": {"x": 1}}]),
        nn.FileError,
        ["holds arguments that Tanh does not take"],
    ),
    "nn.load(path) of arguments that are missing": (
        lambda: changed(modules=[{"class": "Tanh", "own": True, "config": {"$array": "x"}}]),
        nn.FileError,
        ["cannot be loaded", "there is no array 'x'"],
    ),
    "nn.load(path) of a layer that was given more parameters": (
        added_to,
        nn.FileError,
        [
            "the state of a Tanh, but not how one is built",
            "holds other parameters than",
            r"nn\.load\(path, model=model\)",
        ],
    ),
}
