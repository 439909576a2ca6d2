"""Probes on codes that were planted, and measures against counts made here."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.model.tiny import tiny
from tests.training.games import games
from xiangqi_gpt.decoding import Scorer
from xiangqi_gpt.evaluation.probe import (
    PlyPrior,
    Suggestion,
    best_probe,
    board_accuracy,
    fit_layers,
    game_suggestions,
    is_legal_on,
    measure_probes,
)
from xiangqi_gpt.evaluation.probe_data import ProbeData, game_data, streams_of
from xiangqi_gpt.evaluation.probe_fit import fit_probe, log_prior
from xiangqi_gpt.model.context import board_as_seen, board_features, from_own_view
from xiangqi_gpt.model.generation import text_inputs
from xiangqi_gpt.model.inspection import watch_residual
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

CHANGING = (4, 31, 60, 89)  # squares whose content differs between positions; the others never change


def planted(count: int, seed: int, width: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Streams (N, W) that hold boards (N, 90) in a linear code, and those boards."""
    rng = np.random.default_rng(seed)
    boards = np.zeros((count, 90), np.int8)
    boards[:, 0] = 5
    boards[:, CHANGING] = rng.integers(0, 4, (count, len(CHANGING)))
    code = np.random.default_rng(99).normal(size=(len(CHANGING), 4, width))
    streams = sum(code[n, boards[:, square]] for n, square in enumerate(CHANGING))
    return (streams + 0.05 * rng.normal(size=(count, width))).astype(np.float32), boards


def test_a_planted_code_is_found_and_shuffled_boards_are_not() -> None:
    streams, boards = planted(600, 0)
    test_streams, test_boards = planted(300, 1)
    probe = fit_probe(streams, boards)
    said = probe.logprobs(torch.from_numpy(test_streams)).argmax(-1).numpy()
    assert (said == test_boards).mean() > 0.999
    # Shuffled, the streams say nothing: what is left is the prior, about one in four on squares that change.
    shuffled = fit_probe(streams, boards[np.random.default_rng(2).permutation(600)], ridge=0.1)
    said = shuffled.logprobs(torch.from_numpy(test_streams)).argmax(-1).numpy()
    changing = (said == test_boards)[:, CHANGING].mean()
    prior = (log_prior(boards).argmax(-1).numpy() == test_boards)[:, CHANGING].mean()
    assert abs(changing - prior) < 0.06
    assert (said == test_boards)[:, [0, 1, 50]].all()


def test_a_constant_input_does_no_harm() -> None:
    streams, boards = planted(200, 0)
    streams[:, 3] = 7.0
    probe = fit_probe(streams, boards)
    assert bool(torch.isfinite(probe.weight).all())
    assert (probe.logprobs(torch.from_numpy(streams)).argmax(-1).numpy() == boards).mean() > 0.999


