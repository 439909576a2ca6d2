"""Windows of plies as inputs, labels and value targets for the model.

The layout of a row, with k tokens per ply and P plies: the condition tokens, if any; ``k * P`` main tokens (BOS and all
tokens played but the last); then, for every ply, a branch of ``k - 1`` tokens: the first tokens of the target move. A
branch leaves the main line before its ply. So if the target is not the move played, its later tokens are learned after
its own first ones, never after the played ones.

If a teacher gave a list of M moves, each ply has M branches, one per move, and the target is the distribution of the
list: every move's tokens, weighted by its share.

A model with a table of moves (:mod:`xiangqi_gpt.model.move_table`) needs no branches: all targets of a board, for every
style, are read from one table, see :func:`collate_table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from xiangqi_gpt.dataset.legal import legal_sets as legal_sets_of
from xiangqi_gpt.dataset.legal import legal_tokens
from xiangqi_gpt.dataset.packed import NO_MOVE, NO_SCORE
from xiangqi_gpt.dataset.windows import Windows
from xiangqi_gpt.model import IGNORED
from xiangqi_gpt.model.context import counters
from xiangqi_gpt.model.layout import layout
from xiangqi_gpt.model.move_table import MOVES
from xiangqi_gpt.players.scores import PIKAFISH, ScoreCurve
from xiangqi_gpt.rules.views import rotated_moves
from xiangqi_gpt.tokens import Tokenizer
from xiangqi_gpt.tokens.conditions import UNKNOWN_RESULT, UNKNOWN_STRENGTH
from xiangqi_gpt.tokens.move_vocabulary import MOVE_NUMBER


@dataclass(frozen=True)
class Batch:
    """One micro-batch of B rows with T tokens and P plies; every tensor on one device."""

    input_ids: Tensor  # (B, T)
    slots: Tensor  # (B, T)
    positions: Tensor  # (B, T)
    board_index: Tensor  # (B, T)
    visible: Tensor  # (1, T, T)
    boards: Tensor | None  # (B, P, 90)
    counters: Tensor | None  # (B, P, 2)
    labels: Tensor | None  # (B, T) ids, or IGNORED; None for a model with a table of moves
    value_index: Tensor  # (P,) the token that predicts a ply's first token
    value_targets: Tensor  # (B, P, 3) win, draw, loss; zeros where unknown
    target_plies: int  # number of plies with a target move
    value_plies: int  # number of plies with a value target
    target_weight: float  # total weight of their move losses: target_plies if every ply has weight 1
    label_weights: Tensor | None = None  # (B, T) float32, weights of the labels; None: 1 each
    soft_labels: Tensor | None = None  # (B, P, M) first tokens of a teacher's moves, or IGNORED
    soft_weights: Tensor | None = None  # (B, P, M) float32
    legal_targets: Tensor | None = None  # (B, P, 2086) bool: the legal moves, seen by the mover
    legal_known: Tensor | None = None  # (B, P) bool: whether there is a board
    legal_plies: int = 0  # number of boards with legal moves to learn
    legal_head: bool = False  # whether the model's legal head learns them too
    legal_tokens: Tensor | None = None  # (B, T, V) bool: continuations of legal moves along the target text
    # For a model with a table of moves and Y styles, with up to M moves each:
    table_moves: Tensor | None = None  # (B, P, Y, M) indices among the possible moves
    table_shares: Tensor | None = None  # (B, P, Y, M) float32, their weights; 0 if there is none
    board_rows: Tensor | None = None  # (R,) which of the B * P boards exist; None: all

    def to(self, device: torch.device) -> Batch:
        """The same batch on another device."""
        fields: dict[str, Any] = {
            k: v.to(device, non_blocking=True) if isinstance(v, Tensor) else v for k, v in vars(self).items()
        }
        return Batch(**fields)

    def pin(self) -> Batch:
        """The same batch in page-locked memory, which a GPU copies from while it computes."""
        fields: dict[str, Any] = {
            k: v.pin_memory() if isinstance(v, Tensor) else v for k, v in vars(self).items()
        }
        return Batch(**fields)

    def move_loss(self, logits: Tensor) -> Tensor:
        """The weighted cross-entropy of the target moves, summed over their tokens.

        *logits* (B, T, V) are the model's for this batch. Divided by the ``target_weight`` of all batches of a step,
        over all processes, this is the mean over plies.
        """
        assert self.labels is not None
        flat = logits.flatten(0, 1).float()
        if self.label_weights is None:
            return F.cross_entropy(flat, self.labels.flatten(), ignore_index=IGNORED, reduction="sum")
        nats = F.cross_entropy(flat, self.labels.flatten(), ignore_index=IGNORED, reduction="none")
        loss = (nats * self.label_weights.flatten()).sum()
        if self.soft_labels is not None and self.soft_weights is not None:
            logs = logits[:, self.value_index].float().log_softmax(-1)
            loss = loss - (logs.gather(-1, self.soft_labels.clamp_min(0)) * self.soft_weights).sum()
        return loss

    def table_loss(self, move_logprobs: Tensor) -> Tensor:
        """The same for a table's log-probabilities (B, P, Y, specials + 2086)."""
        assert self.table_moves is not None
        assert self.table_shares is not None
        specials = move_logprobs.shape[-1] - MOVES
        learned = move_logprobs.gather(-1, self.table_moves + specials)
        return -(learned * self.table_shares).sum()

    def legality_loss(self, output: Any) -> Tensor:
        """Minus the log of the model's own probability of the legal moves, summed over boards.

        With a table: of all legal moves together, averaged over its styles. Otherwise token by token along the target
        text: of all tokens that continue the text of a legal move, summed over the tokens of a ply.
        """
        if self.legal_tokens is not None:
            return -_mass(output.logits.float().log_softmax(-1), self.legal_tokens).sum()
        assert self.legal_targets is not None
        moves = output.move_logprobs[..., -MOVES:]
        return -_mass(moves, self.legal_targets[:, :, None]).mean(-1).sum()

    def model_inputs(self) -> dict[str, Tensor | None]:
        """The keyword arguments of the model's forward."""
        names = (
            "input_ids",
            "slots",
            "positions",
            "board_index",
            "visible",
            "boards",
            "counters",
            "board_rows",
        )
        inputs: dict[str, Tensor | None] = {name: getattr(self, name) for name in names}
        if self.legal_head:
            inputs["legal_index"] = self.value_index
        if self.table_moves is not None:
            inputs["move_index"] = self.value_index
        return inputs


