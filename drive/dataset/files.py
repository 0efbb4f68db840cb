"""The bytes of a dataset's files: parquet tables, JSON, and a task table as pandas would write it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from drive.dataset.layout import INDEX_COLUMNS, Features
from drive.dataset.stats import Stats


def json_file(values: Mapping[str, Any]) -> bytes:
    """A JSON file that people can read."""
    return (json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def checked_columns(columns: Mapping[str, Any], features: Features) -> dict[str, Any]:
    """The columns in their features' types, once shapes, lengths and finiteness are right."""
    expected = [name for name in features if name not in INDEX_COLUMNS]
    if missing := [name for name in expected if name not in columns]:
        raise ValueError(f"columns lack {', '.join(missing)}.")
    if unknown := [name for name in columns if name not in expected]:
        raise ValueError(f"columns {', '.join(unknown)} are no features of this dataset.")
    lengths = {name: len(columns[name]) for name in expected}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise ValueError(f"all columns must have the same number of frames, at least 1; got {lengths}.")
    values: dict[str, Any] = {}
    for name in expected:
        feature = features[name]
        if feature["dtype"] == "image":
            values[name] = columns[name]
            continue
        array = np.asarray(columns[name], feature["dtype"])
        shape = (len(array),) if feature["shape"] == [1] else (len(array), *feature["shape"])
        if array.shape != shape:
            raise ValueError(f"column {name} has the shape {array.shape}; expected {shape}.")
        if (bad := first_not_finite(array)) is not None:
            raise ValueError(f"column {name} holds NaN or infinity at frame {bad}.")
        values[name] = array
    return values


def first_not_finite(values: NDArray[Any]) -> int | None:
    """The first frame of a column (T,) or (T, n) that holds NaN or infinity."""
    if values.dtype.kind != "f" or np.isfinite(values).all():
        return None
    return int(np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))[0])


def stats_to_json(stats: Mapping[str, Stats]) -> dict[str, dict[str, Any]]:
    """Statistics as plain values, the layout of `stats.json`."""
    return {
        name: {
            key: (value.astype(np.int64) if key == "count" else value).tolist() for key, value in one.items()
        }
        for name, one in stats.items()
    }


def parquet(table: pa.Table, statistics: list[str] | bool = True) -> pa.Buffer:
    """A table as the bytes of a parquet file of one row group, with page checksums."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        table,
        sink,
        row_group_size=max(table.num_rows, 1),
        compression="none",  # the pictures are compressed, the rest is small beside them
        use_dictionary=False,
        write_statistics=statistics,
        write_page_checksum=True,
        store_schema=True,
    )
    return sink.getvalue()


def frames_file(values: Mapping[str, Any], schema: pa.Schema) -> pa.Buffer:
    """The data file of one episode: one row group.

    Args:
        values: by feature an array of shape (T,) or (T, n), or a list of T encoded pictures.
        schema: what `arrow_schema` gave.
    """
    arrays, scalars = [], []
    for field in schema:
        if pa.types.is_struct(field.type):
            pictures = pa.array(values[field.name], pa.binary())
            paths = pa.nulls(len(pictures), pa.string())
            arrays.append(pa.StructArray.from_arrays([pictures, paths], fields=list(field.type)))
        elif pa.types.is_fixed_size_list(field.type):
            flat = pa.array(np.ascontiguousarray(values[field.name]).reshape(-1))
            arrays.append(pa.FixedSizeListArray.from_arrays(flat, type=field.type))
        else:
            arrays.append(pa.array(values[field.name], field.type))
            scalars.append(field.name)
    return parquet(pa.Table.from_arrays(arrays, schema=schema), scalars)


def row_file(row: Mapping[str, Any], stats: Mapping[str, Stats]) -> pa.Buffer:
    """The file of one episode's row, its statistics in columns `stats/FEATURE/min` and so on."""
    columns: dict[str, Any] = {name: [value] for name, value in row.items()}
    columns["seed"] = pa.array(columns["seed"], pa.int64())  # may be null
    for name, one in stats_to_json(stats).items():
        columns |= {f"stats/{name}/{key}": [value] for key, value in one.items()}
    return parquet(pa.table(columns))


def tasks_file(tasks: Sequence[str]) -> pa.Buffer:
    """The task texts as pandas would write a frame indexed by the text, with the column `task_index`."""
    kinds = {"task_index": ("int64", "int64"), "task": ("unicode", "object")}
    note = {
        "index_columns": ["task"],
        "column_indexes": [
            {
                "name": None,
                "field_name": None,
                "pandas_type": "unicode",
                "numpy_type": "object",
                "metadata": {"encoding": "UTF-8"},
            }
        ],
        "columns": [
            {
                "name": name,
                "field_name": name,
                "pandas_type": kind,
                "numpy_type": numpy_kind,
                "metadata": None,
            }
            for name, (kind, numpy_kind) in kinds.items()
        ],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.2.0",
    }
    schema = pa.schema(
        [("task_index", pa.int64()), ("task", pa.string())], metadata={"pandas": json.dumps(note)}
    )
    return parquet(
        pa.table([pa.array(range(len(tasks)), pa.int64()), pa.array(list(tasks), pa.string())], schema=schema)
    )
