"""XQF, the format of XQStudio (象棋演播室): one game per file, with comments and side lines.

A head of 1024 bytes holds the names and the places of the 32 pieces; behind it come the moves in tree order,
each with two flags: a next move follows, an alternative is stored. Files of version 11 and later are veiled
with keys that stand in the head. Strings are GB18030. Read are versions up to 18, the last there was; written
is version 10, which is not veiled and which every program reads.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.records.detect import shown
from xiangqi_gpt.records.record import GameRecord, Note, Variation
from xiangqi_gpt.records.replay import ParsedGame, start_of
from xiangqi_gpt.records.source import read_whole
from xiangqi_gpt.records.start_positions import (
    EMPTY,
    decode_strings,
    finish,
    list_pieces,
    place_pieces,
    position_fen,
    refused,
)
from xiangqi_gpt.records.textlines import ByteStream
from xiangqi_gpt.records.variations import MAX_COMMENT, MAX_NODES, TreeBuilder
from xiangqi_gpt.rules.move import Move

MAX_SIZE: Final = 1 << 25
"""Largest file taken, in bytes."""

HEAD: Final = 1024
LAST_VERSION: Final = 18
_PLAIN_VERSION: Final = 10  # the last one without keys
_VEIL: Final = b"[(C) Copyright Mr. Dong Shiwei.]"
_RESULTS: Final = {1: "1-0", 2: "0-1", 3: "1/2-1/2"}
# tag -> offset of the length byte, longest text
_STRINGS: Final = {
    "Title": (80, 63),
    "Event": (208, 63),
    "Date": (272, 15),
    "Site": (288, 15),
    "Red": (304, 15),
    "Black": (320, 15),
    "TimeControl": (336, 63),
    "RedTime": (400, 15),
    "BlackTime": (416, 15),
    "Annotator": (464, 15),
    "Author": (480, 15),
}


@dataclass(frozen=True, slots=True)
class _Keys:
    """What the places, the moves, the lengths and the bytes behind the head are veiled with."""

    places: int
    start: int
    end: int
    length: int
    veil: bytes  # 32 bytes, repeated


def games(
    stream: ByteStream, name: str, on_bytes: Callable[[int], None] | None = None
) -> Iterator[ParsedGame]:
    """The one game of an open file; see `Format.reader`."""
    yield parse(read_whole(stream, name, MAX_SIZE, on_bytes))


def parse(content: bytes) -> ParsedGame:
    """The game of the bytes of an XQF file."""
    game = ParsedGame(moves=(), number=1)
    if content[:2] != b"XQ":
        return refused(game, f"expected an XQF file, found {shown(content)}")
    if len(content) < HEAD:
        return refused(game, f"expected a head of {HEAD} bytes, found a file of {len(content)}")
    version = content[2]
    if version > LAST_VERSION:
        return refused(game, f"expected XQF of version {LAST_VERSION} at most, found {version}")
    keys = _keys(content, version)
    places: list[int] = [EMPTY] * 32
    for index, byte in enumerate(content[16:48]):
        place = (byte - keys.places) & 0xFF
        slot = (keys.places + index + 1) & 31 if version >= 12 else index
        # A place is ten times the file plus the rank; whatever is no place means that the piece is gone.
        places[slot] = place % 10 * 9 + place // 10 if place < 90 else EMPTY
    board, fault = place_pieces(places)
    if fault:
        return refused(game, fault)
    builder, comments, fault = _read_moves(content, version, keys)
    raws = [content[at + 1 : at + 1 + min(content[at], longest)] for at, longest in _STRINGS.values()]
    texts = decode_strings([*raws, *comments])
    game.tags = {tag: text for tag, text in zip(_STRINGS, texts, strict=False) if text.strip()}
    _put_comments(builder, texts[len(_STRINGS) :])
    game.result = _RESULTS.get(content[51], "*")
    first = builder.main.tokens[0] if builder.main.tokens else None
    game.start_fen = position_fen(board, int(content[50] == 1), first if isinstance(first, int) else None)
    if fault and not builder.in_main:
        game.remarks.append(f"side lines cut: {fault}")
        fault = ""
    return finish(game, builder.main, fault)


def _keys(content: bytes, version: int) -> _Keys:
    if version <= _PLAIN_VERSION:
        return _Keys(0, 0, 0, 0, bytes(32))
    mask, ors = content[3], content[8:12]
    key_sum, key_places, key_start, key_end = content[12:16]
    places = _stir(key_places) * key_places & 0xFF
    start = _stir(key_start) * places & 0xFF
    end = _stir(key_end) * start & 0xFF
    length = (key_sum * 256 + key_places) % 32000 + 767
    bytes_ = [
        (key & mask) | bits for key, bits in zip((key_sum, key_places, key_start, key_end), ors, strict=True)
    ]
    veil = bytes(letter & bytes_[index % 4] for index, letter in enumerate(_VEIL))
    return _Keys(places, start, end, length, veil)


def _stir(key: int) -> int:
    return key * key * 54 + 221


def _read_moves(content: bytes, version: int, keys: _Keys) -> tuple[TreeBuilder, list[bytes], str]:
    """The moves, their comments (a move's token names its comment by number for now), and what went wrong."""
    body = content[HEAD:]
    if version > _PLAIN_VERSION:
        veil = np.frombuffer(keys.veil, dtype=np.uint8)
        body = (np.frombuffer(body, dtype=np.uint8) - np.resize(veil, len(body))).tobytes()
    builder = TreeBuilder()
    comments: list[bytes] = []
    position = 0
    opening = more = True
    while more:
        where = f"at byte {HEAD + position}"
        if position + 4 > len(body):
            return builder, comments, f"expected another move {where}, found the end of the file"
        start, end, flags = body[position], body[position + 1], body[position + 2]
        position += 4
        size = 0
        if version <= _PLAIN_VERSION or flags & 0x20:
            if position + 4 > len(body):
                return (
                    builder,
                    comments,
                    f"expected the length of a comment {where}, found the end of the file",
                )
            size = int.from_bytes(body[position : position + 4], "little") - keys.length
            position += 4
        if not 0 <= size <= len(body) - position:
            return builder, comments, f"expected a comment within the file {where}, found one of {size} bytes"
        comment = ""
        if size:
            comment = str(len(comments))
            comments.append(body[position : position + min(size, 4 * MAX_COMMENT)])
            position += size
        if version <= _PLAIN_VERSION:
            has_next, has_alternative = bool(flags & 0xF0), bool(flags & 0x0F)
        else:
            has_next, has_alternative = bool(flags & 0x80), bool(flags & 0x40)
        if opening:
            # The first record is no move: it holds the comment on the start position.
            opening = False
            builder.main.note(0).comments.extend([comment] if comment else [])
            more = has_next
            continue
        start, end = (start - 0x18 - keys.start) & 0xFF, (end - 0x20 - keys.end) & 0xFF
        if start > 89 or end > 89:
            return builder, comments, f"expected points of the board {where}, found {start} and {end}"
        move = (start % 10 * 9 + start // 10) * 90 + end % 10 * 9 + end // 10
        if builder.moves >= MAX_NODES:
            return builder, comments, f"expected at most {MAX_NODES} moves, found more"
        more = builder.add(move, comment, has_next, has_alternative)
    return builder, comments, ""


def _put_comments(builder: TreeBuilder, texts: list[str]) -> None:
    """Replace the numbers of comments by their texts."""
    pending = [builder.main]
    while pending:
        for note in pending.pop().notes.values():
            note.comments = [texts[int(number)].replace("\r\n", "\n") for number in note.comments]
            pending.extend(note.lines)


def write(path: str | os.PathLike[str], games: Iterable[GameRecord], *, force: bool = False) -> int:
    """Write one game to an XQF file; RecordError where there is not exactly one."""
    one: GameRecord | None = None
    for game in games:
        if one is not None:
            raise RecordError(
                "an XQF file holds one game; write several to PGN or JSONL", file=os.fspath(path)
            )
        one = game
    if one is None:
        raise RecordError("an XQF file holds one game, and there is none to write", file=os.fspath(path))
    with atomic_path(path, overwrite=force, error=RecordError) as temporary:
        temporary.write_bytes(to_bytes(one))
    return 1


def to_bytes(game: GameRecord) -> bytes:
    """One game as the bytes of an XQF file. Names longer than the head allows are cut; glyphs are left out."""
    start = start_of(game.start_fen)
    head = bytearray(HEAD)
    head[0:3] = b"XQ" + bytes([_PLAIN_VERSION])
    for index, square in enumerate(list_pieces(start.squares.tolist())):
        head[16 + index] = 0xFF if square == EMPTY else _place(square)
    head[50] = start.turn
    head[51] = next((number for number, result in _RESULTS.items() if result == game.result), 0)
    head[64] = 0 if game.from_start else 3  # a whole game, an endgame
    for tag, (at, longest) in _STRINGS.items():
        raw = game.tags.get(tag, "").encode("gb18030", "replace")
        while len(raw) > longest:
            raw = raw.decode("gb18030")[:-1].encode("gb18030")
        head[at] = len(raw)
        head[at + 1 : at + 1 + len(raw)] = raw
    opening = game.notes.get(0, Note()).comment
    parts = [bytes(head), _record(b"XQ", bool(game.moves), False, opening)]
    # (line, ply, alternatives to that move besides those of its own note)
    pending: list[tuple[Variation, int, tuple[Variation, ...]]] = []
    if game.moves:
        pending.append((Variation(game.moves, {k: n for k, n in game.notes.items() if k}), 1, ()))
    while pending:
        line, ply, others = pending.pop()
        note = line.notes.get(ply, Note())
        others = (*(other for other in note.variations if other.moves), *others)
        has_next = ply < len(line.moves)
        before = line.notes[0].comment if ply == 1 and 0 in line.notes else ""
        comment = "\n".join(text for text in (before, note.comment) if text)
        parts.append(_record(_points(line.moves[ply - 1]), has_next, bool(others), comment))
        if others:
            pending.append((others[0], 1, others[1:]))
        if has_next:
            pending.append((line, ply + 1, ()))
    return b"".join(parts)


def _place(square: int) -> int:
    return square % 9 * 10 + square // 9


def _points(move: Move) -> bytes:
    return bytes([_place(move.from_square) + 0x18, _place(move.to_square) + 0x20])


def _record(points: bytes, has_next: bool, has_alternative: bool, comment: str) -> bytes:
    raw = comment.replace("\n", "\r\n").encode("gb18030", "replace")
    flags = (0xF0 if has_next else 0) | (0x0F if has_alternative else 0)
    return points + bytes([flags, 0]) + len(raw).to_bytes(4, "little") + raw
