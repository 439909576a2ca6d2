"""What reads the encoder's 90 vectors of a board, beside the square tokens' own pointer.

Letters in shapes: B batch, T tokens, P boards, C channels of the encoder, W width of the GPT, K pointer size, N boards
in a row, M the 2,086 possible moves.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xiangqi_gpt.model.encoder import SQUARES
from xiangqi_gpt.tokens import POSSIBLE_MOVES


@lru_cache(maxsize=8)
def possible_moves(device: torch.device) -> Tensor:
    """POSSIBLE_MOVES (M,) on a device. Not a buffer: those come back empty from a model built without memory."""
    with torch.inference_mode(False):
        return torch.from_numpy(POSSIBLE_MOVES).to(device)


def boards_of(rows: Tensor, board_index: Tensor) -> Tensor:
    """The board of every token: rows (B, P, 90, C), board_index (B, T) -> (B, T, 90, C)."""
    index = board_index[:, :, None, None].expand(-1, -1, *rows.shape[2:])
    return rows.gather(1, index)


class BoardLook(nn.Module):
    """Cross-attention of every token to the 90 vectors of the board that it carries, beside the residual stream."""

    def __init__(self, width: int, heads: int, channels: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(width, eps=eps)
        self.query = nn.Linear(width, width, bias=False)
        self.key_value = nn.Linear(channels, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x: Tensor, vectors: Tensor, board_index: Tensor) -> Tensor:
        """x (B, T, W), vectors (B, P, 90, C), board_index (B, T) -> (B, T, W)."""
        boards = vectors.shape[1]
        q = self.query(self.norm(x)).unflatten(-1, (self.heads, -1)).transpose(1, 2)  # (B, H, T, D)
        kv = self.key_value(vectors.flatten(1, 2)).unflatten(-1, (2 * self.heads, -1)).transpose(1, 2)
        k, v = kv.chunk(2, 1)  # (B, H, P * 90, D)
        mask = None
        if boards > 1:
            owner = torch.arange(boards, device=x.device).repeat_interleave(SQUARES)
            mask = (board_index[:, :, None] == owner)[:, None]  # (B, 1, T, P * 90)
        y = F.scaled_dot_product_attention(q, k, v, mask)
        z: Tensor = self.out(y.transpose(1, 2).flatten(2))
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
    squares are the encoder's vectors; without an encoder (channels None) a table's, shifted by what the token says.
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
