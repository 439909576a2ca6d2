"""Puzzles: 119 classical compositions, or positions of your own files, won against the strongest player at hand."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

from xiangqi_gpt.errors import FileError, RecordError
from xiangqi_gpt.files import atomic_path, read_limited
from xiangqi_gpt.resources import resource_path, user_folder
from xiangqi_gpt.rules import START_FEN
from xiangqi_gpt.safe_json import format_json, parse_json
from xiangqi_gpt.texts import Message

PuzzleResult: TypeAlias = Literal["solved", "failed"]

BOOKS: Final = {"xq_shi_qing_ya_qu": "puzzle.shi_qing_ya_qu", "xq_jianghu_endgames": "puzzle.jianghu"}
"""The catalogue's names of the books that the classical compositions are from."""

MAX_BYTES: Final = 1_000_000
MAX_RESULTS: Final = 100_000


@dataclass(frozen=True, kw_only=True)
class Puzzle:
    """A position that the side to move wins.

    Attributes:
        id: its name among the results.
        fen: the position; it may be one that cannot occur in a game.
        title: what it is called.
        plies: to mate with best play, None where it is not known.
    """

    id: str
    fen: str
    title: Message
    plies: int | None = None


def classical_puzzles() -> list[Puzzle]:
    """The compositions of the package, in the order of the books."""
    rows = parse_json(resource_path("data/puzzles.json").read_text(encoding="utf-8"))
    return [Puzzle(id=row["id"], fen=row["fen"], title=_title(row["id"]), plies=row["plies"]) for row in rows]


def classical_puzzle(name: str) -> Puzzle | None:
    """The composition of an id; None for any other text."""
    return next((puzzle for puzzle in classical_puzzles() if puzzle.id == name), None) if name else None


def _title(name: str) -> Message:
    book, _, number = name.rpartition("_")
    return Message.of(BOOKS[book], number=int(number))


def puzzles_of_file(path: Path) -> list[Puzzle]:
    """The games of a file that do not begin at the standard start, as puzzles.

    Raises:
        RecordError: the file cannot be read.
    """
    # Imported here because readers come with arrays, which the window does not need until somebody opens a file.
    from xiangqi_gpt.records import read_games

    errors: list[RecordError] = []
    found = []
    for number, game in enumerate(read_games(path, on_error=errors.append), 1):
        fen = game.start_fen or START_FEN
        if fen != START_FEN:
            title = Message.of("puzzle.of_file", file=path.name, number=number)
            found.append(Puzzle(id=fen, fen=fen, title=title))
    if not found and errors:
        raise errors[0]
    return found


def progress_path() -> Path:
    """The file of the results on this machine."""
    return user_folder("data") / "puzzles.json"


def load_progress(path: Path | None = None) -> dict[str, PuzzleResult]:
    """The results so far by the id of the puzzle; none where the file is missing or cannot be read."""
    try:
        found = parse_json(read_limited(progress_path() if path is None else path, MAX_BYTES))
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {}
    results: dict[str, PuzzleResult] = {}
    for name, result in found.items():
        if result in ("solved", "failed") and len(results) < MAX_RESULTS:
            results[name] = result
    return results


def record_result(puzzle: Puzzle, *, is_solved: bool, path: Path | None = None) -> None:
    """Keep a result; a puzzle once solved stays solved. A folder that cannot be written to is no reason to stop."""
    path = progress_path() if path is None else path
    results = load_progress(path)
    if results.get(puzzle.id) == "solved":
        return
    results[puzzle.id] = "solved" if is_solved else "failed"
    try:
        with atomic_path(path, overwrite=True, parents=True) as draft:
            draft.write_text(format_json(results, indent=0) + "\n", encoding="utf-8")
    except FileError:
        return


def next_puzzle(puzzles: list[Puzzle], after: Puzzle | None = None) -> Puzzle:
    """The next puzzle that is not solved, behind `after`; where all are, the next one. ValueError without puzzles."""
    if not puzzles:
        raise ValueError("there are no puzzles")
    ids = [puzzle.id for puzzle in puzzles]
    start = ids.index(after.id) + 1 if after is not None and after.id in ids else 0
    order = puzzles[start:] + puzzles[:start]
    results = load_progress()
    return next((puzzle for puzzle in order if results.get(puzzle.id) != "solved"), order[0])
