from __future__ import annotations

import pytest

from tests.play.players import FirstMovePlayer, create_first
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.settings import Settings
from xiangqi_gpt.play.thinker import Answer, InlineThinker, Question
from xiangqi_gpt.players.base import PlayResult
from xiangqi_gpt.rules import START_FEN, Board, Color, FenError, Move, PlayerError, Termination, parse_square

MATE_IN_ONE = "3k5/R8/9/9/9/9/9/9/4R4/4K4 w - - 0 1"


def ready(fen: str = START_FEN, human: Color = Color.RED) -> GameState:
    board = Board(fen)
    return GameState(board=board, humans=frozenset((human,)), player_ready=True, outcome=board.outcome())


def click(state: GameState, *names: str) -> None:
    for name in names:
        actions.click_square(state, parse_square(name))


def loaded() -> tuple[GameState, InlineThinker]:
    state, thinker = GameState(), InlineThinker(create_first)
    settle(state, thinker)
    assert state.player_ready
    return state, thinker


def settle(state: GameState, thinker: InlineThinker) -> None:
    for _ in range(4):
        actions.exchange(state, thinker)


def test_a_piece_is_picked_up_shows_its_targets_and_moves() -> None:
    state = ready()
    click(state, "h0")
    assert state.selected == parse_square("h0")
    assert set(state.targets) == {parse_square("g2"), parse_square("i2")}
    click(state, "g2")
    assert [ply.text("en") for ply in state.history] == ["H2+3"]
    assert state.history[0].text("zh") == "马二进三"
    assert state.selected is None
    assert state.last_move == Move.from_iccs("h0g2")
    assert state.fresh == Move.from_iccs("h0g2")
    assert not state.is_human_turn


def test_another_own_piece_is_picked_up_instead_and_the_same_one_put_down() -> None:
    state = ready()
    click(state, "h0", "h2")
    assert state.selected == parse_square("h2")
    click(state, "h2")
    assert state.selected is None
    assert state.notice is None


@pytest.mark.parametrize(
    ("clicks", "english", "chinese"),
    [
        (
            ("h0", "f1"),
            "The horse's leg is blocked by the red elephant on file 3 (三)",
            "蹩马腿：三路上红方的相绊住了马腿",
        ),
        (("e0", "e2"), "one point along a line", "一格"),
        (("h9",), "It is Red's turn", "现在轮到红方走"),
        (
            ("h2", "h8"),
            "The black cannon on file 2 (二) is in the way of the cannon",
            "二路上黑方的炮挡住了炮的路",
        ),
    ],
)
def test_a_refused_click_is_explained(clicks: tuple[str, ...], english: str, chinese: str) -> None:
    state = ready()
    click(state, *clicks)
    text, tone = state.status()
    assert english in text
    assert tone == "warn"
    actions.next_language(state)
    assert chinese in state.status()[0]
    assert state.history == []


def test_a_board_with_coordinates_is_answered_in_coordinates() -> None:
    state = ready()
    actions.next_labels(state)
    click(state, "h2", "h8")
    assert state.status()[0] == "The way of the cannon from h2 to h8 is blocked on h7"


def test_black_counts_the_files_from_its_own_right() -> None:
    state = ready(START_FEN.replace(" w ", " b "), human=Color.BLACK)
    click(state, "h9", "f8")
    assert state.status()[0] == "The horse's leg is blocked by the black elephant on file 7"
    actions.next_language(state)
    assert state.status()[0] == "蹩马腿：7路上黑方的象绊住了马腿"


def test_the_piece_stays_in_hand_after_a_refusal() -> None:
    state = ready()
    click(state, "h0", "f1", "g2")
    assert state.last_move == Move.from_iccs("h0g2")


def test_an_empty_point_means_nothing_without_a_piece_in_hand() -> None:
    state = ready()
    click(state, "e5")
    assert state.notice is None


def test_the_player_loads_answers_and_its_thoughts_are_kept() -> None:
    state, thinker = loaded()
    click(state, "h2", "e2")
    settle(state, thinker)
    assert len(state.history) == 2
    thought = state.history[1].thought
    assert thought is not None
    assert thought.played == state.history[1].move
    assert thought.board.turn is Color.BLACK
    assert state.thought is thought
    assert state.red_value == (0.2, 0.3, 0.5)
    assert state.is_human_turn


