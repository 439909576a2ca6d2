"""Pictures of the window: every view in each theme, language and size, and the moving picture of the README.

    python -m tools.screenshots --out pictures
    python -m tools.screenshots --out pictures --view analysis --size 1280x800 --language zh --player gpt
    python -m tools.screenshots --movie docs/images/window.webp --player gpt

It needs no display. Without `--player` a stand-in gives made-up probabilities, so that nothing has to be loaded.
"""

from __future__ import annotations

import argparse
import atexit
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import TypeAlias, cast

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")

import pygame

from xiangqi_gpt.arena.clocks import TimeControl
from xiangqi_gpt.gui.app import App
from xiangqi_gpt.gui.dialogs.editor_dialog import EditorDialog
from xiangqi_gpt.gui.dialogs.file_dialogs import GameListDialog, OpenDialog
from xiangqi_gpt.gui.dialogs.library_dialogs import CollectDialog, LibraryGames
from xiangqi_gpt.gui.dialogs.save_dialog import SaveDialog
from xiangqi_gpt.library import collect
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.clock import PlayClock
from xiangqi_gpt.play.collector import Collector, Progress
from xiangqi_gpt.play.game_state import GameState, ReviewRun, SavedGame, Thought
from xiangqi_gpt.play.settings import LOOKS, THEME_NAMES, Look, Settings, ThemeName
from xiangqi_gpt.play.thinker import InlineThinker
from xiangqi_gpt.players.base import NO_LIMIT, Analysis, Limit, Line, Mind, Player, PlayResult, Value
from xiangqi_gpt.records.game_tree import GameTree
from xiangqi_gpt.resources import resource_path
from xiangqi_gpt.rules import Board, Color, Move, parse_square
from xiangqi_gpt.texts import LANGUAGES, Language

SIZES = ((800, 600), (1280, 800), (1920, 1080), (3840, 2160))
GAME = "h2e2 h9g7 h0g2 i9h9 i0h0 b9c7 c3c4 h7i7 h0h9 g7h9 b0c2 h9g7 c2d4 g6g5 e2e6 c7e6 d4e6 i6i5 b2d2 a9b9"
"""The game that the pictures show."""
COLLECTION = "games.db"
SAMPLE_GAMES = """[Event "Sample Cup"]
[Red "许银川"]
[Black "吕钦"]
[Date "2024.05.01"]
[Result "1-0"]

1. C2=5 H8+7 2. H2+3 R9=8 3. R1=2 1-0

[Event "Sample Cup"]
[Red "胡荣华"]
[Black "A rather long name of a player from far away"]
[Date "2024.05.02"]
[Result "1/2-1/2"]

1. P7+1 P7+1 2. H8+7 H2+3 1/2-1/2
"""


class StandIn:
    """A player with made-up thoughts, the same ones every time."""

    name = "stand-in"

    def play(self, board: Board, limit: Limit = NO_LIMIT) -> PlayResult:
        """The first candidate."""
        analysis = self.analyse(board, limit)
        return PlayResult(analysis.lines[0].move, analysis)

    def analyse(self, board: Board, limit: Limit = NO_LIMIT, multipv: int | None = None) -> Analysis:
        """Probabilities that fall off, over the moves in an order drawn from the position."""
        moves = list(board.legal_moves())
        rng = random.Random(board.fen())
        rng.shuffle(moves)
        shares = [0.45 * 0.55**i for i in range(len(moves))]
        total = sum(shares) or 1.0
        lines = tuple(
            Line((move,), prob=share / total, logprob=-1.0) for move, share in zip(moves, shares, strict=True)
        )
        win = 0.25 + 0.3 * rng.random()
        return Analysis(lines[:multipv], Value(win, 0.35, 0.65 - win), leak=0.012)

    def mind(self, board: Board) -> Mind:
        """Two layers of two heads, and a belief that is wrong on a few squares."""
        rng = random.Random(board.fen())
        moves = tuple(board.move_stack)
        shares = [rng.random() ** 4 + 0.01 for _ in moves]
        head = tuple(share / sum(shares) for share in shares)
        belief = list(board.squares)
        for square in rng.sample(range(len(belief)), 3):
            belief[square] = 0 if belief[square] else rng.randrange(1, 7)
        return Mind(moves, ((head, head[::-1]),) * 2, tuple(belief), (0.9,) * len(belief))

    def new_game(self) -> None:
        """Nothing to forget."""

    def close(self) -> None:
        """Nothing to give back."""


