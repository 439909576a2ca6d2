"""The format of a file, detected from its first bytes and, if those are ambiguous, from its name."""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.records.detect import shown
from xiangqi_gpt.records.replay import Reading, replay_games
from xiangqi_gpt.records.source import open_source

HEAD_BYTES: Final = 4096
"""How much of a file is read to detect its format."""


@dataclass(frozen=True, kw_only=True)
class Format:
    """One file format.

    ``reader`` names the module with ``games(stream, name, on_bytes)``: the games of an open file as `ParsedGame`,
    before the rules have seen them. ``name`` is used in errors, ``on_bytes`` is called with the numbers of bytes read.
    ``writer`` names the module with ``write(path, games)``, or is "".
    """

    name: str
    suffixes: tuple[str, ...]
    what: str
    reader: str
    writer: str = ""
    binary: bool = False

    @property
    def module(self) -> Any:
        """The module that reads it, imported when it is needed."""
        return importlib.import_module(f"{__name__}.{self.reader}")

    @property
    def write(self) -> Callable[..., int]:
        """The function that writes it; RecordError where there is none."""
        if not self.writer:
            written = ", ".join(suffix for fmt in FORMATS.values() if fmt.writer for suffix in fmt.suffixes)
            raise RecordError(f"The format {self.name!r} can only be read; choose one of {written}.")
        module = importlib.import_module(f"{__name__}.{self.writer}")
        write: Callable[..., int] = module.write
        return write


FORMATS: Final = {
    fmt.name: fmt
    for fmt in (
        Format(
            name="parquet",
            suffixes=(".parquet",),
            what="Parquet, one game per row",
            reader="parquet",
            writer="parquet",
            binary=True,
        ),
        Format(
            name="pgn",
            suffixes=(".pgn", ".xqn"),
            what="PGN in ICCS, UCI, WXF or Chinese",
            reader="pgn.pgnread",
            writer="pgn.pgnwrite",
        ),
        Format(
            name="jsonl",
            suffixes=(".jsonl", ".json", ".ndjson"),
            what="JSON lines, one game per line",
            reader="jsonl",
            writer="jsonl",
        ),
        Format(
            name="dhtmlxq",
            suffixes=(".dhtmlxq", ".ubb", ".html", ".htm"),
            what="DhtmlXQ/UBB text of forums",
            reader="dhtmlxq",
            writer="dhtmlxq",
        ),
        Format(
            name="xqf",
            suffixes=(".xqf",),
            what="XQF of XQStudio, one game",
            reader="xqf",
            writer="xqf",
            binary=True,
        ),
        Format(
            name="ccbridge",
            suffixes=(".cbr", ".cbl"),
            what="CBR and CBL of CCBridge",
            reader="ccbridge",
            binary=True,
        ),
        Format(name="cbf", suffixes=(".cbf",), what="CBF (XML) of CCBridge, one game", reader="cbf"),
        Format(name="movelist", suffixes=(".txt",), what="plain lists of moves", reader="movelist"),
    )
}

_MAGIC: Final = (
    (b"PAR1", "parquet"),
    *((b"XQ" + bytes([version]), "xqf") for version in range(32)),
    (b"CCBridge Record\x00", "ccbridge"),
    (b"CCBridgeLibrary\x00", "ccbridge"),
    (b"CCBridge\x15\x00\x00\x00", "ccbridge"),
)

_LOOKS: Final = (
    (re.compile(rb"\A\[[A-Za-z]\w*[ \t]+[\"']"), "pgn"),
    (re.compile(rb"<ChineseChessRecord"), "cbf"),
    (re.compile(rb"\[DhtmlXQ[\]_]"), "dhtmlxq"),
    (re.compile(rb"\A(?:\[\s*)?\{\s*\""), "jsonl"),
    (re.compile(rb"^[ \t]*\[[A-Za-z]\w*[ \t]+[^\s\]]", re.MULTILINE), "pgn"),
)