def _mass(logprobs: Tensor, legal: Tensor) -> Tensor:
    """The log of the probability (...) of the *legal* entries (..., M), given log-probabilities; 0 if none."""
    some = legal.any(-1, keepdim=True)
    kept = logprobs.masked_fill(~legal & some, -torch.inf)
    return torch.where(some[..., 0], kept.logsumexp(-1), 0.0)


def value_targets(windows: Windows, curve: ScoreCurve, result_share: float = 0.0) -> np.ndarray:
    """(B, P, 3) float32: from the score if there is one, otherwise from the result, otherwise zeros.

    Where both are known, the result has *result_share* of the target, 0..1.
    """
    from_score = curve.chances(windows.scores)
    result = windows.results[:, None] * np.where(windows.turns == 0, 1, -1)
    from_result = np.stack([result == 1, result == 0, result == -1], -1)
    known = (windows.results != UNKNOWN_RESULT)[:, None] & (windows.targets != NO_MOVE)
    scored = windows.scores != NO_SCORE
    of_result = np.where(scored, result_share, 1.0) * known
    of_score = scored * (1.0 - of_result)
    values = of_score[..., None] * from_score + of_result[..., None] * from_result
    return values.astype(np.float32)


def ply_weights(
    windows: Windows, *, winner: float, loser: float, draw: float, of_taught: bool = True
) -> np.ndarray | None:
    """The weights (B, P) of the targets by the result for the side that moves; None: 1 each.

    They apply to moves that were played. A teacher's moves have weight 1: they are good moves whoever won afterwards.
    Without *of_taught*, the weights are those of the moves played in any case. Games without a known result count as
    drawn.
    """
    if winner == loser == draw == 1:
        return None
    result = windows.results[:, None] * np.where(windows.turns == 0, 1, -1)
    known = (windows.results != UNKNOWN_RESULT)[:, None]
    weights = np.where(known & (result == 1), winner, np.where(known & (result == -1), loser, draw))
    if of_taught and windows.taught is not None:
        weights = np.where(windows.taught, 1.0, weights)
    return weights.astype(np.float32)