def data(streams: np.ndarray, boards: np.ndarray) -> ProbeData:
    count = len(boards)
    return ProbeData(streams, boards, boards != boards[0], np.arange(count) % 20, np.arange(count) // 20)


def test_the_best_layer_is_the_one_with_the_code() -> None:
    good, boards = planted(400, 0)
    noise = np.random.default_rng(5).normal(size=good.shape).astype(np.float32)
    train = data(np.stack([noise, good, noise]), boards)
    test_good, test_boards = planted(200, 1)
    test_noise = noise[:200]
    test = data(np.stack([test_noise, test_good, test_noise]), test_boards)
    done: list[int] = []
    probes = fit_layers(train, on_done=done.append)
    assert done == [1, 2, 3]
    assert best_probe(probes, train.of(train.games < 5)).layer == 1
    result = measure_probes(
        probes,
        probes[1],
        PlyPrior(train),
        test,
        config=tiny().config,
        first_turns=[0] * 10,
        suggestions=[Suggestion(None, n % 2 == 0) for n in range(200)],
    )
    assert result.best_layer == 1
    assert result.layers[1].boards.mean > 0.99 > result.layers[0].boards.mean
    assert result.layers[1].wrong.mean < 0.01
    assert result.prior.squares.mean == pytest.approx(
        (log_prior(boards).argmax(-1).numpy() == test_boards).mean()
    )
    assert np.mean(result.by_square) == pytest.approx(result.layers[1].squares.mean)
    assert sum(part.positions for part in result.by_ply) == 200
    assert result.suggestions is not None
    assert result.suggestions.legal.mean == 0.5
    assert result.suggestions.illegal_on_belief is None  # no text named a move


def test_accuracies_are_counted_square_by_square() -> None:
    _, boards = planted(40, 3)
    said = planted(40, 4)[1]
    facts = data(np.zeros((1, 40, 2), np.float32), boards)
    found = board_accuracy(said, facts)
    right = said == boards
    pieces = [right[n][boards[n] > 0].mean() for n in range(40)]
    changed = [right[n][facts.changed[n]].mean() for n in range(40) if facts.changed[n].any()]
    assert found.squares.mean == pytest.approx(right.mean())
    assert found.pieces.mean == pytest.approx(np.mean(pieces))
    assert found.changed is not None
    assert found.changed.mean == pytest.approx(np.mean(changed))
    assert found.wrong.mean == pytest.approx((~right).sum() / 40)
    assert found.boards.mean == right.all(1).mean()


@pytest.mark.parametrize(
    "changes",
    [
        {"board": "none", "context_plies": 60},
        {"board": "none", "view": "red", "tokenizer": "iccs", "context_plies": 60},
        {"board": "spatial", "context_plies": 4},
        {"board": "bag", "condition": "result", "context_plies": 4},
    ],
)
def test_streams_are_those_that_predict_each_ply(changes: dict[str, object]) -> None:
    model = tiny(**changes)
    scorer = Scorer(model)
    game = games(1)[0]
    found = game_data(scorer, game, plies=9, number=3)
    assert found.plies.tolist() == list(range(9))
    assert set(found.games.tolist()) == {3}
    board = Board(game.start_fen)
    start = board_as_seen(model.config, board)
    for ply, move in enumerate(game.moves[:9]):
        seen = board_as_seen(model.config, board)
        assert found.boards[ply].tolist() == seen.tolist()
        assert from_own_view(model.config, seen, board.turn).tolist() == list(board.squares)
        if ply % 2 == 0:
            assert found.changed[ply].tolist() == (seen != start).tolist()
        # Each position by itself, from the ids of its text alone.
        prefix = list(scorer.prefix(board.turn))
        text: list[int] = []
        past = Board(game.start_fen)
        for earlier in board.move_stack:
            text += model.tokenizer.encode(past, earlier)
            past.push(earlier)
        ids = torch.tensor([[*prefix, model.tokenizer.vocab.bos_id, *text]])
        with torch.inference_mode(), watch_residual(model) as streams:
            model(**text_inputs(model, ids, game.start_fen))
        for layer, stream in enumerate(streams):
            assert np.allclose(found.streams[layer, ply], stream[0, -1].numpy(), atol=1e-4)
        board.push(move)
    single = streams_of(scorer, scorer.prefix(0), [], [board_features(Board())])
    assert np.allclose(single[:, -1].numpy(), found.streams[:, 0], atol=1e-4)


def test_belief_predicts_legality_where_it_was_made_to() -> None:
    config = tiny(board="none", context_plies=60).config
    start = board_as_seen(config, Board())
    boards = np.stack([start] * 40)
    streams = np.zeros((1, 40, 3), np.float32)
    streams[0, 20:] = 1.0
    taught = boards.copy()
    # The later twenty believe that Black's cannon is gone, so that Red's may go there.
    taught[20:, 64] = 0  # b7, where Black's cannon stands
    rng = np.random.default_rng(0)
    noise = rng.normal(scale=0.01, size=streams.shape).astype(np.float32)
    data_ = ProbeData(
        streams + noise, boards, np.zeros((40, 90), bool), np.zeros(40, np.int64), np.arange(40) // 2
    )
    probe = fit_probe(data_.streams[0], taught)
    blocked, free = Move.from_iccs("b2b7"), Move.from_iccs("b2e2")
    assert (start[64] > 0, taught[30, 64]) == (True, 0)
    said = [Suggestion(free, True)] * 20 + [Suggestion(blocked, False)] * 20
    result = measure_probes(
        [probe], probe, PlyPrior(data_), data_, config=config, first_turns=[0] * 20, suggestions=said
    ).suggestions
    assert result is not None
    for area in (result.wrong_squares, result.same_ply, result.move_same_ply):
        assert area is not None
        assert area.mean == 1.0
    assert result.ply is not None
    assert result.ply.mean == 0.5
    for share, expected in (
        (result.illegal_on_belief, 1.0),
        (result.illegal_on_prior, 0.0),
        (result.legal_on_belief, 1.0),
    ):
        assert share is not None
        assert share.mean == expected


def test_legality_on_a_board_that_cannot_be() -> None:
    codes = np.zeros(90, np.int8)
    codes[0] = 5  # a red rook, and nothing else
    assert is_legal_on(codes, 0, Move.from_iccs("a0a9"))
    assert not is_legal_on(codes, 0, Move.from_iccs("a0b9"))
    assert not is_legal_on(codes, 1, Move.from_iccs("a0a9"))


def test_suggestions_are_legal_where_they_say_so() -> None:
    scorer = Scorer(tiny(board="none", context_plies=60, initializer_range=0.5))
    game = GameRecord(moves=games(1)[0].moves)
    found = game_suggestions(scorer, game, plies=6)
    board = Board()
    for move, one in zip(game.moves, found, strict=False):
        assert one.is_legal == (one.move is not None and board.is_legal(one.move))
        board.push(move)
    assert len(found) == 6
