"""What reads the encoder's 90 vectors of a board, beside the square tokens' own pointer.

Letters in shapes: B batch, T tokens, P boards, C channels of the encoder, W width of the GPT, K pointer size, N boards
in a row, M the 2,086 possible moves (of :class:`BoardGroups`: places a board), H heads, D head size.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xiangqi_gpt.model.encoder import SQUARES
from xiangqi_gpt.model.positions import one_row
from xiangqi_gpt.tokens import POSSIBLE_MOVES

_MOST_PLACES = 4  # groups have at most so many places a token


@lru_cache(maxsize=8)
def possible_moves(device: torch.device) -> Tensor:
    """POSSIBLE_MOVES (M,) on a device. Not a buffer: those come back empty from a model built without memory."""
    with torch.inference_mode(False):
        return torch.from_numpy(POSSIBLE_MOVES).to(device)


def boards_of(rows: Tensor, board_index: Tensor) -> Tensor:
    """The board of every token: rows (B, P, 90, C), board_index (B, T) -> (B, T, 90, C)."""
    index = board_index[:, :, None, None].expand(-1, -1, *rows.shape[2:])
    return rows.gather(1, index)


@dataclass(frozen=True)
class BoardGroups:
    """The tokens of a call sorted by the board that they carry: for every board as many places as the fullest needs."""

    tokens: Tensor  # (B or 1, P * M) the token in every place, T in an empty one
    places: Tensor  # (B or 1, T) where each token stands

    def gathered(self, x: Tensor) -> Tensor:
        """(B, T, W) -> (B, P * M, W), zeros in empty places."""
        return _taken(F.pad(x, (0, 0, 0, 1)), self.tokens)

    def returned(self, x: Tensor) -> Tensor:
        """(B, P * M, W) -> (B, T, W)."""
        return _taken(x, self.places)


def group_by_board(board_index: Tensor, boards: int) -> BoardGroups | None:
    """The groups of *board_index* (B, T); None where they would not pay or cannot be made."""
    if boards == 1 or board_index.device.type != "cpu" or torch.compiler.is_compiling():
        return None  # sizes that depend on values: neither an accelerator nor a traced graph has them at hand
    index = one_row(board_index)
    length = index.shape[1]
    earlier = F.one_hot(index, boards).cumsum(1) - 1
    rank = earlier.gather(2, index[..., None])[..., 0]
    size = int(rank.max()) + 1
    if boards * size > _MOST_PLACES * length:
        return None
    places = index * size + rank
    tokens = torch.full((len(index), boards * size), length)
    tokens.scatter_(1, places, torch.arange(length).expand_as(places))
    return BoardGroups(tokens, places)


def _taken(rows: Tensor, index: Tensor) -> Tensor:
    """rows (B, N, W), index (B or 1, K) -> (B, K, W)."""
    return rows.gather(1, index[..., None].expand(len(rows), -1, rows.shape[-1]))


class BoardCrossAttention(nn.Module):
    """Cross-attention of every token to the 90 vectors of the board that it carries, beside the residual stream.

    A board has far more squares than tokens that carry it: keys and values are never formed. The map to keys is applied
    to queries instead, transposed, and that to values to what comes out; heads then share the vectors themselves.
    """

    def __init__(self, width: int, heads: int, channels: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, eps=eps)
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(channels, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(
        self, x: Tensor, vectors: Tensor, board_index: Tensor, groups: BoardGroups | None = None
    ) -> Tensor:
        """x (B, T, W), vectors (B, P, 90, C), board_index (B, T) -> (B, T, W); *groups* are those of board_index."""
        boards, heads = vectors.shape[1], self.heads
        to_key, to_value = self.key_value.weight.unflatten(0, (2 * heads, -1)).chunk(2)  # (H, D, C)
        q = self.query(self.norm(x)).unflatten(-1, (heads, -1))
        scale = q.shape[-1] ** -0.5
        q = torch.einsum("bthd,hdc->bthc", q, to_key)
        if groups is not None:
            q = groups.gathered(q.flatten(2)).unflatten(1, (boards, -1))  # (B, P, M, H * C)
            q = q.flatten(0, 1).unflatten(-1, (heads, -1)).flatten(1, 2)[:, None]
            k = vectors.flatten(0, 1).to(q.dtype)[:, None]  # (B * P, 1, 90, C)
            y = F.scaled_dot_product_attention(q, k, k, scale=scale)
            y = y.reshape(len(x), -1, heads * y.shape[-1])  # (B, P * M, H * C)
            y = groups.returned(y).unflatten(-1, (heads, -1))
        else:
            mask = None
            if boards > 1:
                owner = torch.arange(boards, device=x.device).repeat_interleave(SQUARES)
                mask = (board_index[:, :, None] == owner)[:, None]  # (B, 1, T, P * 90)
            k = vectors.flatten(1, 2).to(q.dtype)[:, None].expand(-1, heads, -1, -1)
            y = F.scaled_dot_product_attention(q.transpose(1, 2), k, k, mask, scale=scale).transpose(1, 2)
        z: Tensor = self.out(torch.einsum("bthc,hdc->bthd", y, to_value).flatten(2))
        return x + z


class PairPointer(nn.Module):
    """Scores of whole moves: the vector of the square left times that of the square reached, weighed by the token."""

    def __init__(self, width: int, channels: int, size: int) -> None:
        super().__init__()
        self.weigh = nn.Linear(width, size)
        self.origin = nn.Linear(channels, size, bias=False)
        self.goal = nn.Linear(channels, size, bias=False)

    def forward(self, x: Tensor, vectors: Tensor, board_index: Tensor) -> Tensor:
        """x (B, T, W), vectors (B, P, 90, C), board_index (B, T) -> (B, T, M)."""
        origin = boards_of(self.origin(vectors), board_index)  # (B, T, 90, K)
        goal = boards_of(self.goal(vectors), board_index)
        weighed = origin * (1 + self.weigh(x))[:, :, None]
        scores = (weighed @ goal.mT).flatten(2) * origin.shape[-1] ** -0.5  # (B, T, 8100)
        return scores.index_select(-1, possible_moves(x.device))


class LegalHead(nn.Module):
    """Scores which possible moves are legal, above 0 meaning yes (Efficient GlobalPointer, Su, kexue.fm/archives/8877).

    score(i, j) = q_i k_j / sqrt(size) + a [q_i; k_i] / 2 + b [q_j; k_j] / 2 for the move from square i to square j. The
    squares are the encoder's vectors; without an encoder (channels None) a table's, shifted by the vector of the token.
    """

    def __init__(self, width: int, channels: int | None, size: int) -> None:
        super().__init__()
        self.squares: nn.Embedding | None = None
        if channels is None:
            channels = width
            self.squares = nn.Embedding(SQUARES, width)
        self.query_key = nn.Linear(channels, 2 * size)
        self.bias = nn.Linear(2 * size, 2)

    def forward(self, x: Tensor, vectors: Tensor | None) -> Tensor:
        """x (B, N, W) of the tokens that predict the first token of a ply, vectors (B, N, 90, C) -> (B, N, M)."""
        if self.squares is not None:
            vectors = F.gelu(x[:, :, None] + self.squares.weight)
        assert vectors is not None
        both = self.query_key(vectors)  # (B, N, 90, 2 * size)
        q, k = both.chunk(2, -1)
        bias = self.bias(both) / 2  # (B, N, 90, 2)
        scores = q @ k.mT * q.shape[-1] ** -0.5 + bias[..., :1] + bias[..., 1:].mT
        return scores.flatten(2).index_select(-1, possible_moves(scores.device))
