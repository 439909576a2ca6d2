"""A PGN file cut into games, as bytes: nothing is decoded here but what the cutting needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from xiangqi_gpt.records.textlines import Line

MAX_GAME: Final = 1 << 21
"""Longest text of one game, in bytes."""

_TAG: Final = re.compile(rb"\s*\[\s*([A-Za-z][A-Za-z0-9_]*)(?:\s+[^\s\]]|\s*[\"'])")
_PAIRS: Final = re.compile(rb"[\x81-\xfe][\x30-\xfe]")


@dataclass(slots=True)
class RawGame:
    """The lines of one game. ``fault`` says what made its text unusable, "" if nothing did."""

    number: int
    line: int
    tags: list[Line] = field(default_factory=list)
    moves: list[Line] = field(default_factory=list)
    fault: str = ""
    fault_line: int | None = None
    remarks: list[str] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Length of the text in bytes."""
        return sum(len(line.raw) for line in self.tags) + sum(len(line.raw) for line in self.moves)

    def is_ascii(self) -> bool:
        """Whether the encoding does not matter."""
        return all(line.raw.isascii() for line in self.tags) and all(
            line.raw.isascii() for line in self.moves
        )


def split_games(lines: Iterable[Line]) -> Iterator[RawGame]:
    """Yield the games of a PGN file, in order.

    A game ends where the tags of the next one begin. Tags inside a comment belong to the comment, unless they
    stand at the left edge below an empty line and begin with the tag that began the file's other games: then
    the comment was never closed, which costs its own game and no other.
    """
    game: RawGame | None = None
    number = 0
    size = 0
    opened = 0  # line on which a comment was opened that is not closed yet
    blank = True
    first_tag = b""
    for line in lines:
        raw = line.raw
        if not raw or raw.isspace() or not raw.strip(b"\x00 \t"):
            blank = True
            if b"\x00" in raw and game is not None:
                game.remarks.append(f"line {line.number}: {len(raw)} or more zero bytes passed over")
            elif opened and game is not None:
                game.moves.append(line)
            continue
        match = _TAG.match(raw) if b"[" in raw[:9] else None
        after_blank, blank = blank, False
        if match is not None and opened and not (after_blank and match[1] == first_tag and raw[:1] == b"["):
            match = None
        if match is not None:
            first_tag = first_tag or match[1]
            again = after_blank and match[1] == first_tag
            if game is None or game.moves or again or opened:
                if game is not None:
                    if opened:
                        _fail(game, "expected the end of a comment, found the next game", opened)
                    yield game
                number += 1
                game = RawGame(number, line.number)
                size = 0
                opened = 0
            game.tags.append(line)
        else:
            if game is None:
                number += 1
                game = RawGame(number, line.number)
                size = 0
            game.moves.append(line)
            opened = _comment_state(raw, opened, line.number)
        size += len(raw)
        if not line.whole:
            _fail(game, f"expected lines of at most {len(raw)} bytes, found a longer one", line.number)
        elif size > MAX_GAME:
            _fail(game, f"expected games of at most {MAX_GAME} bytes, found a longer one", line.number)
        if game.fault:
            game.moves = game.moves[:1]  # what remains says that this game has moves
            opened = 0 if not line.whole or size > MAX_GAME else opened
    if game is not None:
        if opened:
            _fail(game, "expected the end of a comment, found the end of the file", opened)
        yield game


def _fail(game: RawGame, reason: str, line: int) -> None:
    if not game.fault:
        game.fault = reason
        game.fault_line = line


def _comment_state(raw: bytes, opened: int, number: int) -> int:
    """The line on which the comment was opened that is open after this line, 0 if there is none."""
    if b"}" not in raw and (opened or b"{" not in raw):
        return opened
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError:
            raw = _PAIRS.sub(b"", raw)  # the second byte of a GBK or Big5 character may look like a brace
    position = 0
    while True:
        position = raw.find(b"}" if opened else b"{", position)
        if position < 0:
            return opened
        opened = 0 if opened else number
        position += 1
