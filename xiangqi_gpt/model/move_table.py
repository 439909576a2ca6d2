"""Scores of whole moves, written as tokens.

A table S(f, t) over the 2,086 possible moves is read off the vectors of a board and of the token that predicts a ply:

    S(f, t) = q.key(f) + q_to.key_to(t) + (origin(f) * (1 + weigh)).goal(t) + bias(f, t)

The text of a move reads its logits off that table. In one word (``move``) they are its entries. In two words
(``square``) those of the first are ``logsumexp`` of S over t, those of the second the row of the first: the product of
both is the softmax over the table, so no token has to be run to know what a move is worth. Special tokens compete with
the first word.

Letters in shapes: N boards, C channels of the encoder, W width of the GPT, K size of the vectors, Y styles, M the 2,086
possible moves, B batch, T tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xiangqi_gpt.model.encoder import SQUARES
from xiangqi_gpt.tokens import POSSIBLE_MOVES
from xiangqi_gpt.tokens.move_vocabulary import MOVE_NUMBER

MOVES = len(POSSIBLE_MOVES)
STYLES: dict[str, tuple[str, ...]] = {"none": (), "human+teacher": ("human", "teacher")}
"""Whose moves a model learns apart, by the name of the setting."""


IMPOSSIBLE = -1e9
"""The logit of an impossible token: probability 0, and differences of logits stay finite."""


def whole_precision(x: Tensor) -> Tensor:
    """*x* as float32 where it has half precision: sums of logits need more digits than their products."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


@dataclass(frozen=True)
class MoveIndex:
    """How moves, squares left and squares reached name each other; the place MOVES is that of no move."""

    grid: Tensor  # (90, 90) the place of the move from the row's square to the column's
    by_origin: Tensor  # (90, L) the places of the moves from a square
    pairs: Tensor  # (M,) from * 90 + to
    origins: Tensor  # (M,)
    goals: Tensor  # (M,)


@lru_cache(maxsize=8)
def move_index(device: torch.device) -> MoveIndex:
    """The index on a device. Not a buffer: those come back empty from a model built without memory."""
    grid = np.where(MOVE_NUMBER < 0, MOVES, MOVE_NUMBER).reshape(SQUARES, SQUARES)
    longest = int((grid < MOVES).sum(1).max())
    with torch.inference_mode(False):
        pairs = torch.from_numpy(POSSIBLE_MOVES).to(device)
        return MoveIndex(
            grid=torch.from_numpy(grid).to(device),
            by_origin=torch.from_numpy(np.sort(grid, 1)[:, :longest].copy()).to(device),
            pairs=pairs,
            origins=pairs // SQUARES,
            goals=pairs % SQUARES,
        )


def origin_logits(scores: Tensor) -> Tensor:
    """The logits (..., 90) of the squares left, of the scores (..., M) of moves."""
    index = move_index(scores.device)
    return F.pad(scores, (0, 1), value=-torch.inf)[..., index.by_origin].logsumexp(-1)


def goal_logits(scores: Tensor, origins: Tensor) -> Tensor:
    """The logits (..., 90) of the squares reached from *origins* (...), of the scores (..., M) of moves."""
    index = move_index(scores.device)
    return F.pad(scores, (0, 1), value=IMPOSSIBLE).gather(-1, index.grid[origins])


@dataclass(frozen=True)
class TableState:
    """The scores (B, M) of the current ply, from which the second token of a move is read."""

    scores: Tensor
    length: int = 0

    def reorder(self, index: Tensor) -> TableState:
        """The state of the rows *index* (N,) of the batch, in that order; rows may repeat."""
        return TableState(self.scores[index])


