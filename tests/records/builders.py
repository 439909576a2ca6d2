"""Files of the binary formats, made by hand from their layouts."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

START_PLACES = (
    "80 70 60 50 40 30 20 10 00 72 12 83 63 43 23 03 "
    "09 19 29 39 49 59 69 79 89 17 77 06 26 46 66 86"
)  # rook horse elephant advisor king ... cannons, soldiers; file and rank, Red then Black
_COPYRIGHT = b"[(C) Copyright Mr. Dong Shiwei.]"

Node = tuple[str, str, bool, bool]
"""ICCS move ("" for the opening record), comment, whether a next move follows, whether an alternative does."""


def xqf(
    nodes: Sequence[Node], *, version: int = 18, keys: tuple[int, int, int] = (11, 200, 37), who: int = 0,
    result: int = 0, red: bytes = b"", places: str = START_PLACES,
) -> bytes:  # fmt: skip
    """An XQF file, veiled as XQStudio does it from version 11 on."""
    key_places, key_start, key_end = keys if version > 10 else (0, 0, 0)
    key_sum = -(key_places + key_start + key_end) & 0xFF
    mask, ors = 0xEA, bytes([3, 50, 77, (256 - 3 - 50 - 77) & 0xFF])

    def stir(key: int) -> int:
        return ((((key * key) * 3 + 9) * 3 + 8) * 2 + 1) * 3 + 8

    veil_places = stir(key_places) * key_places & 0xFF
    veil_start = stir(key_start) * veil_places & 0xFF
    veil_end = stir(key_end) * veil_start & 0xFF
    length = (key_sum * 256 + key_places) % 32000 + 767
    head = bytearray(1024)
    head[0:4] = b"XQ" + bytes([version, mask])
    head[8:12] = ors
    head[12:16] = bytes([key_sum, key_places, key_start, key_end])
    listed = [int(place) if place != "--" else 99 for place in places.split()]
    for index, place in enumerate(listed):
        slot = (index - veil_places - 1) & 31 if version >= 12 else index
        head[16 + slot] = (place + veil_places) & 0xFF
    head[50], head[51] = who, result
    head[304] = len(red)
    head[305 : 305 + len(red)] = red
    if version <= 10:
        veil_start = veil_end = length = 0
    body = bytearray()
    for move, comment, has_next, has_alternative in nodes:
        start, end = (_place(move[:2]), _place(move[2:])) if move else (0, 0)
        raw = comment.encode("gb18030")
        body += bytes([(start + 0x18 + veil_start) & 0xFF, (end + 0x20 + veil_end) & 0xFF])
        if version <= 10:
            body += (
                bytes([0xF0 * has_next | 0x0F * has_alternative, 0]) + len(raw).to_bytes(4, "little") + raw
            )
        else:
            body += bytes([0x80 * has_next | 0x40 * has_alternative | 0x20 * bool(raw) | 0x05, 99])
            if raw:
                body += (len(raw) + length).to_bytes(4, "little") + raw
    if version > 10:
        pieces = [(key & mask) | bits for key, bits in zip(head[12:16], ors, strict=True)]
        for index in range(len(body)):
            body[index] = (body[index] + (_COPYRIGHT[index % 32] & pieces[index % 4])) & 0xFF
    return bytes(head + body)


def _place(name: str) -> int:
    return "abcdefghi".index(name[0]) * 10 + int(name[1])


_BOARD = (
    "212223242524232221000000000000000000002600000000002600270027002700270027000000000000000000"
    "000000000000000000170017001700170017001600000000001600000000000000000000111213141514131211"
)


def cbr(
    nodes: Sequence[Node], *, kind: int = 2, red: str = "", title: str = "", result: int = 0, side: int = 1,
    board: str = _BOARD,
) -> bytes:  # fmt: skip
    """A record of CCBridge. A node's flags are those of the format: the line ends, an alternative follows."""
    at = {1: (52, 948, 1820, 1856, 1864, 1958), 2: (180, 1076, 2076, 2112, 2120, 2214)}[kind]
    head = bytearray(b"\xcc" * at[5])  # the program leaves old memory between the fields
    head[0:16] = b"CCBridge Record\x00"
    head[16:20] = bytes([0, 0, 0, kind])
    for offset, text in ((at[0], title), (at[1], red)):
        raw = text.encode("utf-16-le") + b"\x00\x00"
        head[offset : offset + len(raw)] = raw
    head[at[2]], head[at[3]] = result, side
    head[at[4] : at[4] + 90] = bytes.fromhex(board)
    body = bytearray()
    for move, comment, has_next, has_alternative in nodes:
        raw = comment.encode("utf-16-le")
        flags = (not has_next) | 2 * has_alternative | 4 * bool(raw)
        points = [_point(move[:2], kind), _point(move[2:], kind)] if move else [0, 0]
        body += bytes([flags, 0, *points])
        if raw:
            body += len(raw).to_bytes(4, "little") + raw
    return bytes(head + body)


