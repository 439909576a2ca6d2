"""What a model with a table of moves learns of a board, and the loss for legality, against formulas in float64."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from tests.model.tiny import tiny
from tests.training.games import games, with_lines
from tests.training.test_weights import PLIES, windows_of
from xiangqi_gpt.dataset.legal import legal_tokens
from xiangqi_gpt.dataset.packed import NO_MOVE, pack
from xiangqi_gpt.dataset.windows import Windows, gather_windows
from xiangqi_gpt.decoding.tree import PackedTree
from xiangqi_gpt.model.move_table import MOVES
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.views import rotated_moves
from xiangqi_gpt.tokens import POSSIBLE_MOVES, create_tokenizer, legal_tree
from xiangqi_gpt.tokens.move_vocabulary import MOVE_NUMBER
from xiangqi_gpt.training.batches import Batch, collate, collate_table, soft_shares
from xiangqi_gpt.training.step import losses

STYLES = ("human", "teacher")
SPECIALS = 3


def whole(game: GameRecord) -> Windows:
    """The one window that holds all of a game."""
    packed, _ = pack([game])
    return gather_windows(packed, np.array([0]), np.array([0]), game.plies, np.array([False]))


def place(move: Move, turn: int) -> int:
    return int(MOVE_NUMBER[rotated_moves(np.array(move.index), np.array(turn))])


def random_logprobs(batch: Batch) -> torch.Tensor:
    assert batch.table_moves is not None
    shape = (*batch.table_moves.shape[:3], SPECIALS + MOVES)
    return torch.randn(shape, generator=torch.manual_seed(3)).double().log_softmax(-1)


def test_all_targets_of_a_board() -> None:
    """The person's move at every ply of a person's game, and the teacher's wherever there is one."""
    tokenizer = create_tokenizer("square")
    for game in games(12):
        windows = whole(game)
        batch = collate_table(windows, tokenizer, styles=STYLES)
        assert batch.table_moves is not None
        assert batch.table_shares is not None
        for ply, move in enumerate(game.moves):
            turn = int(windows.turns[0, ply])
            best = game.labels.at(ply)[0] if game.labels else None
            for style, target in ((0, None if game.kind == "teacher" else move), (1, best)):
                share = float(batch.table_shares[0, ply, style, 0])
                assert share == (target is not None)
                if target is not None:
                    assert int(batch.table_moves[0, ply, style, 0]) == place(target, turn)
        assert batch.target_weight == float(batch.table_shares.sum())
        only = collate_table(windows, tokenizer, styles=STYLES, targets="teacher")
        assert only.table_shares is not None
        assert not only.table_shares[:, :, 0].any()
        one = collate_table(windows, tokenizer)
        assert one.table_shares is not None
        assert one.table_shares.shape[2] == 1
        assert one.target_plies == int((windows.targets != NO_MOVE).sum())


def test_a_labelled_game_of_an_engine_teaches_no_moves_of_people() -> None:
    """What an engine played is learned where nobody knows better; a person's moves are learned beside the teacher's."""
    for game in games(12):
        if game.kind == "teacher":
            continue
        engines = whole(dataclasses.replace(game, kind="engine"))
        people = whole(game)
        assert people.human_moves is not None
        assert people.taught is not None
        expected = np.where(people.taught, NO_MOVE, people.human_moves)
        np.testing.assert_array_equal(engines.human_moves, expected)
        np.testing.assert_array_equal(engines.targets, people.targets)
        assert people.taught.any() == (game.labels is not None)


def test_weights_concern_what_people_played() -> None:
    tokenizer = create_tokenizer("square")
    for game in games(12):
        windows = whole(game)
        batch = collate_table(windows, tokenizer, styles=STYLES, winner=2.0, loser=0.25, draw=0.5)
        assert batch.table_shares is not None
        for ply in range(game.plies):
            won = (windows.turns[0, ply] == 0) == (game.result == "1-0")
            expected = 0.5 if game.result in ("1/2-1/2", "*") else 2.0 if won else 0.25
            human, teacher = batch.table_shares[0, ply, :, 0].tolist()
            assert human == (0 if game.kind == "teacher" else expected)
            assert teacher in (0, 1)


