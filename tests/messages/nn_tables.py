"""What goes wrong with tables in files: nn.tables."""

import functools
import os
import sys
import tempfile
from unittest import mock

import numpy as np

from nn import tables

ROWS_ = "".join(f"{i / 2},{'ab'[i % 2]}\n" for i in range(12))


@functools.cache
def folder():
    """Return a directory that goes when the tests end."""
    return tempfile.TemporaryDirectory(prefix="tables-")


def place(name="a.csv", content=None):
    path = os.path.join(folder().name, name)
    if content is not None:
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
    return path


def loaded(text, target="y", name="a.csv", opening=None, **options):
    return tables.load(tables.open_table(place(name, text), **(opening or {})), target, **options)


def flats():
    return loaded("x,y\n" + ROWS_)


def encoding():
    return flats().encoding


def transformed(text):
    for chunk in tables.open_table(place("b.csv", text)).chunks():
        encoding().transform(chunk)


def described(**changed):
    tables.Encoding.from_dict(encoding().to_dict() | changed)


def without_pyarrow():
    with mock.patch.dict(sys.modules, {"pyarrow": None, "pyarrow.parquet": None}):
        tables.open_table(place("a.parquet", b"PAR1"))


class Damaged(Exception):
    """What pyarrow raises."""


def fake_pyarrow(batches):
    """Return modules that behave as pyarrow does with a file that is damaged at its beginning, or in the middle."""

    class File:
        def __init__(self, _):
            if batches is None:
                raise Damaged("Parquet magic bytes not found in footer")
            self.schema_arrow = mock.Mock(names=["x"])
            self.metadata = mock.Mock(num_rows=3)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def iter_batches(self, **_):
            yield from ()
            raise Damaged(batches)

    parquet = mock.Mock(ParquetFile=File)
    arrow = mock.Mock(ArrowException=Damaged, parquet=parquet)
    return {"pyarrow": arrow, "pyarrow.parquet": parquet}


def damaged_parquet(batches):
    with mock.patch.dict(sys.modules, fake_pyarrow(batches)):
        list(tables.open_table(place("a.parquet", b"PAR1")).chunks())


def npz(**arrays):
    np.savez(place("a.npz"), **arrays)
    return tables.open_table(place("a.npz"))


OPENING = {
    "tables.open_table(3)": (lambda: tables.open_table(3.5), TypeError, ["path is 3.5", "name of a file"]),
    "tables.open_table('none.csv')": (
        lambda: tables.open_table(place("none.csv")),
        FileNotFoundError,
        [r"There is no file .*none\.csv", "whole path"],
    ),
    "tables.open_table(separator='||')": (
        lambda: tables.open_table("a.csv", separator="||"),
        ValueError,
        [r"open_table: separator is '\|\|'", "one character"],
    ),
    "tables.open_table(decimal='x')": (
        lambda: tables.open_table("a.csv", decimal="x"),
        ValueError,
        ["open_table: decimal is 'x'", r"'\.' or ','"],
    ),
    "tables.open_table(decimal=',', separator=',')": (
        lambda: tables.open_table("a.csv", decimal=",", separator=","),
        ValueError,
        ["separator and decimal are both ','"],
    ),
    "tables.open_table of a folder": (
        lambda: tables.open_table(folder().name),
        tables.TableError,
        ["it is a directory", "name of a file"],
    ),
    "tables.open_table('a.xlsx')": (
        lambda: tables.open_table(place("a.xlsx", b"PK")),
        tables.TableError,
        [r"a\.xlsx: it is an Excel workbook", "Save it as CSV"],
    ),
    "tables.open_table(encoding='klingon')": (
        lambda: tables.open_table(place("a.csv", "x,y\n" + ROWS_), encoding="klingon"),
        tables.TableError,
        ["there is no encoding 'klingon'", "'cp1252'"],
    ),
    "tables.open_table of another encoding": (
        lambda: loaded(("x,y\n" + ROWS_ + "1,é\n").encode("cp1252")),
        tables.TableError,
        [r"byte 78, in line 14, cannot be read as utf-8", "encoding='cp1252'"],
    ),
    "tables.open_table of half a gzip file": (
        lambda: tables.open_table(place("a.csv.gz", b"\x1f\x8b\x08" + bytes(9))),
        tables.TableError,
        [r"a\.csv\.gz: the gzip file (ends too early|is damaged)", "another copy"],
    ),
    "tables.open_table without pyarrow": (
        without_pyarrow,
        ImportError,
        ["need the package pyarrow", r"pip install 'autograd-mini\[parquet\]'", "CSV"],
    ),
    "tables.open_table of no Parquet file": (
        lambda: damaged_parquet(None),
        tables.TableError,
        [r"a\.parquet: it is damaged, or no Parquet file \(Parquet magic bytes", "another copy"],
    ),
    "chunks() of a damaged Parquet file": (
        lambda: damaged_parquet("Corrupt snappy data"),
        tables.TableError,
        [r"it is damaged, or no Parquet file \(Corrupt snappy"],
    ),
    "tables.open_table('cut.npz')": (
        lambda: tables.open_table(place("cut.npz", b"PK\3\4" + bytes(50))),
        tables.TableError,
        [r"cut\.npz: its zip archive was cut off or is damaged"],
    ),
    "tables.open_table('pickle.npy')": (
        lambda: (np.save(place("p.npy"), np.array([{}]), allow_pickle=True), tables.open_table(place("p.npy"))),
        tables.TableError,
        [r"p\.npy: it holds pickled Python objects", "plain numbers"],
    ),
    "tables.open_table(images, labels='none')": (
        lambda: tables.open_table(place("a-ubyte", bytes([0, 0, 8, 2, 0, 0, 0, 1, 0, 0, 0, 1, 7])), labels="none"),
        FileNotFoundError,
        ["none: there is no such file of labels"],
    ),
}

