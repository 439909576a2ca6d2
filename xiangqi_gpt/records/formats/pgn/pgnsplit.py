"""A PGN file cut into games, as bytes: nothing is decoded here but what the cutting needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from xiangqi_gpt.records.detect import decode_somehow
from xiangqi_gpt.records.formats.pgn.pgntext import holds_move
from xiangqi_gpt.records.textlines import Line

MAX_GAME: Final = 1 << 21
"""Longest text of one game, in bytes."""

_TAG: Final = re.compile(rb"\s*\[\s*([A-Za-z][A-Za-z0-9_]*)(?:\s+[^\s\]]|\s*[\"'])")
_WHOLE_TAG: Final = rb"\[\s*[A-Za-z][A-Za-z0-9_]*\s*(?:\"[^\"]*\"|'[^']*')\s*\]"
_LEADING_TAGS: Final = re.compile(rb"\s*(?:%s\s*)+" % _WHOLE_TAG)
_FURTHER_TAG: Final = re.compile(_WHOLE_TAG)
_NUMBER: Final = re.compile(rb"\s*(\d{1,4})\s?(?:(\.{2,}|\xe2\x80\xa6)|\.|\xe3\x80\x81)")
_FIRST: Final = re.compile(rb"\s*0*1\s*\.(?!\d)")
_COMMENT: Final = re.compile(rb"\{[^}]*\}?")
_END: Final = re.compile(rb"(?:\A|[\s)])(?:1-0|0-1|1/2-1/2|\*)(?=[\s;]|\Z)")
_PAIRS: Final = re.compile(rb"[\x81-\xfe][\x30-\xfe]")
_HEAD_TAGS: Final = frozenset(
    b"Game Event Site Date Round Red White Black Result FEN SetUp Variant Format Opening Variation ECCO ECO "
    b"RedTeam BlackTeam WhiteTeam RedElo BlackElo WhiteElo RedTitle BlackTitle WhiteTitle Title Annotator "
    b"TimeControl Time UTCDate UTCTime PlyCount Id Kind Split Subtype Source".split()
)


@dataclass(slots=True)
class RawGame:
    """The lines of one game. ``fault`` is what made its text unusable, or "".

    ``ended`` is the line on which a result ended the moves, 0 where none has yet: what stands behind it can
    damage the game no more.
    """

    number: int
    line: int
    tags: list[Line] = field(default_factory=list)
    moves: list[Line] = field(default_factory=list)
    fault: str = ""
    fault_line: int | None = None
    remarks: list[str] = field(default_factory=list)
    ended: int = 0

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

    A game ends where the tags of the next one begin, or behind its result where moves begin with number 1
    again. Tags among the moves, such as [Score "12"] in front of each, belong to the moves. Tags inside a
    comment belong to the comment, unless they stand at the left edge below an empty line and begin with the
    tag that began the file's other games: then the comment was never closed, which costs its own game and no
    other.
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
        if match is not None and not opened and _among_moves(game, match[1], raw, after_blank, first_tag):
            match = None
        if match is not None:
            first_tag = first_tag or match[1]
            again = after_blank and match[1] == first_tag
            if game is None or game.moves or again or opened:
                if game is not None:
                    _close(game, opened, "the next game")
                    yield game
                number += 1
                game = RawGame(number, line.number)
                size = 0
                opened = 0
            rest = _behind_tags(raw)[1] if line.whole and not raw.endswith(b"]") else b""
            if rest and not rest.startswith(b"["):
                game.tags.append(line._replace(raw=raw[: len(raw) - len(rest)]))
                opened = _take_moves(game, line._replace(raw=rest), opened)
            else:
                game.tags.append(line)
        else:
            if game is not None and game.ended and not opened and after_blank and _begins(raw):
                yield game
                game = None
            if game is None:
                number += 1
                game = RawGame(number, line.number)
                size = 0
            if game.ended and (not line.whole or size + len(raw) > MAX_GAME):
                game.remarks.append(f"line {line.number}: text behind the result passed over")
                opened = 0
                continue
            opened = _take_moves(game, line, opened)
        size += len(raw)
        if not line.whole:
            _fail(game, f"expected lines of at most {len(raw)} bytes, found a longer one", line.number)
        elif size > MAX_GAME:
            _fail(game, f"expected games of at most {MAX_GAME} bytes, found a longer one", line.number)
        if game.fault:
            game.moves = game.moves[:1]  # what remains shows that this game has moves
            opened = 0 if not line.whole or size > MAX_GAME else opened
    if game is not None:
        _close(game, opened, "the end of the file")
        yield game


def _among_moves(game: RawGame | None, name: bytes, raw: bytes, after_blank: bool, first_tag: bytes) -> bool:
    """Whether a line that begins with a tag belongs to the moves of the game before it."""
    if name in _HEAD_TAGS and (game is None or game.ended or not game.moves):
        return False
    tagged, rest = _behind_tags(raw)
    if game is not None and game.ended:
        # A program's address in brackets is no tag of a next game.
        return not tagged and name != first_tag
    if game is None or not game.moves:
        return _FURTHER_TAG.search(rest) is not None
    number = _NUMBER.match(rest)
    if number is not None:
        return int(number[1]) > 1 or number[2] is not None
    if after_blank or name in _HEAD_TAGS:
        return False
    return name != first_tag or len(rest.split()) == 1


def _behind_tags(raw: bytes) -> tuple[bool, bytes]:
    """Whether a line begins with whole tags, and what stands behind them."""
    leading = _LEADING_TAGS.match(raw)
    return leading is not None, raw[leading.end() :] if leading is not None else b""


def _begins(raw: bytes) -> bool:
    """Whether a line begins the moves of a game."""
    return _FIRST.match(raw) is not None and holds_move(decode_somehow(raw)[0])


def _take_moves(game: RawGame, line: Line, opened: int) -> int:
    """Add a line of moves; returns the line on which the comment was opened that is open behind it, or 0."""
    game.moves.append(line)
    raw = line.raw
    if not game.ended and not opened:
        bare = _COMMENT.sub(b" ", raw) if b"{" in raw else raw
        if (b"*" in bare or b"-" in bare) and _END.search(bare) is not None:
            game.ended = line.number
    return _comment_state(raw, opened, line.number)


def _close(game: RawGame, opened: int, found: str) -> None:
    """A game ends here: a comment that is still open is its fault, unless it stands behind the result."""
    if not opened:
        return
    if game.ended:
        game.remarks.append(f"line {opened}: comment behind the result without an end")
    else:
        _fail(game, f"expected the end of a comment, found {found}", opened)


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
