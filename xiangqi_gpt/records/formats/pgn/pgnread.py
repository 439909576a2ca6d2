"""PGN: many games per file, moves in ICCS, UCI, WXF or Chinese, comments, glyphs, side lines.

Read are Chinese and Western tag names (Red or White, ECCO or ECO), the result as a token, a tag or a Chinese
word, and text in UTF-8, UTF-16 with a mark, GBK/GB18030 or Big5. The notation is detected for each move; what one
text leaves open (ranks from 0 or from 1, the WXF dialect, the encoding) is decided once for the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from xiangqi_gpt.records.detect import (
    ENCODINGS,
    SAMPLE,
    Lookahead,
    choose_encoding,
    choose_reader,
    decode,
    decode_somehow,
    legal_plies,
)
from xiangqi_gpt.records.formats.pgn.pgnsplit import RawGame, split_games
from xiangqi_gpt.records.formats.pgn.pgntext import MoveText, footer_at, line_of_ply, read_moves, read_tags
from xiangqi_gpt.records.movereader import MoveReader, digits_remarks
from xiangqi_gpt.records.record import KINDS, SPLITS
from xiangqi_gpt.records.replay import ParsedGame, start_of
from xiangqi_gpt.records.results import agreed, result_of
from xiangqi_gpt.records.textlines import ByteStream, TextLines
from xiangqi_gpt.records.variations import plain_notes, resolve

_RENAMED: Final = {
    "White": "Red",
    "WhiteElo": "RedElo",
    "WhiteTeam": "RedTeam",
    "WhiteTitle": "RedTitle",
    "ECO": "ECCO",
}
_TAKEN: Final = frozenset(("Game", "Format", "FEN", "SetUp", "Variant", "Result"))
_VARIANTS: Final = frozenset(("", "xiangqi", "chinese chess", "中国象棋", "象棋"))


@dataclass(frozen=True, slots=True)
class _Text:
    """One game as decoded text."""

    tags: list[str]
    moves: str
    shift: int  # lines from the first line of the game to the first of the moves


def games(
    stream: ByteStream, name: str, on_bytes: Callable[[int], None] | None = None
) -> Iterator[ParsedGame]:
    """The games of an open file; see `Format.reader`."""
    lines = TextLines(stream, on_bytes)
    yield from candidates(split_games(lines), lines.marked)


def candidates(raw_games: Iterable[RawGame], marked: bool) -> Iterator[ParsedGame]:
    """The games of a text file from their lines; ``marked``: the text is UTF-8 for sure."""
    games = Lookahead(raw_games)
    encoding = "utf-8" if marked else None
    reader: MoveReader | None = None
    for game in games:
        ahead = None
        if encoding is None and not game.is_ascii():
            ahead = [game, *games.peek(SAMPLE)]
            encoding = _encoding(ahead)
        if reader is None:
            reader = _reader(ahead or [game, *games.peek(SAMPLE)], encoding or "utf-8")
        yield _candidate(game, reader, encoding or "utf-8", marked)


def _encoding(games: list[RawGame]) -> str:
    raws = [
        b"\n".join([*(line.raw for line in game.tags), b"", *(line.raw for line in game.moves)])
        for game in games
    ]
    reader = MoveReader()

    def candidate(text: str) -> ParsedGame:
        tags, _, moves = text.partition("\n\n")
        return _build(_Text(tags.split("\n"), moves, 0), reader)

    return choose_encoding(raws, candidate)


def _reader(games: list[RawGame], encoding: str) -> MoveReader:
    texts, starts = [], []
    for game in games:
        text = _decode(game, encoding) or _decode_lines(game, encoding, [])
        tags, _ = read_tags(text.tags)
        texts.append([token for token in read_moves(text.moves).line.tokens if isinstance(token, str)])
        starts.append(tags.get("FEN", ""))
    return choose_reader(texts, starts)


def _decode(game: RawGame, encoding: str) -> _Text | None:
    """The game as text; ``None`` where a line is no text in this encoding."""
    tags = [decode(line.raw, encoding) for line in game.tags]
    moves = decode(b"\n".join([line.raw for line in game.moves]), encoding)
    if moves is None or None in tags:
        return None
    shift = game.moves[0].number - game.line if game.moves else 0
    return _Text([tag for tag in tags if tag is not None], moves, shift)


def _decode_lines(game: RawGame, encoding: str, remarks: list[str]) -> _Text:
    """The game as text, each line in whichever encoding takes it."""
    texts: list[list[str]] = []
    for lines in (game.tags, game.moves):
        texts.append([])
        for line in lines:
            text = decode(line.raw, encoding)
            if text is None:
                text, sound = decode_somehow(line.raw)
                what = "text in another encoding" if sound else "bytes that are no text"
                remarks.append(f"line {line.number}: {what}")
            texts[-1].append(text)
    shift = game.moves[0].number - game.line if game.moves else 0
    return _Text(texts[0], "\n".join(texts[1]), shift)


def _candidate(game: RawGame, reader: MoveReader, encoding: str, settled: bool) -> ParsedGame:
    text = _decode(game, encoding)
    candidate = _build(text, reader) if text is not None else None
    if (candidate is None or candidate.fault) and not settled and not game.is_ascii():
        candidate = _other_encoding(game, reader, encoding, candidate) or candidate
    if candidate is None:
        remarks: list[str] = []
        candidate = _build(_decode_lines(game, encoding, remarks), reader)
        candidate.remarks.extend(remarks)
    candidate.number = game.number
    candidate.size = game.size
    candidate.remarks.extend(game.remarks)
    candidate.line = game.fault_line or game.line
    if candidate.line_of is not None:
        within, first = candidate.line_of, game.line
        candidate.line_of = lambda ply: first + (within(ply) or 0)
    if game.fault:
        candidate.usable = False
        candidate.fault = game.fault
    return candidate


def _other_encoding(
    game: RawGame, reader: MoveReader, encoding: str, candidate: ParsedGame | None
) -> ParsedGame | None:
    """The game in the encoding in which all of it replays, ``None`` where there is none."""
    for other in ENCODINGS:
        text = _decode(game, other) if other != encoding else None
        if text is None:
            continue
        found = _build(text, reader)
        if not found.fault and (candidate is None or legal_plies([found]) > len(candidate.moves)):
            found.remarks.append(f"text in {other}, unlike the rest of the file")
            return found
    return None


def _build(text: _Text, reader: MoveReader) -> ParsedGame:
    """A game from its decoded text."""
    tags, rests = read_tags(text.tags)
    remarks = [f"tag that cannot be read: {rest[:40]!r}" for rest in rests if rest.startswith("[")]
    rests = [rest for rest in rests if not rest.startswith("[")]
    found = read_moves("\n".join([*rests, text.moves]))
    game = ParsedGame(moves=(), remarks=[*remarks, *found.remarks])
    fault = _take_tags(game, tags, found)
    if fault:
        game.usable = False
        game.fault = fault
        return game
    start = start_of(game.start_fen)
    if start.fault:
        return game  # the judge refuses it
    if found.line.has_lines():
        resolved = resolve(found.line, start.board(), reader.parse, game.remarks)
        game.moves = [move.index for move in resolved.moves]
        game.notes = resolved.notes
        game.fault = resolved.fault
    else:
        game.moves, game.fault = reader.resolve(start, [str(token) for token in found.line.tokens])
        if found.line.notes:
            game.notes = plain_notes(found.line)
    if game.fault and not found.result:
        _pass_over_footer(game, text.moves, len(game.moves))
    game.fault = game.fault or found.fault
    if not text.moves.isascii():
        game.remarks.extend(digits_remarks(found.line.tokens[: len(game.moves)], start.turn))
    game.remarks.extend(found.number_remarks(start.turn, start.board().fullmove_number))
    tokens = found.line.tokens
    game.line_of = lambda ply: text.shift + line_of_ply(text.moves, ply)
    game.text_of = lambda ply: str(tokens[ply]) if ply < len(tokens) else ""
    return game


def _pass_over_footer(game: ParsedGame, moves: str, ply: int) -> None:
    """Text below the moves of a game without a result is no fault of it where it holds no move."""
    footer = footer_at(moves, ply)
    if footer:
        game.fault = ""
        game.remarks.append(f"text below the moves passed over: {footer[:40]!r}")


def _take_tags(game: ParsedGame, tags: dict[str, str], found: MoveText) -> str:
    """Move what the tags say into the game; returns why it cannot be used, "" if it can."""
    variant = tags.get("Variant", "").strip().lower()
    if variant not in _VARIANTS:
        return f"expected a game of Xiangqi, found the variant {variant!r}"
    game.start_fen = tags.get("FEN", "")
    named = result_of(tags.get("Result", ""))
    if named is None:
        game.remarks.append(f"result {tags['Result'][:20]!r} not understood")
        named = "*"
    result = agreed(named, result_of(found.result) or "*")
    if result is None:
        game.remarks.append(
            f"result {named!r} in the tags, {found.result!r} behind the moves: taken as unknown"
        )
    game.result = result or "*"
    kept: dict[str, str] = {}
    for tag, value in tags.items():
        if tag in _TAKEN or not value:
            continue
        if tag == "Kind" and value in KINDS:
            game.kind = value
        elif tag == "Split" and value in SPLITS:
            game.split = value
        elif tag == "Subtype":
            game.subtype = value
        elif tag == "Id":
            game.id = value
        else:
            kept.setdefault(_RENAMED.get(tag, tag), value)
    game.tags = kept
    return ""
