"""Playing on the tree: undo and redo, variations, games that replace each other and come back."""

from __future__ import annotations

import json
from random import Random

import pytest

from tests.play.players import create_first
from tests.records.test_game_tree import replays
from xiangqi_gpt.play import actions
from xiangqi_gpt.play.autosave import decode, encode
from xiangqi_gpt.play.game_state import GameState, SavedGame
from xiangqi_gpt.play.thinker import InlineThinker
from xiangqi_gpt.records.game_tree import GameTree, Node
from xiangqi_gpt.rules import START_FEN, Board, Color, Move, parse_square

MATE_IN_ONE = "3k5/R8/9/9/9/9/9/9/4R4/4K4 w - - 0 1"


def loaded() -> tuple[GameState, InlineThinker]:
    state, thinker = GameState(), InlineThinker(create_first)
    settle(state, thinker)
    return state, thinker


def settle(state: GameState, thinker: InlineThinker) -> None:
    for _ in range(4):
        actions.exchange(state, thinker)


def click(state: GameState, *names: str) -> None:
    for name in names:
        actions.click_square(state, parse_square(name))


def moves(state: GameState) -> list[str]:
    return [ply.move.iccs for ply in state.history]


def children(node: Node) -> list[str]:
    return [str(child.move) for child in node.children]


def test_redo_plays_the_pair_of_moves_again_with_its_thought() -> None:
    state, thinker = loaded()
    click(state, "h2", "e2")
    settle(state, thinker)
    thought, board = state.history[1].thought, state.board.fen()
    assert actions.undo(state)
    assert state.status() == ("Taken back. Red to move", "plain")
    assert actions.redo(state)
    assert state.status() == ("Played again. Red to move", "plain")
    assert state.board.fen() == board
    assert state.history[1].thought is thought
    assert not state.needs_player
    assert not actions.redo(state)
    assert state.status() == ("There is nothing to redo", "warn")


def test_a_move_played_instead_keeps_what_was_taken_back_as_a_variation() -> None:
    state, thinker = loaded()
    click(state, "h2", "e2")
    settle(state, thinker)
    answer = moves(state)[1]
    actions.undo(state)
    click(state, "b0", "c2")
    settle(state, thinker)
    assert children(state.tree.root) == ["b0c2", "h2e2"]
    assert children(state.tree.root.children[1]) == [answer]
    assert not actions.redo(state)


def test_an_answer_that_was_never_given_is_asked_for_after_redo() -> None:
    state, thinker = loaded()
    click(state, "h2", "e2")
    actions.undo(state)
    actions.redo(state)
    assert moves(state) == ["h2e2"]
    settle(state, thinker)
    assert len(state.history) == 2


def test_a_new_game_is_undone_and_redone() -> None:
    state, thinker = loaded()
    click(state, "h2", "e2")
    settle(state, thinker)
    old = moves(state)
    actions.new_game(state, human=Color.BLACK, spec="random")
    settle(state, thinker)
    assert len(state.history) == 1
    assert actions.undo(state)
    assert moves(state) == old
    assert (state.humans, state.flipped, state.spec) == ({Color.RED}, False, "gpt")
    assert state.status() == ("The other game is back. Red to move", "plain")
    assert not state.player_ready, "the opponent of that game is loaded again"
    settle(state, thinker)
    assert moves(state) == old
    assert actions.redo(state)
    assert len(state.history) == 1
    assert (state.humans, state.flipped, state.spec) == ({Color.BLACK}, True, "random")


def test_an_ended_game_is_taken_up_again() -> None:
    state = GameState(board=Board(MATE_IN_ONE), player_ready=True)
    click(state, "e1", "d1")
    assert state.announce
    actions.new_game(state)
    assert state.outcome is None
    actions.undo(state)
    assert state.outcome is not None
    actions.undo(state)
    assert state.outcome is None
    assert state.board.fen() == MATE_IN_ONE


