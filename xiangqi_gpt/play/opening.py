"""Games of files and puzzles: they take the place of the present one, which `undo` brings back."""

from __future__ import annotations

from pathlib import Path

from xiangqi_gpt.play import actions
from xiangqi_gpt.play.game_files import games_of, open_problem
from xiangqi_gpt.play.game_state import GameSetup, GameState, Notice, Source
from xiangqi_gpt.play.puzzle_book import Puzzle, classical_puzzles, next_puzzle, puzzles_of_file
from xiangqi_gpt.records.game_tree import GameTree
from xiangqi_gpt.records.record import GameRecord
from xiangqi_gpt.rules import Board, Color, RecordError
from xiangqi_gpt.texts import Message


class OpenError(RecordError):
    """A text or file that holds no game.

    Attributes:
        message: why, for the person at the board.
    """

    def __init__(self, message: Message, *, file: str = "") -> None:
        super().__init__(message.text("en"), file=file, message=message)


def open_game(state: GameState, path: Path, number: int = 1, *, is_whole: bool = False) -> None:
    """Show a game of a file in any format of `records`, at its end. A person moves for both sides of it.

    A game with a fault is shown up to there; the notice of the state tells what is wrong.

    Args:
        number: which of the readable games in the file, from 1.
        is_whole: refuse a game with a fault.

    Raises:
        RecordError: the file cannot be read or holds fewer games; the state is unchanged.
    """
    errors: list[RecordError] = []
    count, found = 0, None
    for game in games_of(path, errors.append):
        count += 1
        if count == number:
            found = game
            break
    if found is None:
        if not count and errors:
            raise errors[0]
        raise OpenError(Message.of("error.no_game", file=path, number=number), file=str(path))
    record, fault = found
    if fault is not None and is_whole:
        raise fault
    show_record(state, record)
    if fault is not None:
        state.notice = Notice.of("files.opened_part", "warn", error=open_problem(fault, path))


def show_record(state: GameState, record: GameRecord, ply: int | None = None) -> None:
    """Show a game at its end, or after so many plies. A person moves for both sides of it."""
    tree = GameTree.from_record(record)
    setup = GameSetup(
        humans=frozenset(Color),
        flipped=state.flipped,
        spec=state.spec,
        rules=state.rules,
        source=Source(record.tags, record.result, tree.live),
    )
    actions.start_game(state, tree, setup)
    state.announce = False
    if ply is not None:
        actions.go_to(state, ply)


def start_puzzle(state: GameState, puzzle: Puzzle) -> None:
    """Begin a puzzle: the person has the side to move, the strongest player at hand defends, without a clock."""
    person = Board(puzzle.fen, strict=False).turn
    setup = GameSetup(
        humans=frozenset((person,)),
        flipped=person is Color.BLACK,
        spec=state.settings.analyst,
        rules=state.rules,
        puzzle=puzzle,
    )
    actions.start_game(state, GameTree(puzzle.fen), setup)
    if puzzle.plies is None:
        state.notice = Notice.of("puzzle.begun_open", title=puzzle.title, side=person)
    else:
        moves = (puzzle.plies + 1) // 2
        state.notice = Notice.of("puzzle.begun", title=puzzle.title, side=person, moves=moves)


def start_next_puzzle(state: GameState) -> None:
    """Begin the next puzzle that is not solved, of the file opened last or of the classical compositions."""
    start_puzzle(state, next_puzzle(state.puzzles or classical_puzzles(), state.puzzle))


def open_puzzles(state: GameState, path: Path) -> None:
    """Begin the first unsolved of the positions in a file.

    Raises:
        RecordError: the file cannot be read or has no game that begins at a position of its own.
    """
    found = puzzles_of_file(path)
    if not found:
        raise OpenError(Message.of("error.no_puzzle", file=path), file=str(path))
    state.puzzles = found
    start_next_puzzle(state)


def retry_puzzle(state: GameState) -> None:
    """Begin the puzzle at the board again."""
    if state.puzzle is not None:
        start_puzzle(state, state.puzzle)
