"""Plain move lists: no tags, one game per line or per paragraph, in any notation.

Also read: ``position startpos moves ...`` and ``position fen ... moves ...`` as engines are given them, a FEN
at the head of a game or on the line behind its moves, one column with an id in front of the moves of a line,
numbers, results, and lines such as 红方：... above the moves.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.records.detect import (
    ENCODINGS,
    Lookahead,
    decode,
    decode_somehow,
    decode_start,
    legal_plies,
    shown,
)
from xiangqi_gpt.records.formats.pgn.pgnread import candidates
from xiangqi_gpt.records.formats.pgn.pgnsplit import MAX_GAME, RawGame
from xiangqi_gpt.records.replay import ParsedGame, replay_games
from xiangqi_gpt.records.results import ENDS
from xiangqi_gpt.records.textlines import ByteStream, Line, TextLines

_SAMPLE_LINES: Final = 60
_TABLE_LINES: Final = 5  # fewer lines are no table
_PATTERN: Final = (
    r"[A-Ia-i](?:10|[0-9])-?[A-Ia-i](?:10|[0-9])"
    r"|(?:[KAEBHNRCPkaebhnrcp1-9][1-9+\-.A-Ea-e]?|[+\-][KAEBHNRCPkaebhnrcp])[+\-=.][1-9]"
    r"|(?:Tg|[STXPMBC])[1-9tsg][./\-][1-9]|[KAEHNRC][a-i]?[0-9]?x?[a-i](?:10|[0-9])"
    r"|[一-鿿１-９1-9]{2,3}[进進退平上下][1-9１-９一二三四五六七八九]"
)
_MOVE: Final = re.compile(rf"(?<![^\s.．、,;|:：；，\"])(?:{_PATTERN})(?=[A-Ia-i\s,;!?（({{\"]|\Z)")
_GAP: Final = r"(?:\s|_|\+|%20)"
_LETTER: Final = "[1-9KABENRHCPGSMkabenrhcpgsm]"
_FEN: Final = re.compile(
    r"\s*(?:fen\s+|FEN[:：]\s*)?"
    rf"((?:{_LETTER}+/){{9}}{_LETTER}+(?:\[\])?"
    rf"(?:{_GAP}{{0,9}}[wbr](?![A-Za-z0-9/]))?(?:{_GAP}{{1,9}}-{_GAP}{{1,9}}-)?(?:{_GAP}{{1,9}}\d+{_GAP}{{1,9}}\d+)?)"
)
_POSITION: Final = re.compile(r"\s*(?:position\s+)?(startpos|fen)(?:\s+|$)")
_FIRST: Final = re.compile(r"\s*0*1\s*[.．、]")
_RUN: Final = re.compile(r"(?:[a-i][0-9][a-i][0-9]){2,}")
_MARKS: Final = ";|\t,:；：，"  # what parts an id from the moves, the likeliest first
_ID: Final = re.compile(rf"\s*\"?([^\s\"{_MARKS}]{{1,64}})\"?[^\S\t]*([{_MARKS}])\s*\"?")
_NUMBER: Final = re.compile(r"(?<!\S)\d{1,4}\s?[.．、]+")
_HEADERS: Final = {
    "标题": "Title", "標題": "Title", "赛事": "Event", "賽事": "Event", "比赛": "Event", "比賽": "Event",
    "日期": "Date", "时间": "Date", "時間": "Date", "地点": "Site", "地點": "Site", "红方": "Red", "紅方": "Red",
    "红": "Red", "紅": "Red", "黑方": "Black", "黑": "Black", "结果": "Result", "結果": "Result",
    "开局": "Opening", "開局": "Opening",
}  # fmt: skip
_HEADER: Final = re.compile(rf"\s*({'|'.join(_HEADERS)})\s*[:：]\s*(.*)")


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a file lists its games.

    ``by_line``: each line is a game (else each paragraph); ``ids``: what separates an id from the moves of its
    line, "" where there is none; ``fen_behind``: a line with a FEN belongs to the moves above it.
    """

    by_line: bool = False
    ids: str = ""
    fen_behind: bool = False


