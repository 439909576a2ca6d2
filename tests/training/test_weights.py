"""What counts how much: weights by side and result, and a teacher's lists of moves."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from tests.training.games import games, with_lines
from xiangqi_gpt.dataset.packed import NO_MOVE, NO_SCORE, pack
from xiangqi_gpt.dataset.sampler import Sampler
from xiangqi_gpt.dataset.windows import Windows, gather_windows
from xiangqi_gpt.model import IGNORED
from xiangqi_gpt.model.layout import layout
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.tokens import create_tokenizer
from xiangqi_gpt.training.batches import collate, ply_weights, soft_shares

PLIES = 6
TOKENIZERS = ("square", "iccs", "move", "wxf")


def windows_of(records: list[GameRecord], soft_moves: int = 1, count: int = 12) -> Windows:
    packed, _ = pack(records)
    chosen, first, flips = Sampler(packed=packed, plies=PLIES, seed=1, mirror=True).epoch(0)
    rows = slice(0, count)
    return gather_windows(packed, chosen[rows], first[rows], PLIES, flips[rows], soft_moves=soft_moves)


def nats(logits: torch.Tensor, ids: list[int], at: list[int]) -> float:
    """The negative log-probability of tokens *ids*, each predicted at one of *at*."""
    return -sum(float(logits[i].log_softmax(-1)[t]) for t, i in zip(ids, at, strict=True))


def test_weights_by_side_and_result() -> None:
    records = games(24)
    packed, _ = pack(records)
    for number, game in enumerate(records):
        rows = np.array([number])
        windows = gather_windows(packed, rows, np.array([0]), game.plies, np.array([False]))
        weights = ply_weights(windows, winner=2.0, loser=0.25, draw=0.5)
        assert weights is not None
        for ply in range(game.plies):
            label = game.labels.at(ply) if game.labels else (None, None)
            mover = (windows.turns[0, ply] == 0) == (game.result == "1-0")
            by_result = {"1/2-1/2": 0.5, "*": 0.5}.get(game.result, 2.0 if mover else 0.25)
            if game.kind == "teacher" or label != (None, None):
                assert weights[0, ply] == 1
            else:
                assert weights[0, ply] == by_result
    assert ply_weights(windows, winner=1, loser=1, draw=1) is None


@pytest.mark.parametrize("name", TOKENIZERS)
def test_the_loss_is_the_weighted_sum_of_the_moves(name: str) -> None:
    """Every ply's negative log-probability of its move, times its weight; plies of weight 0 have no label."""
    windows = windows_of([g for g in games(24) if g.kind == "human"])
    tokenizer = create_tokenizer(name)
    weights = np.random.default_rng(0).choice([0.0, 0.5, 1.0, 3.0], windows.moves.shape).astype(np.float32)
    plain = collate(windows, tokenizer, True)
    batch = collate(windows, tokenizer, True, weights=weights)
    logits = torch.randn(*batch.labels.shape, len(tokenizer.vocab), generator=torch.manual_seed(0))
    total, weight = 0.0, 0.0
    board_index = batch.board_index[0].tolist()
    for row, ply in np.argwhere(windows.targets != NO_MOVE).tolist():
        at = [i for i, p in enumerate(board_index) if p == ply and plain.labels[row, i] != IGNORED]
        total += float(weights[row, ply]) * nats(logits[row], plain.labels[row, at].tolist(), at)
        weight += float(weights[row, ply])
        kept = [batch.labels[row, i] != IGNORED for i in at]
        assert all(kept) == any(kept) == bool(weights[row, ply])
    assert float(batch.move_loss(logits)) == pytest.approx(total, rel=1e-5)
    assert batch.target_weight == pytest.approx(weight)
    assert batch.target_plies == int(((windows.targets != NO_MOVE) & (weights > 0)).sum())
    even = collate(windows, tokenizer, True, weights=np.ones_like(weights))
    assert float(even.move_loss(logits)) == pytest.approx(float(plain.move_loss(logits)), rel=1e-6)
    assert plain.target_weight == plain.target_plies == even.target_weight


def test_shares_of_a_list_of_moves() -> None:
    scores = np.array(
        [[100, 40, NO_SCORE], [30_000, -30_000, -29_999], [NO_SCORE] * 3, [7, NO_SCORE, NO_SCORE]]
    )
    shares = soft_shares(scores.astype(np.int16), 60.0)
    e = np.exp(-1)
    assert shares[0] == pytest.approx([1 / (1 + e), e / (1 + e), 0], abs=1e-6)
    assert shares[1].tolist() == [1, 0, 0]
    assert shares[2].tolist() == [0, 0, 0]
    assert shares[3].tolist() == [1, 0, 0]


