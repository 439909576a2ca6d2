"""The figures of `evaluate`, recomputed here from single positions."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from tests.model.tiny import tiny
from tests.training.games import games
from xiangqi_gpt.decoding import Scorer
from xiangqi_gpt.errors import ConfigError, Reason
from xiangqi_gpt.evaluation import legality
from xiangqi_gpt.evaluation.accuracy import measure_accuracy
from xiangqi_gpt.evaluation.games import chosen_games, random_boards
from xiangqi_gpt.evaluation.legality import (
    NO_MOVE,
    NO_PIECE,
    broken_rule,
    free_run,
    game_legality,
    illegal_tree_moves,
    measure_legality,
    measure_legality_of_boards,
    suggestion,
    summarise_free_runs,
    summarise_legality,
)
from xiangqi_gpt.evaluation.legality_plot import plot_legality
from xiangqi_gpt.records.formats.parquet import write
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move


def test_accuracy_equals_counting_position_by_position() -> None:
    model, records = tiny(), games(9)
    result = measure_accuracy(Scorer(model), records)
    ranks, nats, hits, values = [], [], [], []
    for game in records:
        board = Board(game.start_fen)
        for ply, move in enumerate(game.moves):
            scores = Scorer(model).score(board)
            ranked = [scores.moves[i] for i in scores.ranked()]
            if game.kind != "teacher":
                ranks.append(ranked.index(move))
                nats.append(-scores.logprobs[scores.moves.index(move)])
            best = game.labels.at(ply)[0] if game.labels else None
            if best is not None:
                hits.append(ranked[0] == best)
            if game.result != "*":
                red = {"1-0": 0, "1/2-1/2": 1, "0-1": 2}[game.result]
                values.append(-np.log(scores.value[red if board.turn == 0 else 2 - red]))
            board.push(move)
    assert (result.games, result.plies, result.teacher_plies) == (9, len(ranks), len(hits))
    for key, k in (("top1", 1), ("top3", 3), ("top5", 5)):
        assert getattr(result, key) == pytest.approx(np.mean(np.array(ranks) < k))
    assert result.nats_per_ply == pytest.approx(np.mean(nats), abs=1e-4)
    assert result.teacher_top1 == pytest.approx(np.mean(hits))
    assert result.value_nll == pytest.approx(np.mean(values), abs=1e-4)
    assert result.value_plies == len(values)


def test_legality_equals_counting_position_by_position() -> None:
    model, records = tiny(initializer_range=0.5), games(6)
    result = measure_legality(Scorer(model), records)
    greedy, leaks = [], []
    for game in records:
        board = Board(game.start_fen)
        for move in game.moves:
            scores = Scorer(model).score(board)
            greedy.append(scores.greedy is not None)
            leaks.append(scores.leak)
            assert scores.greedy is None or board.is_legal(scores.greedy)
            board.push(move)
    assert result.plies == len(greedy)
    assert result.argmax_legal == pytest.approx(np.mean(greedy))
    assert result.leak == pytest.approx(np.mean(leaks), abs=1e-5)
    # Drawing at temperature 1 is legal exactly as often as the probability of legal texts says.
    drawn = [measure_legality(Scorer(model, seed=s), records).sampled_legal for s in range(8)]
    assert np.mean(drawn) == pytest.approx(1 - result.leak, abs=0.03)


@pytest.mark.parametrize("tokenizer", ["square", "move", "iccs", "wxf", "chinese"])
def test_the_rules_that_illegal_texts_break(tokenizer: str) -> None:
    torch.manual_seed(3)
    model, records = tiny(tokenizer=tokenizer, initializer_range=0.3), games(2)
    result = measure_legality(Scorer(model), records, why=True)
    reasons = {reason.value for reason in Reason} | {NO_MOVE}
    assert set(result.broken) <= reasons
    assert sum(result.broken.values()) == round(result.plies * (1 - result.argmax_legal)) > 0
    assert list(result.broken.values()) == sorted(result.broken.values(), reverse=True)
    assert measure_legality(Scorer(model), records).broken == {}
    # By ply: the groups are the whole.
    assert [part.first for part in result.by_ply] == list(range(0, 20 * len(result.by_ply), 20))
    assert sum(part.plies for part in result.by_ply) == result.plies
    for key in ("argmax_legal", "leak"):
        mean = sum(getattr(part, key) * part.plies for part in result.by_ply) / result.plies
        assert mean == pytest.approx(getattr(result, key))


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a5a6", "empty_square"),
        ("a9a8", "wrong_side"),
        ("a0a3", "own_piece"),
        ("h2h8", "path_blocked"),
        ("e0e2", "not_a_move"),
        ("h0f1", "horse_leg"),
        ("c0e0", "own_piece"),
        ("b2b7", "cannon_screen"),
        ("e0e1", None),
        ("h2e2", None),
    ],
)
def test_the_rule_is_that_of_the_text_said(
    text: str, rule: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, board = Scorer(tiny(tokenizer="iccs")), Board()
    said = [scorer.tokenizer.vocab.id(c) for c in text]

    # In the model's place: the same text, whatever it is shown.
    monkeypatch.setattr(legality, "greedy_unmasked", lambda *_: said)
    assert broken_rule(scorer, board) == rule


@pytest.mark.parametrize(
    ("fen", "text", "rule"),
    [
        ("4k4/9/9/9/9/9/9/4B4/9/3K5 w", "e2g4", None),
        ("4k4/9/9/9/9/5P3/9/4B4/9/3K5 w", "e2g4", None),
        ("4k4/9/9/9/9/9/5P3/4B4/9/3K5 w", "e2g4", "elephant_eye"),
        ("4k4/9/9/9/2B6/9/9/9/9/3K5 w", "c5e7", "river"),
        ("4k4/9/9/9/9/9/9/9/9/5K3 w", "f0g0", "palace"),
        ("3k5/9/9/9/9/9/9/9/9/4K4 w", "e0d0", "facing_kings"),
        ("3k5/9/9/9/9/9/9/9/4r4/3AK4 w", "d0e1", None),
        ("3k5/9/9/9/9/4r4/9/9/9/3AKP3 w", "f0f1", "king_in_check"),
    ],
)
def test_every_rule_has_a_name(
    fen: str, text: str, rule: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    scorer, board = Scorer(tiny(tokenizer="iccs")), Board(f"{fen} - - 0 1", strict=False)
    said = [scorer.tokenizer.vocab.id(c) for c in text]
    monkeypatch.setattr(legality, "greedy_unmasked", lambda *_: said)
    move, broken = suggestion(scorer, board)
    assert (move, broken) == (Move.from_iccs(text), rule)


def test_legality_by_piece(tmp_path: Path) -> None:
    torch.manual_seed(3)
    model, records = tiny(tokenizer="square", initializer_range=0.3), games(4)
    result = measure_legality(Scorer(model), records, why=True)
    assert sum(part.texts for part in result.pieces) == result.plies
    legal = sum(part.legal.mean * part.texts for part in result.pieces)
    assert legal == pytest.approx(result.argmax_legal * result.plies)
    nothing = [part for part in result.pieces if part.piece == NO_PIECE]
    assert [part.legal.mean for part in nothing] == [0.0]
    assert nothing[0].texts == result.broken.get("empty_square", 0) + result.broken.get(NO_MOVE, 0)
    assert measure_legality(Scorer(model), records).pieces == ()
    plot_legality(result, tmp_path / "atlas.png")
    assert (tmp_path / "atlas.png").read_bytes().startswith(b"\x89PNG")


def test_random_boards() -> None:
    boards = list(random_boards(5, 20, seed=2))
    assert [b.ply for b in boards] == [20] * 5
    assert [b.fen() for b in boards] == [b.fen() for b in random_boards(5, 20, seed=2)]
    assert measure_legality_of_boards(Scorer(tiny()), boards).plies == 5


def test_chosen_games(tmp_path: Path) -> None:
    file = tmp_path / "games.parquet"
    write(file, games(9))
    assert len(chosen_games([file], split="train")) == 9
    some = chosen_games([file], split="train", games=4, seed=1)
    assert [g.moves for g in some] == [g.moves for g in chosen_games([file], split="train", games=4, seed=1)]
    assert len(some) == 4
    with pytest.raises(ConfigError, match="No games of split 'test' in"):
        chosen_games([file])
    with pytest.raises(ConfigError, match="split: expected one of"):
        chosen_games([file], split="tset")


def test_accuracy_by_group_adds_up() -> None:
    records = [
        dataclasses.replace(game, tags={"RedElo": "1200", "BlackElo": "2500"} if number % 2 else {})
        for number, game in enumerate(games(9))
    ]
    result = measure_accuracy(Scorer(tiny()), records)
    axes = {
        axis: [g for g in result.groups if g.axis == axis] for axis in ("phase", "ply", "check", "result")
    }
    for axis, groups in axes.items():
        counts = [0 if g.teacher_top1 is None else g.teacher_top1.count for g in groups]
        whole = result.teacher_plies
        if axis == "result":  # of some games it is not known
            assert 0 < sum(counts) < whole
        else:
            assert sum(counts) == whole
            total = sum(g.teacher_top1.mean * g.teacher_top1.count for g in groups if g.teacher_top1)
            assert total / whole == pytest.approx(result.teacher_top1)
    rated = [g for g in result.groups if g.axis == "rating"]
    assert sum(g.top1.count for g in rated if g.top1) == sum(
        game.plies for game in records if game.tags and game.kind != "teacher"
    )
    assert len(rated) == 2
    for key in ("top1", "teacher_top1", "nats_per_ply", "value_nll"):
        found = result.intervals[key]
        assert found.low is not None
        assert found.high is not None
        assert found.low <= found.mean <= found.high
        assert found.mean == pytest.approx(getattr(result, key))


def test_legality_in_check_and_off_book() -> None:
    scorer = Scorer(tiny(initializer_range=0.5))
    checked = dataclasses.replace(
        games(1)[0],
        moves=tuple(map(Move.from_iccs, ("b0b9", "d9d8", "b9b8"))),
        start_fen="3k5/9/9/9/9/9/9/9/9/1R2K4 w - - 0 1",
    )
    facts = [game_legality(scorer, game, off_book=3, seed=1) for game in (*games(3), checked)]
    result = summarise_legality(facts)
    counts = {group.name: group.leak.count for group in result.groups}
    assert counts["off book"] == sum(int(one.off_book.sum()) for one in facts) >= 9
    assert counts["in check"] >= 1
    assert counts["in check"] + counts["not in check"] == result.plies == sum(g.plies for g in games(3)) + 3
    assert facts[3].check.tolist()[:3] == [False, True, False]
    assert result.intervals["leak"].mean == pytest.approx(result.leak)
    again = game_legality(Scorer(scorer.model), games(3)[2], off_book=3, seed=1)
    assert (again.leak == facts[2].leak).all()


def test_free_running_ends_at_the_first_illegal_text() -> None:
    class Sampled:
        """Draws legal moves for so many plies, then an illegal text."""

        def __init__(self, plies: int) -> None:
            self.plies = plies

        def score(self, board: Board) -> SimpleNamespace:
            moves = board.legal_moves()
            return SimpleNamespace(sampled=moves[board.ply % len(moves)] if board.ply < self.plies else None)

    runs = [free_run(cast(Any, Sampled(plies))) for plies in (0, 7, 10_000)]
    assert runs[:2] == [(0, False), (7, False)]
    assert runs[2][1]
    found = summarise_free_runs(runs)
    assert found is not None
    assert (found.games, found.finished.mean) == (3, pytest.approx(1 / 3))
    assert found.plies.mean == pytest.approx(np.mean([plies for plies, _ in runs]))
    assert summarise_free_runs([]) is None


@pytest.mark.parametrize("tokenizer", ["square", "move", "iccs", "wxf", "chinese"])
def test_the_tree_draws_legal_moves_alone(tokenizer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    words = tiny(tokenizer=tokenizer).tokenizer
    seen: list[int] = []
    assert illegal_tree_moves(words, 300, on_moves=seen.append) == 0
    assert seen[-1] == 300
    # A tree with moves that are only pseudo-legal would be found out.
    monkeypatch.setattr(Board, "is_legal", lambda board, move: False)
    assert illegal_tree_moves(words, 10) == 10
