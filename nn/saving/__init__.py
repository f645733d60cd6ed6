"""Models and other state in files of two formats, which are read without trust."""

from . import archive
from .archive import FileError
from .models import load, load_metadata, save

__all__ = ["FileError", "archive", "load", "load_metadata", "save"]