def test_a_variation_is_tried_in_an_earlier_position() -> None:
    state, thinker = loaded()
    click(state, "h2", "e2")
    settle(state, thinker)
    live = state.board.fen()
    actions.go_to(state, 1)
    click(state, "h9")
    assert set(state.targets) == {parse_square("g7"), parse_square("i7")}
    click(state, "g7")
    assert not state.is_live
    assert state.last_move == Move.from_iccs("h9g7")
    assert state.board.fen() == live
    assert not state.needs_player, "nobody answers in a variation"
    click(state, "h0", "g2")
    assert state.ply == 3
    assert state.status()[0].startswith("A variation, ply 3")
    actions.go_to(state, 1)
    assert state.line[-1] is state.tree.live
    actions.go_live(state)
    actions.next_variation(state, 1)
    assert state.last_move == Move.from_iccs("h9g7")
    actions.next_variation(state, 1)
    assert state.is_live
    actions.next_variation(state, -1)
    actions.undo(state)
    actions.undo(state)
    assert not state.is_live
    assert children(state.tree.root.children[0]) == [moves(state)[1]]


def test_variations_are_walked_through_in_both_directions() -> None:
    state = GameState(player_ready=True)
    actions.play(state, Move.from_iccs("h2e2"))
    for text in ("c3c4", "g3g4"):
        actions.go_to(state, 0)
        actions.add_variation(state, Move.from_iccs(text))
    actions.go_live(state)
    seen = []
    for steps in (1, 1, 1, -1, -1):
        actions.next_variation(state, steps)
        seen.append(str(state.last_move))
    assert seen == ["c3c4", "g3g4", "h2e2", "g3g4", "c3c4"]
    actions.go_to(state, 0)
    actions.next_variation(state, 1)
    assert state.ply == 0


def test_a_new_game_tells_how_the_last_one_comes_back() -> None:
    state = GameState(player_ready=True)
    actions.new_game(state)
    assert state.notice is None, "there was no game to bring back"
    actions.play(state, Move.from_iccs("h2e2"))
    actions.new_game(state)
    assert state.status()[0] == "A new game. Undo brings the last one back. Red to move"


def test_a_game_that_is_begun_instead_ends_the_offer() -> None:
    state = GameState(player_ready=True)
    state.offer = SavedGame(GameTree(), frozenset((Color.RED,)), False, "greedy", "simple")
    actions.play(state, Move.from_iccs("h2e2"))
    assert state.offer is None


def test_a_variation_is_removed_and_comes_back() -> None:
    state, thinker = loaded()
    click(state, "h2", "e2")
    settle(state, thinker)
    assert not actions.remove_variation(state), "the game itself stays"
    actions.go_to(state, 0)
    assert not actions.remove_variation(state)
    click(state, "b0", "c2")
    assert actions.remove_variation(state)
    assert state.ply == 0
    assert children(state.tree.root) == ["h2e2"]
    actions.undo(state)
    assert children(state.tree.root) == ["h2e2", "b0c2"]
    assert len(state.history) == 2


def test_comments_and_marks() -> None:
    state = GameState(player_ready=True)
    click(state, "h2", "e2")
    actions.set_comment(state, "中炮")
    actions.set_mark(state, "?!")
    state.tree.cursor.nags += (10,)
    actions.set_mark(state, "!")
    assert (state.tree.live.comment, state.tree.live.nags) == ("中炮", (1, 10))
    actions.set_mark(state, "")
    assert state.tree.live.nags == (10,)
    actions.undo(state)
    assert state.tree.live.nags == (1, 10)


def test_the_game_goes_on_from_a_variation() -> None:
    state, thinker = loaded()
    click(state, "h2", "e2")
    settle(state, thinker)
    before = moves(state)
    assert not actions.play_on_from_here(state)
    actions.go_to(state, 0)
    click(state, "b0", "c2")
    assert actions.play_on_from_here(state)
    assert moves(state) == ["b0c2"]
    assert state.is_live
    assert state.needs_player
    settle(state, thinker)
    assert len(state.history) == 2
    actions.undo(state)
    assert moves(state) == before


