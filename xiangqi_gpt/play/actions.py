"""What a person or a player can do to a `GameState`: no drawing, no threads."""

from __future__ import annotations

from dataclasses import replace

from xiangqi_gpt.play.game_state import GameState, Menu, Notice, Thought, describe
from xiangqi_gpt.play.settings import LABELS, THEME_NAMES
from xiangqi_gpt.play.thinker import Answer, Question, Thinker
from xiangqi_gpt.play.wording import PIECE_SETS, error_text, split_temperature, with_temperature
from xiangqi_gpt.players.base import PlayResult
from xiangqi_gpt.rules import (
    START_FEN,
    Board,
    Color,
    Illegality,
    Move,
    Square,
)
from xiangqi_gpt.texts import LANGUAGES, Details, Language, Message

STYLES: tuple[tuple[str, float], ...] = (("menu.firm", 0.0), ("menu.varied", 0.5), ("menu.free", 1.0))
"""Text key and temperature of the styles that the menu offers for the GPT."""
SIDES = (Color.RED, Color.BLACK)


def click_square(state: GameState, sq: Square) -> None:
    """Pick a piece up, put it down, move it, or say why not."""
    if state.announce:
        state.announce = False
        return
    state.notice = None
    if not _may_move(state):
        state.selected = None
        return
    piece = state.board.piece_at(sq)
    if piece is not None and piece.color is state.board.turn:
        state.selected = None if sq == state.selected else sq
        return
    if state.selected is None:
        # A move from a square to itself breaks exactly the rule that keeps this square from being picked up.
        reason = state.board.explain(Move(sq, sq))
        state.notice = _refusal(state, reason) if reason is not None and piece is not None else None
        return
    move = Move(state.selected, sq)
    reason = state.board.explain(move)
    if reason is not None:
        state.notice = _refusal(state, reason)
        return
    play(state, move)


def _may_move(state: GameState) -> bool:
    if state.is_human_turn and state.is_live:
        return True
    if not state.is_live:
        key = "window.not_now"
    else:
        key = "game.not_your_turn" if state.outcome is None else "window.game_over"
    state.notice = Notice.of(key, "warn")
    return False


def _refusal(state: GameState, reason: Illegality) -> Notice:
    return Notice(reason.message(state.settings.labels), "warn")


def play(state: GameState, move: Move, thought: Thought | None = None) -> None:
    """Play a legal move for the side to move."""
    state.history.append(describe(state.board, move, thought))
    state.board.push(move)
    state.fresh = move
    _changed(state)


def _changed(state: GameState) -> None:
    """The position is another one: forget what belonged to the old one and see whether the game is over."""
    state.generation += 1
    state.work = "load" if state.work == "load" else ""
    state.selected = None
    state.view = None
    state.hint = None
    state.wants_hint = False
    state.notice = None
    state.stalled = False
    state.outcome = state.board.outcome(state.rules)
    state.announce = state.outcome is not None


def undo(state: GameState) -> bool:
    """Take moves back until it is the turn of the person who moved last; False where nobody has moved."""
    if not any(ply.color in state.humans for ply in state.history):
        state.notice = Notice.of("game.nothing_to_undo", "warn")
        return False
    while True:
        state.board.pop()
        if state.history.pop().color in state.humans:
            break
    state.fresh = None
    _changed(state)
    state.notice = Notice.of("game.undone", side=state.board.turn)
    return True


def flip(state: GameState) -> None:
    """Turn the board round."""
    state.flipped = not state.flipped


def go_to(state: GameState, ply: int) -> None:
    """Look at the position after `ply` moves (cut to the game); the last one is the present."""
    ply = max(0, min(ply, len(state.history)))
    state.view = None if ply == len(state.history) else ply
    state.selected = None
    state.notice = None
    state.fresh = None


def new_game(
    state: GameState, *, fen: str = START_FEN, human: Color | None = None, spec: str | None = None
) -> None:
    """Begin again; a side or an opponent not given stays as it is. The person's side comes to the bottom.

    Raises:
        FenError: `fen` is no position; the state is unchanged.
    """
    board = Board(fen)
    if human is not None:
        state.humans = frozenset((human,))
        state.flipped = human is Color.BLACK
    if spec is not None:
        state.spec = spec
    state.player_ready = False  # loading a player that is loaded only tells it of the new game
    state.work = ""
    state.board = board
    state.history.clear()
    state.fresh = None
    state.menu = None
    _changed(state)