def soft_shares(scores: np.ndarray, temperature: float) -> np.ndarray:
    """The shares (..., M) of a teacher's moves from their centipawns (..., M); NO_SCORE gives no share.

    A move's share is proportional to exp(score / temperature).
    """
    listed = scores != NO_SCORE
    best = np.where(listed, scores, np.iinfo(np.int16).min).max(-1, keepdims=True)
    # Beyond 2,000 temperatures a difference gives a share of zero anyway; the limit keeps the exponent finite.
    above = np.maximum((scores.astype(np.float64) - best) / temperature, -2000)
    shares = np.where(listed, np.exp(above), 0.0)
    shares /= np.maximum(shares.sum(-1, keepdims=True), 1e-300)
    return shares.astype(np.float32)


def collate(
    windows: Windows,
    tokenizer: Tokenizer,
    with_boards: bool,
    *,
    prefix: np.ndarray | None = None,
    legal_sets: bool = False,
    legality: bool = False,
    weights: np.ndarray | None = None,
    soft_temperature: float | None = None,
    curve: ScoreCurve = PIKAFISH,
    result_share: float = 0.0,
) -> Batch:
    """Convert windows into a batch for a model that reads *tokenizer*.

    *prefix* (B, c) holds the condition tokens, by default those of the windows. With *legal_sets* the batch contains
    the legal moves of every board as targets, with *legality* the tokens that continue a legal move. *weights* (B, P)
    are the weights of the targets; those of weight 0 are not learned. With a *soft_temperature*, in centipawns, a
    teacher's lists of moves are targets if the windows contain them. *curve* converts a teacher's scores to results;
    *result_share* is that of the game's result in the value of a scored position.
    """
    rows, plies = windows.moves.shape
    k = tokenizer.slots
    if prefix is None:
        prefix = condition_ids(windows, tokenizer)
    c = prefix.shape[1]
    known = windows.targets != NO_MOVE
    if weights is not None:
        known &= weights > 0
    soft = windows.soft_moves is not None and soft_temperature is not None
    shared = layout(
        plies, k, c, windows.soft_moves.shape[2] if soft and windows.soft_moves is not None else 1
    )
    played = tokenizer.encode_batch(windows.boards, windows.moves, windows.turns)  # (B, P, k)
    learned = tokenizer.encode_batch(windows.boards, windows.targets, windows.turns)
    bos = np.full((rows, 1), tokenizer.vocab.bos_id)
    main = np.concatenate([prefix, bos, played.reshape(rows, -1)[:, :-1]], 1)
    hard = known
    if soft and windows.soft_moves is not None:
        hard = known & (windows.soft_moves[..., 0] == NO_MOVE)
    # Slot j of the target is predicted on the main line while both moves agree before it, otherwise on the branch.
    agree = np.cumprod(played == learned, -1).astype(bool)
    on_main = np.concatenate([np.ones((rows, plies, 1), bool), agree[..., :-1]], -1) & hard[..., None]
    before = np.full((rows, c), IGNORED)  # conditions are never targets
    main_labels = np.where(on_main, learned, IGNORED).reshape(rows, -1)
    branch_labels = np.where(~on_main[..., 1:] & hard[..., None], learned[..., 1:], IGNORED)
    branches = _Branches(learned[:, :, None], branch_labels[:, :, None])
    softened: dict[str, Any] = {}
    if soft and soft_temperature is not None:
        branches, softened = _soften(windows, tokenizer, branches, known & ~hard, soft_temperature)
    labels = np.concatenate([before, main_labels, branches.tokens_in_order(branches.labels)], 1)
    by_ply = np.where(known, 1.0 if weights is None else weights, 0.0).astype(np.float32)
    if weights is not None or softened:
        shares = softened.pop("shares", np.ones((rows, plies, 1), np.float32))
        first = by_ply[..., None] * shares
        each = np.concatenate(
            [
                np.zeros((rows, c), np.float32),
                np.repeat(by_ply, k, 1),
                branches.tokens_in_order(np.repeat(first[..., None], k - 1, -1)),
            ],
            1,
        )
        softened["label_weights"] = torch.from_numpy(each)
        if "soft_labels" in softened:
            there = softened["soft_labels"].numpy() != IGNORED
            softened["soft_weights"] = torch.from_numpy(np.where(there, first, 0).astype(np.float32))
    if legality:
        softened.update(_legal_tokens(windows, tokenizer, learned, on_main, known, shared.slots.shape[0], c))
    values = value_targets(windows, curve, result_share)
    return Batch(
        input_ids=torch.from_numpy(
            np.concatenate([main, branches.tokens_in_order(branches.moves[..., : k - 1])], 1)
        ),
        slots=shared.slots.expand(rows, -1),
        positions=shared.positions.expand(rows, -1),
        board_index=shared.board_index.expand(rows, -1),
        visible=shared.visible,
        boards=torch.from_numpy(windows.boards) if with_boards else None,
        counters=torch.from_numpy(counters(windows.turns, windows.clocks)) if with_boards else None,
        labels=torch.from_numpy(labels),
        value_index=c + torch.arange(plies) * k,
        value_targets=torch.from_numpy(values),
        target_plies=int(known.sum()),
        value_plies=int((values.sum(-1) > 0).sum()),
        target_weight=float(by_ply.sum(dtype=np.float64)),
        legal_head=legal_sets,
        **{**softened, **(_legal_sets(windows) if legal_sets else {})},
    )


