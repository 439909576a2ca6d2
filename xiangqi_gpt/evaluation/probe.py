"""What a model knows of the board, by linear probes of its residual stream, and what follows from wrong beliefs.

The probes of all layers are fitted on one set of games; the best layer is chosen on a second set, and all figures are
measured on a third one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from xiangqi_gpt.decoding import Scorer
from xiangqi_gpt.evaluation.intervals import Estimate, estimate
from xiangqi_gpt.evaluation.legality import suggestion
from xiangqi_gpt.evaluation.probe_data import Boards, ProbeData, longest
from xiangqi_gpt.evaluation.probe_fit import fit_probe, log_prior
from xiangqi_gpt.evaluation.ranking import area_under_curve
from xiangqi_gpt.model.board_probe import BoardProbe
from xiangqi_gpt.model.config import XiangqiGPTConfig
from xiangqi_gpt.model.context import from_own_view, is_turned
from xiangqi_gpt.records import GameRecord
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.explain import explain_move
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Color, Piece, PieceKind

GROUP_PLIES = 10
"""Positions are put together by so many plies of the game."""

_AT_ONCE = 2048  # positions whose boards are read in one product


@dataclass(frozen=True, kw_only=True)
class BoardAccuracy:
    """How much of the board is right, with 95 % intervals from a bootstrap over games; means over positions."""

    squares: Estimate  # share of the 90 squares
    pieces: Estimate  # share of the squares on which a piece stands
    changed: Estimate | None  # share of the squares that differ from the start of the game
    wrong: Estimate  # wrong squares per board
    boards: Estimate  # share of boards without a wrong square


@dataclass(frozen=True, kw_only=True)
class PlyAccuracy:
    """Share of the squares that are right in one part of the games, 0..1."""

    first: int  # ply, 0-based
    positions: int
    probe: float
    ply_prior: float
    changed: float | None  # of the probe, on the squares that differ from the start


@dataclass(frozen=True, kw_only=True)
class BeliefAndLegality:
    """Whether the model's own suggestions, with nothing masked, are illegal where its belief is wrong.

    Areas under the ROC curve: 0.5 is chance, 1 a perfect prediction. *same ply* compares only positions of the same
    GROUP_PLIES plies of the game.
    """

    legal: Estimate  # share of the suggestions that is legal
    wrong_squares: Estimate | None  # area: number of wrong squares of the believed board
    ply: Estimate | None  # area: ply alone
    same_ply: Estimate | None  # area: wrong squares, same ply
    move_same_ply: Estimate | None  # area: doubt about the two squares of the suggested move, same ply
    # Share of the illegal suggestions that are legal on the believed board, and on the likeliest board of that ply.
    illegal_on_belief: Estimate | None
    illegal_on_prior: Estimate | None
    legal_on_belief: Estimate | None  # and of the legal suggestions


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    """What `measure_probes` found."""

    positions: int
    games: int
    best_layer: int  # chosen on other games than those measured here
    layers: tuple[BoardAccuracy, ...]  # 0: the embeddings
    prior: BoardAccuracy  # the most frequent code of every square
    ply_prior: BoardAccuracy  # the same among positions of the same GROUP_PLIES plies
    by_ply: tuple[PlyAccuracy, ...]  # of the best layer
    by_square: tuple[float, ...]  # (90,) of the best layer
    prior_by_square: tuple[float, ...]  # (90,) of ply_prior
    suggestions: BeliefAndLegality | None


@dataclass(frozen=True)
class Suggestion:
    """The model's own next move, with nothing masked."""

    move: Move | None  # None where the text names no move of two squares
    is_legal: bool


def game_suggestions(scorer: Scorer, game: GameRecord, *, plies: int | None = None) -> list[Suggestion]:
    """What the model would play by itself before each of the first *plies* moves of *game*."""
    moves = game.moves[: longest(scorer.model.config, plies)]
    board = Board(game.start_fen, strict=False)
    found = []
    for move, scores in zip(moves, scorer.score_line(board.copy(), moves), strict=True):
        legal = scores.greedy
        found.append(Suggestion(suggestion(scorer, board)[0] if legal is None else legal, legal is not None))
        board.push(move)
    return found