def _point(name: str, kind: int) -> int:
    file, row = "abcdefghi".index(name[0]), 9 - int(name[1])
    return file * 16 + row if kind == 1 else row * 9 + file


def cbl(records: Sequence[bytes], *, slots: int = 128) -> bytes:
    """A library: head, index, records on boundaries of 4096 bytes behind the index."""
    head = bytearray(66624 + slots * 276)
    head[0:16] = b"CCBridgeLibrary\x00"
    head[60:64] = slots.to_bytes(4, "little")
    padded = (record + bytes(-len(record) % 4096) for record in records)
    return bytes(head) + b"".join(padded)


_PLACES_2001 = "1a2a3a4a5a6a7a8a9a28881737577797" + "11213141516171819123831434547494"


def cbl2001(
    games: Sequence[Sequence[Node]], *, red: bytes = b"", result: int = 4, places: str = _PLACES_2001,
    black_first: bool = False, compression: int = 1,
) -> bytes:  # fmt: skip
    """A library of CCBridge 2: its facts and its games, deflated where there is a compression."""
    data = bytearray(b"".join(map(_text, (b"lib", b"", b"", b"me", b""))) + b"2001-02-18 12:30:22" * 2)
    data += len(games).to_bytes(4, "little") + _text("说明".encode("gbk"))
    for nodes in games:
        data += _game_2001(nodes, red, result, places, black_first)
    body = zlib.compress(bytes(data)) if compression else bytes(data)
    numbers = (0x15, compression, len(data))
    return b"CCBridge" + b"".join(number.to_bytes(4, "little") for number in numbers) + body


def _text(raw: bytes) -> bytes:
    return len(raw).to_bytes(4, "little") + raw


def _game_2001(nodes: Sequence[Node], red: bytes, result: int, places: str, black_first: bool) -> bytes:
    opening, *moves = nodes
    kind, first = (2).to_bytes(4, "little"), (1).to_bytes(4, "little")
    facts = bytearray(bytes.fromhex(places) + kind + _text(b"") + first + _text("题".encode("gbk")))
    facts += b"".join(map(_text, (b"", b"", b"", b"", red, b""))) + result.to_bytes(4, "little")
    facts += b"".join(map(_text, (b"", b"", b"", b"", _lines(opening[1])))) + bytes([not black_first])
    facts += b"2001-02-18 12:30:22" * 2 + len(moves).to_bytes(4, "little")
    comments = b""
    ply, waiting = 0, []
    for move, comment, has_next, has_alternative in moves:
        ply += 1
        points = [int(f"{'abcdefghi'.index(name[0])}{9 - int(name[1])}", 16) for name in (move[:2], move[2:])]
        facts += ply.to_bytes(2, "little") + bytes(points) + b"\x51\x24"
        comments += _lines(comment) + b"\r\n"
        if has_alternative:
            waiting.append(ply)
        if not has_next:
            ply = waiting.pop() - 1 if waiting else 0
    body = bytes(facts) + comments
    return (len(body) + 4).to_bytes(4, "little") + body


def _lines(text: str) -> bytes:
    return text.replace("\r\n", "||").encode("gb18030")
