"""From games as read to games that obey the rules: every reader passes its games through `replay_games`.

Games are replayed many at a time by the compiled rules, so checking a ply takes about a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from xiangqi_gpt.errors import FenError, RecordError
from xiangqi_gpt.records.record import (
    SPLIT_PLIES,
    GameRecord,
    Note,
    TeacherLabels,
    is_start,
    split_of,
)
from xiangqi_gpt.rules import batch
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.lenient import lenient_board
from xiangqi_gpt.rules.move import MOVES
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.texts import Message

MAX_PLIES = 2_000
"""Longest game taken; a longer one is a fault (tournament rules end a game long before)."""

_BATCH_PLIES = 1 << 15
_BATCH_GAMES = 1 << 10
_BYTES_A_PLY = 64
_SHOWN = 20  # characters of a move that a message shows


@dataclass(slots=True)
class ParsedGame:
    """A game as a reader found it, before the rules have seen it.

    ``moves`` are move indices. If the text is faulty, ``fault`` describes the fault and ``moves`` stop before that
    ply; a fault of the whole game (nothing of it can be used) leaves ``usable`` false. ``line_of`` gives the
    line of a ply, ``text_of`` how its move is written ("" where it has none); ``line`` is the first line of the
    game. ``remarks`` are notes for the audit about a game that can be used. ``size`` is roughly what it takes in
    memory, in bytes, where that is more than its moves.
    """

    moves: Sequence[int]
    start_fen: str = ""
    result: str = "*"
    tags: Mapping[str, str] = field(default_factory=dict)
    split: str = ""
    kind: str = "human"
    subtype: str = ""
    id: str = ""
    labels: TeacherLabels | None = None
    notes: Mapping[int, Note] = field(default_factory=dict)
    number: int = 0
    line: int | None = None
    line_of: Callable[[int], int | None] | None = None
    text_of: Callable[[int], str] | None = None
    fault: str = ""
    usable: bool = True
    remarks: list[str] = field(default_factory=list)
    size: int = 0


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading one game of a file: a record, an error, or both.

    Both means that the game is valid up to the ply of the error and ``record`` is that part of it.
    ``lost`` names the side that is mated or has no move in the final position of the record, if one is.
    A game from a position that cannot occur but can be played is an error; ``lenient`` is its reading if
    such positions are accepted.
    """

    record: GameRecord | None
    error: RecordError | None = None
    remarks: tuple[str, ...] = ()
    lost: Color | None = None
    lenient: Reading | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """The position a game begins with: canonical FEN, squares int8 (90,), turn (0 Red, 1 Black).

    If the rules refuse it, ``fault`` is the reason and the rest is undefined. If it can be played although it
    cannot occur, ``odd`` is the reason, and ``refusal`` is the error of the strict check.
    """

    fen: str
    squares: NDArray[np.int8]
    turn: int
    fault: str = ""
    odd: str = ""
    refusal: str = ""

    def board(self) -> Board:
        """A fresh board with this position."""
        return _board(self.fen).copy()


@lru_cache(maxsize=4096)
def start_of(fen: str) -> Start:
    """The start position that a FEN names; an empty one is the standard start."""
    if is_start(fen):
        fen = START_FEN
    odd = refusal = ""
    try:
        board = Board(fen)
    except FenError as error:
        refusal = str(error)
        try:
            board, faults = lenient_board(fen)
        except FenError:
            return Start(fen, np.zeros(90, dtype=np.int8), 0, refusal)
        odd = "; ".join(fault.text_en for fault in faults)
    squares = np.array(board.squares, dtype=np.int8)
    return Start(board.fen(), squares, int(board.turn), odd=odd, refusal=refusal)


@lru_cache(maxsize=256)
def _board(fen: str) -> Board:
    return Board(fen, strict=False)


def replay_games(candidates: Iterable[ParsedGame], file: str) -> Iterator[Reading]:
    """Replay games and yield one `Reading` for each, in order; ``file`` is named in the errors.

    An error of ``candidates`` is raised after the games before it.
    """
    pending: list[ParsedGame] = []
    plies = 0
    failure: Exception | None = None
    games = iter(candidates)
    while True:
        try:
            candidate = next(games)
        except StopIteration:
            break
        except Exception as error:
            failure = error  # the games before it are still good
            break
        pending.append(candidate)
        plies += len(candidate.moves) + candidate.size // _BYTES_A_PLY
        if plies >= _BATCH_PLIES or len(pending) >= _BATCH_GAMES:
            yield from _replay_batch(pending, file)
            pending = []
            plies = 0
    yield from _replay_batch(pending, file)
    if failure is not None:
        raise failure


