"""How a context is laid out: the one place that knows where each token stands and which board it carries.

A context is a *main line* with *branches*. The main line holds the condition tokens, if any, BOS, and the tokens of
the plies played, k per ply. BOS and the last token of a ply carry the board of the next ply, a ply's inner tokens that
ply's own: a token carries the board on which the token that it predicts is played. A branch leaves the main line
before one of the plies: its tokens are other ways to begin that ply. They carry the ply's board, stand at the
positions that follow the token they branch off behind, and see the main line up to there and their own ancestors.

Letters in shapes: B rows, T tokens of a row, P plies of a context, M tokens of a branch, k tokens per ply, c condition
tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


class Places(NamedTuple):
    """Of T tokens each: its slot within its ply (BOS and condition tokens: k), its position, and its board."""

    slots: Tensor
    positions: Tensor
    board_index: Tensor


def ply_root(ply: int, slots: int, prefix: int = 0) -> int:
    """The place of the token that predicts the first token of ply *ply* of a context."""
    return prefix + slots * ply


def main_line(length: int, slots: int, prefix: int = 0) -> Places:
    """The first *length* tokens of a main line, (T,) each, with *slots* tokens per ply behind *prefix* conditions."""
    positions = torch.arange(length)
    return Places(
        slots=((positions - prefix - 1) % slots).masked_fill(positions <= prefix, slots),
        positions=positions,
        board_index=(positions - prefix).clamp_min(0) // slots,
    )


def next_tokens(past: int, slot: int, count: int, slots: int) -> Places:
    """*count* tokens of the ply that follows *past* tokens of whole plies, from slot *slot* on, (count,) each.

    Board 0 is the ply's own, board 1 the one that it reaches.
    """
    said = torch.arange(slot, slot + count)
    return Places(slots=said, positions=past + said, board_index=(said == slots - 1).long())


class Branch(Protocol):
    """The tokens of a branch: a tree, or a single path.

    Attributes:
        tokens: (M,) ids, parents before children.
        depths: (M,) 1 for those that branch off the main line.
        ancestors: (M, M) whether the column's token is the row's or one of its ancestors.
    """

    @property
    def tokens(self) -> npt.NDArray[np.int64]: ...
    @property
    def depths(self) -> npt.NDArray[np.int64]: ...
    @property
    def ancestors(self) -> npt.NDArray[np.bool_]: ...


def branches_behind(past: int, branches: Sequence[Branch]) -> tuple[Tensor, Places, Tensor]:
    """One branch per row behind *past* tokens that have been run: ids and places (B, M), and who sees whom (B, M, S).

    Short branches are filled up with tokens that see the past and themselves, and that no other token sees.
    """
    size = max(len(branch.tokens) for branch in branches)
    tokens = np.zeros((len(branches), size), np.int64)
    depths = np.ones((len(branches), size), np.int64)
    visible = np.ones((len(branches), size, past + size), bool)
    visible[:, :, past:] = np.eye(size, dtype=bool)
    for i, branch in enumerate(branches):
        n = len(branch.tokens)
        tokens[i, :n], depths[i, :n] = branch.tokens, branch.depths
        visible[i, :n, past : past + n] = branch.ancestors
    depth = torch.from_numpy(depths)
    places = Places(slots=depth - 1, positions=past + depth - 1, board_index=torch.zeros_like(depth))
    return torch.from_numpy(tokens), places, torch.from_numpy(visible)


class Row(NamedTuple):
    """One context: its condition tokens, the tokens of its plies, and branches by the ply before which they leave."""

    prefix: tuple[int, ...]
    text: Sequence[int]  # after BOS; whole plies
    branches: Sequence[tuple[int, Branch]]  # ply within the context, 0 for the first


@dataclass(frozen=True)
class PackedRows:
    """B rows of T tokens; short ones are filled up with tokens that see themselves alone."""

    ids: Tensor  # (B, T)
    slots: Tensor  # (B, T)
    positions: Tensor  # (B, T)
    board_index: Tensor  # (B, T)
    visible: Tensor | None  # (B, T, T); None where every row is a main line and all are equally long
    roots: list[list[int]]  # of every branch of a row: the place of the token that predicts its first tokens
    begins: list[list[int]]  # and the place of its own first token


def pack_rows(
    rows: Sequence[Row], bos: int, slots: int, device: torch.device | str = "cpu", multiple: int = 1
) -> PackedRows:
    """Lay out *rows*, with *slots* tokens per ply, for one forward pass without states.

    Where there are branches, T is a multiple of *multiple*.
    """
    mains = [len(prefix) + 1 + len(text) for prefix, text, _ in rows]
    totals = [
        main + sum(len(branch.tokens) for _, branch in row.branches)
        for main, row in zip(mains, rows, strict=True)
    ]
    plain = totals == mains and len(set(mains)) == 1
    longest = max(totals) if plain else -(-max(totals) // multiple) * multiple
    fields = np.zeros((4, len(rows), longest), np.int64)
    visible = None if plain else np.tile(np.eye(longest, dtype=bool), (len(rows), 1, 1))
    roots: list[list[int]] = []
    begins: list[list[int]] = []
    for i, ((prefix, text, branches), at) in enumerate(zip(rows, mains, strict=True)):
        fields[0, i, :at] = [*prefix, bos, *text]
        fields[1:, i, :at] = _main_line(at, slots, len(prefix))
        if visible is not None:
            visible[i, :at, :at] = np.tri(at, dtype=bool)
        roots.append([ply_root(ply, slots, len(prefix)) for ply, _ in branches])
        begins.append([])
        for (ply, branch), root in zip(branches, roots[-1], strict=True):
            begins[-1].append(at)
            if visible is None:
                continue
            end = at + len(branch.tokens)
            fields[0, i, at:end] = branch.tokens
            fields[1, i, at:end] = branch.depths - 1
            fields[2, i, at:end] = root + branch.depths
            fields[3, i, at:end] = ply
            visible[i, at:end, : root + 1] = True
            visible[i, at:end, at:end] = branch.ancestors
            at = end
    ids, slot, positions, boards = torch.from_numpy(fields).to(device)
    return PackedRows(
        ids=ids,
        slots=slot,
        positions=positions,
        board_index=boards,
        visible=None if visible is None else torch.from_numpy(visible).to(device),
        roots=roots,
        begins=begins,
    )


@lru_cache(maxsize=256)
def _main_line(length: int, slots: int, prefix: int) -> npt.NDArray[np.int64]:
    """:func:`main_line` as one array (3, T)."""
    return np.stack([column.numpy() for column in main_line(length, slots, prefix)])


@dataclass(frozen=True)
class _Path:
    """A branch of one path."""

    tokens: npt.NDArray[np.int64]
    depths: npt.NDArray[np.int64]
    ancestors: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Layout:
    """What is the same for every row of a training batch: (T,) slots, positions, board_index and (1, T, T) visible."""

    slots: Tensor
    positions: Tensor
    board_index: Tensor
    visible: Tensor


@lru_cache(maxsize=8)
def layout(plies: int, slots: int, prefix: int = 0, branches: int = 1) -> Layout:
    """The layout of rows of *plies* plies with *slots* tokens each, behind *prefix* condition tokens.

    The main line lacks the last token of the last ply, behind which nothing is predicted. Each ply has *branches*
    paths of all its tokens but the last; every ply's first path comes first, then every ply's second one, and so on.
    """
    depths = np.arange(1, slots)
    path = _Path(np.zeros(slots - 1, np.int64), depths, np.tri(slots - 1, dtype=bool))
    row = Row(
        (0,) * prefix,
        [0] * (slots * plies - 1),
        [(ply, path) for _ in range(branches) for ply in range(plies)],
    )
    packed = pack_rows([row], 0, slots)
    visible = packed.visible
    if visible is None:
        visible = torch.ones(1, packed.ids.shape[1], packed.ids.shape[1], dtype=torch.bool).tril()
    return Layout(packed.slots[0], packed.positions[0], packed.board_index[0], visible)