class MoveTable(nn.Module):
    """The table of a board; each style has queries of its own and all share the vectors of the squares."""

    def __init__(self, width: int, channels: int, size: int, styles: int = 1) -> None:
        super().__init__()
        self.size, self.styles = size, styles
        self.squares = nn.Linear(channels, 4 * size, bias=False)  # of each square: key, key_to, origin, goal
        self.queries = nn.Linear(width, styles * 3 * size)  # of each style: q, q_to, weigh
        self.bias = nn.Linear(width, styles * MOVES, bias=False)

    def forward(self, x: Tensor, vectors: Tensor) -> Tensor:
        """x (..., W) of tokens that predict a ply, vectors (..., 90, C) of their boards -> (..., Y, M)."""
        index = move_index(x.device)
        key, key_to, origin, goal = self.squares(vectors).unflatten(-1, (4, self.size)).unbind(-2)
        q, q_to, weigh = self.queries(x).unflatten(-1, (self.styles, 3, self.size)).unbind(-2)
        weighed = origin.unsqueeze(-3) * (1 + weigh).unsqueeze(-2)  # (..., Y, 90, K)
        pairs = (weighed.flatten(-3, -2) @ goal.mT).unflatten(-2, (self.styles, SQUARES)).flatten(-2)
        leave, reach = q @ key.mT, q_to @ key_to.mT  # (..., Y, 90)
        scores = (
            whole_precision(pairs.index_select(-1, index.pairs))
            + whole_precision(leave).index_select(-1, index.origins)
            + whole_precision(reach).index_select(-1, index.goals)
        ) * self.size**-0.5
        return scores + whole_precision(self.bias(x)).unflatten(-1, (self.styles, MOVES))


def greedy_moves(logprobs: Tensor) -> Tensor:
    """The likeliest text word by word: places (...) among the possible moves, -1 where it begins with a special token.

    *logprobs* (..., specials + M) are a model's ``move_logprobs``. The likeliest square to leave comes first, then the
    likeliest to reach from it: a move that is likelier as a whole may begin with another square.
    """
    specials = logprobs.shape[-1] - MOVES
    moves = logprobs[..., specials:]
    first = torch.cat([logprobs[..., :specials], origin_logits(moves)], -1).argmax(-1)
    origins = (first - specials).clamp_min(0)
    goals = goal_logits(moves, origins).argmax(-1)
    return torch.where(first < specials, -1, move_index(moves.device).grid[origins, goals])


def spoken_logits(
    scores: Tensor,
    input_ids: Tensor,
    slots: Tensor,
    positions: Tensor,
    first_square: int,
    state: TableState | None,
) -> Tensor:
    """The logits (B, T, 90) of the square that follows each token of a text of squares.

    *scores* (B, T, M) are those of every token's board as the token sees them; only those of tokens that predict a ply
    mean something. A square left (slot 0) reads the scores of the token before it, which is the one that predicts a ply
    and stands one position earlier, or where this call does not hold it, those of *state*.
    """
    first = origin_logits(scores)
    predicts = slots != 0
    source = (positions[:, None] == positions[:, :, None] - 1) & predicts[:, None]  # (B, T, T)
    origins = (input_ids - first_square).clamp_min(0)
    place = source.int().argmax(-1)
    padded = F.pad(scores, (0, 1), value=IMPOSSIBLE)
    index = place[..., None] * (MOVES + 1) + move_index(scores.device).grid[origins]
    second = padded.flatten(1).gather(1, index.flatten(1)).view_as(first)
    if state is not None:
        kept = goal_logits(state.scores[:, None].expand(-1, origins.shape[1], -1), origins)
        second = torch.where(source.any(-1)[..., None], second, kept)
    return torch.where(predicts[..., None], first, second)


def state_after(scores: Tensor, slots: Tensor, positions: Tensor, state: TableState) -> TableState:
    """The state behind the tokens of a call: the scores of the last one that predicts a ply, else *state*."""
    predicts = slots != 0
    last = torch.where(predicts, positions, -1).argmax(-1)
    found = scores.gather(1, last[:, None, None].expand(-1, -1, MOVES))[:, 0]
    return TableState(torch.where(predicts.any(-1)[:, None], found, state.scores))