def toggle_hint(state: GameState) -> None:
    """Ask for the player's opinion of the present position, or put it away."""
    state.notice = None
    if state.hint is not None:
        state.hint = None
    elif not state.is_human_turn or not state.is_live:
        state.notice = Notice.of("game.no_hint", "warn")
    else:
        state.wants_hint = True


def exchange(state: GameState, thinker: Thinker) -> list[Answer]:
    """Take in the answers that have come, ask what is to be asked, and return the answers that counted."""
    counted = [answer for answer in thinker.answers() if receive(state, answer)]
    if state.needs_load:
        state.work = "load"
        thinker.ask(Question(kind="load", generation=state.generation, spec=state.spec))
    elif state.needs_player:
        state.work = "move"
        thinker.ask(Question(kind="move", generation=state.generation, board=state.board.copy()))
    elif state.needs_hint:
        state.work = "hint"
        thinker.ask(Question(kind="hint", generation=state.generation, board=state.board.copy()))
    return counted


def receive(state: GameState, answer: Answer) -> bool:
    """Take in an answer; False where its question no longer stands."""
    question = answer.question
    if question.kind == "load":
        if question.spec != state.spec or state.player_ready:
            return False
        state.work = "" if state.work == "load" else state.work
        state.player_ready = answer.error is None
    elif question.generation != state.generation:
        return False
    else:
        state.work = ""
    if answer.error is not None:
        _fail(state, error_text(answer.error))
    elif answer.result is not None:
        _receive_move(state, answer.result)
    elif answer.analysis is not None and state.wants_hint:
        state.wants_hint = False
        state.hint = Thought(state.board.copy(), answer.analysis)
    return True


def _receive_move(state: GameState, result: PlayResult) -> None:
    reason = state.board.explain(result.move)
    if reason is not None:
        why = reason.message(state.settings.labels)
        _fail(state, Message.of("error.illegal_answer", move=result.move.iccs, reason=why))
        return
    analysis = result.analysis
    play(state, result.move, None if analysis is None else Thought(state.board.copy(), analysis, result.move))


def _fail(state: GameState, what: Message | Details) -> None:
    state.wants_hint = False
    state.stalled = True
    state.notice = Notice.of("game.player_failed", "warn", error=what)


def escape(state: GameState) -> bool:
    """Leave the innermost thing that is open; False where nothing was."""
    if state.menu is not None:
        state.menu = None
    elif state.announce:
        state.announce = False
    elif state.selected is not None:
        state.selected = None
    elif state.view is not None:
        state.view = None
    elif state.hint is not None or state.wants_hint:
        state.hint = None
        state.wants_hint = False
    elif state.notice is not None:
        state.notice = None
    else:
        return False
    return True


def next_language(state: GameState) -> None:
    """English, simplified Chinese, traditional Chinese."""
    choose_language(state, LANGUAGES[(LANGUAGES.index(state.language) + 1) % len(LANGUAGES)])


def choose_language(state: GameState, language: Language) -> None:
    """Show all texts in this language from now on."""
    state.settings = replace(state.settings, language=language)


def next_theme(state: GameState) -> None:
    """Light, dark, high contrast."""
    theme = THEME_NAMES[(THEME_NAMES.index(state.settings.theme) + 1) % len(THEME_NAMES)]
    state.settings = replace(state.settings, theme=theme)


def next_labels(state: GameState) -> None:
    """File numbers of both sides, or coordinates."""
    labels = LABELS[(LABELS.index(state.settings.labels) + 1) % len(LABELS)]
    state.settings = replace(state.settings, labels=labels)


def choose_pieces(state: GameState, number: int) -> None:
    """The piece set with this number in `PIECE_SETS`."""
    state.settings = replace(state.settings, pieces=list(PIECE_SETS)[number])


def open_menu(state: GameState) -> None:
    """Open the new-game menu at the present choice of side, opponent and style."""
    spec, temperature = split_temperature(state.spec)
    style = next((i for i, (_, t) in enumerate(STYLES) if t == temperature), None)
    opponent = state.specs.index(spec) if spec in state.specs else 0
    side = SIDES.index(Color.BLACK) if state.humans == {Color.BLACK} else 0
    state.menu = Menu(side, opponent, style if temperature is not None else 0)
    state.announce = False


def start_from_menu(state: GameState) -> None:
    """Begin the game that the menu describes."""
    menu = state.menu
    if menu is None:
        return
    spec = state.specs[menu.opponent]
    if state.has_styles:
        own = split_temperature(state.spec)[1] or 0.0
        spec = with_temperature(spec, own if menu.style is None else STYLES[menu.style][1])
    new_game(state, human=SIDES[menu.side], spec=spec)