def _replay_batch(games: list[ParsedGame], file: str) -> Iterator[Reading]:
    if not games:
        return
    starts = [start_of(game.start_fen) for game in games]
    lengths = [len(game.moves) if not start.fault else 0 for game, start in zip(games, starts, strict=True)]
    offsets = np.zeros(len(games) + 1, dtype=np.int64)
    np.cumsum(lengths, out=offsets[1:])
    flat = np.empty(int(offsets[-1]), dtype=np.uint16)
    for game, begin, length in zip(games, offsets.tolist(), lengths, strict=False):
        flat[begin : begin + length] = game.moves[:length]
    boards, illegal = batch.replay_games(
        np.stack([start.squares for start in starts]),
        np.array([start.turn for start in starts], dtype=np.int8),
        flat,
        offsets,
    )
    wrong_labels = _wrong_labels(games, starts, boards, offsets, illegal)
    losers = _losers(starts, boards, offsets, illegal, flat)
    for position, (game, start) in enumerate(zip(games, starts, strict=True)):
        reading = _reading(game, start, int(illegal[position]), wrong_labels.get(position), file)
        loser = losers.get(position)
        whole = reading.record is not None and len(reading.record.moves) == len(game.moves)
        if loser is not None and whole:
            reading = replace(reading, lost=loser)
        yield reading if not start.odd or not game.usable else _strict(reading, game, start, file)


def _strict(reading: Reading, game: ParsedGame, start: Start, file: str) -> Reading:
    """The refusal of a game from a position that cannot occur, with what lenient callers make of it."""
    lenient = replace(reading, remarks=(*reading.remarks, f"odd position: {start.odd}"))
    message = Message.of("error.bad_start")
    error = RecordError(start.refusal, file=file, game=game.number or None, line=game.line, message=message)
    return Reading(None, error, reading.remarks, lenient=lenient)


def _losers(
    starts: list[Start],
    boards: NDArray[np.int8],
    offsets: NDArray[np.int64],
    illegal: NDArray[np.int32],
    flat: NDArray[np.uint16],
) -> dict[int, Color]:
    """Game -> the side that is mated or has no move behind its last move; legal games with moves only."""
    whole = np.flatnonzero((illegal < 0) & (np.diff(offsets) > 0))
    if not len(whole):
        return {}
    last = offsets[whole + 1] - 1
    finals = boards[last]
    plies = np.diff(offsets)[whole]
    first = np.array([starts[game].turn for game in whole.tolist()], dtype=np.int64)
    turns = ((first + plies - 1) & 1).astype(np.int8)
    batch.push(finals, turns, flat[last])
    flags = batch.outcome_flags(finals, turns)
    ended = np.flatnonzero(flags != batch.ONGOING)
    return {int(whole[at]): Color(int(turns[at])) for at in ended.tolist()}


def _wrong_labels(
    games: list[ParsedGame],
    starts: list[Start],
    boards: NDArray[np.int8],
    offsets: NDArray[np.int64],
    illegal: NDArray[np.int32],
) -> dict[int, int]:
    """Game -> ply of its first label that is not a legal move there."""
    rows: list[int] = []
    turns: list[int] = []
    moves: list[int] = []
    owners: list[int] = []
    for position, (game, start) in enumerate(zip(games, starts, strict=True)):
        if game.labels is None or start.fault or illegal[position] >= 0:
            continue
        first, base = game.labels.first, int(offsets[position])
        for ply, move in enumerate(game.labels.best[: max(0, len(game.moves) - first)], first):
            lines = game.labels.lines[ply - first] if game.labels.lines else ()
            for claimed in (move,) if not lines else (move, *[other for other, _ in lines]):
                if claimed is not None:
                    rows.append(base + ply)
                    turns.append((start.turn + ply) & 1)
                    moves.append(claimed.index)
                    owners.append(position)
    if not rows:
        return {}
    _, wrong = batch.replay_games(
        boards[rows],
        np.array(turns, dtype=np.int8),
        np.array(moves, dtype=np.uint16),
        np.arange(len(rows) + 1, dtype=np.int64),
    )
    found: dict[int, int] = {}
    for row in np.flatnonzero(wrong >= 0).tolist():
        found.setdefault(owners[row], rows[row] - int(offsets[owners[row]]))
    return found