@pytest.mark.parametrize("name", TOKENIZERS)
def test_soft_labels_are_learned_behind_their_own_prefix(name: str) -> None:
    """The loss is the cross-entropy of the teacher's distribution with that of whole moves, found move by move."""
    windows = windows_of(with_lines(games(24)), soft_moves=3)
    tokenizer = create_tokenizer(name)
    batch = collate(windows, tokenizer, True, soft_temperature=30.0)
    hard = collate(windows, tokenizer, True)
    k = tokenizer.slots
    main = k * PLIES
    logits = torch.randn(*batch.labels.shape, len(tokenizer.vocab), generator=torch.manual_seed(0))
    shared = layout(PLIES, k, 0, 3)
    visible = shared.visible[0].numpy()
    assert windows.soft_moves is not None
    assert windows.soft_scores is not None
    shares = soft_shares(windows.soft_scores, 30.0)
    total, soft_plies = 0.0, 0
    for row, ply in np.argwhere(windows.targets != NO_MOVE).tolist():
        listed = windows.soft_moves[row, ply]
        if listed[0] == NO_MOVE:
            at = [
                i
                for i, p in enumerate(hard.board_index[0].tolist())
                if p == ply and hard.labels[row, i] != IGNORED
            ]
            # The first branches lie where those of a hard batch do.
            total += nats(logits[row], hard.labels[row, at].tolist(), at)
            continue
        soft_plies += 1
        assert windows.targets[row, ply] == listed[0]
        for number, move in enumerate(listed.tolist()):
            if move == NO_MOVE:
                continue
            text = tokenizer.encode_batch(
                windows.boards[row, ply], np.array(move), windows.turns[row, ply]
            ).tolist()
            branch = main + (number * PLIES + ply) * (k - 1)
            at = [ply * k, *range(branch, branch + k - 1)]
            assert batch.input_ids[row, at[1:]].tolist() == text[: k - 1]
            for j, place in enumerate(at[1:], 1):
                behind = [i for i in np.flatnonzero(visible[place]) if shared.positions[i] > ply * k]
                assert behind == at[1 : j + 1]
            total += float(shares[row, ply, number]) * nats(logits[row], text, at)
    assert soft_plies > 10
    assert float(batch.move_loss(logits)) == pytest.approx(total, rel=1e-5)
    assert batch.target_weight == batch.target_plies == hard.target_plies


def test_soft_labels_may_be_weighed_and_left_alone() -> None:
    records = with_lines(games(24))
    tokenizer = create_tokenizer("square")
    windows = windows_of(records, soft_moves=3)
    weights = np.full(windows.moves.shape, 0.5, np.float32)
    logits = torch.randn(12, 2 * PLIES + 3 * PLIES, len(tokenizer.vocab), generator=torch.manual_seed(0))
    whole = collate(windows, tokenizer, True, soft_temperature=30.0)
    half = collate(windows, tokenizer, True, soft_temperature=30.0, weights=weights)
    assert float(half.move_loss(logits)) == pytest.approx(float(whole.move_loss(logits)) / 2, rel=1e-5)
    assert half.target_weight == whole.target_weight / 2
    alone = windows_of(records)
    assert alone.soft_moves is None
    assert collate(alone, tokenizer, True, soft_temperature=30.0).soft_labels is None
    # Where nothing is to be learned any more, a list is not learned either.
    blank = dataclasses.replace(windows, targets=np.zeros_like(windows.targets))
    empty = collate(blank, tokenizer, True, soft_temperature=30.0)
    assert (empty.target_plies, float(empty.move_loss(logits))) == (0, 0)


@pytest.mark.parametrize("mirror", [False, True])
def test_a_window_brings_the_lists_of_its_own_plies(mirror: bool) -> None:
    records = with_lines(games(12))
    packed, _ = pack(records)
    for number, game in enumerate(records):
        windows = gather_windows(
            packed, np.array([number]), np.array([3]), 4, np.array([mirror]), soft_moves=2
        )
        assert windows.soft_moves is not None
        assert windows.soft_scores is not None
        for p in range(4):
            ply = p + 3
            line = ()
            if game.labels is not None and game.labels.first <= ply < game.plies:
                line = game.labels.lines[ply - game.labels.first]
            wanted = [m.index for m, _ in line[:2]] if len(line) > 1 else []
            found = [m for m in windows.soft_moves[0, p].tolist() if m != NO_MOVE]
            if mirror:
                found = [
                    (m // 90 - 2 * (m // 90 % 9) + 8) * 90 + m % 90 - 2 * (m % 90 % 9) + 8 for m in found
                ]
            assert found == wanted
            assert windows.soft_scores[0, p].tolist()[: len(wanted)] == [40, 10][: len(wanted)]
