"""The look into a GPT at the board: which earlier moves its heads attend to, and where its belief differs.

The player's process computes all layers and heads of a position at once, so that choosing another head asks nothing.
"""

from __future__ import annotations

from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.play.game_state import GameState, MindView, Notice, Ply, Shows
from xiangqi_gpt.play.thinker import Answer, Question, Thinker
from xiangqi_gpt.play.wording import error_text
from xiangqi_gpt.players.base import Mind
from xiangqi_gpt.players.player_spec import PlayerSpec
from xiangqi_gpt.rules import Square


def toggle_attention(state: GameState) -> None:
    """Show the attention of the opponent, or put it away."""
    _toggle(state, "attention")


def toggle_belief(state: GameState) -> None:
    """Show where the opponent believes in another board, or put that away."""
    _toggle(state, "belief")


def next_layer(state: GameState) -> None:
    """Show the attention of the next layer, after the last one the first."""
    found = mind(state)
    if found is not None:
        state.mind.layer = (shown_layer(state.mind, found) + 1) % len(found.attention)


def next_head(state: GameState) -> None:
    """Show the next head of the layer, after the last one the mean of all."""
    found = mind(state)
    if found is not None:
        heads, head = len(found.attention[0]), state.mind.head
        state.mind.head = 0 if head is None else head + 1 if head + 1 < heads else None


def shows_attention(state: GameState) -> bool:
    """Whether the attention of a position is shown."""
    return state.mind.shows == "attention" and mind(state) is not None


def mind(state: GameState) -> Mind | None:
    """The opponent's mind at the position shown; None where it is not known (yet)."""
    spec, found = state.minds.get(state.tree.cursor, ("", None))
    return found if spec == state.spec else None


def shown_layer(view: MindView, found: Mind) -> int:
    """The number of the layer that is shown, from 0."""
    last = len(found.attention) - 1
    return last if view.layer is None else min(view.layer, last)


def attended(state: GameState) -> list[tuple[Ply, float]]:
    """The earlier moves and their shares (0..1) in the chosen layer and head, the greatest first."""
    found = mind(state)
    if found is None or not found.moves:
        return []
    heads = found.attention[shown_layer(state.mind, found)]
    head = state.mind.head
    chosen = heads if head is None else heads[min(head, len(heads) - 1) :][:1]
    shares = [sum(column) / len(chosen) for column in zip(*chosen, strict=True)]
    plies = state.plies(state.tree.cursor)[-len(shares) :]
    return sorted(zip(plies, shares, strict=True), key=lambda one: -one[1])


def differences(state: GameState) -> list[tuple[Square, int]] | None:
    """The squares where the believed piece code differs from the board shown, with that code; None without a probe."""
    found = mind(state)
    if found is None or found.belief is None:
        return None
    truth = state.shown_board.squares
    return [(square, code) for square, code in enumerate(found.belief) if code != truth[square]]


def ask_mind(state: GameState, thinker: Thinker) -> None:
    """Ask the opponent's process about the position shown, if a view is on and the process is free."""
    view, node = state.mind, state.tree.cursor
    if view.asked is not None and view.asked[1] != state.generation:
        view.asked = None  # a newer question has taken its place
    if not view.shows or not state.player_ready or state.work or state.stalled or view.asked is not None:
        return
    if not is_gpt(state.spec):
        view.shows = ""
        state.notice = Notice.of("game.only_gpt", "warn")
        return
    if mind(state) is None:
        view.asked = (node, state.generation)
        thinker.ask(Question(kind="mind", generation=state.generation, board=state.tree.board(node)))


def receive_mind(state: GameState, answer: Answer) -> bool:
    """Take in an answer about a position; False where its question no longer stands."""
    asked, state.mind.asked = state.mind.asked, None
    if asked is None or asked[1] != answer.question.generation:
        return False
    if answer.error is not None:
        state.mind.shows = ""
        state.notice = Notice.of("game.no_mind", "warn", error=error_text(answer.error))
    elif answer.mind is not None:
        state.minds[asked[0]] = (state.spec, answer.mind)
    return True


def is_gpt(spec: str) -> bool:
    """Whether a spec names a GPT."""
    try:
        return PlayerSpec.parse(spec).name == "gpt"
    except PlayerError:
        return False


def _toggle(state: GameState, view: Shows) -> None:
    state.notice = None
    if state.mind.shows == view:
        state.mind.shows = ""
    elif is_gpt(state.spec):
        state.mind.shows = view
    else:
        state.notice = Notice.of("game.only_gpt", "warn")
