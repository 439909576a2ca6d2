"""CBR and CBL, the binary formats of CCBridge (象棋桥): one game, and a library of them.

A record is a head of fixed fields in UTF-16, a board of 90 bytes and the moves in tree order. There are two
layouts, distinguished by one byte. A library is a head, an index and records on boundaries of 4096 bytes; the library
of 2001 is another format (`ccbridge2001`). Programs left old memory between the fields, so nothing is taken from
bytes that have no known meaning; a record that was deleted in the program but whose bytes are still whole is read
like the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.records.detect import shown
from xiangqi_gpt.records.formats import ccbridge2001
from xiangqi_gpt.records.replay import ParsedGame
from xiangqi_gpt.records.start_positions import finish, position_fen, refused
from xiangqi_gpt.records.variations import MAX_COMMENT, MAX_NODES, TreeBuilder

RECORD_MAGIC: Final = b"CCBridge Record\x00"
LIBRARY_MAGIC: Final = b"CCBridgeLibrary\x00"
MAX_RECORD: Final = 1 << 23
"""Longest record taken, in bytes."""

_SLOT: Final = 4096
_INDEX_AT: Final = 66624
_INDEX_ENTRY: Final = 276
_RESULTS: Final = {1: "1-0", 2: "0-1", 3: "1/2-1/2"}
_BOARD_CODES: Final = {
    side | kind: code + 7 * (side == 0x20)
    for side in (0x10, 0x20)
    for kind, code in enumerate((5, 4, 3, 2, 1, 6, 7), 1)
}


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the fields of a record stand."""

    strings: dict[str, tuple[int, int]]  # tag -> offset, size
    result: int
    side: int
    board: int
    moves: int
    nibbles: bool  # a point is a file and a rank in four bits each, not an index


_LAYOUTS: Final = {
    1: _Layout(
        strings={
            "Title": (52, 128), "Event": (564, 64), "Round": (628, 64), "Date": (756, 64), "Site": (820, 64),
            "Red": (948, 64), "RedTeam": (1012, 64), "RedElo": (1140, 32), "Black": (1172, 64),
            "BlackTeam": (1236, 64), "BlackElo": (1364, 32), "Annotator": (1396, 64), "Author": (1524, 64),
        },
        result=1820, side=1856, board=1864, moves=1958, nibbles=True,
    ),
    2: _Layout(
        strings={
            "Title": (180, 128), "Event": (692, 64), "Round": (756, 64), "Date": (884, 64), "Site": (948, 64),
            "Red": (1076, 64), "RedTeam": (1140, 64), "RedElo": (1268, 32), "Black": (1300, 64),
            "BlackTeam": (1364, 64), "BlackElo": (1492, 32), "Annotator": (1652, 64), "Author": (1780, 64),
        },
        result=2076, side=2112, board=2120, moves=2214, nibbles=False,
    ),
}  # fmt: skip


def games(stream: BinaryIO, name: str, on_bytes: Callable[[int], None] | None = None) -> Iterator[ParsedGame]:
    """The games of an open CBR or CBL file; see `Format.reader`."""
    is_old = stream.read(len(ccbridge2001.MAGIC)) == ccbridge2001.MAGIC
    stream.seek(0)
    if is_old:
        yield from ccbridge2001.games(stream, name, on_bytes)
        return
    for number, record in enumerate(_records(stream, name, on_bytes), 1):
        game = parse(record)
        game.number = number
        game.size = len(record)
        yield game


def _records(file: BinaryIO, name: str, on_bytes: Callable[[int], None] | None) -> Iterator[bytes]:
    """The records of a file, each up to the one behind it."""
    head = file.read(_SLOT)
    if head.startswith(RECORD_MAGIC):
        file.seek(0)
        content = file.read(MAX_RECORD)
        if on_bytes is not None:
            on_bytes(len(content))
        yield content
        return
    if not head.startswith(LIBRARY_MAGIC) or len(head) < 64:
        raise RecordError(f"expected a CCBridge file, found {shown(head)}", file=name)
    position = _first_record(file, int.from_bytes(head[60:64], "little"), on_bytes)
    if position is None:
        raise RecordError("the library holds no records", file=name)
    file.seek(position)
    record = bytearray()
    while slot := file.read(_SLOT):
        if on_bytes is not None:
            on_bytes(len(slot))
        if slot.startswith(RECORD_MAGIC) and record:
            yield bytes(record)
            record.clear()
        if len(record) < MAX_RECORD:
            record += slot
    yield bytes(record)


