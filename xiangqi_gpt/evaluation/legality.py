"""How much of the rules a model has learned, with nothing masked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from xiangqi_gpt.decoding import MoveScores, Scorer
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board


@dataclass(frozen=True, kw_only=True)
class Legality:
    """Shares 0..1. Tokens are chosen over the whole vocabulary, special ones included, each fed back."""

    plies: int
    argmax_legal: float  # the likeliest text, token by token, is a legal move
    sampled_legal: float  # a text drawn at temperature 1 is
    leak: float  # mean probability of all texts that are no legal move
    # Of the moves that the legal head takes for legal, over all positions together; None without such a head.
    legal_set_precision: float | None = None  # share that is legal
    legal_set_recall: float | None = None  # share of the legal moves that is among them
    legal_set_f1: float | None = None


def measure_legality(
    scorer: Scorer, games: Iterable[GameRecord], on_game: Callable[[int], None] | None = None
) -> Legality:
    """Over every position of *games*."""
    scores: list[MoveScores] = []
    for number, game in enumerate(games, 1):
        scores += scorer.score_line(Board(game.start_fen, strict=False), game.moves)
        if on_game is not None:
            on_game(number)
    return _summary(scores)


def measure_legality_of_boards(
    scorer: Scorer, boards: Iterable[Board], on_game: Callable[[int], None] | None = None
) -> Legality:
    """Over the present position of each of *boards*, which have legal moves."""
    scores: list[MoveScores] = []
    for number, board in enumerate(boards, 1):
        scores.append(scorer.score(board))
        if on_game is not None:
            on_game(number)
    return _summary(scores)


def _summary(scores: list[MoveScores]) -> Legality:
    return Legality(
        plies=len(scores),
        argmax_legal=float(np.mean([s.greedy is not None for s in scores])),
        sampled_legal=float(np.mean([s.sampled is not None for s in scores])),
        leak=float(np.mean([s.leak for s in scores])),
        **_legal_sets(scores),
    )


def _legal_sets(scores: list[MoveScores]) -> dict[str, float | None]:
    sets = [(s.legal_set, frozenset(s.moves)) for s in scores if s.legal_set is not None]
    if not sets:
        return {}
    hits, taken, legal = (sum(n) for n in zip(*((len(a & b), len(a), len(b)) for a, b in sets), strict=True))
    return {
        "legal_set_precision": hits / taken if taken else None,
        "legal_set_recall": hits / legal,
        "legal_set_f1": 2 * hits / (taken + legal),
    }
