"""Packed games on disk: single files and folders of shards, memory-mapped by readers.

A file holds one or several parts, each of one split, in the raw encoding (:mod:`xiangqi_gpt.dataset.packed_file`) or in
the compact one (:mod:`xiangqi_gpt.dataset.compact`). A folder holds such files and an ``index.json`` that lists them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from xiangqi_gpt.dataset.compact import unpacked
from xiangqi_gpt.dataset.packed import Packed, PackedGames, concatenate
from xiangqi_gpt.dataset.packed_file import (
    FORMAT,
    MAGIC,
    MAX_HEADER,
    checked,
    fault,
    read_arrays,
    write_arrays,
)
from xiangqi_gpt.errors import FileError, RecordError
from xiangqi_gpt.files import open_regular, read_limited
from xiangqi_gpt.safe_json import parse_json

INDEX_FILE: Final = "index.json"
_SHARD: Final = re.compile(r"[\w-]{1,100}\.xgp")


def is_packed(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a packed file or a folder of shards, determined from its content."""
    found = Path(path)
    if found.is_dir():
        return (found / INDEX_FILE).is_file()
    try:
        with open_regular(found) as file:
            return file.read(len(MAGIC)) == MAGIC
    except FileError:
        return False


def write_file(path: Path, parts: Sequence[tuple[str, PackedGames]], facts: Mapping[str, Any]) -> int:
    """Write (split, games) parts as one file and return its size in bytes; *facts* are stored in the header."""
    return write_arrays(
        path,
        [(_part_header(split, games), games.arrays()) for split, games in parts],
        {**facts, "encoding": "raw"},
    )


def _part_header(split: str, games: PackedGames) -> dict[str, Any]:
    return {"split": split, "games": games.games, "plies": games.plies, "sources": list(games.source_names)}


def read_file(path: Path) -> tuple[dict[str, Any], list[tuple[str, PackedGames]]]:
    """The header and the (split, games) parts of a packed file; raw arrays stay in the file.

    Raises:
        RecordError: the file is truncated, of another version, or contradicts itself.
    """
    header, parts = read_arrays(path)
    found = []
    for part, arrays in parts:
        split = part.get("split")
        if not isinstance(split, str):
            raise fault(path, f"expected the name of a split, found {split!r}")
        if header["encoding"] == "compact":
            games = unpacked(path, part, arrays)
        elif header["encoding"] == "raw":
            games = checked(path, part, arrays)
        else:
            raise fault(path, f"expected the encoding raw or compact, found {header['encoding']!r}")
        found.append((split, games))
    return header, found


def read_folder(folder: Path) -> tuple[dict[str, Any], list[tuple[str, PackedGames]]]:
    """The index and the (split, games) parts of a folder of shards; RecordError if it is incomplete."""
    file = folder / INDEX_FILE
    try:
        index = parse_json(read_limited(file, MAX_HEADER, error=RecordError))
        if index["format"] != FORMAT:
            raise fault(file, f"expected shards of version {FORMAT}, found version {index['format']!r}")
        shards = [(_shard_name(shard["file"]), int(shard["bytes"])) for shard in index["shards"]]
    except RecordError:
        raise
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise fault(file, f"not the index of packed shards: {error!r}") from error
    parts = []
    for name, size in shards:
        path = folder / name
        if not path.is_file():
            raise fault(path, "the shard is missing")
        if path.stat().st_size != size:
            raise fault(path, f"expected {size} bytes, found {path.stat().st_size}")
        parts += read_file(path)[1]
    return index, parts


def _shard_name(name: object) -> str:
    """ValueError for what is no plain name of a file in the folder."""
    if not isinstance(name, str) or not _SHARD.fullmatch(name):
        raise ValueError(f"expected the name of a shard such as 00000.xgp, found {name!r}")
    return name


def by_split(parts: Iterable[tuple[str, PackedGames]]) -> dict[str, Packed]:
    """The games of each split; splits without games are left out."""
    found: dict[str, list[PackedGames]] = {}
    for split, games in parts:
        if games.games:
            found.setdefault(split, []).append(games)
    return {split: concatenate(games) for split, games in found.items()}