def _first_record(file: BinaryIO, slots: int, on_bytes: Callable[[int], None] | None) -> int | None:
    """Where the first record stands: behind the index, or wherever the first one is found."""
    expected = _INDEX_AT + slots * _INDEX_ENTRY
    file.seek(expected)
    if file.read(len(RECORD_MAGIC)) == RECORD_MAGIC:
        if on_bytes is not None:
            on_bytes(expected)
        return expected
    file.seek(0)
    position = 0
    tail = b""
    while chunk := file.read(1 << 16):
        found = (tail + chunk).find(RECORD_MAGIC)
        if found >= 0:
            return position - len(tail) + found
        position += len(chunk)
        tail = chunk[-len(RECORD_MAGIC) :]
        if on_bytes is not None:
            on_bytes(len(chunk))
    return None


def parse(record: bytes) -> ParsedGame:
    """The game of the bytes of one record."""
    game = ParsedGame(moves=(), number=1)
    if not record.startswith(RECORD_MAGIC):
        return refused(game, f"expected a CCBridge record, found {shown(record)}")
    layout = _LAYOUTS.get(record[19]) if len(record) > 19 else None
    if layout is None:
        return refused(game, f"expected a record of kind 1 or 2, found {record[19:20].hex() or 'none'}")
    if len(record) < layout.moves:
        return refused(game, f"expected a head of {layout.moves} bytes, found a record of {len(record)}")
    board = [0] * 90
    for index, byte in enumerate(record[layout.board : layout.board + 90]):
        board[(9 - index // 9) * 9 + index % 9] = _BOARD_CODES.get(byte, 0)
    game.tags = {
        tag: text for tag, (at, size) in layout.strings.items() if (text := _string(record[at : at + size]))
    }
    game.result = _RESULTS.get(record[layout.result], "*")
    builder, fault = _read_moves(record, layout)
    first = builder.main.tokens[0] if builder.main.tokens else None
    game.start_fen = position_fen(
        board, int(record[layout.side] == 2), first if isinstance(first, int) else None
    )
    if fault and not builder.in_main:
        game.remarks.append(f"side lines cut: {fault}")
        fault = ""
    return finish(game, builder.main, fault)


def _string(raw: bytes) -> str:
    text = raw[: len(raw) // 2 * 2].decode("utf-16-le", "replace")
    return text.partition("\x00")[0].strip()


def _square(byte: int, nibbles: bool) -> int | None:
    if nibbles:
        file, row = byte >> 4, byte & 15
    else:
        file, row = byte % 9, byte // 9
    return (9 - row) * 9 + file if file < 9 and row < 10 else None


def _read_moves(record: bytes, layout: _Layout) -> tuple[TreeBuilder, str]:
    builder = TreeBuilder()
    position = layout.moves
    opening = more = True
    while more:
        where = f"at byte {position} of the record"
        if position + 4 > len(record):
            return builder, f"expected another move {where}, found its end"
        flags, start, end = record[position], record[position + 2], record[position + 3]
        position += 4
        comment = ""
        if flags & 4:
            size = int.from_bytes(record[position : position + 4], "little")
            position += 4
            if size > len(record) - position:
                return builder, f"expected a comment within the record {where}, found one of {size} bytes"
            comment = _string(record[position : position + min(size, 2 * MAX_COMMENT)]).replace("\r\n", "\n")
            position += size
        if start == end:
            # The first record is no move: it holds the comment on the start position.
            if opening:
                opening = False
                builder.main.note(0).comments.extend([comment] if comment else [])
                more = not flags & 1
                continue
            if flags:
                return builder, f"expected a move {where}, found one from a point to itself"
            return builder, ""  # zeros fill the rest of the record
        opening = False
        squares = _square(start, layout.nibbles), _square(end, layout.nibbles)
        if squares[0] is None or squares[1] is None:
            return builder, f"expected points of the board {where}, found {start} and {end}"
        if builder.moves >= MAX_NODES:
            return builder, f"expected at most {MAX_NODES} moves, found more"
        more = builder.add(squares[0] * 90 + squares[1], comment, not flags & 1, bool(flags & 2))
    return builder, ""
