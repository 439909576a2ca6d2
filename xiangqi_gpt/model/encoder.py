"""Encoders: boards to vectors.

Letters in shapes: N boards, C channels of the encoder, W width of the GPT. A board is 90 piece codes seen by the side
to move: 0 empty, 1-7 its own king, advisor, elephant, horse, rook, cannon, pawn, 8-14 the opponent's; square 0 is the
near left corner, squares run along ranks of nine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import Function

RANKS, FILES = 10, 9
SQUARES = RANKS * FILES
PIECE_CODES = 15
COUNTERS = 2  # the side to move (0 Red, 1 Black); plies since the last capture / 120


@dataclass(frozen=True)
class EncodedBoards:
    """The output of the encoder for P boards per row: a summary (B, P, W) and, if spatial, vectors (B, P, 90, C)."""

    summary: Tensor
    vectors: Tensor | None = None

    def map(self, change: Callable[[Tensor], Tensor]) -> EncodedBoards:
        """Both parts after *change*, which may change the first two dimensions."""
        return EncodedBoards(change(self.summary), None if self.vectors is None else change(self.vectors))

    @staticmethod
    def joined(parts: Sequence[EncodedBoards], dim: int) -> EncodedBoards:
        """*parts* one after the other, in dimension 0 (rows) or 1 (boards of a row)."""
        vectors = [part.vectors for part in parts if part.vectors is not None]
        return EncodedBoards(
            torch.cat([part.summary for part in parts], dim), torch.cat(vectors, dim) if vectors else None
        )


class BagEncoder(nn.Module):
    """The sum of one vector a piece and square (and of the counters): (N, 90), (N, 2) -> (N, W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.table = nn.EmbeddingBag(PIECE_CODES * SQUARES, width, mode="sum")
        self.counters = nn.Linear(COUNTERS, width)

    def forward(self, boards: Tensor, counters: Tensor) -> Tensor:
        squares = torch.arange(SQUARES, device=boards.device)
        bag: Tensor = self.table(boards.long() * SQUARES + squares)
        return bag + self.counters(counters.to(bag.dtype))


class _Maxima(Function):
    """The maxima and the mean that :class:`LinePooling` takes, with a backward pass that writes every gradient once.

    That of ``amax`` compares, counts and divides over all squares of every quarter of the channels, which costs more
    than the convolutions' own. Where several squares share a maximum the gradient goes to the first of them.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(N, 10, 9, C) -> by file (N, 1, 9, C/4), by rank (N, 10, 1, C/4), by board (N, 1, 1, C/2)."""
        files, ranks, mean, top = x.chunk(4, -1)
        by_file, file_at = files.max(1, keepdim=True)
        by_rank, rank_at = ranks.max(2, keepdim=True)
        by_board, board_at = top.flatten(1, 2).max(1, keepdim=True)
        ctx.save_for_backward(file_at, rank_at, board_at)
        return by_file, by_rank, torch.cat([mean.mean((1, 2), keepdim=True), by_board[:, None]], -1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        by_file, by_rank, by_board = gradients
        file_at, rank_at, board_at = ctx.saved_tensors
        part = by_file.shape[-1]
        found = by_file.new_zeros(len(by_file), RANKS, FILES, 4 * part)
        files, ranks, mean, _ = found.chunk(4, -1)
        files.scatter_(1, file_at, by_file)
        ranks.scatter_(2, rank_at, by_rank)
        mean.add_(by_board[..., :part] / SQUARES)
        found.view(len(found), SQUARES, -1)[..., 3 * part :].scatter_(1, board_at, by_board[:, 0, :, part:])
        return found


class _AddLines(Function):
    """x + y + what belongs to files, ranks and boards; the backward pass sums over the squares of each once."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, by_file: Tensor, by_rank: Tensor, by_board: Tensor) -> Tensor:
        """(N, 10, 9, C) twice, (N, 1, 9, C), (N, 10, 1, C), (N, 1, 1, C) -> (N, 10, 9, C)."""
        ctx.kinds = y.dtype, by_file.dtype, by_rank.dtype, by_board.dtype
        return (x + y).add_(by_file + by_board).add_(by_rank)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        (whole,) = gradients
        by_file, by_rank = whole.sum(1, keepdim=True), whole.sum(2, keepdim=True)
        parts = whole, by_file, by_rank, by_file.sum(2, keepdim=True)
        return whole, *(part.to(kind) for part, kind in zip(parts, ctx.kinds, strict=True))


class LinePooling(nn.Module):
    """What stands elsewhere on the file and the rank of a square, and on the whole board.

    Maxima over files and ranks and the mean and maximum over the board, of a quarter of the channels each, are mapped
    back to all channels and added to every square they were taken over: the reach that a 3x3 convolution lacks.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.part = channels // 4
        self.by_file = nn.Linear(self.part, channels)
        self.by_rank = nn.Linear(self.part, channels)
        self.by_board = nn.Linear(2 * self.part, channels)

    def added(self, x: Tensor, y: Tensor, last: Tensor) -> Tensor:
        """x + y + the pooling of *last*, all (N, 10, 9, C)."""
        if not self.training:
            return x + y + self(last)
        by_file, by_rank, by_board = _Maxima.apply(last)
        summed: Tensor = _AddLines.apply(
            x, y, self.by_file(by_file), self.by_rank(by_rank), self.by_board(by_board)
        )
        return summed

    def forward(self, x: Tensor) -> Tensor:
        """(N, 10, 9, C) -> what to add to it, broadcastable to the same shape."""
        files, ranks, mean, top = x.split(self.part, -1)
        board = torch.cat([mean.mean((1, 2), keepdim=True), top.amax((1, 2), keepdim=True)], -1)
        by_file = self.by_file(files.amax(1, keepdim=True))  # (N, 1, 9, C)
        by_rank = self.by_rank(ranks.amax(2, keepdim=True))  # (N, 10, 1, C)
        pooled: Tensor = by_file + by_rank + self.by_board(board)
        return pooled


class ConvBlock(nn.Module):
    """x + conv(relu(conv(norm(x)))) + line pooling; per-square norms, so no board ever depends on another."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.pooling = LinePooling(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 10, 9, C) -> the same. Channels stay last in memory: convolutions read the permuted view as it is."""
        y = F.relu(self.first(self.norm(x).permute(0, 3, 1, 2)))
        last = y.permute(0, 2, 3, 1)
        return self.pooling.added(x, self.second(y).permute(0, 2, 3, 1), last)


class ConvEncoder(nn.Module):
    """Residual 3x3 convolutions with line pooling: 90 vectors (N, 90, C) of a board."""

    def __init__(self, channels: int, blocks: int) -> None:
        super().__init__()
        self.channels = channels
        # A table; a product in training, so that its gradient is one too.
        self.pieces = nn.Linear(PIECE_CODES, channels, bias=False)
        self.squares = nn.Parameter(torch.zeros(SQUARES, channels))
        self.counters = nn.Linear(COUNTERS, channels)
        self.blocks = nn.ModuleList(ConvBlock(channels) for _ in range(blocks))
        self.norm = nn.LayerNorm(channels)

    def forward(self, boards: Tensor, counters: Tensor) -> Tensor:
        """boards (N, 90) codes, counters (N, 2) -> (N, 90, C)."""
        dtype = self.squares.dtype
        if torch.is_grad_enabled():
            x = self.pieces(F.one_hot(boards.long(), PIECE_CODES).to(dtype))
        else:  # the same numbers, looked up
            x = F.embedding(boards.long(), self.pieces.weight.mT)
        x = x + self.squares.to(x.dtype) + self.counters(counters.to(dtype))[:, None]
        x = x.view(-1, RANKS, FILES, self.channels)
        for block in self.blocks:
            x = block(x)
        return self.norm(x).flatten(1, 2)


class Summary(nn.Module):
    """Mean and maximum over the 90 vectors, mapped to the width of the GPT: (N, 90, C) -> (N, W)."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.project = nn.Linear(2 * channels, width)

    def forward(self, vectors: Tensor) -> Tensor:
        summary: Tensor = self.project(torch.cat([vectors.mean(1), vectors.amax(1)], -1))
        return summary
