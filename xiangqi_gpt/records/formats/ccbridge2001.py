"""The library of CCBridge 2 (象棋桥, 2001), the older kind of CBL.

A head of 20 bytes (``CCBridge``, version, compression, length of the data) and the data, deflated unless the
compression is 0: the facts of the library, then its games. Texts are GB18030 and carry their length in front. A
game is its length in bytes, the places of the 32 pieces, its facts, the moves and a line of comment for each
move. A move is a number, two points and two bytes of text that programs show. The number is the ply: one that is
not above the last one begins a side line, which replaces that ply of the line before it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO, Final

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.records.replay import ParsedGame
from xiangqi_gpt.records.start_positions import (
    EMPTY,
    decode_strings,
    finish,
    place_pieces,
    position_fen,
    refused,
)
from xiangqi_gpt.records.variations import MAX_COMMENT, MAX_NODES, RawLine

MAGIC: Final = b"CCBridge\x15\x00\x00\x00"
MAX_DATA: Final = 1 << 26
"""Longest data taken, in bytes, when they are no longer compressed."""

_HEAD: Final = 20
_DATE: Final = 19  # bytes of a date
_CHUNK: Final = 1 << 12  # small, as a fault of the compression costs the chunk in which it stands
_MOVE: Final = 6
_RESULTS: Final = {1: "1-0", 2: "0-1", 3: "1/2-1/2"}


class _ShortError(Exception):
    """The data end before what was promised."""


class _Data:
    """Bytes that are read in order, up to ``end``."""

    def __init__(self, content: bytes, at: int, end: int) -> None:
        self.content, self.at, self.end = content, at, end

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes; _ShortError where there are fewer."""
        if size > self.end - self.at:
            raise _ShortError
        self.at += size
        return self.content[self.at - size : self.at]

    def number(self) -> int:
        """The next four bytes as a number."""
        return int.from_bytes(self.take(4), "little")

    def text(self) -> bytes:
        """The next text, which has its length in front."""
        return self.take(self.number())


def games(file: BinaryIO, name: str, on_bytes: Callable[[int], None] | None) -> Iterator[ParsedGame]:
    """Yield the games of a library; RecordError where they cannot be found, or not all of them."""
    content = _inflated(file, name, on_bytes)
    data = _Data(content, 0, len(content))
    try:
        for _ in range(5):  # name, resource, other, author, address of the author
            data.text()
        data.take(2 * _DATE)
        count = data.number()
        data.text()
    except _ShortError:
        raise RecordError("the file ends inside the header of the library", file=name) from None
    for number in range(1, count + 1):
        start = data.at
        try:
            size = data.number()
            data.take(size - 4 if size >= 4 else len(content))
        except _ShortError:
            raise RecordError(
                f"expected {count} games, found {number - 1} before the data ended", file=name
            ) from None
        game = _game(_Data(content, start + 4, data.at))
        game.number = number
        game.size = size
        yield game


def _inflated(file: BinaryIO, name: str, on_bytes: Callable[[int], None] | None) -> bytes:
    """The data of a library; what stands before a fault of the compression is kept."""
    head = file.read(_HEAD)
    promised = int.from_bytes(head[16:20], "little")
    if promised > MAX_DATA:
        raise RecordError(f"expected at most {MAX_DATA} bytes of data, found {promised}", file=name)
    inflater = zlib.decompressobj() if head[12:16] != bytes(4) else None
    parts: list[bytes] = []
    size = 0
    while size <= MAX_DATA and (chunk := file.read(_CHUNK)):
        if on_bytes is not None:
            on_bytes(len(chunk))
        if inflater is not None:
            try:
                chunk = inflater.decompress(chunk, MAX_DATA + 1 - size)
            except zlib.error:
                break
        parts.append(chunk)
        size += len(chunk)
    if size > MAX_DATA:
        raise RecordError(f"expected at most {MAX_DATA} bytes of data, found more", file=name)
    return b"".join(parts)


