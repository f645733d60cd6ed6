"""Parquet, by pyarrow, an extra: a table of columns with types, read in batches of rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .errors import TableError
from .table import CELLS, Chunk, Table

__all__ = ["ParquetTable"]


class ParquetTable(Table):
    """A Parquet file."""

    kind = "parquet"

    def __init__(self, path: str, missing: frozenset[str]) -> None:
        super().__init__(path, (), missing)
        try:
            import pyarrow
            import pyarrow.parquet
        except ImportError as error:
            raise ImportError(
                f"{path}: Parquet files need the package pyarrow, which could not be loaded ({error}). Run pip install "
                "'autograd-mini[parquet]', or save the table as CSV."
            ) from error
        self.arrow = pyarrow
        try:
            with pyarrow.parquet.ParquetFile(path) as file:
                self.schema, self.rows = file.schema_arrow, file.metadata.num_rows
        except (pyarrow.ArrowException, OSError) as error:
            raise self._damaged(error) from None
        names = list(self.schema.names)
        self.place.need(len(set(names)) == len(names), "a column's name stands there twice", "Rename one of them.")
        self.place.need(self.rows, "the file has no rows", "Give it a row for each sample.")
        self.columns, self.shapes = tuple(names), dict.fromkeys(names, ())

    def _damaged(self, error: Exception) -> TableError:
        why = " ".join(str(error).split())[:150].rstrip(".")
        return TableError(f"{self.place}: it is damaged, or no Parquet file ({why}). Take another copy of the file.")

    def chunks(self, size: int = 50_000) -> Iterator[Chunk]:
        """Yield all rows, at most `size` at a time; fewer if they are wide."""
        size, start = max(1, min(size, CELLS // max(len(self.columns), 1))), 0
        with self.arrow.parquet.ParquetFile(self.path) as file:
            batches = file.iter_batches(batch_size=size)
            while True:
                try:
                    batch = next(batches, None)
                except (self.arrow.ArrowException, OSError) as error:
                    raise self._damaged(error) from None
                if batch is None:
                    break
                n = batch.num_rows
                columns = {name: self._column(batch.column(i)) for i, name in enumerate(self.columns)}
                yield Chunk(self, columns, start, range(start + 1, start + n + 1))
                start += n

    def _column(self, column: Any) -> Any:
        """Return numbers as an array, NaN where there is none; text as a list; of other types, what they are."""
        types, kind = self.arrow.types, column.type
        if types.is_dictionary(kind):
            column, kind = column.cast(kind.value_type), kind.value_type
        if types.is_decimal(kind):
            column, kind = column.cast(self.arrow.float64()), self.arrow.float64()
        if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
            if not column.null_count or types.is_floating(kind):
                return np.asarray(column.to_numpy(zero_copy_only=False))
            return ["" if value is None else str(value) for value in column.to_pylist()]
        if types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind):
            return ["" if value is None else value for value in column.to_pylist()]
        values = np.empty(len(column), object)  # dates, lists: refused if they are not left out
        values[:] = column.to_pylist()
        return values