def test_a_person_may_move_while_the_player_is_being_loaded() -> None:
    state = GameState()
    assert state.needs_load
    state.work = "load"
    click(state, "h2", "e2")
    assert state.work == "load"
    assert len(state.history) == 1
    question = Question(kind="load", generation=0, spec=state.spec)
    assert actions.receive(state, Answer(question=question))
    assert state.needs_player


def test_answers_to_old_questions_are_dropped() -> None:
    state = ready()
    click(state, "h2", "e2")
    old = Question(kind="move", generation=state.generation, board=state.board.copy())
    answer = Answer(question=old, result=FirstMovePlayer().play(state.board, None))
    actions.undo(state)
    click(state, "b0", "c2")
    assert not actions.receive(state, answer)
    assert [ply.move.iccs for ply in state.history] == ["b0c2"]


def test_an_illegal_answer_is_reported_and_not_played() -> None:
    state = ready()
    click(state, "h2", "e2")
    question = Question(kind="move", generation=state.generation, board=state.board.copy())
    actions.receive(state, Answer(question=question, result=PlayResult(Move.from_iccs("a0a5"))))
    assert len(state.history) == 1
    assert state.stalled
    assert "a0a5" in state.status()[0]
    assert not state.needs_player


def test_a_failing_player_is_left_alone_until_something_is_done() -> None:
    state = ready(human=Color.BLACK)
    question = Question(kind="move", generation=state.generation)
    actions.receive(state, Answer(question=question, error=PlayerError("it died\n  of old age")))
    assert state.status() == ("The opponent failed: it died of old age", "warn")
    assert not state.needs_player
    actions.new_game(state)
    assert not state.stalled


def test_a_player_that_cannot_be_loaded_is_replaced_by_the_fallback() -> None:
    state = GameState(spec="engine:gone", fallback="gpt")
    failed = Answer(
        question=Question(kind="load", generation=0, spec="engine:gone"), error=PlayerError("gone")
    )
    state.work = "load"
    assert actions.receive(state, failed)
    assert (state.spec, state.needs_load) == ("gpt", True)
    assert state.status() == ("GPT plays in place of gone: gone", "warn")
    assert state.notice is not None
    assert state.notice.text("zh").startswith("由 GPT 代替 gone 下棋：")
    again = Answer(question=Question(kind="load", generation=0, spec="gpt"), error=PlayerError("gone"))
    actions.receive(state, again)
    assert state.stalled


def test_undo_takes_back_the_pair_of_moves() -> None:
    state, thinker = loaded()
    for names in (("h2", "e2"), ("h0", "g2")):
        click(state, *names)
        settle(state, thinker)
    assert len(state.history) == 4
    generation = state.generation
    assert actions.undo(state)
    assert len(state.history) == 2
    assert state.history[0].move.iccs == "h2e2"
    assert state.is_human_turn
    assert state.generation > generation
    assert actions.undo(state)
    assert state.history == []
    assert state.board.fen() == START_FEN
    assert not actions.undo(state)
    assert state.status() == ("There is no move to take back", "warn")


def test_undo_while_the_player_thinks_takes_back_the_one_move() -> None:
    state = ready()
    click(state, "h2", "e2")
    state.work = "move"
    actions.undo(state)
    assert state.history == []
    assert state.work == ""


def test_black_has_nothing_to_take_back_after_the_first_move_of_red() -> None:
    state = ready(human=Color.BLACK)
    actions.play(state, Move.from_iccs("h2e2"))
    assert not actions.undo(state)
    assert len(state.history) == 1


def test_mate_ends_the_game_and_is_announced() -> None:
    state = ready(MATE_IN_ONE)
    click(state, "e1", "d1")
    assert state.outcome is not None
    assert state.outcome.termination is Termination.CHECKMATE
    assert state.announce
    assert state.status() == ("Black is checkmated. Red wins.", "good")
    assert state.checked_square == parse_square("d9")
    assert state.red_value == (1.0, 0.0, 0.0)
    assert not state.needs_player
    click(state, "a8")
    assert not state.announce
    click(state, "a8")
    assert state.status()[0].startswith("The game is over")
    actions.undo(state)
    assert state.outcome is None
    assert state.is_human_turn


def test_check_is_told() -> None:
    state = ready("3k5/9/9/9/9/9/9/9/4R4/5K3 w - - 0 1", human=Color.BLACK)
    actions.play(state, Move.from_iccs("e1d1"))
    assert state.status() == ("將! Black is in check", "warn")
    actions.next_language(state)
    assert state.status()[0] == "将军！黑方被将军"