@dataclass(frozen=True)
class _Branches:
    """The branches of every ply: the moves they spell (B, P, M, k), and the labels (B, P, M, k - 1) of their tokens."""

    moves: np.ndarray
    labels: np.ndarray

    @staticmethod
    def tokens_in_order(values: np.ndarray) -> np.ndarray:
        """Values of each ply, branch and slot (B, P, M, j) in the order of the layout, (B, M * P * j)."""
        return values.transpose(0, 2, 1, 3).reshape(len(values), -1)


def _soften(
    windows: Windows, tokenizer: Tokenizer, hard: _Branches, soft: np.ndarray, temperature: float
) -> tuple[_Branches, dict[str, Any]]:
    """Branches of several moves: a teacher's if *soft* (B, P) is set, otherwise the single one."""
    assert windows.soft_moves is not None
    assert windows.soft_scores is not None
    listed = windows.soft_moves
    most = listed.shape[2]
    boards = np.broadcast_to(windows.boards[:, :, None], (*listed.shape, windows.boards.shape[-1]))
    turns = np.broadcast_to(windows.turns[..., None], listed.shape)
    spelt = tokenizer.encode_batch(boards, listed, turns)
    first = np.arange(most) == 0
    asked = soft[..., None]
    there = asked & (listed != NO_MOVE)
    moves = np.where(asked[..., None], spelt, hard.moves)
    labels = np.where(first[:, None] & ~asked[..., None], hard.labels, IGNORED)
    labels = np.where(there[..., None], spelt[..., 1:], labels)
    return _Branches(moves, labels), {
        "soft_labels": torch.from_numpy(np.where(there, spelt[..., 0], IGNORED)),
        "shares": np.where(asked, soft_shares(windows.soft_scores, temperature), first).astype(np.float32),
    }


def condition_ids(
    windows: Windows, tokenizer: Tokenizer, dropout: float = 0.0, rng: np.random.Generator | None = None
) -> np.ndarray:
    """The condition tokens (B, c) of windows, each shown with probability 1 - *dropout* if it is known."""
    rows = len(windows.moves)
    results = windows.results.astype(np.int64)
    strengths = np.zeros((rows, 2), np.int64)
    if windows.strengths is not None:
        strengths += windows.strengths
    if tokenizer.condition.length and dropout:
        assert rng is not None
        results = np.where(rng.random(rows) < dropout, UNKNOWN_RESULT, results)
        strengths = np.where(rng.random((rows, 2)) < dropout, UNKNOWN_STRENGTH, strengths)
    return tokenizer.condition.ids(results, strengths)


def _legal_sets(windows: Windows) -> dict[str, Any]:
    """The targets of a legal head."""
    sets, known = legal_sets_of(windows)
    return {
        "legal_targets": torch.from_numpy(sets),
        "legal_known": torch.from_numpy(known),
        "legal_plies": int(known.sum()),
    }


def _legal_tokens(
    windows: Windows,
    tokenizer: Tokenizer,
    learned: np.ndarray,
    on_main: np.ndarray,
    known: np.ndarray,
    tokens: int,
    prefix: int,
) -> dict[str, Any]:
    """The tokens that continue a legal move, at the places of a row where the tokens *learned* (B, P, k) are learned.

    If a list of moves is learned, only the first token has them: after it the moves differ.
    """
    rows, plies, k = learned.shape
    allowed = legal_tokens(windows, tokenizer, learned) & known[..., None, None]
    placed = np.zeros((rows, tokens, allowed.shape[-1]), bool)
    main = prefix + np.arange(plies)[:, None] * k + np.arange(k)
    shown = on_main.copy()
    shown[..., 0] |= known
    placed[:, main] = allowed & shown[..., None]
    if k > 1:
        hard = on_main[..., :1]
        branch = prefix + plies * k + np.arange(plies)[:, None] * (k - 1) + np.arange(k - 1)
        placed[:, branch] = allowed[:, :, 1:] & (hard & ~on_main[..., 1:])[..., None]
    return {"legal_tokens": torch.from_numpy(placed), "legal_plies": int(known.sum())}