def test_lists_of_moves_are_learned_by_their_shares() -> None:
    windows = windows_of(with_lines(games(24)), soft_moves=4)
    assert windows.soft_moves is not None
    assert windows.soft_scores is not None
    batch = collate_table(windows, create_tokenizer("square"), styles=STYLES, soft_temperature=60.0)
    logprobs = random_logprobs(batch)
    expected, lists = 0.0, 0
    human = windows.human_moves
    assert human is not None
    for row, ply in np.ndindex(windows.moves.shape):
        turn = windows.turns[row, ply]
        if human[row, ply] != NO_MOVE:
            expected -= float(
                logprobs[row, ply, 0, SPECIALS + MOVE_NUMBER[rotated_moves(human[row, ply], turn)]]
            )
        if windows.targets[row, ply] == NO_MOVE or not windows.taught[row, ply]:  # type: ignore[index]
            continue
        listed = windows.soft_moves[row, ply]
        shares = np.array([1.0])
        if listed[0] == NO_MOVE:
            listed = windows.targets[row, ply : ply + 1]
        else:
            lists += 1
            shares = soft_shares(windows.soft_scores[row, ply], 60.0)
        for move, share in zip(listed, shares, strict=False):
            if share:
                expected -= share * float(
                    logprobs[row, ply, 1, SPECIALS + MOVE_NUMBER[rotated_moves(move, turn)]]
                )
    assert lists > 10
    assert float(batch.table_loss(logprobs)) == pytest.approx(expected, rel=1e-6)


class Output:
    """What a model said."""

    def __init__(
        self, *, move_logprobs: torch.Tensor | None = None, logits: torch.Tensor | None = None
    ) -> None:
        self.move_logprobs, self.logits = move_logprobs, logits


def test_the_legality_of_a_table_is_a_sum_of_chances() -> None:
    """Summed over the boards of a game, replayed by the plain rules; one board there has one legal move."""
    for fen in (None, "3k5/9/9/9/9/9/9/5r3/9/4K4 w - - 0 1"):
        game = games(1)[0]
        if fen is not None:
            moves = Board(fen).legal_moves()
            assert len(moves) == 1
            game = GameRecord(moves=(moves[0],), start_fen=fen, result="*", split="train", kind="human")
        windows = whole(game)
        batch = collate_table(windows, create_tokenizer("square"), styles=STYLES)
        logprobs = random_logprobs(batch)
        board, expected = Board(game.start_fen), 0.0
        for ply, move in enumerate(game.moves):
            places = [SPECIALS + place(legal, int(board.turn)) for legal in board.legal_moves()]
            mass = logprobs[0, ply, :, places].exp().sum(-1)
            expected -= float(mass.log().mean())
            board.push(move)
        found = batch.legality_loss(Output(move_logprobs=logprobs))
        assert float(found) == pytest.approx(expected, rel=1e-9)
        assert batch.legal_plies == game.plies


@pytest.mark.parametrize("name", ["square", "iccs", "move", "wxf", "chinese"])
def test_the_legality_of_tokens_is_that_of_the_tree(name: str) -> None:
    """Token by token behind the move to learn, against the prefix tree of every board, walked in plain Python."""
    tokenizer = create_tokenizer(name)
    game = next(g for g in games(12) if g.kind == "human" and g.labels is not None)
    windows = whole(game)
    learned = tokenizer.encode_batch(windows.boards, windows.targets, windows.turns)
    allowed = legal_tokens(windows, tokenizer, learned)
    batch = collate(windows, tokenizer, True, legality=True)
    logits = torch.randn(
        *batch.input_ids.shape, len(tokenizer.vocab), generator=torch.manual_seed(0)
    ).double()
    logprobs = logits.log_softmax(-1)
    board, expected = Board(game.start_fen), 0.0
    order = batch.board_index[0].tolist()
    for ply, move in enumerate(game.moves):
        cursor = legal_tree(board, tokenizer).cursor()
        labels = batch.labels
        assert labels is not None
        at = [i for i, p in enumerate(order) if p == ply and labels[0, i] >= 0]
        assert len(at) == tokenizer.slots
        for slot, token in enumerate(learned[0, ply].tolist()):
            following = sorted(np.flatnonzero(allowed[0, ply, slot]).tolist())
            assert following == sorted(cursor.allowed())
            expected -= float(logprobs[0, at[slot], following].exp().sum().log())
            cursor.advance(token)
        board.push(move)
    assert float(batch.legality_loss(Output(logits=logits.float()))) == pytest.approx(expected, rel=1e-5)


@torch.no_grad()
def test_the_losses_of_a_model_come_out_of_one_pass() -> None:
    """Without branches and without boards past the end, the same as what the logits of all branches say."""
    model = tiny(context_plies=PLIES)
    windows = windows_of(games(24))
    found = losses(model, collate_table(windows, model.tokenizer))
    slow = losses(model, collate(windows, model.tokenizer, True))
    assert float(found.move) == pytest.approx(float(slow.move), rel=1e-5)
    assert float(found.value) == pytest.approx(float(slow.value), rel=1e-5)
    assert found.legality is not None
    assert slow.legality is None


def test_every_possible_move_has_its_place() -> None:
    assert (MOVE_NUMBER[POSSIBLE_MOVES] == np.arange(MOVES)).all()
    tree = PackedTree.of(legal_tree(Board(), create_tokenizer("square")))
    assert len(tree.tokens) > 0
