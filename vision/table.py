"""Tables on disk: their columns listed once and checked on write, written whole or not at all.

This module holds the machinery every Picket table shares and the one table that belongs to `vision`, the
detections. What the columns of frames and sightings mean is `mapping.tables`' subject.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from vision.errors import InputError
from vision.files import whole_file


@dataclass(frozen=True)
class TableSchema:
    """Name, columns and unit-bearing types of one table. The order of the columns counts."""

    name: str
    columns: pa.Schema

    def build(self, columns: Mapping[str, Any]) -> pa.Table:
        """A table with exactly this schema from a mapping of columns; raises ValueError on a missing, unknown or
        mistyped column (a programming error, not bad input)."""
        missing = set(self.columns.names) - set(columns)
        unknown = set(columns) - set(self.columns.names)
        if missing or unknown:
            raise ValueError(f"table {self.name}: missing columns {sorted(missing)}, unknown columns {sorted(unknown)}")
        return pa.table({name: columns[name] for name in self.columns.names}, schema=self.columns)

    def from_rows(self, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
        """A table with exactly this schema from rows (a missing value must be given as None)."""
        listed = list(rows)
        for row in listed:
            if set(row) != set(self.columns.names):
                raise ValueError(f"table {self.name}: row has columns {sorted(row)}")
        return pa.Table.from_pylist(listed, schema=self.columns)

    def write(self, table: pa.Table, path: Path) -> None:
        """Write `table` as Parquet at `path`, beside it first and then renamed. Raises ValueError where the columns
        differ from the schema."""
        if not table.schema.equals(self.columns):
            raise ValueError(f"table {self.name}: columns {table.schema.names} are not {self.columns.names}")
        with whole_file(path) as beside:
            pq.write_table(table, beside, compression="zstd")

    def read(self, path: Path) -> pa.Table:
        """The table at `path`, its columns checked; raises InputError naming the file where it is absent or not
        such a table."""
        if not path.is_file():
            raise InputError(path, f"no {self.name} table here")
        try:
            table = pq.read_table(path)
        except (pa.ArrowException, OSError) as error:
            raise InputError(path, f"not a Parquet file ({error}); make it again") from error
        if not set(self.columns.names) <= set(table.schema.names):
            absent = [name for name in self.columns.names if name not in table.schema.names]
            raise InputError(path, f"not a {self.name} table: it lacks {', '.join(absent)}")
        columns = [_as_type(path, self.name, table[field.name], field) for field in self.columns]
        return pa.table(columns, schema=self.columns)


def _as_type(path: Path, table: str, column: pa.ChunkedArray, field: pa.Field) -> pa.ChunkedArray:
    try:
        return column.cast(field.type)
    except pa.ArrowException as error:
        problem = f"not a {table} table: its column {field.name} holds {column.type}, not {field.type}; make it again"
        raise InputError(path, problem) from error


DETECTIONS = TableSchema(
    "detections",
    pa.schema(
        [
            ("detection_id", pa.string()),
            ("frame_id", pa.string()),
            ("class", pa.string()),
            ("label", pa.string()),
            ("confidence", pa.float32()),
            ("x1_px", pa.float32()),
            ("y1_px", pa.float32()),
            ("x2_px", pa.float32()),
            ("y2_px", pa.float32()),
            ("model", pa.string()),
        ]
    ),
)
"""One row per box: pixels of the original frame, origin at its top-left corner; `model` is the weights' SHA-256
(`marked` for boxes a person drew)."""
