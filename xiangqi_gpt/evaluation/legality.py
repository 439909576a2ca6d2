"""How much of the rules a model has learned, with nothing masked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from xiangqi_gpt.decoding import MoveScores, Scorer
from xiangqi_gpt.errors import IllegalMoveError, MoveError
from xiangqi_gpt.model.generation import greedy_unmasked
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board

GROUP_PLIES = 20
"""Positions are put together by so many plies of the game."""

NO_MOVE = "no_move"
"""What a text breaks that names no move of any piece on the board."""


@dataclass(frozen=True, kw_only=True)
class PlyLegality:
    """Legality in one part of the games. Shares 0..1."""

    first: int  # ply, 0-based
    plies: int  # positions
    argmax_legal: float
    leak: float


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
    by_ply: tuple[PlyLegality, ...] = ()  # in groups of GROUP_PLIES plies since the start of the game
    # How many of the likeliest texts break which rule, most frequent first: the names of rules.explain.Reason, and
    # NO_MOVE. Empty unless asked for.
    broken: Mapping[str, int] = field(default_factory=dict)


def measure_legality(
    scorer: Scorer,
    games: Iterable[GameRecord],
    on_game: Callable[[int], None] | None = None,
    *,
    why: bool = False,
) -> Legality:
    """Over every position of *games*; with *why*, which rules are broken, which takes longer."""

    def positions() -> Iterator[tuple[Board, MoveScores]]:
        for number, game in enumerate(games, 1):
            board = Board(game.start_fen, strict=False)
            scores = scorer.score_line(Board(game.start_fen, strict=False), game.moves)
            for move, found in zip(game.moves, scores, strict=True):
                yield board, found
                board.push(move)
            if on_game is not None:
                on_game(number)

    return _summary(scorer, positions(), why)


def measure_legality_of_boards(
    scorer: Scorer,
    boards: Iterable[Board],
    on_game: Callable[[int], None] | None = None,
    *,
    why: bool = False,
) -> Legality:
    """Over the present position of each of *boards*, which have legal moves."""

    def positions() -> Iterator[tuple[Board, MoveScores]]:
        for number, board in enumerate(boards, 1):
            yield board, scorer.score(board)
            if on_game is not None:
                on_game(number)

    return _summary(scorer, positions(), why)


def broken_rule(scorer: Scorer, board: Board) -> str | None:
    """The rule that the model's own next move breaks on *board*: the name of a Reason, NO_MOVE, or None."""
    said = greedy_unmasked(scorer.model, board, scorer.condition)
    if len(said) < scorer.tokenizer.slots:
        return NO_MOVE
    try:
        move = scorer.tokenizer.decode(board, said)
    except IllegalMoveError as error:
        return NO_MOVE if error.reason is None else error.reason.reason.value
    except (MoveError, IndexError):
        return NO_MOVE
    fault = board.explain(move)
    return None if fault is None else fault.reason.value


def _summary(scorer: Scorer, positions: Iterable[tuple[Board, MoveScores]], why: bool) -> Legality:
    scores: list[MoveScores] = []
    groups: dict[int, list[MoveScores]] = {}
    broken: Counter[str] = Counter()
    for board, found in positions:
        scores.append(found)
        groups.setdefault(board.ply // GROUP_PLIES, []).append(found)
        if why and found.greedy is None and (rule := broken_rule(scorer, board)) is not None:
            broken[rule] += 1
    return Legality(
        plies=len(scores),
        argmax_legal=_argmax_legal(scores),
        sampled_legal=float(np.mean([s.sampled is not None for s in scores])),
        leak=_leak(scores),
        by_ply=tuple(
            PlyLegality(
                first=group * GROUP_PLIES, plies=len(part), argmax_legal=_argmax_legal(part), leak=_leak(part)
            )
            for group, part in sorted(groups.items())
        ),
        broken=dict(broken.most_common()),
        **_legal_sets(scores),
    )


def _argmax_legal(scores: list[MoveScores]) -> float:
    return float(np.mean([s.greedy is not None for s in scores]))


def _leak(scores: list[MoveScores]) -> float:
    return float(np.mean([s.leak for s in scores]))


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