READING = {
    "tables.load of an empty file": (lambda: loaded(""), tables.TableError, [r"a\.csv: the file is empty"]),
    "tables.load of a header": (lambda: loaded("x,y\n"), tables.TableError, ["a header and no rows"]),
    "tables.load of ragged rows": (
        lambda: loaded("x,y\n" + ROWS_ + "1,a,7\n"),
        tables.TableError,
        [r"row 14: there are 3 cells, but the header has 2 \('7' is too many\)", "stands in quotes"],
    ),
    "tables.load of rows that are too short": (
        lambda: loaded("x,y\n" + ROWS_ + "1\n"),
        tables.TableError,
        ["row 14: there is 1 cell, but the header has 2", "Add what is missing"],
    ),
    "tables.load of a quote that is not closed": (
        lambda: loaded("x,y\n" + ROWS_ + '1,"a\n'),
        tables.TableError,
        ["row 14: a quote is opened and never closed", "write each quote twice"],
    ),
    "tables.load of numbers in the first row": (
        lambda: loaded(ROWS_),
        tables.TableError,
        [r"row 1: the first row holds the number '0\.0'", "header=False", "header=True"],
    ),
    "tables.load of two columns of one name": (
        lambda: loaded("x,x\n1,2\n"),
        tables.TableError,
        ["row 1: the name 'x' stands there twice"],
    ),
    "tables.load(target='Y')": (
        lambda: loaded("x,y\n" + ROWS_, "Y"),
        tables.TableError,
        ["there is no target 'Y'. Did you mean 'y'?"],
    ),
    "tables.load(ignore=['z'])": (
        lambda: loaded("x,y\n" + ROWS_, ignore=["z"]),
        tables.TableError,
        ["there is no column to leave out, 'z'", "There are 'x', 'y'"],
    ),
    "tables.load(ignore=target)": (
        lambda: loaded("x,y\n" + ROWS_, ignore="y"),
        tables.TableError,
        ["the target 'y' is to be left out"],
    ),
    "tables.load of missing values": (
        lambda: loaded("x,y\n" + ROWS_ + "NA,a\n"),
        tables.TableError,
        [r"row 14, column 'x': the value is missing \('NA'\)", "missing='impute'"],
    ),
    "tables.load of a date": (
        lambda: loaded("x,y\n" + ROWS_ + "2021-03-04,a\n"),
        tables.TableError,
        ["row 14, column 'x': '2021-03-04' is no number", "It is a date", "year, month and day"],
    ),
    "tables.load of a constant target": (
        lambda: loaded("x,y\n" + ROWS_.replace("b", "a")),
        tables.TableError,
        ["the target has one value, 'a', in all rows"],
    ),
    "tables.load of a class seen once": (
        lambda: loaded("x,y\n" + ROWS_ + "1,c\n"),
        tables.TableError,
        ["row 14, column 'y': the class 'c' is there only once"],
    ),
    "tables.load of an archive whose arrays do not fit": (
        lambda: npz(x=np.ones((3, 2)), y=np.ones(4)),
        tables.TableError,
        [r"not as many rows: x \(3, 2\), y \(4,\)"],
    ),
}

USING = {
    "tables.load(task='guess')": (
        lambda: loaded("x,y\n" + ROWS_, task="guess"),
        ValueError,
        ["load: task is 'guess'", "'classification', 'regression', or None"],
    ),
    "tables.load(missing='drop')": (
        lambda: loaded("x,y\n" + ROWS_, missing="drop"),
        ValueError,
        ["load: missing is 'drop'", "'refuse' or 'impute'"],
    ),
    "tables.load(kinds={'x': 'date'})": (
        lambda: loaded("x,y\n" + ROWS_, kinds={"x": "date"}),
        ValueError,
        [r"load: kinds\['x'\] is 'date'", "'number' or 'category'"],
    ),
    "data.split(test=1)": (lambda: flats().split(test=1.5), ValueError, ["split: test is 1.5", "from 0 to below 1"]),
    "data.split(0.5, 0.5)": (
        lambda: flats().split(0.5, 0.5),
        ValueError,
        ["test is 0.5 and validation is 0.5", "none of 12 rows", "Hold out less"],
    ),
    "Encoding.from_dict(3)": (lambda: tables.Encoding.from_dict(3), tables.TableError, ["3 describes no encoding"]),
    "Encoding.from_dict of a newer version": (
        lambda: described(version=7),
        tables.TableError,
        ["has version 7", "up to 1", "newer autograd_mini"],
    ),
    "Encoding.from_dict of what is damaged": (
        lambda: described(inputs=[]),
        tables.TableError,
        ["the description of the encoding is damaged", "Save it again"],
    ),
    "encoding.transform of another table": (
        lambda: transformed("X1,y\n" + ROWS_),
        tables.TableError,
        ["the column 'x' is not there, but the model was trained with it", "Did you mean 'X1'"],
    ),
    "encoding.transform of a word": (
        lambda: transformed("x,y\n" + ROWS_ + "big,a\n"),
        tables.TableError,
        ["row 14, column 'x': 'big' is no number"],
    ),
    "encoding.transform of another class": (
        lambda: transformed("x,y\n" + ROWS_ + "1,c\n"),
        tables.TableError,
        ["row 14, column 'y': the class 'c' was not there in training", "The classes are 'a', 'b'"],
    ),
}

ROWS = OPENING | READING | USING
