"""What a Chinese window and a Chinese terminal show, walked through: no sentence in English among it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pygame
import pytest
from rich.console import Console

from tests.play.players import create_first
from xiangqi_gpt.gui.app import App
from xiangqi_gpt.gui.ink import Ink
from xiangqi_gpt.gui.window_layout import DEFAULT_SIZE
from xiangqi_gpt.play import actions, saving
from xiangqi_gpt.play.autosave import Autosave
from xiangqi_gpt.play.commands import WORDS
from xiangqi_gpt.play.game_state import GameState, Notice, SavedGame
from xiangqi_gpt.play.settings import LABELS, Settings
from xiangqi_gpt.play.thinker import Answer, InlineThinker, Question
from xiangqi_gpt.players.base import PlayResult
from xiangqi_gpt.records.game_tree import GameTree
from xiangqi_gpt.rules import (
    MOVES,
    RULE_SETS,
    Board,
    Color,
    ConfigError,
    IllegalMoveError,
    ModelError,
    Move,
    Outcome,
    Piece,
    PieceKind,
    PlayerError,
    Reason,
    RecordError,
    Termination,
    XiangqiError,
)
from xiangqi_gpt.terminal.game import TerminalGame
from xiangqi_gpt.texts import LANGUAGES, Language, Message, catalogue

CHINESE = LANGUAGES[1:]
NAMES = {"GPT", "FEN", "PGN", "End", "English", "xiangqi", "pgn"}
"""Latin words that a Chinese window may show: names, keys, formats."""
BLOCKED = "r1bakab1r/9/1cn4c1/p1p1p1p1p/5n3/4P4/P1P3P1P/1C2C1N2/4A4/RNB1KAB1R w - - 0 1"
PINNED = "3k5/4a4/9/9/9/9/9/4r4/4R4/4K4 w - - 0 1"
POSITIONS = (
    "",
    BLOCKED,
    PINNED,
    "3k5/9/9/9/9/9/9/9/3P5/2B1K4 w",
    "3k5/9/7p1/7p1/7p1/9/9/7C1/9/3K5 w",
    "3k5/9/9/9/9/9/9/4r4/9/R3K4 w",
)
"""Positions on which every rule can be broken."""
ARGUMENTS: dict[str, object] = {
    "loser": Color.RED,
    "offender": Color.BLACK,
    "count": 3,
    "limit": 60,
    "piece": Piece(PieceKind.HORSE, Color.RED).message_with_color,
    "point": "e4",
    "how": Message.of("join.or", first=Message.of("end.strike.mate"), second=Message.of("end.strike.chase")),
}
"""What the texts about the end of a game are filled with."""


def english_in(texts: set[str], *allowed: str) -> list[str]:
    """Texts with Latin words that are no names, coordinates or allowed."""
    known = NAMES | set(allowed)
    return sorted(
        text
        for text in texts
        if any(word not in known for word in re.findall(r"[A-Za-z]{3,}", text))
        or re.search(r"[A-Za-z]{2,} [a-z]{2,}", text)
    )


class Window:
    """An app whose written texts are kept."""

    def __init__(self, language: Language, shown: set[str], state: GameState | None = None) -> None:
        self.state = state or GameState()
        self.state.settings = Settings(language=language, animation_ms=0)
        self.shown = shown
        self.app = App(
            self.state, InlineThinker(create_first), pygame.Surface(DEFAULT_SIZE), save=lambda settings: None
        )
        self.draw()

    def draw(self) -> None:
        for _ in range(3):
            self.app.advance(0)
        self.app.handle(pygame.event.Event(pygame.WINDOWLEAVE))
        assert self.app.draw(0)

    def key(self, key: int, mod: int = 0) -> None:
        self.app.handle(pygame.event.Event(pygame.KEYDOWN, key=key, mod=mod, unicode=""))
        self.draw()


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Everything that is written on the window."""
    texts: set[str] = set()
    write, wrap = Ink.write, Ink.wrap

    def recorded(self: Ink, surface: pygame.Surface, text: str, *rest: object, **more: object) -> int:
        texts.add(text)
        return write(self, surface, text, *rest, **more)  # type: ignore[arg-type]

    def wrapped(self: Ink, text: str, *rest: object) -> list[str]:
        texts.add(text)
        return wrap(self, text, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(Ink, "write", recorded)
    monkeypatch.setattr(Ink, "wrap", wrapped)
    yield texts
    assert len(texts) > 10


@pytest.mark.parametrize("language", CHINESE)
def test_every_key_of_the_window(
    language: Language, shown: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saving, "games_folder", lambda: tmp_path / "games")
    monkeypatch.setattr(pygame.scrap, "get_text", lambda: "nonsense")
    monkeypatch.setattr(pygame.scrap, "put_text", lambda text: None)
    window = Window(language, shown)
    plain = [getattr(pygame, f"K_{letter}") for letter in "hufntpcs"]
    keys = [*plain, pygame.K_ESCAPE, pygame.K_RETURN, pygame.K_HOME, pygame.K_END, pygame.K_LEFT]
    for _ in range(2):
        for key in keys:
            window.key(key)
        for name in "cv":
            window.key(getattr(pygame, f"K_{name}"), pygame.KMOD_LCTRL)
        actions.play(window.state, window.state.board.legal_moves()[0])
        window.draw()
    assert english_in(shown, str(tmp_path), *str(tmp_path).split("/"), "games", "nonsense") == []


@pytest.mark.parametrize("language", CHINESE)
@pytest.mark.parametrize("labels", LABELS)
def test_every_refusal(language: Language, labels: str, shown: set[str]) -> None:
    window = Window(language, shown)
    window.state.settings = Settings(language=language, labels=labels)  # type: ignore[arg-type]
    seen = set()
    for fen in POSITIONS:
        board = Board(fen, strict=False) if fen else Board()
        for move in MOVES[::3] if fen == BLOCKED else MOVES:
            reason = board.explain(move)
            if reason is not None and (reason.reason, board.piece_at(move.from_square)) not in seen:
                seen.add((reason.reason, board.piece_at(move.from_square)))
                window.state.notice = Notice(reason.message(window.state.settings.labels), "warn")
                window.draw()
    assert {reason for reason, _ in seen} == set(Reason)
    assert english_in(shown) == []
    if labels == "files":
        assert not [text for text in shown if re.search(r"(?<![A-Za-z])[a-i][0-9](?![0-9])", text)]


@pytest.mark.parametrize("language", CHINESE)
@pytest.mark.parametrize("rules", RULE_SETS)
def test_every_end_of_a_game(language: Language, rules: str, shown: set[str]) -> None:
    window = Window(language, shown, GameState(player_ready=True, rules=rules))
    whys = [Message.of(key) for key in catalogue() if key.startswith("end.why.")]
    keys = [key for key in catalogue() if re.fullmatch(r"end\.[a-z_]+", key)]
    assert len(whys) == 7
    assert len(keys) == 12
    for key, why in product(keys, whys):
        for winner in (None, Color.RED, Color.BLACK):
            message = Message.of(key, **ARGUMENTS, why=why)
            window.state.outcome = Outcome(winner, Termination.REPETITION, rules, message)
            window.state.announce = True
            shown.add(window.state.outcome_text())
        window.draw()
    assert english_in(shown) == []


ERRORS = [
    PlayerError("the engine has died"),
    ModelError("expected a model"),
    ConfigError("expected a key"),
    RecordError("expected a game", file="x"),
    IllegalMoveError("not legal"),
    XiangqiError("expected something"),
    FileNotFoundError(2, "No such file or directory"),
    RuntimeError("out of order"),
]


def offered() -> SavedGame:
    return SavedGame(GameTree(), frozenset((Color.RED,)), False, "greedy", "simple")


@pytest.mark.parametrize("language", CHINESE)
def test_the_offer_of_a_game_and_what_happens_to_games(
    language: Language, shown: set[str], tmp_path: Path
) -> None:
    window = Window(language, shown, GameState(offer=offered()))
    window.key(pygame.K_RETURN)
    for key in (pygame.K_y, pygame.K_u, pygame.K_DELETE, pygame.K_LEFT, pygame.K_b):
        window.key(key)
    actions.play(window.state, Move.from_iccs("h2e2"))
    actions.go_to(window.state, 0)
    actions.add_variation(window.state, Move.from_iccs("c3c4"))
    for key in (pygame.K_b, pygame.K_u, pygame.K_DELETE, pygame.K_n, pygame.K_RETURN, pygame.K_u, pygame.K_y):
        window.key(key)
    window.app.handle(pygame.event.Event(pygame.DROPFILE, file=str(tmp_path / "1")))
    window.draw()
    (tmp_path / "1.json").write_text("{}")
    for folder in (tmp_path, tmp_path / "1.broken"):
        keeper = Autosave(folder)
        keeper.find_unfinished()
        keeper.keep(window.state)
        keeper = Autosave(folder)
        if keeper.problem is not None:
            window.state.notice = Notice(keeper.problem, "warn")
        window.draw()
    paths = set(str(tmp_path).split("/"))
    assert english_in(shown, *paths, "json", "broken", "pytest") == []


@pytest.mark.parametrize("language", CHINESE)
@pytest.mark.parametrize("spec", ["greedy", "random", "gpt:lookahead=2s"])
def test_every_opponent(language: Language, spec: str, shown: set[str]) -> None:
    Window(language, shown, GameState(spec=spec))
    assert english_in(shown) == []


@pytest.mark.parametrize("language", CHINESE)
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_failure_of_an_opponent(language: Language, error: Exception, shown: set[str]) -> None:
    window = Window(language, shown)
    question = Question(kind="move", generation=window.state.generation)
    actions.receive(window.state, Answer(question=question, error=error))
    window.draw()
    assert window.state.notice is not None
    assert english_in(shown) == []
    assert str(error).split()[-1] in window.state.notice.text("en")


@pytest.mark.parametrize("language", CHINESE)
def test_an_illegal_answer(language: Language, shown: set[str]) -> None:
    window = Window(language, shown)
    actions.play(window.state, Move.from_iccs("h2e2"))
    question = Question(kind="move", generation=window.state.generation)
    answer = Answer(question=question, result=PlayResult(Move.from_iccs("a0a5")))
    actions.receive(window.state, answer)
    window.draw()
    assert english_in(shown) == []


FENS = [
    "",
    "x" * 300,
    "9/9",
    "4k4/9/9/9/9/9/9/9/9/4K4 w",
    "4k4/9/9/9/9/9/9/9/9/9 w",
    "3k5/9/9/9/9/9/9/9/9/4K4 y - - a b c",
    "3k5/9/9/9/9/9/9/9/R8/Z3K4 w",
    "3k5/9/9/9/9/9/9/9/RR7/4K3 w",
    "3k5/R8/9/9/9/9/9/9/3R5/4K4 w",
    "3k5/9/9/A8/B8/9/9/RRR6/PPPPPP3/4KA3 w",
    "3k5/9/9/9/9/P8/P8/9/9/4K4 w",
    "K2k5/9/9/9/9/9/P8/9/9/9 w",
]


@pytest.mark.parametrize("language", CHINESE)
@pytest.mark.parametrize("fen", FENS)
def test_every_fault_of_a_position(
    language: Language, fen: str, shown: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pygame.scrap, "get_text", lambda: fen)
    window = Window(language, shown)
    window.key(pygame.K_v, pygame.KMOD_LCTRL)
    assert window.state.status()[1] == "warn"
    assert english_in(shown, "Cannot", "expected") == []


TYPED = {"red", "black", "all", "adaptive", "chinese", "simplified", "letters", "FILE", "TEXT"}
"""Words of the terminal that are there to be typed, beside its commands."""


@pytest.mark.parametrize("language", CHINESE)
def test_the_terminal(language: Language, tmp_path: Path) -> None:
    path = tmp_path / "a.pgn"
    script = [
        *(
            "h2e2",
            "h0f1",
            "h2h8",
            "这不是着法",
            "a5a6",
            "炮五进一",
            "R1=9",
            "hint",
            "hint 没有",
            "moves",
            "undo",
        ),
        *("undo", "redo", "redo", "flip", "new black", "new 绿", f"save {path}", f"save {path}"),
        *("pieces 石头", "pieces chinese", "lang 法语", "fen 乱写", "board", "help", "continue", "mark 好"),
        *(
            "open /3",
            f"open {path}",
            "new red",
            "fen 3k5/R8/9/9/9/9/9/9/4R4/4K4 w",
            "e1d1",
            "a0a1",
            "save /3/4",
        ),
    ]
    lines = iter(script)
    out = io.StringIO()
    state = GameState(settings=Settings(language=language), offer=offered())
    game = TerminalGame(
        state, create_first, Console(file=out, highlight=False, width=200), lambda prompt: next(lines, None)
    )
    game.run()
    known = NAMES | set(WORDS) | TYPED
    found = out.getvalue().replace(str(path), "")
    words = {word for word in re.findall(r"[A-Za-z]{3,}", found) if word not in known}
    assert words == set()
    assert next(lines, None) is None


def test_english_would_be_found() -> None:
    assert english_in({"对手出错：the engine has died", "按 N 开新局", "GPT", "炮二平五  h2e2"}) == [
        "对手出错：the engine has died"
    ]
