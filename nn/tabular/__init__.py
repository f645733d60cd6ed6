"""Models of tables: one file with the encoding of its columns, predictions, and the training of one from a file."""

from .model import Prediction, TabularModel
from .rows import Rows, rows_of
from .training import Data, Settings, Trained, prepare, train

__all__ = ["Data", "Prediction", "Rows", "Settings", "TabularModel", "Trained", "prepare", "rows_of", "train"]
