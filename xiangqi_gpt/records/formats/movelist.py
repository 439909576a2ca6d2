"""Plain move lists: no tags, a game a line or a game a paragraph, in any notation.

Also read: ``position startpos moves ...`` and ``position fen ... moves ...`` as engines are given them, a FEN
at the head of a game, numbers, results, and lines such as 红方：... above the moves.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.records.detect import ENCODINGS, Lookahead, decode, legal_plies
from xiangqi_gpt.records.formats.pgn.pgnread import candidates
from xiangqi_gpt.records.formats.pgn.pgnsplit import MAX_GAME, RawGame
from xiangqi_gpt.records.replay import Reading, judged
from xiangqi_gpt.records.source import open_source
from xiangqi_gpt.records.textlines import ByteStream, Line, TextLines

_SAMPLE_LINES: Final = 60
_PATTERN: Final = (
    r"[A-Ia-i](?:10|[0-9])-?[A-Ia-i](?:10|[0-9])"
    r"|[KAEBHNRCPkaebhnrcp1-9][1-9+\-.A-Ea-e]?[+\-=.][1-9]"
    r"|[一-鿿１-９1-9]{2,3}[进進退平上下][1-9１-９一二三四五六七八九]"
)
_MOVE: Final = re.compile(rf"(?<![^\s.．、,;])(?:{_PATTERN})(?=[A-Ia-i\s,;!?（({{]|\Z)")
_FEN: Final = re.compile(
    r"\s*(?:fen\s+|FEN[:：]\s*)?((?:[1-9KABENRHCPkabenrhcp]+/){9}[1-9KABENRHCPkabenrhcp]+(?:\s+[wbr]\b)?(?:\s+-\s+-)?(?:\s+\d+\s+\d+)?)"
)
_POSITION: Final = re.compile(r"\s*(?:position\s+)?(startpos|fen)(?:\s+|$)")
_FIRST: Final = re.compile(r"\s*0*1\s*[.．、]")
_RUN: Final = re.compile(r"(?:[a-i][0-9][a-i][0-9]){2,}")
_HEADER: Final = re.compile(r"\s*(标题|赛事|比赛|日期|时间|地点|红方|黑方|红|黑|结果|开局)\s*[:：]\s*(.*)")
_HEADERS: Final = {
    "标题": "Title", "赛事": "Event", "比赛": "Event", "日期": "Date", "时间": "Date", "地点": "Site", "红方": "Red",
    "红": "Red", "黑方": "Black", "黑": "Black", "结果": "Result", "开局": "Opening",
}  # fmt: skip


def readings(
    path: str | os.PathLike[str], *, on_bytes: Callable[[int], None] | None = None
) -> Iterator[Reading]:
    """Yield one `Reading` for each game of a file."""
    with open_source(path) as stream:
        yield from read_stream(stream, os.fspath(path), on_bytes=on_bytes)


def read_stream(
    stream: ByteStream, name: str, *, on_bytes: Callable[[int], None] | None = None
) -> Iterator[Reading]:
    """Yield one `Reading` for each game of an open file that is called ``name`` in errors.

    Raises RecordError where nothing near the head of the file looks like a move.
    """
    text = TextLines(stream, on_bytes)
    lines = Lookahead(text)
    sample = list(lines.peek(_SAMPLE_LINES))
    if not any(_moves_in(line.raw) for line in sample):
        found = next((line.raw[:30] for line in sample if line.raw.strip()), b"")
        raise RecordError(f"expected game records, found text without moves: {found!r}", file=name)
    by_line = _by_line(sample, text.marked)
    yield from judged(candidates(_games(lines, by_line), text.marked), name)


def _by_line(sample: Sequence[Line], marked: bool) -> bool:
    """Whether each line is a game: more of the sample is legal so than by paragraphs."""
    plies = [legal_plies(candidates(_games(sample, choice), marked)) for choice in (True, False)]
    return plies[0] > plies[1]


def _text_of(raw: bytes) -> str:
    texts = (decode(raw, encoding) for encoding in ENCODINGS)
    return next((text for text in texts if text is not None), raw.decode("latin-1"))


def _moves_in(raw: bytes) -> bool:
    text = _text_of(raw[:4096])
    return _MOVE.search(text) is not None or _RUN.search(text) is not None


def _games(lines: Iterable[Line], by_line: bool) -> Iterator[RawGame]:
    game: RawGame | None = None
    number = size = 0
    for line in chain(lines, (Line(0, b""),)):
        blank = not line.raw.strip()
        new = blank or (game is not None and bool(game.moves) and (by_line or _starts(line.raw)))
        if new and game is not None and (game.moves or line.number == 0):
            if game.moves or game.fault:
                yield game
            game = None
        if blank:
            continue
        if game is None:
            number += 1
            size = 0
            game = RawGame(number, line.number)
        size += len(line.raw)
        if not line.whole:
            game.fault = game.fault or f"expected lines of at most {len(line.raw)} bytes, found a longer one"
        elif size > MAX_GAME:
            game.fault = game.fault or f"expected games of at most {MAX_GAME} bytes, found a longer one"
        if game.fault:
            game.moves = game.moves[:1] or [line._replace(raw=line.raw[:20])]
            continue
        _take(game, line)


def _starts(raw: bytes) -> bool:
    text = _text_of(raw[:200])
    return bool(_FIRST.match(text) or text.lstrip().startswith(("position ", "startpos")) or _FEN.match(text))


def _take(game: RawGame, line: Line) -> None:
    """Add a line to a game: what stands above the moves becomes tags, moves are set apart from each other."""
    raw = line.raw
    if raw.isascii():
        text = raw.decode("ascii")
        position = _POSITION.match(text)
        fen = _FEN.match(text)
        if not game.moves and position is not None:
            head, _, text = text[position.end() :].partition("moves")
            if position[1] == "fen":
                game.tags.append(_tag(line, "FEN", head.encode()))
        elif not game.moves and fen is not None:
            game.tags.append(_tag(line, "FEN", fen[1].encode()))
            text = text[fen.end() :]
        text = _RUN.sub(lambda run: " ".join(run[0][at : at + 4] for at in range(0, len(run[0]), 4)), text)
        raw = text.replace(",", " ").encode()
    elif not game.moves:
        header = _HEADER.match(_text_of(raw))
        if header is not None:
            encoding = next(name for name in (*ENCODINGS, "latin-1") if decode(raw, name) is not None)
            game.tags.append(_tag(line, _HEADERS[header[1]], header[2].encode(encoding)))
            return
    if raw.strip() and (game.moves or _moves_in(raw)):
        game.moves.append(line._replace(raw=raw))


def _tag(line: Line, name: str, value: bytes) -> Line:
    return line._replace(raw=b'[%s "%s"]' % (name.encode(), value.strip().replace(b'"', b"'")))
