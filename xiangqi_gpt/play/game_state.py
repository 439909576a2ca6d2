"""What the window and the terminal board show, without a pixel: game, selection, thoughts, status."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Literal, TypeAlias
from weakref import WeakKeyDictionary

from xiangqi_gpt.library.opening_names import name_opening
from xiangqi_gpt.notation.move_text import move_text
from xiangqi_gpt.play.clock import PlayClock
from xiangqi_gpt.play.premove import premove_targets
from xiangqi_gpt.play.puzzle_book import Puzzle
from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.play.thinker import WorkerName
from xiangqi_gpt.play.wording import split_temperature
from xiangqi_gpt.players.base import Analysis, Mind, Value
from xiangqi_gpt.records.game_tree import GameTree, Node
from xiangqi_gpt.rules import Board, Color, Move, Outcome, Square
from xiangqi_gpt.texts import LANGUAGES, Language, Message, t

Work: TypeAlias = Literal["", "load", "move"]
Tone: TypeAlias = Literal["plain", "good", "warn"]
Shows: TypeAlias = Literal["", "attention", "belief"]


@dataclass(frozen=True)
class Notice:
    """A sentence for the status line.

    Attributes:
        message: what it tells.
        tone: "warn" for refusals and failures.
        square: where the piece stands that is in the way of a refused move.
    """

    message: Message
    tone: Tone = "plain"
    square: Square | None = None

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
    """What a player thought of a position: its own before a move, a hint, or an evaluation.

    Attributes:
        played: the move that it chose, None where it was only asked for its opinion.
        is_partial: it is still thinking.
    """

    board: Board
    analysis: Analysis
    played: Move | None = None
    is_partial: bool = False

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


@dataclass(frozen=True)
class Played:
    """Label of a step in which a move of the game was played."""

    by_person: bool


@dataclass(frozen=True)
class Request:
    """A question to the analyst that is under way: about a node and its position; `number` comes back with the answer.

    Another game may have taken the place of the one of the node when the answer comes.
    """

    number: int
    node: Node
    board: Board


@dataclass
class ReviewRun:
    """A review under way: the moves that are judged, from the first, and how many of them are done."""

    number: int
    line: list[Node]
    done: int = 0
    is_asked: bool = False


@dataclass
class MindView:
    """What of the opponent's mind is shown.

    Attributes:
        shows: the view that is on, "" for none.
        layer: of the attention, from 0; None for the last one.
        head: of the attention, from 0; None for the mean of all.
        asked: the position that the opponent's process was asked about, and the generation of the question.
    """

    shows: Shows = ""
    layer: int | None = None
    head: int | None = None
    asked: tuple[Node, int] | None = None


@dataclass(frozen=True)
class Source:
    """What the record says that a game was opened from.

    Attributes:
        tags: of the record, such as "Event" and "Red"; empty where it has none.
        result: "1-0", "0-1", "1/2-1/2" or "*".
        end: the node that the result belongs to; None once the game has another end.
    """

    tags: Mapping[str, str]
    result: str = "*"
    end: Node | None = None


@dataclass(frozen=True, kw_only=True)
class GameSetup:
    """A game without its moves: who plays it, and by what. The attributes are those of `GameState`."""

    humans: frozenset[Color]
    flipped: bool
    spec: str
    rules: str
    second: str = ""
    clock: PlayClock | None = None
    puzzle: Puzzle | None = None
    source: Source | None = None

    def anew(self) -> GameSetup:
        """That of another game between the same: a clock begins again, and no puzzle or record is behind it."""
        clock = None if self.clock is None else PlayClock(self.clock.control)
        return replace(self, clock=clock, puzzle=None, source=None)


@dataclass(frozen=True)
class SavedGame:
    """A game as it was left: the tree, and who played whom under which rules."""

    tree: GameTree
    humans: frozenset[Color]
    flipped: bool
    spec: str
    rules: str
    is_over: bool = False
    second: str = ""
    puzzle: str = ""  # id of a classical composition, "" in a game
    control: str = ""  # of the clock, "" without one
    left: tuple[float, float] | None = None  # seconds of Red and Black
    source: Source | None = None


@dataclass
class Menu:
    """The new-game menu.

    Attributes:
        side: index in `SIDES`, one more for a person on both sides, two more for two machines.
        opponent: index in the opponents offered, where `level` is None.
        style: index in `STYLES`; None: the temperature as it is.
        level: number of the GPT's level from 1, 0 for the one that follows the results, None for another opponent.
        rules: name of the rule set, "" for the present one.
        clock: time control such as "5m+3s" (`CLOCKS` has the usual ones), "" for no clock.
        handicap: name in `HANDICAPS` of the odds that the machine gives to the person.
    """

    side: int = 0
    opponent: int = 0
    style: int | None = 0
    level: int | None = None
    rules: str = ""
    clock: str = ""
    handicap: str = "none"


@dataclass
class GameState:
    """The state of a front; `actions` changes it, renderers read it.

    Attributes:
        settings: language, pieces, theme.
        board: the game as it stands, with its history; a copy of what the live node of `tree` says.
        humans: the sides that a person plays.
        spec: the opponent's spec, as `create_player` takes it.
        second: the player of Black where two machines play; "" for that of `spec`.
        clock: the clock of the game, None without one.
        times: seconds left to Red and Black, by node.
        is_paused: nobody may move and no time runs.
        premove: the move that is played as soon as it is the person's turn.
        puzzle: what the person is to solve, None in a game.
        puzzles: the collection that it is from; empty for the compositions of the package.
        source: the record that the game was opened from, None for a game begun here.
        fallback: the opponent in place of one that cannot be loaded, "" for none.
        saved_as: the game (uid of its tree) that was saved last, and its file.
        agreed: an end of the game by a player or the clock, and the node where it ended.
        asked: the worker that looks for a move, and the generation of its question.
        rules: name of the rule set.
        flipped: Black at the bottom.
        selected: the square of the piece that was picked up.
        tree: the game with its variations; its cursor is what is looked at.
        notice: what the status line says instead of whose turn it is.
        work: what the player is busy with.
        generation: grows with every change after which an answer under way is worth nothing.
        stalled: the player failed; it is asked again only after the person has done something.
        player_ready: the player of `spec` is loaded.
        history: the moves of the game with their texts and thoughts.
        hint: what the analyst thinks of the position `hinted`, asked for by the person.
        hinted: the position of the hint.
        wants_hint: a hint was asked for and has not come, or not come in full.
        evaluations: what the analyst thinks of positions, by node.
        request: what the analyst is busy with.
        analyst_failed: the analyst is asked again only after the person has asked for something.
        review: the review under way.
        reviewer_busy: the reviewer was asked and is still there.
        points: Red's expected points (0..1) after the moves of a review, by node.
        mind: what of the opponent's mind is shown.
        minds: the minds of players (by their spec) at positions, by node.
        probs: how likely a model took moves to be that were played, 0..1, by the node that they lead to.
        counter: number of the last request.
        menu: the open new-game menu.
        offer: an unfinished game of an earlier session that can be resumed.
        specs: opponents offered by the menu.
        announce: the end of the game stands across the board until it is clicked away.
        fresh: the move just played, for the animation; a front takes it away once it has seen it.
    """

    settings: Settings = field(default_factory=Settings)
    board: Board = field(default_factory=Board)
    humans: frozenset[Color] = frozenset((Color.RED,))
    spec: str = "gpt"
    second: str = ""
    clock: PlayClock | None = None
    times: WeakKeyDictionary[Node, tuple[float, float]] = field(default_factory=WeakKeyDictionary)
    is_paused: bool = False
    premove: Move | None = None
    puzzle: Puzzle | None = None
    puzzles: list[Puzzle] = field(default_factory=list)
    source: Source | None = None
    fallback: str = ""
    saved_as: tuple[str, Path] | None = None
    agreed: tuple[Node, Outcome] | None = None
    asked: tuple[WorkerName, int] | None = None
    rules: str = "simple"
    flipped: bool = False
    selected: Square | None = None
    notice: Notice | None = None
    work: Work = ""
    generation: int = 0
    stalled: bool = False
    player_ready: bool = False
    hint: Thought | None = None
    hinted: Node | None = None
    wants_hint: bool = False
    evaluations: WeakKeyDictionary[Node, Thought] = field(default_factory=WeakKeyDictionary)
    request: Request | None = None
    analyst_failed: bool = False
    review: ReviewRun | None = None
    reviewer_busy: bool = False
    points: WeakKeyDictionary[Node, float] = field(default_factory=WeakKeyDictionary)
    mind: MindView = field(default_factory=MindView)
    minds: WeakKeyDictionary[Node, tuple[str, Mind]] = field(default_factory=WeakKeyDictionary)
    probs: WeakKeyDictionary[Node, float] = field(default_factory=WeakKeyDictionary)
    counter: int = 0
    menu: Menu | None = None
    offer: SavedGame | None = None
    specs: tuple[str, ...] = ("gpt", "greedy", "random")
    outcome: Outcome | None = None
    announce: bool = False
    fresh: Move | None = None
    tree: GameTree = field(init=False)
    history: list[Ply] = field(init=False, default_factory=list)
    _plies: WeakKeyDictionary[Node, Ply] = field(init=False, default_factory=WeakKeyDictionary)
    _shown: tuple[Node, Board] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.tree = GameTree(self.board.root_fen)
        for ply, move in enumerate(self.board.move_stack, len(self.board.move_stack) % 2):
            turn = self.board.turn if ply % 2 == 0 else self.board.turn.other
            self.tree.play(move, Played(turn in self.humans))
        self.follow_tree()

    @property
    def setup(self) -> GameSetup:
        """What the game is played by."""
        return GameSetup(**{item.name: getattr(self, item.name) for item in fields(GameSetup)})

    def follow_tree(self) -> None:
        """Bring board and history to the live node of the tree, whatever has happened to it."""
        self.board = self.tree.board()
        self.history = self.plies(self.tree.live)

    def plies(self, node: Node) -> list[Ply]:
        """The moves that lead to a node, with their texts and thoughts."""
        path = node.path
        if not all(step in self._plies for step in path):
            board = self.tree.board(self.tree.root)
            for step in path:
                if step.move is not None:
                    if step not in self._plies:
                        self._plies[step] = describe(board, step.move)
                    board.push(step.move)
        return [self._plies[step] for step in path]

    def ply_of(self, node: Node) -> Ply:
        """The move that leads to a node; not for the root."""
        return self.plies(node)[-1] if node not in self._plies else self._plies[node]

    def remember(self, node: Node, ply: Ply) -> None:
        """Keep the texts and the thought of a move."""
        self._plies[node] = ply

    @property
    def language(self) -> Language:
        """Language of every word shown."""
        return self.settings.language

    @property
    def ply(self) -> int:
        """The ply shown: 0 before the first move."""
        return self.tree.cursor.ply

    @property
    def line(self) -> list[Node]:
        """The moves of the line shown, from the first to the last: the game, or the variation looked at."""
        return self.tree.line()

    @property
    def has_styles(self) -> bool:
        """Whether the opponent chosen in the menu plays in more than one style."""
        menu = self.menu
        return (
            menu is not None
            and menu.level is None
            and split_temperature(self.specs[menu.opponent])[1] is not None
        )

    @property
    def is_live(self) -> bool:
        """Whether the position shown is the present one."""
        return self.tree.cursor is self.tree.live

    @property
    def is_human_turn(self) -> bool:
        """Whether a person may move now."""
        return self.outcome is None and not self.is_paused and self.board.turn in self.humans

    @property
    def may_premove(self) -> bool:
        """Whether the person may choose a move for when the opponent has moved."""
        is_waiting = self.outcome is None and not self.is_paused and self.board.turn not in self.humans
        return is_waiting and self.is_live and len(self.humans) == 1

    @property
    def person(self) -> Color | None:
        """The side of the one person who plays against a machine, None in other games."""
        return next(iter(self.humans)) if len(self.humans) == 1 else None

    @property
    def mover(self) -> tuple[WorkerName, str]:
        """Who is to be asked for the move of a machine: the worker, and its player where it has to be named."""
        is_second = not self.humans and self.second and self.board.turn is Color.BLACK
        return ("second", self.second) if is_second else ("opponent", "")

    @property
    def needs_load(self) -> bool:
        """Whether the player of `spec` is to be loaded now."""
        return not self.player_ready and not self.work and not self.stalled

    @property
    def analysed(self) -> Node | None:
        """The position that the analyst is to be asked about now: that of a hint, or the one shown; None for none."""
        wanted = self.hinted if self.wants_hint else None
        if wanted is self.tree.live and not self.is_human_turn:
            wanted = None
        if self.analyst_failed or not (wanted or self.settings.analysis):
            return None
        node = wanted or self.tree.cursor
        known = self.evaluations.get(node)
        if known is not None and not known.is_partial:
            return None
        if node is self.tree.live and self.outcome is not None:
            return None
        return node

    @property
    def may_hint(self) -> bool:
        """Whether the person may ask for a hint now: not while it is the opponent's turn in the game."""
        return self.is_human_turn if self.is_live else bool(self.shown_board.legal_moves())

    @property
    def shows_hint(self) -> bool:
        """Whether a hint about the position shown is there or under way."""
        return self.hinted is self.tree.cursor

    @property
    def shown_hint(self) -> Thought | None:
        """The hint, if it is about the position shown."""
        return self.hint if self.hinted is self.tree.cursor else None

    @property
    def result(self) -> str:
        """The result of the game as records write it: by the rules, by agreement, or as in the file; "*" for none."""
        if self.outcome is not None:
            return self.outcome.result
        source = self.source
        return source.result if source is not None and source.end is self.tree.live else "*"

    @property
    def evaluation(self) -> Thought | None:
        """What the analyst thinks of the position shown, None where it was not asked."""
        return self.evaluations.get(self.tree.cursor)

    @property
    def curve(self) -> list[float | None]:
        """Red's expected points (0..1) after each move of the line shown, None where they are not known."""
        found: list[float | None] = []
        for node in self.line:
            thought = self.evaluations.get(node)
            value = None if thought is None else thought.red_value
            known = self.points.get(node)
            found.append(known if known is not None or value is None else value[0] + value[1] / 2)
        return found

    @property
    def needs_player(self) -> bool:
        """Whether the player is to be asked for a move now."""
        return (
            self.outcome is None
            and not self.is_paused
            and self.board.turn not in self.humans
            and not self.work
            and not self.stalled
            and self.player_ready
        )

    @property
    def shown_board(self) -> Board:
        """The position shown; not to be changed."""
        if self.is_live:
            return self.board
        if self._shown is None or self._shown[0] is not self.tree.cursor:
            self._shown = (self.tree.cursor, self.tree.board(self.tree.cursor))
        return self._shown[1]

    @property
    def checked_square(self) -> Square | None:
        """Where a king stands in check in the position shown, or None."""
        board = self.shown_board
        return board.king_square(board.turn) if board.is_check() else None

    @property
    def last_move(self) -> Move | None:
        """The move that led to the position shown."""
        return self.tree.cursor.move

    @property
    def dests(self) -> dict[Square, tuple[Square, ...]]:
        """Where each piece of the side to move may go; empty while no person may move."""
        return destinations(self.board) if self.is_human_turn and self.is_live else {}

    @property
    def targets(self) -> tuple[Square, ...]:
        """Where the selected piece may go: in the game, or as a variation of the position looked at."""
        if self.selected is None:
            return ()
        if self.may_premove:
            return premove_targets(self.board, self.selected)
        found = self.dests if self.is_live else destinations(self.shown_board)
        return found.get(self.selected, ())

    @property
    def thought(self) -> Thought | None:
        """What the candidates panel shows: the hint, else the analysis of the position, else the thought behind the
        last move that had one.
        """
        return self._thought_at()[0]

    @property
    def thought_node(self) -> Node:
        """The position that `thought` is about; the one shown where there is none."""
        return self._thought_at()[1]

    def _thought_at(self) -> tuple[Thought | None, Node]:
        cursor = self.tree.cursor
        if self.shown_hint is not None:
            return self.shown_hint, cursor
        if self.settings.analysis and self.evaluation is not None:
            return self.evaluation, cursor
        for ply, node in zip(reversed(self.shown_plies), reversed(cursor.path), strict=True):
            if ply.thought is not None and node.parent is not None:
                return ply.thought, node.parent
        return None, cursor

    @property
    def shares(self) -> dict[Move, float]:
        """How likely a model takes each legal move in the position shown, 0..1; empty where none has been asked."""
        thought = self.shown_hint or self.evaluation
        if thought is None:
            after = next((node for node in self.tree.cursor.children if self.ply_of(node).thought), None)
            thought = None if after is None else self.ply_of(after).thought
        lines = () if thought is None else thought.analysis.lines
        return {line.move: line.prob for line in lines if line.prob is not None}

    def prob_of(self, node: Node) -> float | None:
        """How likely a model took the move of a person that leads to a node, 0..1; None where it is not known."""
        if not self.settings.surprise or self.ply_of(node).color not in self.humans or node.parent is None:
            return None
        known = self.probs.get(node)
        thought = self.evaluations.get(node.parent)
        if known is not None or thought is None:
            return known
        return next((line.prob for line in thought.analysis.lines if line.move == node.move), None)

    @property
    def shown_plies(self) -> list[Ply]:
        """The moves that lead to the position shown."""
        return self.history if self.is_live else self.plies(self.tree.cursor)

    @property
    def red_value(self) -> tuple[float, float, float] | None:
        """The newest chances (Red, draw, Black) known at the position shown."""
        if self.is_live and self.outcome is not None:
            winner = self.outcome.winner
            return (float(winner is Color.RED), float(winner is None), float(winner is Color.BLACK))
        thoughts = [] if self.evaluation is None else [self.evaluation]
        thoughts += [p.thought for p in reversed(self.shown_plies) if p.thought is not None]
        return next((t.red_value for t in thoughts if t.red_value is not None), None)

    def status(self) -> tuple[str, Tone]:
        """The status line and its tone."""
        language = self.language
        side = self.board.turn
        if self.notice is not None:
            return self.notice.text(language), self.notice.tone
        if self.review is not None:
            done, plies = self.review.done, len(self.review.line)
            return t("game.reviewing", language, done=done, plies=plies), "plain"
        if not self.is_live:
            in_game = self.tree.cursor is self.tree.root or self.tree.cursor in self.tree.live.path
            key = "window.viewing" if in_game else "window.viewing_variation"
            text = t(key, language, ply=self.ply, plies=len(self.history))
            if self.wants_hint and self.shows_hint:
                text = f"{text} · {t('game.hinting', language)} …"
            return text, "plain"
        if self.outcome is not None:
            return self.outcome_text(), "good"
        if self.is_paused:
            return t("game.paused", language), "plain"
        if self.work == "load" and not self.is_human_turn:
            return t("game.loading", language) + " …", "plain"
        check = t("game.check", language, side=side) if self.board.is_check() else ""
        if self.work == "move" or self.wants_hint:
            doing = t("game.thinking" if self.work == "move" else "game.hinting", language) + " …"
            return " · ".join(filter(None, (check, doing))), "warn" if check else "plain"
        if check:
            return check, "warn"
        if self.puzzle is not None and self.is_human_turn:
            return self.puzzle_text(), "plain"
        if len(self.humans) == len(Color):
            return t("game.their_move", language, side=side), "plain"
        return t("game.your_move" if self.is_human_turn else "game.their_move", language, side=side), "plain"

    def puzzle_text(self) -> str:
        """The puzzle and what is to be done in it, with the moves that are left; "" where there is none."""
        if self.puzzle is None:
            return ""
        side, title = self.person or self.board.turn, self.puzzle.title
        if self.puzzle.plies is None:
            return t("puzzle.begun_open", self.language, title=title, side=side)
        moves, played = (self.puzzle.plies + 1) // 2, (len(self.history) + 1) // 2
        if not played:
            return t("puzzle.begun", self.language, title=title, side=side, moves=moves)
        return t("puzzle.going_on", self.language, title=title, side=side, moves=moves, played=played)

    def outcome_text(self) -> str:
        """How the game ended, with the winner; "" while it goes on."""
        if self.outcome is None:
            return ""
        key = {Color.RED: "game.red_wins", Color.BLACK: "game.black_wins", None: "game.drawn"}[
            self.outcome.winner
        ]
        return t(key, self.language, text=self.outcome.message)

    def opening_text(self) -> str:
        """Name of the opening of the line shown, up to its end; "" if it has none."""
        found = name_opening(
            [ply.move for ply in self.plies(self.line[-1])] if self.line else [], self.tree.start_fen
        )
        return "" if found is None else found.message.text(self.language)

    def rules_text(self) -> str:
        """Name of the rule set."""
        return t(f"rules.{self.rules}", self.language)


def destinations(board: Board) -> dict[Square, tuple[Square, ...]]:
    """Where each piece of the side to move may go."""
    found: dict[Square, tuple[Square, ...]] = {}
    for move in board.legal_moves():
        found[move.from_square] = (*found.get(move.from_square, ()), move.to_square)
    return found


def describe(board: Board, move: Move, thought: Thought | None = None) -> Ply:
    """The history entry of a legal move on `board`, the position before it."""
    texts = tuple(move_text(language, board, move) for language in LANGUAGES)
    return Ply(move, board.turn, texts, thought)