_FOREIGN: Final = (
    (b"PK\x03\x04", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\x00", "a program"),
    (b"%PDF", "a PDF document"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"CCBridge", "a CCBridge file of another version: open it in CCBridge (象棋桥) and save it as CBL"),
)

_OTHER_PROGRAMS: Final = {
    ".ccm": "China Game Center (中国游戏中心)",
    ".che": "QQ Xiangqi (QQ象棋)",
    ".chn": "Ourgame (联众)",
    ".mxq": "MoveSky (弈天)",
    ".xqi": "an old Xiangqi program",
}
"""Suffixes of records whose format is not read, and the program that writes them."""


def format_of(path: str | os.PathLike[str]) -> Format:
    """The format that a file to be written has by its name; RecordError if the suffix names none."""
    suffix = Path(path).suffix.lower()
    for fmt in FORMATS.values():
        if suffix in fmt.suffixes:
            return fmt
    known = ", ".join(suffix for fmt in FORMATS.values() if fmt.writer for suffix in fmt.suffixes)
    raise RecordError(f"expected a suffix of {known}, found {suffix!r}", file=os.fspath(path))


def read_file(
    path: str | os.PathLike[str],
    *,
    splits: Collection[str] | None = None,
    labels: bool = True,
    on_bytes: Callable[[int], None] | None = None,
) -> Iterator[Reading]:
    """One `Reading` for each game of a file, in order; an error of the file itself comes as the last one.

    ``splits`` lets a reader pass over games that the file itself assigns to other parts of the data; a game
    without a part of its own always comes. Without ``labels``, a reader may leave a teacher's labels unread.
    ``on_bytes`` is called with the numbers of bytes read.
    """
    try:
        fmt, is_empty = sniff(path), True
        for reading in read_as(fmt, path, splits=splits, labels=labels, on_bytes=on_bytes):
            is_empty = False
            yield reading
        if is_empty and fmt.name != "parquet":  # a table may have no rows
            raise RecordError(f"no game found, read as {fmt.what}", file=os.fspath(path))
    except RecordError as error:
        yield Reading(None, error)
    except Exception as error:  # a fault of the reader or of its library costs this file, not the others
        words = " ".join(str(error).split())
        reason = f"the reader failed: {type(error).__name__}: {words} (please report this file)"
        yield Reading(None, RecordError(reason, file=os.fspath(path)))


def read_as(
    fmt: Format,
    path: str | os.PathLike[str],
    *,
    splits: Collection[str] | None = None,
    labels: bool = True,
    on_bytes: Callable[[int], None] | None = None,
) -> Iterator[Reading]:
    """As `read_file`, for a file of a known format; an error of the file itself is raised."""
    name = os.fspath(path)
    options: dict[str, Any] = {"splits": splits, "labels": labels} if fmt.name == "parquet" else {}
    with open_source(path) as stream:
        yield from replay_games(fmt.module.games(stream, name, on_bytes, **options), name)


def sniff(path: str | os.PathLike[str]) -> Format:
    """The format of a file.

    Raises RecordError where the file cannot be opened, is empty or holds no records (an archive, say).
    """
    name = os.fspath(path)
    head = read_head(path)
    if not head:
        raise RecordError("the file is empty", file=name)
    for magic, fmt in _MAGIC:
        if head.startswith(magic):
            return FORMATS[fmt]
    for magic, what in _FOREIGN:
        if head.startswith(magic):
            raise RecordError(f"expected game records, found {what}", file=name)
    if not head.strip(b"\x00"):
        raise RecordError("the file holds nothing but zero bytes", file=name)
    text = _ascii_part(head)
    for pattern, fmt in _LOOKS:
        if pattern.search(text):
            return FORMATS[fmt]
    suffix = Path(path).suffix.lower()
    if suffix in _OTHER_PROGRAMS:
        program = _OTHER_PROGRAMS[suffix]
        raise RecordError(
            f"records of {program} ({suffix}) cannot be read; open the file in {program} and save it as PGN or XQF",
            file=name,
        )
    for candidate in FORMATS.values():
        if suffix in candidate.suffixes and not candidate.binary:
            return candidate
    if b"\x00" in text:
        raise RecordError(f"expected game records, found {shown(head)}", file=name)
    return FORMATS["movelist"]


def _ascii_part(head: bytes) -> bytes:
    """The start of a file with what matters for its format as ASCII, whatever the encoding."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head.decode("utf-16", "replace").encode("utf-8", "replace")
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()


def is_record_name(path: Path) -> bool:
    """Whether a file has the suffix of a record, one that is read or one that is known."""
    suffix = path.suffix.lower()
    return suffix in _OTHER_PROGRAMS or any(suffix in fmt.suffixes for fmt in FORMATS.values())


def read_head(path: str | os.PathLike[str]) -> bytes:
    """The first bytes of a file; RecordError where there is no such file or it cannot be opened."""
    with open_source(path) as file:
        return file.read(HEAD_BYTES)
