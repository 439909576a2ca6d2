"""A game at the prompt: moves and commands in, board and words out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.text import Text

from xiangqi_gpt.notation import chinese, parse_any
from xiangqi_gpt.notation.move_text import move_text
from xiangqi_gpt.play import actions, endings, opening
from xiangqi_gpt.play.autosave import Autosave
from xiangqi_gpt.play.commands import WORDS
from xiangqi_gpt.play.game_state import GameState, Thought
from xiangqi_gpt.play.opening import open_game
from xiangqi_gpt.play.puzzle_book import classical_puzzles
from xiangqi_gpt.play.saving import save_game
from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.play.thinker import Create, InlineThinker
from xiangqi_gpt.play.wording import MARKS, PIECE_SETS, error_text, player_name, whole_percents
from xiangqi_gpt.players.base import Line
from xiangqi_gpt.players.levels import ADAPTIVE, LEVELS, get_level
from xiangqi_gpt.rules import (
    Color,
    FenError,
    IllegalMoveError,
    Move,
    MoveError,
    NoPieceError,
    PlayerError,
    RecordError,
    XiangqiError,
)
from xiangqi_gpt.rules.outcome import MATE_SCORE
from xiangqi_gpt.terminal.command_help import help_text
from xiangqi_gpt.terminal.draw import draw_board
from xiangqi_gpt.terminal.moves import move_lines
from xiangqi_gpt.texts import LANGUAGES, t

HINT_LINES = 5
LEAST_MATE = MATE_SCORE - 1000  # centipawns
PV_MOVES = 5  # of a line that a hint shows


def percent(share: float) -> str:
    """A share 0..1 as a percentage with a digit that says something."""
    value = 100 * share
    return (
        f"{value:.0f} %" if value >= 9.95 else f"{value:.1f} %" if value >= 0.095 or value == 0 else "<0.1 %"
    )


class TerminalGame:
    """One person at a prompt against a player.

    Args:
        state: the game to begin with.
        create: builds a player from its spec.
        console: where everything is printed.
        read: given the prompt, returns the next line without its end, or None when there is none.
        save: called with the settings when a command has changed them.
        autosave: keeps the game; without one it is not kept.
    """

    def __init__(
        self,
        state: GameState,
        create: Create,
        console: Console,
        read: Callable[[str], str | None],
        *,
        save: Callable[[Settings], None] = lambda settings: None,
        autosave: Autosave | None = None,
    ) -> None:
        self.state = state
        self._thinker = InlineThinker(create)
        self._console = console
        self._read = read
        self._save = save
        self._autosave = autosave
        self._told_end = False
        self._own: dict[str, Callable[[str], None]] = {
            "new": self._new,
            "undo": lambda _: self._step(actions.undo),
            "redo": lambda _: self._step(actions.redo),
            "hint": self._hint,
            "draw": lambda _: self._end(endings.offer_draw),
            "resign": lambda _: self._end(endings.resign),
            "rematch": lambda _: self._rematch(),
            "puzzle": self._puzzle,
            "retry": lambda _: self._retry(),
            "level": self._level,
            "review": lambda _: self._review(),
            "moves": self._moves,
            "comment": self._comment,
            "mark": self._mark,
            "open": self._open_game,
            "save": self._save_game,
            "position": self._fen,
            "flip": self._flip,
            "board": lambda _: self._show(),
            "pieces": self._pieces,
            "language": self._lang,
            "help": lambda _: self._print(help_text(self.state.language)),
            "resume": lambda _: self._resume(),
        }

    def run(self) -> None:
        """Play until `quit` or the end of the input.

        Raises:
            XiangqiError: the opponent cannot be had.
        """
        state = self.state
        try:
            self._load()
            human = next(iter(state.humans), Color.RED)
            self._print(
                t(
                    "terminal.welcome",
                    state.language,
                    side=human,
                    player=player_name(state.spec, state.language),
                )
            )
            self._tell_problem()
            if state.notice is not None:
                self._print(state.notice.text(state.language), style="red")
            if state.offer is not None:
                name = player_name(state.offer.spec, state.language)
                count = state.offer.tree.live.ply
                self._print(t("terminal.offer", state.language, player=name, count=count))
            if self._settle() == 0:
                self._show()
            while True:
                line = self._read(f"{state.board.turn.message.text(state.language)}> ")
                if line is None or not self._obey(line.strip()):
                    return
                self._keep()  # the move must not be lost if the program is killed while the opponent thinks
                self._settle()
                self._keep()
        finally:
            self._thinker.close()

    def _keep(self) -> None:
        if self._autosave is not None:
            told = self._autosave.problem
            self._autosave.keep(self.state)
            if self._autosave.problem != told:
                self._tell_problem()

    def _tell_problem(self) -> None:
        if self._autosave is not None and self._autosave.problem is not None:
            self._print(self._autosave.problem.text(self.state.language), style="red")

    def _load(self) -> None:
        self._print(t("game.loading", self.state.language) + " …", style="dim")
        actions.exchange(self.state, self._thinker)
        for answer in self._thinker.answers():
            actions.receive(self.state, answer)
            if answer.error is not None and self.state.needs_load:
                continue  # another opponent takes its place
            if isinstance(answer.error, XiangqiError):
                raise answer.error
            if answer.error is not None:
                raise PlayerError(f"The player {self.state.spec!r} failed: {answer.error}") from answer.error

    def _settle(self) -> int:
        """Let the opponent do what it has to; returns how many moves it made."""
        state = self.state
        moves = 0
        while doing := self._doing():
            self._print(t(doing, state.language) + " …", style="dim")
            plies = len(state.history)
            actions.exchange(state, self._thinker)
            for answer in self._thinker.answers():
                actions.receive(state, answer)
            if len(state.history) > plies:
                moves += 1
                self._show()
                self._print(self._reply_text(), style="bold")
            if state.stalled and state.notice is not None:
                self._print(state.notice.text(state.language), style="red")
        if state.outcome is not None and not self._told_end:
            self._print(state.outcome_text(), style="bold")
            self._print(f"{state.rules_text()}. {t('terminal.ended', state.language)}", style="dim")
            self._told_end = True
        elif state.outcome is None:
            if moves and state.board.is_check():
                self._print(t("game.check", state.language, side=state.board.turn), style="bold red")
            self._told_end = False
        return moves

    def _doing(self) -> str:
        """The key of what a player is to be asked for now, "" for nothing."""
        state = self.state
        if state.needs_load:
            return "game.loading"
        if state.needs_player:
            return "game.thinking"
        if state.review is not None:
            return "terminal.reviewing"
        return "game.hinting" if state.wants_hint else ""

    def _reply_text(self) -> str:
        """What the opponent has just played, with what it thought."""
        language, ply = self.state.language, self.state.history[-1]
        parts = [
            t(
                "terminal.plays",
                language,
                player=player_name(self.state.spec, language),
                move=ply.text(language),
                iccs=ply.move.iccs,
            )
        ]
        thought = ply.thought
        if thought is not None:
            prob = next((line.prob for line in thought.analysis.lines if line.move == ply.move), None)
            if prob is not None:
                parts.append(t("terminal.probability", language, prob=percent(prob)))
            parts += self._value_parts(thought)
        return t("terminal.comma", language).join(parts)

    def _value_parts(self, thought: Thought) -> list[str]:
        language = self.state.language
        parts = []
        if thought.analysis.leak is not None:
            parts.append(t("terminal.leak", language, leak=percent(thought.analysis.leak)))
        if thought.red_value is not None:
            red, draw, black = whole_percents(thought.red_value)
            parts.append(t("game.value", language, red=red, draw=draw, black=black))
        return parts

    def _obey(self, line: str) -> bool:
        """Do what a line says; False to leave."""
        if not line:
            return True
        word, _, rest = line.partition(" ")
        command = WORDS.get(word.lower())
        if command is None:
            self._move(line)
            return True
        if command.id == "quit":
            return False
        self._own[command.id](rest.strip())
        return True

    def _move(self, text: str) -> None:
        state = self.state
        if not state.is_human_turn:
            self._print(
                t("game.not_your_turn" if state.outcome is None else "terminal.ended", state.language),
                style="red",
            )
            return
        try:
            move = parse_any(state.board, text)
        except IllegalMoveError as error:
            self._refuse(text, error)
            return
        except NoPieceError:
            self._print(t("terminal.no_piece", state.language, text=text), style="red")
            return
        except MoveError:
            self._print(t("terminal.unknown", state.language, text=text), style="red")
            return
        self._note_digits(text, move)
        actions.play(state, move)
        if not state.needs_player and not state.needs_load:
            self._show()  # otherwise the board is shown after the answer

    def _note_digits(self, text: str, move: Move) -> None:
        """Tell how a Chinese text with the digits of the other side was read."""
        board, language = self.state.board, self.state.language
        side = chinese.digits_side(text)
        if side is None or side is board.turn:
            return
        shown = move_text(language, board, move)
        arguments = {"side": side, "mover": board.turn, "move": shown, "iccs": move.iccs}
        self._print(t("terminal.other_digits", language, text=text, **arguments))

    def _refuse(self, text: str, error: IllegalMoveError) -> None:
        language, reason = self.state.language, error.reason
        if reason is None:
            self._print(error_text(error).text(language), style="red")
            return
        # A board of letters has no numbers at its files.
        words = reason.message("iccs" if self.state.settings.pieces == "letters" else "files")
        self._print(t("terminal.refused", language, move=text, reason=words), style="red")

    def _step(self, step: Callable[[GameState], bool]) -> None:
        """Undo or redo."""
        done = step(self.state)
        if done:
            self._show()
        if self.state.notice is not None:
            self._print(self.state.notice.text(self.state.language), style="" if done else "red")

    def _resume(self) -> None:
        if not actions.resume(self.state):
            self._print(t("terminal.no_offer", self.state.language), style="red")
            return
        if self.state.notice is not None:
            self._print(self.state.notice.text(self.state.language))
        self._begin()

    def _hint(self, rest: str) -> None:
        state = self.state
        if rest and rest != "all" and not (rest.isascii() and rest.isdigit() and int(rest) > 0):
            self._print(t("terminal.bad_count", state.language, text=rest), style="red")
            return
        actions.forget_hint(state)
        actions.toggle_hint(state)
        if state.notice is not None:
            self._print(state.notice.text(state.language), style="red")
            return
        self._settle()
        if state.hint is None:
            return
        lines = state.hint.analysis.lines
        for number, line in enumerate(lines[: len(lines) if rest == "all" else int(rest or HINT_LINES)], 1):
            bar = "#" * round(20 * line.prob) if line.prob is not None else ""
            score = f"{line.score_cp / 100:+.2f}" if line.score_cp is not None else ""
            shown = percent(line.prob) if line.prob is not None else score
            text = move_text(state.language, state.hint.board, line.move)
            row = f"{number:3}. {text}  {line.move.iccs}  {shown:>7}  {bar:<20}"
            self._print(f"{row}  {self._looked_ahead(line)}".rstrip())
        parts = self._value_parts(state.hint)
        if parts:
            self._print("     " + t("terminal.comma", state.language).join(parts), style="dim")

    def _puzzle(self, rest: str) -> None:
        puzzles = self.state.puzzles or classical_puzzles()
        if rest and not (rest.isascii() and rest.isdigit()):
            self._puzzles_of_file(Path(rest))
            return
        if rest and not 0 < int(rest[:9]) <= len(puzzles):
            choices = f"1-{len(puzzles)}"
            self._print(
                t("terminal.bad_choice", self.state.language, choices=choices, text=rest), style="red"
            )
            return
        if rest:
            opening.start_puzzle(self.state, puzzles[int(rest) - 1])
        else:
            opening.start_next_puzzle(self.state)
        self._begun()

    def _puzzles_of_file(self, path: Path) -> None:
        try:
            opening.open_puzzles(self.state, path)
        except RecordError as error:
            self._print(t("game.not_opened", self.state.language, error=error_text(error)), style="red")
        else:
            self._begun()

    def _retry(self) -> None:
        if self.state.puzzle is None:
            self._print(t("terminal.no_puzzle", self.state.language), style="red")
            return
        opening.retry_puzzle(self.state)
        self._begun()

    def _level(self, rest: str) -> None:
        """List the levels, or start a new game against one."""
        state, language = self.state, self.state.language
        if not rest:
            for level in LEVELS:
                name = level.message.text(language)
                self._print(
                    "  " + t("menu.level_text", language, number=level.number, name=name, elo=level.elo)
                )
            self._print(f"  {ADAPTIVE}: {t('menu.adaptive_tip', language)}")
            return
        try:
            key = ADAPTIVE if rest.lower() == ADAPTIVE else get_level(rest).key
        except PlayerError:
            choices = f"1-{len(LEVELS)}, {ADAPTIVE}"
            self._print(t("terminal.bad_choice", language, choices=choices, text=rest), style="red")
            return
        actions.new_game(state, spec=f"gpt:level={key}")
        self._print(t("terminal.against", language, player=player_name(state.spec, language)))
        self._begin()

    def _begun(self) -> None:
        """Show a position that was begun, and what is said of it."""
        if self.state.notice is not None:
            self._print(self.state.notice.text(self.state.language))
        self._begin()

    def _looked_ahead(self, line: Line) -> str:
        """What a search expects behind a move and the moves that it expects; "" for a move that it has not tried."""
        state, words = self.state, []
        if line.points is None:
            return ""
        board = state.board.copy()
        for move in line.pv[:PV_MOVES]:
            words.append(move_text(state.language, board, move))
            board.push(move)
        percent_text = t("terminal.expected", state.language, percent=round(100 * line.points))
        if line.score_cp is not None and line.score_cp > LEAST_MATE:
            percent_text = t("terminal.mate", state.language, moves=MATE_SCORE - line.score_cp)
        return "  ".join((percent_text, " ".join(words[1:]))).rstrip()

    def _end(self, end: Callable[[GameState], None]) -> None:
        """Resign or offer a draw; a refusal is told."""
        end(self.state)
        if self.state.notice is not None:
            self._print(self.state.notice.text(self.state.language), style="red")

    def _rematch(self) -> None:
        endings.rematch(self.state)
        self._begun()

    def _review(self) -> None:
        actions.toggle_review(self.state)
        self._settle()
        if self.state.notice is not None:
            self._print(self.state.notice.text(self.state.language))
        self._moves("")

    def _flip(self, rest: str) -> None:
        actions.flip(self.state)
        self._show()

    def _new(self, rest: str) -> None:
        state = self.state
        sides = {"": None, "red": Color.RED, "红": Color.RED, "black": Color.BLACK, "黑": Color.BLACK}
        if rest.lower() not in sides:
            self._print(
                t("terminal.bad_choice", state.language, choices="red, black", text=rest), style="red"
            )
            return
        actions.new_game(state, human=sides[rest.lower()])
        if state.notice is not None:
            self._print(state.notice.text(state.language))
        self._begin()

    def _fen(self, rest: str) -> None:
        if not rest:
            self._print(self.state.board.fen())
            return
        try:
            actions.new_game(self.state, fen=rest)
        except FenError as error:
            self._print(error_text(error).text(self.state.language), style="red")
            return
        self._begin()

    def _begin(self) -> None:
        """Show a new position, unless the opponent is about to move and to show it."""
        if self.state.is_human_turn or self.state.outcome is not None:
            self._show()

    def _moves(self, rest: str) -> None:
        if not self.state.tree.root.children:
            self._print(t("terminal.no_moves", self.state.language))
            return
        if name := self.state.opening_text():
            self._print(name, style="dim")
        for line in move_lines(self.state):
            self._print(line)

    def _save_game(self, rest: str) -> None:
        language = self.state.language
        try:
            path = save_game(self.state, Path(rest) if rest else None)
        except XiangqiError as error:
            self._print(t("game.not_saved", language, error=error_text(error)), style="red")
        else:
            self._print(t("terminal.saved", language, file=path))

    def _comment(self, rest: str) -> None:
        actions.set_comment(self.state, rest)

    def _mark(self, rest: str) -> None:
        if rest and rest not in MARKS:
            choices = ", ".join(MARKS)
            message = t("terminal.bad_choice", self.state.language, choices=choices, text=rest)
            self._print(message, style="red")
            return
        actions.set_mark(self.state, rest)

    def _open_game(self, rest: str) -> None:
        """A file, and which of its games."""
        name, _, number = rest.rpartition(" ")
        if not (name and number.isascii() and number.isdigit()):
            name, number = rest, "1"
        try:
            open_game(self.state, Path(name), int(number[:9]))
        except RecordError as error:
            self._print(t("game.not_opened", self.state.language, error=error_text(error)), style="red")
        else:
            self._show()

    def _pieces(self, rest: str) -> None:
        state = self.state
        names = list(PIECE_SETS)
        if rest not in PIECE_SETS:
            self._print(
                t("terminal.bad_choice", state.language, choices=", ".join(names), text=rest), style="red"
            )
            return
        actions.choose_pieces(state, [str(name) for name in names].index(rest))
        self._save(state.settings)
        self._show()

    def _lang(self, rest: str) -> None:
        state = self.state
        language = next((known for known in LANGUAGES if known.lower() == rest.lower()), None)
        if language is None:
            self._print(
                t("terminal.bad_choice", state.language, choices=", ".join(LANGUAGES), text=rest), style="red"
            )
            return
        actions.choose_language(state, language)
        self._save(state.settings)
        self._print(help_text(state.language))

    def _show(self) -> None:
        """The board, with the last move marked."""
        state = self.state
        last: Move | None = state.last_move
        self._console.print()
        board = draw_board(state.board, pieces=state.settings.pieces, flipped=state.flipped, last=last)
        self._console.print(board, soft_wrap=True)

    def _print(self, text: str, style: str = "") -> None:
        self._console.print(Text(text, style=style), soft_wrap=True)


def without_chinese(settings: Settings) -> Settings:
    """The settings for a terminal that cannot show Chinese characters."""
    return replace(settings, language="en", pieces="letters")
