r"""Tables in files, as inputs and targets of a network: CSV, TSV, .npz, .npy, IDX, and Parquet where pyarrow is.

>>> import os, tempfile
>>> from nn import tables
>>> path = os.path.join(tempfile.mkdtemp(), "a.csv")
>>> with open(path, "w") as file:
...     _ = file.write("length,kind\n" + "1.5,cat\n3.5,dog\n" * 5)
>>> data = tables.load(path, "kind")
>>> X, y = data.arrays()
>>> X.shape, y, data.encoding.target.classes
((10, 1), array([0, 1, 0, 1, 0, 1, 0, 1, 0, 1]), ('cat', 'dog'))
"""

from .arrays import ArrayTable
from .dataset import Split, TableDataset, load
from .encoding import Encoding, Input, Target, Unseen
from .errors import TableError
from .opening import open_table
from .table import Chunk, Table

__all__ = [
    "ArrayTable",
    "Chunk",
    "Encoding",
    "Input",
    "Split",
    "Table",
    "TableDataset",
    "TableError",
    "Target",
    "Unseen",
    "load",
    "open_table",
]