def test_looking_back_and_returning() -> None:
    state, thinker = loaded()
    click(state, "h2", "e2")
    settle(state, thinker)
    assert state.is_human_turn
    actions.go_to(state, 1)
    assert state.ply == 1
    assert state.shown_board.turn is Color.BLACK
    assert state.dests == {}
    click(state, "b0")
    assert state.notice is not None
    assert state.selected is None
    actions.go_to(state, -5)
    assert state.ply == 0
    assert state.last_move is None
    actions.go_to(state, 99)
    assert state.is_live


def test_the_player_goes_on_while_one_looks_back() -> None:
    state, thinker = loaded()
    click(state, "h2", "e2")
    actions.go_to(state, 0)
    settle(state, thinker)
    assert len(state.history) == 2


def test_a_hint_comes_shows_and_goes() -> None:
    state, thinker = loaded()
    actions.toggle_hint(state)
    settle(state, thinker)
    assert state.hint is not None
    assert state.thought is state.hint
    actions.toggle_hint(state)
    assert state.hint is None
    actions.toggle_hint(state)
    settle(state, thinker)
    click(state, "h2", "e2")
    assert state.hint is None
    actions.toggle_hint(state)
    assert state.status()[1] == "warn"
    assert not state.wants_hint


def test_a_new_game_changes_side_and_opponent() -> None:
    state = ready()
    click(state, "h2", "e2")
    actions.new_game(state, human=Color.BLACK, spec="greedy")
    assert state.history == []
    assert state.flipped
    assert not state.player_ready
    assert state.needs_load
    assert state.spec == "greedy"
    thinker = InlineThinker(create_first)
    settle(state, thinker)
    assert len(state.history) == 1
    assert state.is_human_turn


def test_a_bad_position_changes_nothing() -> None:
    state = ready()
    click(state, "h2", "e2")
    with pytest.raises(FenError):
        actions.new_game(state, fen="nonsense")
    assert len(state.history) == 1


def test_a_load_that_failed_belongs_to_its_spec() -> None:
    state = ready()
    actions.new_game(state, spec="engine:none")
    actions.new_game(state, spec="random")
    old = Answer(question=Question(kind="load", generation=0, spec="engine:none"), error=PlayerError("no"))
    assert not actions.receive(state, old)
    assert state.notice is None


def test_the_menu_begins_at_the_present_choice_and_starts_the_game() -> None:
    state = ready(human=Color.BLACK)
    state.spec = "gpt:temperature=0.5"
    actions.open_menu(state)
    assert state.menu is not None
    assert (state.menu.side, state.menu.opponent, state.menu.style) == (1, 0, 1)
    state.menu.side, state.menu.style = 0, 2
    actions.start_from_menu(state)
    assert state.menu is None
    assert state.humans == {Color.RED}
    assert state.spec == "gpt:temperature=1"
    actions.open_menu(state)
    assert state.menu is not None
    state.menu.opponent = state.specs.index("random")
    actions.start_from_menu(state)
    assert state.spec == "random"


def test_the_menu_keeps_the_model_and_a_temperature_of_ones_own() -> None:
    state = ready()
    state.spec, state.specs = "gpt:model=x,temperature=0.3", ("gpt:model=x", "random")
    actions.open_menu(state)
    assert state.menu is not None
    assert state.menu.style is None
    actions.start_from_menu(state)
    assert state.spec == "gpt:model=x,temperature=0.3"
    actions.open_menu(state)
    assert state.menu is not None
    state.menu.style = 0
    actions.start_from_menu(state)
    assert state.spec == "gpt:model=x"


def test_escape_leaves_one_thing_at_a_time() -> None:
    state = ready()
    click(state, "h0")
    actions.open_menu(state)
    assert actions.escape(state)
    assert state.menu is None
    assert state.selected is not None
    assert actions.escape(state)
    assert state.selected is None
    assert not actions.escape(state)


def test_taste() -> None:
    state = GameState(settings=Settings(language="en"))
    actions.next_language(state)
    actions.next_theme(state)
    actions.next_labels(state)
    actions.choose_pieces(state, 2)
    assert state.settings == Settings(language="zh", theme="dark", labels="iccs", pieces="letters")


def test_moves_of_a_game_begun_by_black() -> None:
    state = ready("3ak4/9/9/9/9/9/9/9/4R4/3K5 b - - 0 7", human=Color.BLACK)
    click(state, "d9", "e8")
    assert state.history[0].color is Color.BLACK
    assert state.history[0].text("zh") == "士４进５"