def collate_table(
    windows: Windows,
    tokenizer: Tokenizer,
    *,
    styles: tuple[str, ...] = (),
    targets: str = "mixed",
    prefix: np.ndarray | None = None,
    legality: bool = True,
    legal_sets: bool = False,
    winner: float = 1.0,
    loser: float = 1.0,
    draw: float = 1.0,
    soft_temperature: float | None = None,
    curve: ScoreCurve = PIKAFISH,
    result_share: float = 0.0,
) -> Batch:
    """Convert windows into a batch for a model with a table of moves.

    A model without *styles* learns the target move of every ply. One with styles learns the person's move at every ply
    of a person's game in the style ``human`` (unless *targets* is ``teacher``), and the teacher's move wherever there
    is one in the style ``teacher``: two targets of one board. *winner*, *loser* and *draw* are the weights of moves
    that were played. Boards past the end of a game are not encoded. The other arguments are as in :func:`collate`.
    """
    rows, plies = windows.moves.shape
    k = tokenizer.slots
    if prefix is None:
        prefix = condition_ids(windows, tokenizer)
    c = prefix.shape[1]
    shared = layout(plies, k, c, 0)
    played = tokenizer.encode_batch(windows.boards, windows.moves, windows.turns)
    bos = np.full((rows, 1), tokenizer.vocab.bos_id)
    most = 1
    if soft_temperature is not None and windows.soft_moves is not None:
        most = windows.soft_moves.shape[2]
    moves = np.zeros((rows, plies, max(1, len(styles)), most), np.int64)
    shares = np.zeros(moves.shape, np.float32)
    by_result: dict[str, Any] = {"winner": winner, "loser": loser, "draw": draw}
    taught = np.zeros((rows, plies), bool) if windows.taught is None else windows.taught
    for number, style in enumerate(styles or ("",)):
        single, known = windows.targets, windows.targets != NO_MOVE
        weights = ply_weights(windows, **by_result)
        if style == "human":
            assert windows.human_moves is not None
            single = windows.human_moves
            known = (single != NO_MOVE) & windows.boards.any(-1) & (targets != "teacher")
            weights = ply_weights(windows, **by_result, of_taught=False)
        elif style == "teacher":
            known, weights = known & taught, None
        moves[:, :, number, 0] = single
        shares[:, :, number, 0] = known if weights is None else known * weights
        if most > 1 and style != "human":
            assert windows.soft_moves is not None
            assert windows.soft_scores is not None
            listed = known & taught & (windows.soft_moves[..., 0] != NO_MOVE)
            each = soft_shares(windows.soft_scores, soft_temperature or 1.0)
            moves[:, :, number] = np.where(listed[..., None], windows.soft_moves, moves[:, :, number])
            shares[:, :, number] = np.where(listed[..., None], each, shares[:, :, number])
    places = MOVE_NUMBER[rotated_moves(moves, windows.turns[:, :, None, None])]
    shares *= places >= 0
    values = value_targets(windows, curve, result_share)
    sets: dict[str, Any] = _legal_sets(windows) if legality or legal_sets else {}
    there = windows.boards.any(-1).ravel()
    rest = None if there.all() else torch.from_numpy(np.flatnonzero(there))
    return Batch(
        input_ids=torch.from_numpy(np.concatenate([prefix, bos, played.reshape(rows, -1)[:, :-1]], 1)),
        slots=shared.slots.expand(rows, -1),
        positions=shared.positions.expand(rows, -1),
        board_index=shared.board_index.expand(rows, -1),
        visible=shared.visible,
        boards=torch.from_numpy(windows.boards),
        counters=torch.from_numpy(counters(windows.turns, windows.clocks)),
        labels=None,
        value_index=c + torch.arange(plies) * k,
        value_targets=torch.from_numpy(values),
        target_plies=int((shares.sum((-1, -2)) > 0).sum()),
        value_plies=int((values.sum(-1) > 0).sum()),
        target_weight=float(shares.sum(dtype=np.float64)),
        table_moves=torch.from_numpy(np.maximum(places, 0)),
        table_shares=torch.from_numpy(shares),
        board_rows=rest,
        legal_head=legal_sets,
        **sets,
    )
