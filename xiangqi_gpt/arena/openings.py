"""Where the games of a match begin: short, balanced lines from the standard start, or positions."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator
from dataclasses import dataclass

from xiangqi_gpt.errors import FenError, MoveError, RecordError
from xiangqi_gpt.files import read_limited
from xiangqi_gpt.records import read_games
from xiangqi_gpt.resources import resource_path
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

OPENINGS_RESOURCE = "data/openings.txt"
MAX_OPENING_PLIES = 60
_MAX_BYTES = 16 * 2**20


@dataclass(frozen=True)
class Opening:
    """Moves from the standard start or from another position.

    Attributes:
        moves: the moves given.
        line: where they stand in their file, from 1; the number of the game in a PGN file.
        start_fen: the position before the moves; "" for the standard start.
    """

    moves: tuple[Move, ...]
    line: int = 0
    start_fen: str = ""

    def board(self) -> Board:
        """A new board with the moves played."""
        board = Board(self.start_fen) if self.start_fen else Board()
        for move in self.moves:
            board.push(move)
        return board

    def __str__(self) -> str:
        return " ".join([*([self.start_fen] if self.start_fen else []), *(move.iccs for move in self.moves)])


def load_openings(
    path: str | os.PathLike[str] | None = None, *, plies: int | None = None
) -> tuple[Opening, ...]:
    """The openings of a file.

    The file is a text of ICCS moves, one opening per line; a list of positions in FEN or EPD, one per line (what
    stands behind the counters is left out); or PGN, one opening per game. In texts, empty lines and `#` comments are
    left out.

    Args:
        path: None for the openings of the package.
        plies: take at most that many plies of each opening; None for all of them.

    Raises:
        RecordError: the file cannot be read or holds no opening; an opening has an illegal move or position, more
            than `MAX_OPENING_PLIES` plies, ends where the game is over, or reaches a position of an earlier one.
    """
    file = os.fspath(path) if path is not None else resource_path(OPENINGS_RESOURCE)
    name = str(file)
    content = read_limited(file, _MAX_BYTES, error=RecordError)
    is_pgn = name.lower().endswith(".pgn") or content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")
    openings: list[Opening] = []
    seen: dict[Hashable, int] = {}
    for opening in _read_pgn(name, plies) if is_pgn else _read_text(content, name, plies):
        game, line = (opening.line, None) if is_pgn else (None, opening.line)
        board = opening.board()
        if not board.legal_moves() or board.outcome() is not None:
            raise RecordError("the game is over after this opening", file=name, game=game, line=line)
        first = seen.setdefault(board.position_key(), opening.line)
        if first != opening.line:
            raise RecordError(
                f"same position as {'game' if is_pgn else 'line'} {first}",
                file=name,
                game=game,
                line=line,
            )
        openings.append(opening)
    if not openings:
        raise RecordError("the file holds no openings", file=name)
    return tuple(openings)


def _read_pgn(file: str, plies: int | None) -> Iterator[Opening]:
    for number, game in enumerate(read_games(file), start=1):
        moves = game.moves[:plies]
        if len(moves) > MAX_OPENING_PLIES:
            raise RecordError(
                f"expected at most {MAX_OPENING_PLIES} plies, found {len(moves)}; take the first ones with "
                "--opening-plies",
                file=file,
                game=number,
            )
        yield Opening(moves, number, "" if game.from_start else game.start_fen)


def _read_text(content: bytes, file: str, plies: int | None) -> Iterator[Opening]:
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise RecordError(f"not a text file in UTF-8: {error}", file=file) from error
    for number, text in enumerate(lines, start=1):
        words = text.partition("#")[0].split()
        if not words:
            continue
        if "/" in words[0]:
            yield _read_position(words, file, number)
        else:
            yield _read_line(words, file, number, plies)


def _read_position(words: list[str], file: str, line: int) -> Opening:
    """A FEN, or the position of an EPD line: its operations are left out."""
    fields = words[:2]
    for word in words[2:6]:
        if word != "-" and not word.isdecimal():
            break
        fields.append(word)
    try:
        return Opening((), line, Board(" ".join(fields)).fen())
    except FenError as error:
        raise RecordError(str(error), file=file, line=line) from error


def _read_line(words: list[str], file: str, line: int, plies: int | None) -> Opening:
    words = words[:plies]
    if len(words) > MAX_OPENING_PLIES:
        raise RecordError(
            f"expected at most {MAX_OPENING_PLIES} plies, found {len(words)}", file=file, line=line
        )
    board = Board()
    for ply, word in enumerate(words):
        try:
            move = Move.from_iccs(word)
        except MoveError as error:
            raise RecordError(str(error), file=file, line=line, ply=ply) from error
        why = board.explain(move)
        if why is not None:
            raise RecordError(
                f"expected a legal move, found {word!r}: {why.text_en}", file=file, line=line, ply=ply
            )
        board.push(move)
    return Opening(tuple(board.move_stack), line)