def test_a_saved_game_is_resumed_and_the_present_one_comes_back() -> None:
    state, thinker = loaded()
    click(state, "h2", "e2")
    settle(state, thinker)
    old = moves(state)
    tree = GameTree()
    tree.play(Move.from_iccs("c3c4"))
    assert not actions.resume(state)
    state.offer = SavedGame(tree, frozenset((Color.BLACK,)), True, "greedy", "asian")
    assert actions.resume(state)
    assert moves(state) == ["c3c4"]
    assert (state.humans, state.flipped, state.spec, state.rules) == ({Color.BLACK}, True, "greedy", "asian")
    assert state.offer is None
    actions.undo(state)
    assert moves(state) == old
    assert state.rules == "simple"


def test_a_game_given_with_moves_can_be_undone_to_its_beginning() -> None:
    board = Board()
    for text in ("h2e2", "h9g7", "h0g2", "i9h9"):
        board.push(Move.from_iccs(text))
    state = GameState(board=board, player_ready=True)
    assert len(state.history) == 4
    assert actions.undo(state)
    assert len(state.history) == 2
    assert actions.undo(state)
    assert not actions.undo(state)
    assert state.board.fen() == START_FEN


def random_action(state: GameState, rng: Random) -> None:
    """Something that a person or the opponent may do at any moment."""
    kind = rng.random()
    if kind < 0.35 and state.outcome is None:
        actions.play(state, rng.choice(state.board.legal_moves()[:5]))
    elif kind < 0.50:
        found = state.shown_board.legal_moves()[:5]
        if found and not state.is_live:
            actions.add_variation(state, rng.choice(found))
    elif kind < 0.65:
        actions.undo(state)
    elif kind < 0.75:
        actions.redo(state)
    elif kind < 0.85:
        actions.go_to(state, rng.randrange(0, 30))
    elif kind < 0.90:
        actions.next_variation(state, rng.choice((-1, 1)))
    elif kind < 0.93:
        actions.play_on_from_here(state)
    elif kind < 0.96:
        click(state, rng.choice("abcdefghi") + rng.choice("0123456789"))
    elif kind < 0.97:
        actions.new_game(state, human=rng.choice(list(Color)))
    else:
        actions.go_live(state)


@pytest.mark.parametrize("seed", range(4))
def test_ten_thousand_random_actions_keep_the_game_whole(seed: int) -> None:
    """A quarter of them for each seed."""
    rng = Random(seed)
    state = GameState(player_ready=True)
    games = set()
    for number in range(2500):
        random_action(state, rng)
        games.add(state.tree.uid)
        assert [ply.move for ply in state.history] == [node.move for node in state.tree.live.path]
        assert state.board.move_stack == [ply.move for ply in state.history]
        assert state.shown_board.ply == state.tree.cursor.ply
        assert state.outcome == state.board.outcome(state.rules)
        if number % 100 == 0:
            assert replays(state.tree)
            kept = decode(json.loads(encode(state)))
            assert [str(n.move) for n in kept.tree.live.path] == moves(state)
    assert replays(state.tree)
    assert len(games) > 10


def test_an_offer_that_is_declined_comes_back_by_undo() -> None:
    for decline in (actions.decline, actions.escape):
        state, tree = GameState(player_ready=True, spec="random"), GameTree()
        tree.play(Move.from_iccs("c3c4"))
        state.offer = SavedGame(tree, frozenset((Color.BLACK,)), True, "greedy", "asian")
        decline(state)
        assert state.offer is None
        assert (moves(state), state.spec, state.humans) == ([], "random", {Color.RED})
        assert state.status()[0] == "A new game. Undo brings the last one back"
        assert actions.can_undo(state)
        actions.undo(state)
        assert (moves(state), state.spec, state.humans) == (["c3c4"], "greedy", {Color.BLACK})