def stand_in(spec: str) -> StandIn:
    """As `create_player`, for any spec."""
    return StandIn()


def sample_state(settings: Settings, create: Callable[[str], Player] = stand_in) -> GameState:
    """The sample game with thoughts, a variation, a comment and marks."""
    state = GameState(settings=settings, spec="gpt:level=7")
    player = create(state.spec)
    for text in GAME.split():
        move = Move.from_iccs(text)
        analysis = player.analyse(state.board.copy(), Limit())
        thought = Thought(state.board.copy(), analysis, move)
        actions.play(state, move, thought)
    path = state.tree.live.path
    for ply, mark, better in ((8, "?!", "g6g5"), (15, "??", "b2b6")):
        node = path[ply - 1]
        actions.look_at(state, node)
        actions.set_mark(state, mark)
        actions.look_at(state, node.parent or state.tree.root)
        actions.add_variation(state, Move.from_iccs(better))
    actions.go_live(state)
    return state


View: TypeAlias = Callable[[App, Path], None]


def _plain(app: App, folder: Path) -> None:
    app.view.tab = "moves"
    app.state.clock = PlayClock(TimeControl.parse("10m+5s"), left=(412.0, 9.4))


def _analysis(app: App, folder: Path) -> None:
    app.press("hint")
    app.advance(10_000)
    app.advance(20_000)
    app.view.tab = "analysis"


def _game(app: App, folder: Path) -> None:
    app.view.tab = "game"


def _refused(app: App, folder: Path) -> None:
    actions.click_square(app.state, parse_square("g2"))
    actions.click_square(app.state, parse_square("g9"))


def _selected(app: App, folder: Path) -> None:
    actions.click_square(app.state, parse_square("g2"))


def _result(app: App, folder: Path) -> None:
    board = Board("3k5/R8/9/9/9/9/9/9/4R4/4K4 w")
    setup = replace(app.state.setup.anew(), humans=frozenset((Color.RED,)), flipped=False, rules="asian")
    actions.start_game(app.state, GameTree(board.fen()), setup)
    actions.play(app.state, Move.from_iccs("e1d1"))


def _review(app: App, folder: Path) -> None:
    app.state.review = ReviewRun(0, app.state.tree.live.path, done=7, is_asked=True)


def _offer(app: App, folder: Path) -> None:
    tree = GameTree()
    tree.play(Move.from_iccs("h2e2"))
    app.state.offer = SavedGame(tree, frozenset((Color.RED,)), False, "gpt:level=10", "simple")


def _editor(app: App, folder: Path) -> None:
    dialog = EditorDialog(app)
    app.open(dialog)
    for name in ("e0", "i4", "a9"):
        dialog.touch(parse_square(name))


def _files(app: App, folder: Path) -> None:
    app.open(OpenDialog(app, folder))


def _games(app: App, folder: Path) -> None:
    path = folder / "sample.pgn"
    dialog = GameListDialog(app, path)
    app.open(dialog)
    dialog.lister.wait(60)


def _save(app: App, folder: Path) -> None:
    app.open(SaveDialog(app, folder))


