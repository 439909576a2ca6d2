"""CBF, the XML format of CCBridge (象棋桥): one game per file.

The head names the players and the start position; moves are ``77-47``, file and row, rows counted from the
top. Document types and entities are refused: no record needs them, and they can make a small file huge.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Final
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl, InputSource

from defusedxml import DefusedXmlException
from defusedxml.sax import make_parser

from xiangqi_gpt.records.detect import decode, decode_somehow
from xiangqi_gpt.records.replay import ParsedGame
from xiangqi_gpt.records.source import read_whole
from xiangqi_gpt.records.start_positions import finish, refused
from xiangqi_gpt.records.textlines import ByteStream
from xiangqi_gpt.records.variations import MAX_COMMENT, MAX_NODES, RawLine

MAX_SIZE: Final = 1 << 24
"""Largest file taken, in bytes."""

_RESULTS: Final = {"1": "1-0", "2": "0-1", "3": "1/2-1/2"}
_TAGS: Final = {
    "Name": "Title", "Contest": "Event", "Round": "Round", "Date": "Date", "Site": "Site",
    "TimeRule": "TimeControl", "Red": "Red", "RedTeam": "RedTeam", "RedRating": "RedElo", "Black": "Black",
    "BlackTeam": "BlackTeam", "BlackRating": "BlackElo", "Commentator": "Annotator", "Creator": "Author",
    "ECCO": "ECCO", "From": "Source",
}  # fmt: skip
_MOVE: Final = re.compile(r"([0-8])([0-9])-([0-8])([0-9])")
_DECLARED: Final = re.compile(rb"\s*<\?xml[^>]*encoding\s*=\s*[\"']([A-Za-z0-9._-]+)")
_NULL: Final = "00-00"  # the first move of a list: it carries the comment on the start position


class _EnoughError(Exception):
    """The rest of the file is of no use."""


class _Reader(ContentHandler):
    """Collects a game from the events of the XML parser."""

    def __init__(self) -> None:
        super().__init__()
        self.head: dict[str, str] = {}
        self.line = RawLine()
        self.fault = ""
        self.side_lines = False
        self.root = ""
        self._path: list[str] = []
        self._text: list[str] = []
        self._ended = False

    def startElement(self, name: str, attributes: AttributesImpl) -> None:  # noqa: N802
        """An element opens."""
        if not self._path:
            self.root = name
            if name != "ChineseChessRecord":
                raise _EnoughError
        if len(self._path) > 16:
            self.fault = "elements are nested more than 16 deep"
            raise _EnoughError
        self._path.append(name)
        self._text.clear()
        if name == "Move" and "MoveList" in self._path:
            self._move(attributes)

    def _move(self, attributes: AttributesImpl) -> None:
        value = attributes.get("value", "").strip()
        if self._ended:
            self.side_lines = True  # how side lines are marked is not documented
            raise _EnoughError
        if value == _NULL:
            return
        match = _MOVE.fullmatch(value)
        if match is None:
            self.fault = f"expected a move such as 77-47, found {value[:20]!r}"
            raise _EnoughError
        if len(self.line.tokens) >= MAX_NODES:
            self.fault = f"expected at most {MAX_NODES} moves, found more"
            raise _EnoughError
        file, row, to_file, to_row = map(int, match.groups())
        self.line.tokens.append(((9 - row) * 9 + file) * 90 + (9 - to_row) * 9 + to_file)
        self._ended = attributes.get("end", "0") not in ("", "0")

    def characters(self, data: str) -> None:
        """Text between tags."""
        if sum(map(len, self._text)) < MAX_COMMENT:
            self._text.append(data)

    def endElement(self, name: str) -> None:  # noqa: N802
        """An element closes."""
        text = "".join(self._text).strip()
        self._text.clear()
        self._path.pop()
        if self._path and self._path[-1] == "Head":
            self.head[name] = text
        elif text and "MoveList" in self._path:
            self.line.note().comments.append(text)


def games(
    stream: ByteStream, name: str, on_bytes: Callable[[int], None] | None = None
) -> Iterator[ParsedGame]:
    """The one game of an open file; see `Format.reader`."""
    yield parse(read_whole(stream, name, MAX_SIZE, on_bytes))


def parse(content: bytes) -> ParsedGame:
    """The game of the bytes of a CBF file."""
    game = ParsedGame(moves=(), number=1)
    reader = _Reader()
    parser = make_parser()
    parser.forbid_dtd = True
    parser.setContentHandler(reader)
    source = InputSource()
    source.setByteStream(BytesIO(_as_utf8(content)))
    source.setEncoding("utf-8")
    fault = ""
    try:
        parser.parse(source)
    except _EnoughError:
        fault = reader.fault
    except DefusedXmlException:
        fault = "a record must not have a document type"
    except SAXParseException as error:
        fault = f"not valid XML: {error.getException()}"
    if reader.root != "ChineseChessRecord":
        return refused(game, fault or f"expected a ChineseChessRecord, found {reader.root!r}")
    if reader.side_lines:
        game.remarks.append("side lines left out: their marks are not documented")
    game.line = parser.getLineNumber() if fault else None
    game.start_fen = reader.head.get("FEN", "")
    game.result = _RESULTS.get(reader.head.get("RecordResult", ""), "*")
    game.tags = {tag: reader.head[name] for name, tag in _TAGS.items() if reader.head.get(name)}
    return finish(game, reader.line, fault)


def _as_utf8(content: bytes) -> bytes:
    """The same text in UTF-8: the parser knows neither GBK nor Big5."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace").encode("utf-8", "replace")
    declared = _DECLARED.match(content[:200])
    name = declared[1].decode("ascii").lower() if declared is not None else "utf-8"
    text = decode(content, "gb18030" if name in ("gb2312", "gbk") else name)
    return (text if text is not None else decode_somehow(content)[0]).encode("utf-8", "replace")
