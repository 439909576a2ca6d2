"""What the window and the terminal board show, without a pixel: game, selection, thoughts, status."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.play.wording import move_text, split_temperature
from xiangqi_gpt.players.base import Analysis, Value
from xiangqi_gpt.rules import Board, Color, Move, Outcome, Square
from xiangqi_gpt.texts import LANGUAGES, Language, Message, t

Work: TypeAlias = Literal["", "load", "move", "hint"]
Tone: TypeAlias = Literal["plain", "good", "warn"]


@dataclass(frozen=True)
class Notice:
    """A sentence for the status line; `tone` "warn" for refusals and failures."""

    message: Message
    tone: Tone = "plain"

    def text(self, language: Language) -> str:
        """The sentence, with a capital letter at its beginning."""
        text = self.message.text(language)
        return text[:1].upper() + text[1:]

    @classmethod
    def of(cls, key: str, tone: Tone = "plain", **arguments: object) -> Notice:
        """The notice of a key of the catalogue."""
        return cls(Message.of(key, **arguments), tone)


@dataclass(frozen=True)
class Thought:
    """What a player thought of a position: its own before a move, or a hint asked for."""

    board: Board
    analysis: Analysis
    played: Move | None = None

    @cached_property
    def red_value(self) -> tuple[float, float, float] | None:
        """Chances of Red, of a draw and of Black, or None where the player gave none."""
        value: Value | None = self.analysis.value
        if value is None:
            return None
        red_moves = self.board.turn is Color.RED
        return (value.win, value.draw, value.loss) if red_moves else (value.loss, value.draw, value.win)


@dataclass(frozen=True)
class Ply:
    """A move of the game as it is written in each language, and what its player thought before it."""

    move: Move
    color: Color
    texts: tuple[str, ...]
    thought: Thought | None = None

    def text(self, language: Language) -> str:
        """The move as readers of the language write it."""
        return self.texts[LANGUAGES.index(language)]


@dataclass
class Menu:
    """The new-game menu: indices of the chosen side, opponent and style (None: the temperature as it is)."""

    side: int = 0
    opponent: int = 0
    style: int | None = 0


@dataclass
class GameState:
    """The state of a front; `actions` changes it, renderers read it.

    Attributes:
        settings: language, pieces, theme.
        board: the game as it stands, with its history.
        humans: the sides that a person plays.
        spec: the opponent's spec, as `create_player` takes it.
        rules: name of the rule set.
        flipped: Black at the bottom.
        selected: the square of the piece that was picked up.
        view: the ply looked at, None for the present.
        notice: what the status line says instead of whose turn it is.
        work: what the player is busy with.
        generation: grows with every change after which an answer under way is worth nothing.
        stalled: the player failed; it is asked again only after the person has done something.
        player_ready: the player of `spec` is loaded.
        history: the moves with their texts and thoughts.
        hint: thoughts about the present position, asked for by the person.
        wants_hint: a hint was asked for and has not come yet.
        menu: the open new-game menu.
        specs: opponents offered by the menu.
        announce: the end of the game stands across the board until it is clicked away.
        fresh: the move just played, for the animation; a front takes it away once it has seen it.
    """

    settings: Settings = field(default_factory=Settings)
    board: Board = field(default_factory=Board)
    humans: frozenset[Color] = frozenset((Color.RED,))
    spec: str = "gpt"
    rules: str = "simple"
    flipped: bool = False
    selected: Square | None = None
    view: int | None = None
    notice: Notice | None = None
    work: Work = ""
    generation: int = 0
    stalled: bool = False
    player_ready: bool = False
    history: list[Ply] = field(default_factory=list)
    hint: Thought | None = None
    wants_hint: bool = False
    menu: Menu | None = None
    specs: tuple[str, ...] = ("gpt", "greedy", "random")
    outcome: Outcome | None = None
    announce: bool = False
    fresh: Move | None = None

    @property
    def language(self) -> Language:
        """Language of every word shown."""
        return self.settings.language

    @property
    def ply(self) -> int:
        """The ply shown: 0 before the first move."""
        return len(self.history) if self.view is None else self.view

    @property
    def has_styles(self) -> bool:
        """Whether the opponent chosen in the menu plays in more than one style."""
        return self.menu is not None and split_temperature(self.specs[self.menu.opponent])[1] is not None

    @property
    def is_live(self) -> bool:
        """Whether the position shown is the present one."""
        return self.view is None

    @property
    def is_human_turn(self) -> bool:
        """Whether a person may move now."""
        return self.outcome is None and self.board.turn in self.humans

    @property
    def needs_load(self) -> bool:
        """Whether the player of `spec` is to be loaded now."""
        return not self.player_ready and not self.work and not self.stalled

    @property
    def needs_hint(self) -> bool:
        """Whether the player is to be asked for a hint now."""
        return self.wants_hint and self.is_human_turn and not self.work and self.player_ready

    @property
    def needs_player(self) -> bool:
        """Whether the player is to be asked for a move now."""
        return (
            self.outcome is None
            and not self.is_human_turn
            and not self.work
            and not self.stalled
            and self.player_ready
        )

    @property
    def shown_board(self) -> Board:
        """The position shown; not to be changed."""
        if self.view is None:
            return self.board
        board = self.board.copy()
        for _ in range(len(self.history) - self.view):
            board.pop()
        return board

    @property
    def checked_square(self) -> Square | None:
        """Where a king stands in check in the position shown, or None."""
        board = self.shown_board
        return board.king_square(board.turn) if board.is_check() else None

    @property
    def last_move(self) -> Move | None:
        """The move that led to the position shown."""
        return self.history[self.ply - 1].move if self.ply else None

    @property
    def dests(self) -> dict[Square, tuple[Square, ...]]:
        """Where each piece of the side to move may go; empty while no person may move."""
        if not self.is_human_turn or not self.is_live:
            return {}
        found: dict[Square, tuple[Square, ...]] = {}
        for move in self.board.legal_moves():
            found[move.from_square] = (*found.get(move.from_square, ()), move.to_square)
        return found

    @property
    def targets(self) -> tuple[Square, ...]:
        """Where the selected piece may go."""
        return self.dests.get(self.selected, ()) if self.selected is not None else ()

    @property
    def thought(self) -> Thought | None:
        """What the candidates panel shows: the hint, else the thought behind the last move that had one."""
        if self.hint is not None and self.is_live:
            return self.hint
        return next((p.thought for p in reversed(self.history[: self.ply]) if p.thought is not None), None)

    @property
    def red_value(self) -> tuple[float, float, float] | None:
        """The newest chances (Red, draw, Black) known at the position shown."""
        if self.is_live and self.outcome is not None:
            winner = self.outcome.winner
            return (float(winner is Color.RED), float(winner is None), float(winner is Color.BLACK))
        thoughts = [self.hint] if self.hint is not None and self.is_live else []
        thoughts += [p.thought for p in reversed(self.history[: self.ply]) if p.thought is not None]
        return next((t.red_value for t in thoughts if t.red_value is not None), None)

    def status(self) -> tuple[str, Tone]:
        """The status line and its tone."""
        language = self.language
        side = self.board.turn
        if self.notice is not None:
            return self.notice.text(language), self.notice.tone
        if self.view is not None:
            return t("window.viewing", language, ply=self.view, plies=len(self.history)), "plain"
        if self.outcome is not None:
            return self.outcome_text(), "good"
        if self.work == "load" and not self.is_human_turn:
            return t("game.loading", language) + " …", "plain"
        check = t("game.check", language, side=side) if self.board.is_check() else ""
        if self.work in ("move", "hint"):
            doing = t("game.thinking" if self.work == "move" else "game.hinting", language) + " …"
            return " · ".join(filter(None, (check, doing))), "warn" if check else "plain"
        if check:
            return check, "warn"
        return t("game.your_move" if self.is_human_turn else "game.their_move", language, side=side), "plain"

    def outcome_text(self) -> str:
        """How the game ended, with the winner; "" while it goes on."""
        if self.outcome is None:
            return ""
        key = {Color.RED: "game.red_wins", Color.BLACK: "game.black_wins", None: "game.drawn"}[
            self.outcome.winner
        ]
        return t(key, self.language, text=self.outcome.message)

    def rules_text(self) -> str:
        """Name of the rule set."""
        return t(f"rules.{self.rules}", self.language)


def describe(board: Board, move: Move, thought: Thought | None = None) -> Ply:
    """The history entry of a legal move on `board`, the position before it."""
    texts = tuple(move_text(language, board, move) for language in LANGUAGES)
    return Ply(move, board.turn, texts, thought)
