"""Games as PGN text: `[Game "Chinese Chess"]` first, then the tags, the moves, comments and side lines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.notation import chinese, uci, wxf
from xiangqi_gpt.records.record import GameRecord, Note, split_of
from xiangqi_gpt.records.replay import start_of
from xiangqi_gpt.records.variations import MAX_DEPTH, depth_of
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move

WIDTH: Final = 80
"""Columns of a line of moves."""

FORMATS: Final = {"iccs": "ICCS", "uci": "UCI", "wxf": "WXF", "chinese": "Chinese", "traditional": "Chinese"}
"""Notation -> value of the Format tag."""

_ORDER: Final = (
    "Event",
    "Site",
    "Date",
    "Round",
    "RedTeam",
    "Red",
    "RedElo",
    "BlackTeam",
    "Black",
    "BlackElo",
)
_ICCS: Final = [f"{move.iccs[:2]}-{move.iccs[2:]}".upper() for move in MOVES]

Render = Callable[[Board, Move], str]


def renderer(notation: str) -> Render:
    """(board, move) -> text in a notation; ConfigError for a name that is not known."""
    known: dict[str, Render] = {
        "iccs": lambda board, move: _ICCS[move.index],
        "uci": uci.render,
        "wxf": wxf.render,
        "chinese": chinese.render,
        "traditional": lambda board, move: chinese.render(board, move, script="traditional"),
    }
    if notation not in known:
        raise ConfigError(f"expected a notation of {', '.join(known)}, found {notation!r}")
    return known[notation]


def write(
    path: str | os.PathLike[str],
    games: Iterable[GameRecord],
    *,
    notation: str = "iccs",
    force: bool = False,
) -> int:
    """Write games to a file in UTF-8 and return how many; the file appears when all are written."""
    render = renderer(notation)
    count = 0
    with (
        atomic_path(path, overwrite=force, error=RecordError) as temporary,
        open(temporary, "w", encoding="utf-8", newline="\n") as file,
    ):
        for game in games:
            file.write(game_text(game, render, FORMATS[notation]))
            file.write("\n")
            count += 1
    return count


def game_text(game: GameRecord, render: Render, fmt: str) -> str:
    """One game as PGN, with a line break at its end."""
    bare = not game.notes and fmt in ("ICCS", "UCI")
    words = _bare(game, fmt) if bare else _annotated(game, render)
    moves = _wrapped([*words, game.result])
    return "".join(f'[{tag} "{_escape(value)}"]\n' for tag, value in _tags(game, fmt)) + "\n" + moves + "\n"


def _tags(game: GameRecord, fmt: str) -> Iterator[tuple[str, str]]:
    yield "Game", "Chinese Chess"
    tags = game.tags
    for tag in _ORDER:
        if tags.get(tag):
            yield tag, tags[tag]
    yield "Result", game.result
    for tag, value in tags.items():
        if tag not in _ORDER and value and tag.isidentifier() and tag.isascii():
            yield tag, value
    for tag, value, usual in (
        ("Kind", "" if game.kind == "unknown" else game.kind, "human"),
        ("Subtype", game.subtype, ""),
        ("Id", game.id, ""),
        # The part of the data is computed from the game unless the tag gives another one.
        ("Split", game.split, split_of(game.start_fen, game.moves)),
    ):
        if value and value != usual:
            yield tag, value
    if not game.from_start:
        yield "FEN", game.start_fen
    yield "Format", fmt


def _escape(value: str) -> str:
    return " ".join(value.split()).replace("\\", "\\\\").replace('"', '\\"')


def _bare(game: GameRecord, fmt: str) -> Iterable[str]:
    texts = [_ICCS[m.index] for m in game.moves] if fmt == "ICCS" else [m.iccs for m in game.moves]
    words: list[str] = []
    board = start_of(game.start_fen).board()
    number = board.fullmove_number
    first = int(board.turn)
    if first and texts:
        words.extend((f"{number}.", "...", texts[0]))
        number += 1
    for ply in range(first, len(texts), 2):
        words.append(f"{number}.")
        words.extend(texts[ply : ply + 2])
        number += 1
    return words


def _annotated(game: GameRecord, render: Render) -> Iterable[str]:
    if depth_of(game.notes) > MAX_DEPTH:
        reason = f"expected side lines nested at most {MAX_DEPTH} deep, found more"
        raise RecordError(reason, file=game.file, game=game.number or None)
    board = start_of(game.start_fen).board()
    return _line(board, game.moves, game.notes, render)


def _line(board: Board, moves: tuple[Move, ...], notes: Mapping[int, Note], render: Render) -> Iterator[str]:
    """The words of a line and of the side lines on it; ``board`` is left as it was."""
    numbered = True  # whether the next move needs its number even if it is Black's
    yield from _comment(notes.get(0))
    for ply, move in enumerate(moves, 1):
        if not board.turn:
            yield f"{board.fullmove_number}."
        elif numbered:
            yield f"{board.fullmove_number}. ..."
        numbered = False
        yield render(board, move)
        note = notes.get(ply)
        if note is not None:
            yield from (f"${nag}" for nag in note.nags)
            yield from _comment(note)
            for variation in note.variations:
                yield "("
                yield from _line(board, variation.moves, variation.notes, render)
                yield ")"
            numbered = bool(note.comment or note.variations)
        board.push(move)
    for _ in moves:
        board.pop()


def _comment(note: Note | None) -> Iterator[str]:
    # A comment ends at the first brace, and a line of it must not look like a tag of the next game.
    if note is not None and note.comment:
        yield "{" + note.comment.replace("}", ")").replace("\n[", "\n [") + "}"


def _wrapped(words: Iterable[str]) -> str:
    """Words in lines of at most `WIDTH` columns, where the words allow it."""
    lines: list[str] = []
    line = ""
    for word in words:
        if line and len(line) + len(word) >= WIDTH:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    lines.append(line)
    return "\n".join(lines)
