"""Games on disk: one record type, one reader and writer a format, every ply judged by the rules."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.records.record import GameRecord, Note, TeacherLabels, Variation, split_of

__all__ = ["GameRecord", "Note", "TeacherLabels", "Variation", "read_games", "split_of", "write_games"]

_Path = str | os.PathLike[str]


def read_games(
    paths: _Path | Iterable[_Path],
    *,
    on_error: Callable[[RecordError], None] | None = None,
    splits: Collection[str] | None = None,
    lenient: bool = False,
) -> Iterator[GameRecord]:
    """Yield the valid games of one or more files, in order, each ply replayed for legality.

    The format is detected from the content, and from the file name if that is ambiguous. A game that cannot
    be read or breaks the rules goes to ``on_error`` and is left out, as does a file of which nothing can be
    read; without ``on_error`` the first such error is raised. A file that does not exist is always an error.
    ``splits`` keeps the games of those parts of the data only, for instance ``{"train"}``. With ``lenient``, games
    from positions that cannot occur but can be played are taken too.
    """
    from xiangqi_gpt.records.formats import read_head

    files: list[_Path] = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    for path in files:
        read_head(path)
    return _read(files, on_error, splits, lenient)


def _read(
    files: list[_Path],
    on_error: Callable[[RecordError], None] | None,
    splits: Collection[str] | None,
    lenient: bool,
) -> Iterator[GameRecord]:
    from xiangqi_gpt.records.formats import read_file

    for path in files:
        for found in read_file(path, splits=splits):
            reading = found.lenient if lenient and found.lenient is not None else found
            if reading.error is not None:
                if on_error is None:
                    raise reading.error
                on_error(reading.error)
            elif reading.record is not None and (splits is None or reading.record.split in splits):
                yield reading.record


def write_games(path: _Path, games: Iterable[GameRecord], *, force: bool = False) -> int:
    """Write games to a file in the format that its suffix names, and return how many.

    The file appears under its name when all are written. Raises RecordError where the suffix names no format
    that is written, or where the name is taken and ``force`` is false.
    """
    from xiangqi_gpt.records.formats import format_of

    return format_of(path).write(path, games, force=force)