def _game(data: _Data) -> ParsedGame:
    """The game of the bytes behind its length."""
    game = ParsedGame(moves=())
    try:
        places = data.take(32)
        data.number()  # kind: a whole game or an endgame, played or composed
        event = data.text()
        data.number()  # number of the first move
        title = data.text()
        for _ in range(2):  # resource, other
            data.text()
        site, date, red, black = (data.text() for _ in range(4))
        result = data.number()
        annotator, _, author, _, remark = (data.text() for _ in range(5))
        black_first = data.take(1) == b"\x00"
        data.take(2 * _DATE)
        count = data.number()
        steps = data.take(min(count, MAX_NODES + 1) * _MOVE)
    except _ShortError:
        return refused(game, "expected a whole record of a game, found its end")
    board, fault = place_pieces([_place(byte) for byte in places])
    if fault:
        return refused(game, fault)
    comments = [raw[: 4 * MAX_COMMENT] for raw in data.take(data.end - data.at).split(b"\r\n")[:count]]
    names = ("Event", "Title", "Site", "Date", "Red", "Black", "Annotator", "Author")
    raws = (event, title, site, date, red, black, annotator, author)
    texts = [text.strip() for text in decode_strings([*raws, remark, *comments])]
    game.tags = {name: text for name, text in zip(names, texts, strict=False) if text}
    game.result = _RESULTS.get(result, "*")
    line, fault, in_main = _line(steps, [text.replace("||", "\n") for text in texts[len(raws) + 1 :]])
    if texts[len(raws)]:
        line.note(0).comments.insert(0, texts[len(raws)].replace("||", "\n"))
    first = line.tokens[0] if line.tokens else None
    game.start_fen = position_fen(board, int(black_first), first if isinstance(first, int) else None)
    if fault and not in_main:
        game.remarks.append(f"side lines cut: {fault}")
        fault = ""
    return finish(game, line, fault)


def _place(byte: int) -> int:
    """The square of a piece: file and row from 1, rows counted from the top; 0 for a captured one."""
    file, row = byte >> 4, byte & 15
    return (10 - row) * 9 + file - 1 if 1 <= file <= 9 and 1 <= row <= 10 else EMPTY


def _line(steps: bytes, comments: list[str]) -> tuple[RawLine, str, bool]:
    """The main line with its side lines, why they stop early where they do, and whether the main line does."""
    line = main = RawLine()
    path: list[tuple[RawLine, int]] = []  # for each ply so far: its line and its place there
    hosts: dict[int, tuple[RawLine, int]] = {}  # first move of a side line -> the move that it replaces
    before = int.from_bytes(steps[:2], "little") - 1  # some programs go on counting from an earlier game
    for at in range(0, len(steps), _MOVE):
        ply = int.from_bytes(steps[at : at + 2], "little") - before
        points = [(9 - (byte & 15)) * 9 + (byte >> 4) for byte in steps[at + 2 : at + 4]]
        if any(byte >> 4 > 8 or byte & 15 > 9 for byte in steps[at + 2 : at + 4]):
            return (
                main,
                f"expected points of the board, found {steps[at + 2 : at + 4].hex(' ')}",
                line is main,
            )
        if at // _MOVE >= MAX_NODES:
            return main, f"expected at most {MAX_NODES} moves, found more", line is main
        if not 1 <= ply <= len(path) + 1:
            reason = f"expected a move of ply {len(path) + 1} at most, found one of ply {ply}"
            return main, reason, line is main
        if ply == len(path) + 1:
            line = path[-1][0] if path else main
        else:
            host, place = path[ply - 1]
            # An alternative to the first move of a side line is one more side line of the same move.
            host, place = hosts.get(id(host), (host, place)) if place == 1 else (host, place)
            line = RawLine()
            hosts[id(line)] = (host, place)
            host.note(place).lines.append(line)
            del path[ply - 1 :]
        line.tokens.append(points[0] * 90 + points[1])
        path.append((line, len(line.tokens)))
        if at // _MOVE < len(comments) and comments[at // _MOVE]:
            line.note().comments.append(comments[at // _MOVE])
    return main, "", True
