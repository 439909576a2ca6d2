"""DhtmlXQ (东萍象棋), the UBB text of Chinese forums: ``[DhtmlXQ_movelist]77477062...[/DhtmlXQ_movelist]``.

A move is four digits, file and row of either point, rows counted from the top; ``binit`` places the 32 pieces
the same way (99: off the board). ``move_P_S_I`` is side line I, which replaces ply S of line P (0 is the main
line); ``commentS`` and ``commentI_S`` stand behind ply S. A file may hold many games and anything between them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.records.detect import (
    SAMPLE,
    Lookahead,
    choose_encoding,
    decode,
    decode_somehow,
)
from xiangqi_gpt.records.formats.pgn.pgnsplit import MAX_GAME
from xiangqi_gpt.records.record import GameRecord, Variation
from xiangqi_gpt.records.replay import ParsedGame, start_of
from xiangqi_gpt.records.results import result_of
from xiangqi_gpt.records.start_positions import (
    EMPTY,
    finish,
    list_pieces,
    place_pieces,
    position_fen,
    refused,
)
from xiangqi_gpt.records.textlines import ByteStream, TextLines
from xiangqi_gpt.records.variations import MAX_NODES, RawLine
from xiangqi_gpt.rules.move import Move

_MARK: Final = re.compile(r"\[(/?)DhtmlXQ_(\w{1,40})\]")
_BORDER: Final = re.compile(rb"\[/?DhtmlXQ\]")
_SOME: Final = b"[DhtmlXQ_"
_COMMENT: Final = re.compile(r"comment(?:(\d{1,6})_)?(\d{1,6})")
_SIDE: Final = re.compile(r"move_(\d{1,6})_(\d{1,6})_(\d{1,6})")
_RESULT_WORDS: Final = {"1-0": "红胜", "0-1": "黑胜", "1/2-1/2": "和棋", "*": "未知"}
_RESULT_LETTERS: Final = {"W": "1-0", "L": "0-1", "D": "1/2-1/2"}  # won, lost, drawn by Red
_TAGS: Final = {
    "title": "Title", "event": "Event", "date": "Date", "place": "Site", "round": "Round", "table": "Table",
    "group": "Group", "redname": "Red", "redteam": "RedTeam", "redrating": "RedElo", "blackname": "Black",
    "blackteam": "BlackTeam", "blackrating": "BlackElo", "open": "Opening", "remark": "Annotator",
    "author": "Author", "timerule": "TimeControl", "refer": "Source",
}  # fmt: skip
_CAPTURED: Final = re.compile(r"nn", re.IGNORECASE)
_START_BOARD: Final = start_of("").squares.tolist()


def games(
    stream: ByteStream, name: str, on_bytes: Callable[[int], None] | None = None
) -> Iterator[ParsedGame]:
    """The games of an open file; see `Format.reader`."""
    lines = TextLines(stream, on_bytes)
    blocks = Lookahead(_blocks(lines))
    encoding = "utf-8" if lines.marked else None
    for number, (line, raw, fault) in enumerate(blocks, 1):
        if encoding is None and not raw.isascii():
            samples = [raw, *(ahead for _, ahead, _ in blocks.peek(SAMPLE))]
            encoding = choose_encoding(samples, parse)
        text = decode(raw, encoding or "utf-8")
        game = parse(text if text is not None else decode_somehow(raw)[0])
        game.number = number
        game.size = len(raw)
        game.line = line
        yield refused(game, fault) if fault else game


def _blocks(lines: TextLines) -> Iterator[tuple[int, bytes, str]]:
    """(first line, bytes, what makes them unusable) of each game."""
    parts: list[bytes] = []
    size = 0
    first = 0
    fault = ""
    for line in lines:
        if parts and not line.whole:
            fault = fault or f"expected lines of at most {len(line.raw)} bytes, found a longer one"
        pieces = _BORDER.split(line.raw)
        for number, piece in enumerate(pieces):
            if parts or _SOME in piece:
                first = first or line.number
                size += len(piece)
                if size <= MAX_GAME:
                    parts.append(piece)
                else:
                    fault = fault or f"expected games of at most {MAX_GAME} bytes, found a longer one"
            if number < len(pieces) - 1 and parts:
                yield first, b"\n".join(parts), fault
                parts, size, first, fault = [], 0, 0, ""
    if parts:
        yield first, b"\n".join(parts), fault


def parse(text: str) -> ParsedGame:
    """The game of one block of text."""
    game = ParsedGame(moves=(), number=1)
    fields = _fields(text)
    if not fields.keys() & {"movelist", "binit", "fen"}:
        return refused(game, "expected a movelist or a binit, found neither")
    game.tags = {tag: fields[name] for name, tag in _TAGS.items() if fields.get(name)}
    for name, tag in (("red", "Red"), ("black", "Black")):
        if fields.get(name) and tag not in game.tags:
            game.tags[tag] = fields[name]
    named = fields.get("result", "")
    result = _RESULT_LETTERS.get(named.upper()) or result_of(named)
    if result is None:
        game.remarks.append(f"result {fields['result'][:20]!r} not understood")
    game.result = result or "*"
    board = _START_BOARD
    if fields.get("binit"):
        squares = _squares(fields["binit"])
        if squares is None:
            return refused(
                game, f"expected 32 places of two digits (99 or nn: captured), found {fields['binit'][:80]!r}"
            )
        board, fault = place_pieces(squares)
        if fault:
            return refused(game, fault)
    moves, fault = _moves(fields.get("movelist", ""))
    line = RawLine(list(moves))
    game.start_fen = fields.get("fen") or position_fen(board, 0, moves[0] if moves else None)
    _take_side_lines(fields, line, game.remarks)
    return finish(game, line, fault)


def _fields(text: str) -> dict[str, str]:
    """What stands between each mark and the closing mark of the same name; the first of a name counts."""
    fields: dict[str, str] = {}
    opened, begin = "", 0
    for mark in _MARK.finditer(text):
        if not mark[1]:
            opened, begin = mark[2], mark.end()
        elif mark[2] == opened:
            fields.setdefault(opened, text[begin : mark.start()].strip())
            opened = ""
    return fields


def _squares(digits: str) -> list[int] | None:
    """The squares of 32 pieces from 64 digits (nn: captured), ``None`` where they are no such digits."""
    digits = _CAPTURED.sub("99", "".join(digits.split()))
    if len(digits) != 64 or not digits.isascii() or not digits.isdecimal():
        return None
    squares = []
    for at in range(0, 64, 2):
        file, row = int(digits[at]), int(digits[at + 1])
        squares.append((9 - row) * 9 + file if file < 9 else EMPTY)
    return squares


def _moves(digits: str) -> tuple[list[int], str]:
    """Move indices from groups of four digits, and why they stop early where they do."""
    moves: list[int] = []
    digits = "".join(digits.split())
    for at in range(0, len(digits), 4):
        group = digits[at : at + 4]
        if len(group) < 4 or not group.isascii() or not group.isdecimal() or "9" in (group[0], group[2]):
            return moves, f"expected four digits, file and row of two points, found {group!r}"
        file, row, to_file, to_row = map(int, group)
        moves.append(((9 - row) * 9 + file) * 90 + (9 - to_row) * 9 + to_file)
    return moves, ""


def _take_side_lines(fields: dict[str, str], main: RawLine, remarks: list[str]) -> None:
    """Hang the side lines and the comments on their moves."""
    lines = {0: (main, 1)}  # number of a line -> the line, the ply of its first move
    waiting = {}
    budget = MAX_NODES
    for name, value in fields.items():
        match = _SIDE.fullmatch(name)
        if match is not None:
            waiting[int(match[3])] = (int(match[1]), int(match[2]), value)
    known = [0]
    by_parent: dict[int, list[int]] = {}
    for number, (parent, _, _) in waiting.items():
        by_parent.setdefault(parent, []).append(number)
    while known:
        parent = known.pop()
        host, first = lines[parent]
        for number in by_parent.pop(parent, ()):
            _, ply, digits = waiting.pop(number)
            moves, fault = _moves(digits)
            budget -= len(moves)
            if number in lines or budget < 0 or not 1 <= ply - first + 1 <= len(host.tokens):
                remarks.append(f"side line {number} left out: line {parent} has no ply {ply}")
                continue
            if fault:
                remarks.append(f"side line {number} cut: {fault}")
            lines[number] = (RawLine(list(moves)), ply)
            host.note(ply - first + 1).lines.append(lines[number][0])
            known.append(number)
    if waiting:
        remarks.append(f"{len(waiting)} side lines left out: they hang on lines that are not there")
    for name, value in fields.items():
        match = _COMMENT.fullmatch(name)
        if match is None or not value:
            continue
        line, first = lines.get(int(match[1] or 0), (None, 0))
        if line is None or not 0 <= (at := int(match[2]) - first + 1) <= len(line.tokens):
            remarks.append(f"comment {name!r} left out: there is no such ply")
        else:
            line.note(at).comments.append(value.replace("||", "\n"))


def write(path: str | os.PathLike[str], games: Iterable[GameRecord], *, force: bool = False) -> int:
    """Write games to a file in UTF-8 and return how many; glyphs have no place in this format."""
    count = 0
    with (
        atomic_path(path, overwrite=force, error=RecordError) as temporary,
        open(temporary, "w", encoding="utf-8", newline="\n") as file,
    ):
        for game in games:
            file.write(game_text(game))
            count += 1
    return count


def game_text(game: GameRecord) -> str:
    """One game as DhtmlXQ text, with an empty line at its end."""
    start = start_of(game.start_fen)
    fields = {"ver": "www_dpxq_com", "init": "500,350"}
    fields.update((name, game.tags[tag]) for name, tag in _TAGS.items() if game.tags.get(tag))
    fields["red"], fields["black"] = game.tags.get("Red", ""), game.tags.get("Black", "")
    fields["result"] = _RESULT_WORDS[game.result]
    if not game.from_start:
        fields["fen"] = game.start_fen
    fields["binit"] = "".join(_point(square) for square in list_pieces(start.squares.tolist()))
    fields["movelist"] = "".join(map(_digits, game.moves))
    fields["length"] = str(game.plies)
    # (number, ply of the first move, its line)
    pending = [(0, 1, Variation(game.moves, game.notes))]
    last = 0
    while pending:
        number, first, line = pending.pop()
        prefix = f"comment{number}_" if number else "comment"
        for at, note in sorted(line.notes.items()):
            ply = first + at - 1
            if note.comment:
                name = f"{prefix}{max(ply, first) if number else ply}"
                fields[name] = "\n".join(filter(None, (fields.get(name), note.comment)))
            for variation in note.variations:
                if variation.moves:
                    last += 1
                    fields[f"move_{number}_{ply}_{last}"] = "".join(map(_digits, variation.moves))
                    pending.append((last, ply, variation))
    text = "".join(f"[DhtmlXQ_{name}]{_escape(value)}[/DhtmlXQ_{name}]\n" for name, value in fields.items())
    return f"[DhtmlXQ]\n{text}[/DhtmlXQ]\n\n"


def _escape(value: str) -> str:
    return value.replace("\n", "||").replace("[DhtmlXQ", "［DhtmlXQ").replace("[/DhtmlXQ", "［/DhtmlXQ")


def _point(square: int) -> str:
    return "99" if square == EMPTY else f"{square % 9}{9 - square // 9}"


def _digits(move: Move) -> str:
    return _point(move.from_square) + _point(move.to_square)
