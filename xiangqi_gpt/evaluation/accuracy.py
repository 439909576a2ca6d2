"""How often a model names the move that was played, and the move that a teacher would have played."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from xiangqi_gpt.decoding import Scorer, SymmetricScorer
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.outcome import RED_SCORES
from xiangqi_gpt.rules.pieces import Color


@dataclass(frozen=True, kw_only=True)
class Accuracy:
    """Shares are 0..1, None where there was nothing to count; top-k ranks the legal moves."""

    games: int
    plies: int  # played moves that people (or engines) chose; those of teacher games are noise in part and not counted
    top1: float | None
    top3: float | None
    top5: float | None
    teacher_plies: int  # positions with a teacher's move
    teacher_top1: float | None
    nats_per_ply: float | None  # minus the raw log-probability of the played move, all its tokens summed
    value_plies: int  # positions of games with a known result
    value_nll: float | None  # nats, of the game's result for the side to move
    value_prior_nll: (
        float | None
    )  # the same for a forecaster that knows only how often each result occurs here
    value_brier: float | None  # sum of squares over win, draw and loss, 0..2
    value_accuracy: float | None  # share in which the likeliest result came about


def measure_accuracy(
    scorer: Scorer | SymmetricScorer,
    games: Iterable[GameRecord],
    on_game: Callable[[int], None] | None = None,
) -> Accuracy:
    """Score every position of *games*, teacher-forced; *on_game* hears how many are done."""
    ranks: list[int] = []
    nats: list[float] = []
    teacher_hits: list[bool] = []
    values: list[np.ndarray] = []
    classes: list[int] = []
    count = 0
    for game in games:
        count += 1
        root = Board(game.start_fen, strict=False)
        for ply, scores in enumerate(scorer.score_line(root, game.moves)):
            if game.kind != "teacher":
                played = scores.moves.index(game.moves[ply])
                ranks.append(int((scores.logprobs > scores.logprobs[played]).sum()))
                nats.append(-float(scores.logprobs[played]))
            best = game.labels.at(ply)[0] if game.labels is not None else None
            if best is not None:
                teacher_hits.append(scores.moves[int(scores.logprobs.argmax())] == best)
            if game.result in RED_SCORES:
                turn = (int(root.turn) + ply) % 2
                seen = RED_SCORES[game.result] * (1 if turn == Color.RED else -1)
                values.append(scores.value)
                classes.append(1 - seen)
        if on_game is not None:
            on_game(count)
    rank = np.array(ranks)
    probabilities, truth = np.array(values).reshape(-1, 3), np.eye(3)[classes].reshape(-1, 3)
    of_truth = (probabilities * truth).sum(-1)
    prior = truth.mean(0) if len(truth) else np.ones(3)
    return Accuracy(
        games=count,
        plies=len(ranks),
        top1=_mean(rank < 1),
        top3=_mean(rank < 3),
        top5=_mean(rank < 5),
        teacher_plies=len(teacher_hits),
        teacher_top1=_mean(np.array(teacher_hits)),
        nats_per_ply=_mean(np.array(nats)),
        value_plies=len(classes),
        value_nll=_mean(-np.log(np.maximum(of_truth, 1e-12))),
        value_prior_nll=float(-(prior * np.log(np.maximum(prior, 1e-12))).sum()) if classes else None,
        value_brier=_mean(((probabilities - truth) ** 2).sum(-1)),
        value_accuracy=_mean(probabilities.argmax(-1) == np.array(classes)) if classes else None,
    )


def _mean(values: np.ndarray) -> float | None:
    return float(values.mean()) if len(values) else None