def games(
    stream: ByteStream, name: str, on_bytes: Callable[[int], None] | None = None
) -> Iterator[ParsedGame]:
    """The games of an open file; see `Format.reader`.

    Raises RecordError where nothing near the head of the file looks like a move, or where its lines are a table
    with one move in each, and not games.
    """
    text = TextLines(stream, on_bytes)
    lines = Lookahead(text)
    sample = list(lines.peek(_SAMPLE_LINES))
    if not any(_moves_in(line.raw) for line in sample):
        found = next((shown(line.raw, 60) for line in sample if line.raw.strip()), "empty lines")
        raise RecordError(f"the text holds no moves: {found}", file=name)
    layout = _choose_layout(sample, text.marked)
    if _is_table(sample, layout, text.marked):
        raise RecordError("not a list of games: most lines hold only one or two moves", file=name)
    yield from candidates(_games(lines, layout), text.marked)


def _choose_layout(sample: Sequence[Line], marked: bool) -> _Layout:
    """The layout in which most of the sample is legal and fewest positions are left without moves."""
    layouts = [_Layout()]
    if ids := _id_mark([line.raw for line in sample]):
        layouts.append(_Layout(by_line=True, ids=ids))
    layouts.append(_Layout(by_line=True))
    if any(_only_fen(line.raw.decode("latin-1")) for line in sample):
        layouts += [_Layout(by_line=layout.by_line, ids=layout.ids, fen_behind=True) for layout in layouts]

    def score(layout: _Layout) -> tuple[int, int]:
        games = list(_games(sample, layout))
        return legal_plies(candidates(games, marked)), -sum(not game.moves for game in games)

    return max(layouts, key=score)  # the first of the best


def _id_mark(raws: Iterable[bytes]) -> str:
    """What parts an id from the moves on nearly every line that holds moves, "" where nothing does."""
    marks = []
    for raw in raws:
        if _moves_in(raw):
            split = _split_id(raw, _MARKS)
            marks.append(split[2] if split is not None and not _MOVE.match(split[1]) else "")
    return next((mark for mark in _MARKS if marks.count(mark) > 0.8 * len(marks)), "")


def _split_id(raw: bytes, marks: str) -> tuple[str, str, str, str] | None:
    """Encoding, id, mark and moves of a line, None where no id stands in front of moves."""
    for encoding, text in _decodings(raw):
        match = _ID.match(text)
        if match is not None and match[2] in marks:
            rest = text[match.end() :].strip().removesuffix('"')
            moves = _NUMBER.sub("", rest, count=1).lstrip()
            if _MOVE.match(moves) or _RUN.match(moves):
                return encoding, match[1], match[2], rest
    return None


def _is_table(sample: Sequence[Line], layout: _Layout, marked: bool) -> bool:
    """Whether nearly every line holds one move or two of a game and other words."""
    games = list(_games(sample, layout))
    partial = 0
    for game, reading in zip(games, replay_games(candidates(games, marked), ""), strict=True):
        plies = reading.record.plies if reading.record is not None else 0
        words = _NUMBER.sub(" ", " ".join(decode_somehow(line.raw)[0] for line in game.moves)).split()
        partial += 1 <= plies <= 2 and len([word for word in words if word not in ENDS]) > plies
    return len(games) >= _TABLE_LINES and partial > 0.8 * len(games)


def _moves_in(raw: bytes) -> bool:
    texts = [text if text.isascii() else unicodedata.normalize("NFKC", text) for _, text in _decodings(raw)]
    return any(_MOVE.search(text) or _RUN.search(text) for text in texts)


def _decodings(raw: bytes) -> list[tuple[str, str]]:
    """Each encoding that a line may have, with its text; UTF-8 alone where it can be UTF-8."""
    text = decode(raw, "utf-8")
    if text is not None:
        return [("utf-8", text)]
    texts = [(encoding, decode(raw, encoding)) for encoding in (*ENCODINGS, "latin-1")]
    return [(encoding, text) for encoding, text in texts if text is not None]


