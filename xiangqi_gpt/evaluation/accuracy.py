"""How often a model names the move that was played, and the move that a teacher would have played."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.decoding import Scorer, SymmetricScorer
from xiangqi_gpt.evaluation.intervals import Estimate, estimate
from xiangqi_gpt.evaluation.phases import Phase, phase_of
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.outcome import RED_SCORES
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.tokens.conditions import STRENGTH_EDGES

GROUP_PLIES = 20
"""Positions are put together by so many plies of the game."""

_NONE = -1  # of a rank, class or rating that is not known
_PHASES = tuple(Phase)
_RESULTS = ("won", "drawn", "lost")  # by class, seen by the side to move


@dataclass(frozen=True)
class GameFacts:
    """What was counted in one game, one entry per position (P,). Ranks count from 0; -1 where there is nothing."""

    rank: npt.NDArray[np.int64]  # of the played move among the legal ones; -1 in teacher games
    nats: npt.NDArray[np.float64]  # minus the log-probability of the played move
    teacher_rank: npt.NDArray[np.int64]  # of the teacher's move
    teacher_nats: npt.NDArray[np.float64]  # minus its log-probability; 0 where there is none
    value: npt.NDArray[np.float64]  # (P, 3) win, draw, loss for the side to move
    result: npt.NDArray[np.int64]  # class of the game's result for the side to move: 0 win, 1 draw, 2 loss
    phase: npt.NDArray[np.int64]  # in the order of Phase
    check: npt.NDArray[np.bool_]
    rating: npt.NDArray[np.int64]  # Elo of the side to move

    @property
    def plies(self) -> int:
        return len(self.rank)


@dataclass(frozen=True, kw_only=True)
class GroupAccuracy:
    """The positions of one kind."""

    axis: str  # "phase", "ply", "check", "result" or "rating"
    name: str
    top1: Estimate | None
    nats_per_ply: Estimate | None
    teacher_top1: Estimate | None
    teacher_nats: Estimate | None


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
    teacher_nats: float | None  # minus the raw log-probability of the teacher's move
    nats_per_ply: float | None  # minus the raw log-probability of the played move, all its tokens summed
    value_plies: int  # positions of games with a known result
    value_nll: float | None  # nats, of the game's result for the side to move
    value_prior_nll: (
        float | None
    )  # the same for a forecaster that knows only how often each result occurs here
    value_brier: float | None  # sum of squares over win, draw and loss, 0..2
    value_accuracy: float | None  # share of positions in which the likeliest result is the game's
    # 95 % intervals by the name of the figure, from a bootstrap over games.
    intervals: Mapping[str, Estimate] = field(default_factory=dict)
    groups: tuple[GroupAccuracy, ...] = ()


def measure_accuracy(
    scorer: Scorer | SymmetricScorer,
    games: Iterable[GameRecord],
    *,
    seed: int = 0,
) -> Accuracy:
    """Score every position of *games*, teacher-forced."""
    return summarise_accuracy([game_facts(scorer, game) for game in games], seed=seed)


def game_facts(scorer: Scorer | SymmetricScorer, game: GameRecord) -> GameFacts:
    """Score every position of one game."""
    root = Board(game.start_fen, strict=False)
    board = root.copy()
    ratings = [_rating(game.tags.get(tag, "")) for tag in ("RedElo", "BlackElo")]
    rows: list[tuple[Any, ...]] = []
    values = []
    for ply, (move, scores) in enumerate(zip(game.moves, scorer.score_line(root, game.moves), strict=True)):
        index = {legal: i for i, legal in enumerate(scores.moves)}
        played = index[move]
        best = game.labels.at(ply)[0] if game.labels is not None else None
        wanted = index.get(best) if best is not None else None
        seen = RED_SCORES.get(game.result)
        turned = None if seen is None else seen * (1 if board.turn == Color.RED else -1)
        rows.append(
            (
                _NONE if game.kind == "teacher" else int((scores.logprobs > scores.logprobs[played]).sum()),
                -float(scores.logprobs[played]),
                _NONE if wanted is None else _place(scores.logprobs, wanted),
                0.0 if wanted is None else -float(scores.logprobs[wanted]),
                _NONE if turned is None else 1 - turned,
                _PHASES.index(phase_of(board)),
                board.is_check(),
                ratings[board.turn],
            )
        )
        values.append(scores.value)
        board.push(move)
    columns = list(zip(*rows, strict=True)) if rows else [()] * 8
    rank, nats, teacher, teacher_nats, result, phase, check, rating = columns
    return GameFacts(
        rank=np.array(rank, np.int64),
        nats=np.array(nats, np.float64),
        teacher_rank=np.array(teacher, np.int64),
        teacher_nats=np.array(teacher_nats, np.float64),
        value=np.array(values, np.float64).reshape(-1, 3),
        result=np.array(result, np.int64),
        phase=np.array(phase, np.int64),
        check=np.array(check, np.bool_),
        rating=np.array(rating, np.int64),
    )


def _place(logprobs: npt.NDArray[np.float64], index: int) -> int:
    """0 exactly for the first of the likeliest moves."""
    return 0 if int(logprobs.argmax()) == index else max(1, int((logprobs > logprobs[index]).sum()))


def _rating(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and 1 <= int(text) <= 9999 else _NONE


def summarise_accuracy(facts: Sequence[GameFacts], *, seed: int = 0) -> Accuracy:
    """The figures over all games, in all and by group; *seed* draws the intervals."""

    def column(name: str) -> npt.NDArray[Any]:
        parts = [getattr(one, name) for one in facts]
        return np.concatenate(parts) if parts else np.empty(0)

    game = np.repeat(np.arange(len(facts)), [one.plies for one in facts])
    ply = np.concatenate([np.arange(one.plies) for one in facts]) if facts else np.empty(0, np.int64)
    rank, result = column("rank"), column("result")
    teacher = np.concatenate([np.empty(0, np.int64), *(one.teacher_rank for one in facts)])
    human, taught, known = rank != _NONE, teacher != _NONE, result != _NONE
    values = column("value").reshape(-1, 3)[known]
    truth = np.eye(3)[result[known].astype(int)].reshape(-1, 3)
    of_truth = (values * truth).sum(-1)
    prior = truth.mean(0) if len(truth) else np.ones(3)
    measured: dict[str, tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]] = {
        "top1": (rank < 1, human),
        "top3": (rank < 3, human),
        "top5": (rank < 5, human),
        "nats_per_ply": (column("nats"), human),
        "teacher_top1": (teacher < 1, taught),
        "teacher_nats": (column("teacher_nats"), taught),
    }

    def over(name: str, chosen: npt.NDArray[np.bool_] | None = None) -> Estimate | None:
        values, mask = measured[name]
        mask = mask if chosen is None else mask & chosen
        return estimate(values[mask], game[mask], seed=seed)

    intervals = {name: found for name in measured if (found := over(name)) is not None}
    value_measures = {
        "value_nll": -np.log(np.maximum(of_truth, 1e-12)),
        "value_brier": ((values - truth) ** 2).sum(-1),
        "value_accuracy": values.argmax(-1) == truth.argmax(-1),
    }
    for name, figures in value_measures.items():
        if (found := estimate(figures, game[known], seed=seed)) is not None:
            intervals[name] = found
    groups = []
    for axis, name, chosen in _groups(facts, ply, column):
        group = GroupAccuracy(
            axis=axis,
            name=name,
            top1=over("top1", chosen),
            nats_per_ply=over("nats_per_ply", chosen),
            teacher_top1=over("teacher_top1", chosen),
            teacher_nats=over("teacher_nats", chosen),
        )
        if group.top1 is not None or group.teacher_top1 is not None:
            groups.append(group)
    means = {name: found.mean for name, found in intervals.items()}
    return Accuracy(
        games=len(facts),
        plies=int(human.sum()),
        teacher_plies=int(taught.sum()),
        value_plies=int(known.sum()),
        value_prior_nll=float(-(prior * np.log(np.maximum(prior, 1e-12))).sum()) if known.any() else None,
        intervals=intervals,
        groups=tuple(groups),
        **{name: means.get(name) for name in (*measured, *value_measures)},
    )


def _groups(
    facts: Sequence[GameFacts], ply: npt.NDArray[np.int64], column: Callable[[str], npt.NDArray[Any]]
) -> list[tuple[str, str, npt.NDArray[np.bool_]]]:
    """Axis, name and positions of every group."""
    phase, check, result, rating = (column(name) for name in ("phase", "check", "result", "rating"))
    found = [("phase", one.value, phase == number) for number, one in enumerate(_PHASES)]
    found += [
        ("ply", f"{first}-{first + GROUP_PLIES - 1}", ply // GROUP_PLIES == first // GROUP_PLIES)
        for first in range(0, int(ply.max(initial=-1)) + 1, GROUP_PLIES)
    ]
    found += [("check", "in check", check == 1), ("check", "not in check", check == 0)]
    found += [("result", f"game {name}", result == number) for number, name in enumerate(_RESULTS)]
    edges = [*STRENGTH_EDGES, 10_000]
    for low, high in itertools.pairwise(edges):
        name = f"below {high}" if low == 1 else f"{low} and more" if high == 10_000 else f"{low}-{high - 1}"
        found.append(("rating", name, (rating >= low) & (rating < high)))
    return found