class PlyPrior:
    """The likeliest board of each GROUP_PLIES plies and side to move: all that one can know without the model."""

    def __init__(self, data: ProbeData) -> None:
        self.whole = _likeliest(data.boards)
        groups = _ply_groups(data.plies)
        self._of_group = {
            group: _likeliest(data.boards[groups == group]) for group in np.unique(groups).tolist()
        }

    def boards(self, plies: npt.NDArray[np.int64]) -> Boards:
        """(N, 90) for positions of these plies (N,)."""
        return np.stack([self._of_group.get(group, self.whole) for group in _ply_groups(plies).tolist()])


def _likeliest(boards: Boards) -> Boards:
    return log_prior(boards).argmax(-1).numpy().astype(np.int8)


def _ply_groups(plies: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    return plies // GROUP_PLIES * 2 + plies % 2


def fit_layers(
    data: ProbeData, *, model: str = "", ridge: float = 1e-3, on_done: Callable[[int], None] | None = None
) -> list[BoardProbe]:
    """A probe for every layer; *on_done* is called with how many are ready."""
    probes = []
    for layer, stream in enumerate(data.streams):
        probes.append(fit_probe(stream, data.boards, layer=layer, model=model, ridge=ridge))
        if on_done is not None:
            on_done(layer + 1)
    return probes


def best_probe(probes: Sequence[BoardProbe], data: ProbeData) -> BoardProbe:
    """The probe with the most squares right on *data*; the first of equal ones."""
    right = [(believed(probe, data)[0] == data.boards).mean() for probe in probes]
    return probes[int(np.argmax(right))]


def believed(probe: BoardProbe, data: ProbeData) -> tuple[Boards, npt.NDArray[np.float32]]:
    """The likeliest board (N, 90) of every position, and minus the log-probability (N, 90) of the true codes."""
    boards, doubts = [], []
    for first in range(0, len(data.boards), _AT_ONCE):
        rows = slice(first, first + _AT_ONCE)
        logprobs = probe.logprobs(torch.from_numpy(data.streams[probe.layer, rows]))
        truth = torch.from_numpy(data.boards[rows].astype(np.int64))[..., None]
        boards.append(logprobs.argmax(-1).numpy().astype(np.int8))
        doubts.append(-logprobs.gather(-1, truth)[..., 0].numpy())
    return np.concatenate(boards), np.concatenate(doubts)


def measure_probes(
    probes: Sequence[BoardProbe],
    best: BoardProbe,
    prior: PlyPrior,
    data: ProbeData,
    *,
    config: XiangqiGPTConfig,
    first_turns: Sequence[int],
    suggestions: Sequence[Suggestion] | None = None,
    seed: int = 0,
) -> ProbeResult:
    """All figures over the positions of *data*.

    Args:
        probes: one per layer.
        best: the one of them that by_ply, by_square and suggestions are about.
        prior: of the games that the probes were fitted on.
        data: positions of other games.
        config: of the model.
        first_turns: the side that moves first, by number of the game.
        suggestions: of every position of *data*.
        seed: of the intervals.
    """
    whole = np.broadcast_to(prior.whole, data.boards.shape)
    of_ply = prior.boards(data.plies)
    layers = []
    for probe in probes:
        boards, doubts = believed(probe, data)
        if probe is best:
            best_boards, best_doubts = boards, doubts
        layers.append(board_accuracy(boards, data, seed=seed))
    right, groups = best_boards == data.boards, data.plies // GROUP_PLIES
    by_ply = []
    for group in np.unique(groups).tolist():
        chosen = groups == group
        changed = right[chosen][data.changed[chosen]]
        by_ply.append(
            PlyAccuracy(
                first=group * GROUP_PLIES,
                positions=int(chosen.sum()),
                probe=float(right[chosen].mean()),
                ply_prior=float((of_ply == data.boards)[chosen].mean()),
                changed=float(changed.mean()) if changed.size else None,
            )
        )
    return ProbeResult(
        positions=len(data.boards),
        games=len(np.unique(data.games)),
        best_layer=best.layer,
        layers=tuple(layers),
        prior=board_accuracy(whole, data, seed=seed),
        ply_prior=board_accuracy(of_ply, data, seed=seed),
        by_ply=tuple(by_ply),
        by_square=tuple(right.mean(0).tolist()),
        prior_by_square=tuple((of_ply == data.boards).mean(0).tolist()),
        suggestions=None
        if suggestions is None
        else _suggestions(
            data, best_boards, best_doubts, of_ply, suggestions, config, np.asarray(first_turns), seed
        ),
    )


def board_accuracy(boards: Boards, data: ProbeData, *, seed: int = 0) -> BoardAccuracy:
    """How much of *boards* (N, 90) is right."""
    right = boards == data.boards

    def of(values: npt.ArrayLike, chosen: npt.NDArray[np.bool_] | None = None) -> Estimate | None:
        rows = np.ones(len(right), bool) if chosen is None else chosen
        return estimate(np.asarray(values)[rows], data.games[rows], seed=seed)

    def share(mask: npt.NDArray[np.bool_]) -> Estimate | None:
        count = mask.sum(1)
        return of((right & mask).sum(1) / np.maximum(count, 1), count > 0)

    squares, pieces = of(right.mean(1)), share(data.boards > 0)
    wrong, whole = of((~right).sum(1)), of(right.all(1))
    assert squares is not None
    assert pieces is not None
    assert wrong is not None
    assert whole is not None
    return BoardAccuracy(
        squares=squares, pieces=pieces, changed=share(data.changed), wrong=wrong, boards=whole
    )


def is_legal_on(codes: Boards, turn: int, move: Move) -> bool:
    """Whether *move* obeys the rules on 90 piece codes as Red sees them, which need not be a possible position."""
    squares = codes.tolist()
    own_king = Piece(PieceKind.KING, Color(turn)).code
    king = squares.index(own_king) if own_king in squares else -1
    return explain_move(squares, Color(turn), king, move) is None


def _suggestions(
    data: ProbeData,
    boards: Boards,
    doubts: npt.NDArray[np.float32],
    prior: Boards,
    suggestions: Sequence[Suggestion],
    config: XiangqiGPTConfig,
    first_turns: npt.NDArray[np.int64],
    seed: int,
) -> BeliefAndLegality:
    legal = np.array([one.is_legal for one in suggestions])
    named = np.array([one.move is not None for one in suggestions])
    turns = (first_turns[data.games] + data.plies) % 2
    wrong = (boards != data.boards).sum(1)
    groups = data.plies // GROUP_PLIES
    count = len(legal)
    on_belief, on_prior, doubt = np.zeros(count), np.zeros(count), np.zeros(count)
    for n, one in enumerate(suggestions):
        if one.move is None:
            continue
        turn = int(turns[n])
        on_belief[n] = is_legal_on(from_own_view(config, boards[n], turn), turn, one.move)
        on_prior[n] = is_legal_on(from_own_view(config, prior[n], turn), turn, one.move)
        seen = one.move.rotated() if is_turned(config, turn) else one.move
        doubt[n] = doubts[n][[seen.from_square, seen.to_square]].sum()

    def area(
        scores: npt.ArrayLike, *, same_ply: bool = False, chosen: npt.NDArray[np.bool_] | None = None
    ) -> Estimate | None:
        rows = np.ones(count, bool) if chosen is None else chosen
        return area_under_curve(
            np.asarray(scores)[rows],
            ~legal[rows],
            data.games[rows],
            groups=groups[rows] if same_ply else None,
            seed=seed,
        )

    def share(values: npt.NDArray[np.float64], chosen: npt.NDArray[np.bool_]) -> Estimate | None:
        return estimate(values[chosen], data.games[chosen], seed=seed)

    share_legal = estimate(legal.astype(float), data.games, seed=seed)
    assert share_legal is not None
    return BeliefAndLegality(
        legal=share_legal,
        wrong_squares=area(wrong),
        ply=area(data.plies),
        same_ply=area(wrong, same_ply=True),
        move_same_ply=area(doubt, same_ply=True, chosen=named),
        illegal_on_belief=share(on_belief, named & ~legal),
        illegal_on_prior=share(on_prior, named & ~legal),
        legal_on_belief=share(on_belief, named & legal),
    )