@lru_cache(maxsize=1)
def sample_collection() -> Path:
    """A collection of the games in the sample, made once."""
    folder = Path(tempfile.mkdtemp(prefix="xiangqi-gpt-pictures-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    collect([resource_path("data/sample.parquet")], folder / "games.db")
    return folder / "games.db"


def _collection(folder: Path) -> Path:
    """The collection that the pictures show: the one in the folder, if there is one."""
    own = folder / COLLECTION
    return own if own.exists() else sample_collection()


def _wait(app: App, condition: Callable[[], object]) -> None:
    """Let the library finish what it was asked."""
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the library does not answer")
        app.library.advance()
        time.sleep(0.005)


def _library(app: App, folder: Path) -> None:
    app.press("analysis")
    app.open_collection(_collection(folder))
    actions.go_to(app.state, 2)
    app.advance(10_000)
    _wait(app, lambda: app.library.explore(app.state.shown_board))


def _library_start(app: App, folder: Path) -> None:
    app.open_collection(_collection(folder))
    actions.go_to(app.state, 0)
    _wait(app, lambda: app.library.explore(app.state.shown_board))


def _no_library(app: App, folder: Path) -> None:
    app.press("library")


def _bad_library(app: App, folder: Path) -> None:
    app.open_collection(folder / "sample.pgn")
    app.draw(0)
    _wait(app, lambda: app.library.problem)


def _adding(app: App, folder: Path) -> None:
    app.library.collector = cast(
        Collector,
        SimpleNamespace(
            out=Path("games.db"),
            progress=Progress("read", 3, 10),
            stop=lambda: None,
            close=lambda: None,
            is_done=False,
        ),
    )
    app.view.tab = "library"


def _library_games(app: App, folder: Path) -> None:
    app.open_collection(_collection(folder))
    actions.go_to(app.state, 2)
    app.press("library_games")
    dialog = app.view.dialogs[-1]
    assert isinstance(dialog, LibraryGames)
    app.draw(0)
    _wait(app, lambda: app.library.found)


def _collect(app: App, folder: Path) -> None:
    app.open(CollectDialog(app, folder))


def _line(app: App, folder: Path) -> None:
    """A candidate's line on the board, and surprising moves."""
    state = app.state
    for ply, prob in ((1, 0.31), (3, 0.034), (5, 0.004)):
        state.probs[state.tree.live.path[ply - 1]] = prob
    moves = [Move.from_iccs(text) for text in ("a0a1", "a6a5", "a1a2")]
    app.play_out(state.tree.live.path[9], moves)
    app.view.tab = "moves"


def _press(command: str) -> View:
    return lambda app, folder: app.press(command)


def _mind(command: str) -> View:
    """What the opponent attends to or believes, without the arrows of candidates."""

    def show(app: App, folder: Path) -> None:
        app.press(command)
        app.advance(10_000)
        app.advance(20_000)

    return show


VIEWS: dict[str, View] = {
    "moves": _plain,
    "analysis": _analysis,
    "game": _game,
    "selected": _selected,
    "refused": _refused,
    "result": _result,
    "review": _review,
    "offer": _offer,
    "new": _press("new"),
    "menu": _press("menu"),
    "help": _press("help"),
    "settings": _press("settings"),
    "editor": _editor,
    "puzzles": _press("puzzles"),
    "engines": _press("engines"),
    "open": _files,
    "games": _games,
    "save": _save,
    "library": _library,
    "library-start": _library_start,
    "library-none": _no_library,
    "library-bad": _bad_library,
    "library-adding": _adding,
    "library-games": _library_games,
    "collect": _collect,
    "line": _line,
    "attention": _mind("attention"),
    "belief": _mind("belief"),
}
"""What each view does to a window that shows the sample game."""


def make_view(
    name: str,
    size: tuple[int, int],
    settings: Settings,
    folder: Path,
    create: Callable[[str], Player] = stand_in,
) -> App:
    """A window on a surface in memory that shows a view.

    Args:
        name: of `VIEWS`.
        folder: an empty folder, in which sample files are written for the dialogs of files.
        create: builds the player whose thoughts are shown; they are made up by default.
    """
    (folder / "sample.pgn").write_text(SAMPLE_GAMES, encoding="utf-8")
    (folder / "古谱").mkdir(exist_ok=True)
    app = App(
        sample_state(settings, create),
        InlineThinker(create),
        pygame.Surface(size),
        save=lambda settings: None,
    )
    app.advance(0)
    VIEWS[name](app, folder)
    app.advance(30_000)
    app.draw(30_000)
    app.library.close()
    return app


@dataclass(frozen=True)
class _Wanted:
    views: Sequence[str]
    sizes: Sequence[tuple[int, int]]
    languages: Sequence[Language]
    themes: Sequence[ThemeName]


def save_pictures(
    out: Path,
    wanted: _Wanted,
    create: Callable[[str], Player],
    look: Look,
    collection: Path | None = None,
) -> int:
    """Write all pictures that are wanted and return how many."""
    out.mkdir(parents=True, exist_ok=True)
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        if collection is not None:
            shutil.copyfile(collection, Path(folder) / COLLECTION)
        for language in wanted.languages:
            for theme in wanted.themes:
                for width, height in wanted.sizes:
                    for view in wanted.views:
                        settings = Settings(language=language, theme=theme, look=look, animation_ms=0)
                        app = make_view(view, (width, height), settings, Path(folder), create)
                        name = f"{view}-{width}x{height}-{theme}-{language}.png"
                        pygame.image.save(app.surface, str(out / name))
                        count += 1
    return count


def save_movie(path: Path, create: Callable[[str], Player], *, size: tuple[int, int] = (960, 640)) -> None:
    """Write a moving picture: moves, a hint with its arrows, a refusal, the looks of the pieces."""
    from PIL import Image

    frames: list[Image.Image] = []
    waits: list[int] = []

    def keep(app: App, now: int, wait: int) -> None:
        app.draw(now)
        data = pygame.image.tobytes(app.surface, "RGB")
        frames.append(Image.frombytes("RGB", app.surface.get_size(), data))
        waits.append(wait)

    state = GameState(settings=Settings(animation_ms=180), player_ready=True, spec="gpt:level=7")
    app = App(state, InlineThinker(stand_in), pygame.Surface(size), save=lambda settings: None)
    player, now = create(state.spec), 0
    keep(app, now, 900)
    for number, text in enumerate(GAME.split()[:12]):
        move = Move.from_iccs(text)
        thought = Thought(state.board.copy(), player.analyse(state.board.copy(), Limit()), move)
        if number % 2 == 0:
            actions.click_square(state, move.from_square)
            app.handle(pygame.event.Event(pygame.NOEVENT))
            keep(app, now, 350)
        actions.play(state, move, thought)
        for _ in range(4):
            app.advance(now)
            now += 60
            keep(app, now, 60)
        now += 1_000
        app.advance(now)
        keep(app, now, 500)
    app.view.tab = "analysis"
    state.hint = Thought(state.board.copy(), player.analyse(state.board.copy(), Limit()))
    state.hinted = state.tree.cursor
    app.handle(pygame.event.Event(pygame.NOEVENT))
    keep(app, now, 2_500)
    actions.forget_hint(state)
    for square in ("a0", "a4"):
        actions.click_square(state, parse_square(square))
    app.view.tab = "moves"
    app.handle(pygame.event.Event(pygame.NOEVENT))
    keep(app, now, 2_000)
    state.notice, state.selected = None, None
    for values in (
        {"look": "wood"},
        {"look": "pictures"},
        {"look": "flat", "theme": "dark", "language": "zh"},
    ):
        state.settings = Settings(**values)  # type: ignore[arg-type]
        app.handle(pygame.event.Event(pygame.NOEVENT))
        keep(app, now, 1_600)
    player.close()
    path.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(
        path, save_all=True, append_images=frames[1:], duration=waits, loop=0, quality=82, method=4
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Make pictures of the window.")
    parser.add_argument("--out", type=Path, help="folder of the pictures")
    parser.add_argument("--movie", type=Path, help="a moving picture to write, ending in .webp")
    parser.add_argument("--view", choices=VIEWS, action="append", help="all by default; may be repeated")
    parser.add_argument("--size", action="append", help="such as 1280x800; four sizes by default")
    parser.add_argument("--language", choices=LANGUAGES, action="append")
    parser.add_argument("--theme", choices=THEME_NAMES, action="append")
    parser.add_argument("--look", choices=LOOKS, default="flat")
    parser.add_argument("--player", help="whose thoughts are shown, such as gpt; made up by default")
    parser.add_argument(
        "--collection", type=Path, help="whose games the library shows; the sample by default"
    )
    options = parser.parse_args()
    create: Callable[[str], Player] = stand_in
    if options.player:
        from xiangqi_gpt.players import create_player

        create = lambda spec: create_player(options.player, seed=1)  # noqa: E731
    if options.movie is not None:
        save_movie(options.movie, create)
        print(f"{options.movie}: {options.movie.stat().st_size:,} bytes")
    if options.out is not None:
        sizes: Sequence[tuple[int, int]] = SIZES
        if options.size:
            sizes = [(int(w), int(h)) for w, _, h in (text.partition("x") for text in options.size)]
        wanted = _Wanted(
            options.view or list(VIEWS), sizes, options.language or LANGUAGES, options.theme or THEME_NAMES
        )
        count = save_pictures(options.out, wanted, create, options.look, options.collection)
        print(f"{options.out}: {count} pictures")


if __name__ == "__main__":
    main()
