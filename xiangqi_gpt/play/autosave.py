"""Every game is kept on disk as it is played, each in a file of its own, and offered again after a crash.

The files lie in the person's data folder. They hold the whole tree, moves that were taken back included, so
whatever is done in a session, the game before it is still there. The newest `MAX_FILES` are kept.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

from xiangqi_gpt.arena.clocks import TimeControl
from xiangqi_gpt.errors import FileError, RecordError, XiangqiError
from xiangqi_gpt.files import atomic_path, read_limited
from xiangqi_gpt.play.game_state import GameState, SavedGame, Source
from xiangqi_gpt.play.results_of_person import ResultsOfPerson
from xiangqi_gpt.records.game_tree import GameTree, Node
from xiangqi_gpt.records.record import RESULTS
from xiangqi_gpt.resources import user_folder
from xiangqi_gpt.rules import RULE_SETS, Color, Move
from xiangqi_gpt.safe_json import format_json, parse_json
from xiangqi_gpt.texts import Message

FORMAT: Final = "xiangqi_gpt game 1"
MAX_FILES: Final = 200
MAX_BYTES: Final = 8_000_000
MAX_MOVES: Final = 100_000
MAX_SPEC: Final = 1_000  # characters
MAX_TAGS: Final = 100


def games_path() -> Path:
    """The folder of the games that are kept on this machine."""
    return user_folder("data") / "games"


class Autosave:
    """Keeps the game of a state on disk.

    Args:
        folder: where; made when the first move is played.
        results: is shown each game that is kept; None where results do not count.

    Attributes:
        problem: why the last game could not be read or kept, or None.
    """

    def __init__(self, folder: Path | None = None, results: ResultsOfPerson | None = None) -> None:
        self.problem: Message | None = None
        self._folder = games_path() if folder is None else folder
        self._kept: tuple[str, int] | None = None
        self._results = results

    def keep(self, state: GameState) -> None:
        """Write the game if it has changed. A folder that cannot be written to is no reason to stop a game."""
        now = (state.tree.uid, state.tree.version)
        if now == self._kept or not (state.tree.root.children or state.tree.journal.undone):
            return
        if self._results is not None:
            self._results.note(state)
        first = self._kept is None
        self._kept = now
        text = encode(state)
        try:
            path = self._folder / f"{state.tree.uid}.json"
            with atomic_path(path, overwrite=True, parents=True) as draft:
                draft.write_text(text, encoding="utf-8")
        except FileError:
            self.problem = Message.of("game.not_kept", folder=self._folder)
        else:
            self.problem = None
            if first:
                self._forget_oldest()

    def find_unfinished(self) -> SavedGame | None:
        """The game that was played last, unless it is over. A file that cannot be read is set aside as a copy."""
        files = self._files()
        if not files:
            return None
        path = files[0]
        try:
            saved = load(path)
        except RecordError:
            aside = path.with_suffix(".broken")
            with suppress(OSError):
                path.replace(aside)
            self.problem = Message.of("game.broken_file", file=aside)
            return None
        return None if saved.is_over else saved

    def _files(self) -> list[Path]:
        """The games, newest first."""
        ages: list[tuple[float, Path]] = []
        with suppress(OSError):
            for path in self._folder.glob("*.json"):
                with suppress(OSError):
                    ages.append((path.stat().st_mtime, path))
        return [path for _, path in sorted(ages, reverse=True)]

    def _forget_oldest(self) -> None:
        for path in self._files()[MAX_FILES:]:
            with suppress(OSError):
                path.unlink()


def encode(state: GameState) -> str:
    """The game of a state as text: the tree with all that was taken back, and who plays."""
    tree = state.tree
    with tree.undone_as_variations():
        numbers = {node: number for number, node in enumerate(tree.root.walk())}
        rows = [
            [numbers[node.parent], str(node.move), node.comment, list(node.nags)]
            for node in numbers
            if node.parent is not None
        ]
        found = {
            "format": FORMAT,
            "start": tree.start_fen,
            "comment": tree.root.comment,
            "moves": rows,
            "live": numbers[tree.live],
            "humans": sorted(side.name.lower() for side in state.humans),
            "flipped": state.flipped,
            "spec": state.spec,
            "rules": state.rules,
            "over": state.outcome is not None,
            "second": state.second,
            "puzzle": "" if state.puzzle is None else state.puzzle.id[:MAX_SPEC],
            "clock": "" if state.clock is None else str(state.clock.control),
            "source": _source(state),
            "left": None if state.clock is None else [round(seconds, 1) for seconds in state.clock.both],
        }
    return format_json(found, ensure_ascii=False, compact=True)


def load(path: Path) -> SavedGame:
    """Read a game that was kept.

    Raises:
        RecordError: the file cannot be read or is no such game; its moves are checked against the rules.
    """
    try:
        saved = decode(parse_json(read_limited(path, MAX_BYTES, error=RecordError)))
    except RecordError:
        raise
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        reason = f"expected a game in the form {FORMAT!r}, found another file: {error}"
        raise RecordError(reason, file=str(path)) from error
    return saved


def decode(found: Any) -> SavedGame:
    """The game of what `encode` has written, parsed as JSON.

    It gets a file of its own when it is played on, so that two programs that resume it do not share one.

    Raises:
        ValueError, KeyError, TypeError: it is no such game.
    """
    if found["format"] != FORMAT:
        raise XiangqiError(f"expected format {FORMAT!r}, found {found['format']!r}")
    humans = frozenset(Color[_text(name).upper()] for name in found["humans"])
    rules, spec = _text(found["rules"]), _text(found["spec"])
    if rules not in RULE_SETS or not spec or len(spec) > MAX_SPEC:
        raise XiangqiError(f"expected a known rule set and a player, found {rules!r} and {spec[:80]!r}")
    tree = GameTree(_text(found["start"]))
    tree.root.comment = _text(found["comment"])
    nodes = _grow(tree, found["moves"])
    tree.live = tree.cursor = nodes[_number(found["live"], len(nodes))]
    # Games of earlier versions have no clock and no second player.
    second, control = _text(found.get("second", "")), _text(found.get("clock", ""))
    left = None
    if control:
        TimeControl.parse(control)  # raises where it is none
        red, black = found["left"]
        left = (_seconds(red), _seconds(black))
    return SavedGame(
        tree,
        humans,
        found["flipped"] is True,
        spec,
        rules,
        found["over"] is True,
        second[:MAX_SPEC],
        _text(found.get("puzzle", ""))[:MAX_SPEC],
        control,
        left,
        _read_source(found.get("source"), tree),
    )


def _source(state: GameState) -> dict[str, Any] | None:
    """The record that the game was opened from; its result only where it still holds."""
    if state.source is None:
        return None
    tags = {name[:80]: text[:MAX_SPEC] for name, text in islice(state.source.tags.items(), MAX_TAGS)}
    return {"tags": tags, "result": state.source.result if state.source.end is state.tree.live else "*"}


def _read_source(found: Any, tree: GameTree) -> Source | None:
    """The record of a game that was kept; games of earlier versions have none."""
    if found is None:
        return None
    tags = {_text(name): _text(text) for name, text in islice(found["tags"].items(), MAX_TAGS)}
    result = _text(found["result"])
    if result not in RESULTS:
        raise XiangqiError(f"expected a result, found {result[:80]!r}")
    return Source(tags, result, tree.live)


def _grow(tree: GameTree, rows: Any) -> list[Node]:
    """Put the moves of `rows` into an empty tree, each checked by the rules; returns the nodes in their order."""
    if not isinstance(rows, list) or len(rows) > MAX_MOVES:
        raise XiangqiError(f"expected at most {MAX_MOVES:,} moves")
    board = tree.board()
    nodes = [tree.root]
    path = [tree.root]
    for parent_number, text, comment, nags in rows:
        parent = nodes[_number(parent_number, len(nodes))]
        if parent not in path:
            raise XiangqiError("expected the moves in the order of the tree")
        while path[-1] is not parent:
            path.pop()
            board.pop()
        node = Node(Move.from_iccs(_text(text)), parent)
        if node.move is None or not board.is_legal(node.move) or parent.child(node.move) is not None:
            raise XiangqiError(f"expected a legal move, found {text!r} in {board.fen()!r}")
        node.comment = _text(comment)
        node.nags = tuple(_number(nag, 256) for nag in nags)
        parent.children.append(node)
        board.push(node.move)
        nodes.append(node)
        path.append(node)
    return nodes


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise XiangqiError(f"expected a text, found {str(value)[:80]!r}")
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1_000_000:
        raise XiangqiError(f"expected seconds of a clock, found {str(value)[:80]!r}")
    return float(value)


def _number(value: object, end: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < end:
        raise XiangqiError(f"expected a number from 0 to {end - 1}, found {str(value)[:80]!r}")
    return value