def _reading(game: ParsedGame, start: Start, illegal: int, wrong_label: int | None, file: str) -> Reading:
    number = game.number or None

    remarks = tuple(game.remarks)

    def error(reason: str, ply: int | None = None, message: Message | None = None) -> RecordError:
        line = game.line_of(ply) if game.line_of is not None and ply is not None else None
        return RecordError(reason, file=file, game=number, ply=ply, line=line or game.line, message=message)

    def cut(ply: int, reason: str, message: Message | None = None) -> Reading:
        return Reading(_record(game, start, game.moves[:ply], file), error(reason, ply, message), remarks)

    if not game.usable:
        return Reading(None, error(game.fault), remarks)
    if start.fault:
        return Reading(None, error(start.fault, message=Message.of("error.bad_start")), remarks)
    if illegal >= 0:
        return cut(illegal, *_why(game, start, illegal))
    if game.fault:
        return cut(len(game.moves), game.fault, _unreadable_move(game, start))
    if wrong_label is not None and game.labels is not None:
        at = wrong_label - game.labels.first
        lines = game.labels.lines[at] if game.labels.lines else ()
        claimed = [game.labels.best[at], *[move for move, _ in lines]]
        found = " ".join(dict.fromkeys([str(move) for move in claimed if move is not None]))
        what = "legal moves" if lines else "a legal move"
        reason = f"expected {what} as the teacher's, found {found!r}"
        return Reading(None, error(reason, wrong_label), remarks)
    if len(game.moves) > MAX_PLIES:
        return cut(MAX_PLIES, f"expected at most {MAX_PLIES} plies, found {len(game.moves)}")
    return Reading(_record(game, start, game.moves, file), None, remarks)


def _record(game: ParsedGame, start: Start, indices: Sequence[int], file: str) -> GameRecord:
    moves = tuple([MOVES[index] for index in indices])
    cut = len(moves) < len(game.moves) or bool(game.fault)
    return GameRecord(
        moves=moves,
        start_fen=start.fen,
        result="*" if cut else game.result,
        tags=game.tags,
        split=game.split
        or split_of(start.fen, moves if not cut else [MOVES[i] for i in game.moves[:SPLIT_PLIES]]),
        kind=game.kind,
        subtype=game.subtype,
        id=game.id,
        labels=None if cut else game.labels,
        notes={ply: note for ply, note in game.notes.items() if ply <= len(moves)} if cut else game.notes,
        file=file,
        number=game.number,
    )


def _unreadable_move(game: ParsedGame, start: Start) -> Message | None:
    """Which move cannot be read; None where it is not a move that is at fault."""
    ply = len(game.moves)
    text = game.text_of(ply) if game.text_of is not None else ""
    if not text:
        return None
    return Message.of("error.bad_move", **_place(start, ply), text=text[:_SHOWN])


def _place(start: Start, ply: int) -> dict[str, object]:
    """The side that moves at a ply, and the number of its move."""
    before = start.turn + ply
    return {"side": Color(before % 2), "number": start.board().fullmove_number + before // 2}


def _why(game: ParsedGame, start: Start, illegal: int) -> tuple[str, Message | None]:
    """Why the move at ply ``illegal`` is against the rules, in words, and for the person at the board."""
    board = start.board()
    for index in game.moves[:illegal]:
        board.push(MOVES[index])
    move = MOVES[game.moves[illegal]]
    illegality = board.explain(move)
    words = illegality.text_en if illegality is not None else "the rules forbid it"
    message = None
    if illegality is not None:
        text = (game.text_of(illegal) if game.text_of is not None else "") or str(move)
        reason = illegality.message("files")
        message = Message.of(
            "error.illegal_move", **_place(start, illegal), text=text[:_SHOWN], reason=reason
        )
    return f"expected a legal move, found {str(move)!r}: {words} ({board.fen()})", message
