"""The table of play-outs: the columns of a file that `generate` writes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.safe_json import format_json
from xiangqi_gpt.teacher.work import Row

TEACHER_SCHEMA: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("id", "split", "start_fen", "moves")),
        ("first_label", pa.int16()),
        ("result", pa.string()),
        ("end", pa.string()),
        ("noise", pa.float32()),
        ("teacher_best", pa.string()),
        ("teacher_cp", pa.list_(pa.int16())),
        ("plies", pa.int16()),
    ]
)
"""One row per game; see `docs/teacher.md`."""

MULTIPV_FIELDS: Final = (
    pa.field("teacher_multipv", pa.list_(pa.string())),
    pa.field("teacher_multipv_cp", pa.list_(pa.list_(pa.int16()))),
)
"""Two more columns, if the engine was asked for several moves."""

_GROUP_ROWS = 4096


def write_play_outs(
    path: str | os.PathLike[str],
    rows: Iterable[Row],
    *,
    multipv: int = 1,
    about: Mapping[str, Any] | None = None,
    force: bool = False,
) -> int:
    """Write finished games and return their number; the file gets its name when all are written.

    `about` is stored in the file's metadata under the key ``teacher``, as JSON, and the names that the engines report
    (``engine`` of a row) under ``engines``.
    """
    schema = TEACHER_SCHEMA
    if multipv > 1:
        for field in MULTIPV_FIELDS:
            schema = schema.append(field)
    schema = schema.with_metadata({"teacher": format_json(dict(about or {}), sort_keys=True)})
    count = 0
    engines: set[str] = set()
    with (
        atomic_path(path, overwrite=force, error=RecordError) as temporary,
        pq.ParquetWriter(temporary, schema, compression="zstd", compression_level=9) as writer,
    ):
        group: list[Row] = []
        for row in rows:
            group.append(row)
            engines.add(row.get("engine", ""))
            count += 1
            if len(group) >= _GROUP_ROWS:
                writer.write_table(pa.Table.from_pylist(group, schema=schema))
                group = []
        writer.write_table(pa.Table.from_pylist(group, schema=schema))
        writer.add_key_value_metadata({"engines": format_json(sorted(engines))})
    return count