def _only_fen(text: str) -> bool:
    match = _FEN.match(text)
    return match is not None and not text[match.end() :].strip()


def _games(lines: Iterable[Line], layout: _Layout) -> Iterator[RawGame]:
    game: RawGame | None = None
    number = size = 0
    closing = False  # the game may still get the FEN behind it, but no more moves
    for line in chain(lines, (Line(0, b""),)):
        blank = not line.raw.strip()
        fen_line = not blank and b"/" in line.raw and _only_fen(decode_start(line.raw, 400))
        if game is not None and game.moves and layout.fen_behind and line.number:
            if fen_line and not _has_fen(game):
                _take(game, line, layout)
                closing = True
                continue
            new = not blank and (closing or layout.by_line or _starts(line.raw))
            closing = closing or blank
        else:
            begun = game is not None and (bool(game.moves) or (fen_line and _has_fen(game)))
            new = blank or (begun and (layout.by_line or fen_line or _starts(line.raw)))
        if new and game is not None and (game.moves or line.number == 0 or not blank):
            if game.moves or game.fault or _has_fen(game):
                yield game
            game = None
        if blank:
            continue
        if game is None:
            number += 1
            size = 0
            closing = False
            game = RawGame(number, line.number)
        size += len(line.raw)
        if not line.whole:
            game.fault = game.fault or f"expected lines of at most {len(line.raw)} bytes, found a longer one"
        elif size > MAX_GAME:
            game.fault = game.fault or f"expected games of at most {MAX_GAME} bytes, found a longer one"
        if game.fault:
            game.moves = game.moves[:1] or [line._replace(raw=b"")]
            continue
        _take(game, line, layout)


def _has_fen(game: RawGame) -> bool:
    return any(tag.raw.startswith(b"[FEN ") for tag in game.tags)


def _starts(raw: bytes) -> bool:
    text = decode_start(raw, 400)
    return bool(_FIRST.match(text) or text.lstrip().startswith(("position ", "startpos")) or _FEN.match(text))


def _take(game: RawGame, line: Line, layout: _Layout) -> None:
    """Add a line to a game: what stands above the moves becomes tags, moves are set apart from each other."""
    raw = line.raw
    split = _split_id(raw, layout.ids) if layout.ids else None
    if split is not None:
        encoding, name, _, moves = split
        game.tags.append(_tag(line, "Id", name.encode(encoding)))
        raw = moves.encode(encoding)
    if raw.isascii():
        text = raw.decode("ascii")
        position = _POSITION.match(text)
        fen = _FEN.match(text)
        if not game.moves and position is not None:
            head, _, text = text[position.end() :].partition("moves")
            if position[1] == "fen":
                game.tags.append(_tag(line, "FEN", head.encode()))
        elif fen is not None and (not game.moves or layout.fen_behind):
            game.tags.append(_tag(line, "FEN", fen[1].encode()))
            text = text[fen.end() :]
        text = _RUN.sub(lambda run: " ".join(run[0][at : at + 4] for at in range(0, len(run[0]), 4)), text)
        raw = text.replace(",", " ").encode()
    elif not game.moves:
        for encoding, text in _decodings(raw):
            header = _HEADER.match(text)
            if header is not None:
                game.tags.append(_tag(line, _HEADERS[header[1]], header[2].encode(encoding)))
                return
    if not raw.strip():
        return
    if game.moves or _moves_in(raw):
        game.moves.append(line._replace(raw=raw))
    else:
        text = decode_start(raw, 160)[:40]
        game.remarks.append(f"line {line.number}: text above the moves passed over: {text!r}")


def _tag(line: Line, name: str, value: bytes) -> Line:
    return line._replace(raw=b'[%s "%s"]' % (name.encode(), value.strip().replace(b'"', b"'")))
