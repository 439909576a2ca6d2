"""Several contexts as one batch: each a line of play, with trees of moves branching off it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from xiangqi_gpt.decoding.tree import PackedTree, TableMoves
from xiangqi_gpt.tokens import Tokenizer


class Row(NamedTuple):
    """One context: its condition tokens, the tokens of its plies, and trees by the ply that they branch off before."""

    prefix: tuple[int, ...]
    text: list[int]  # after BOS; whole plies
    trees: Sequence[tuple[int, PackedTree | TableMoves]]  # ply within the context, 0 for the first


@dataclass(frozen=True)
class PackedRows:
    """B rows of T tokens; short ones are filled up with tokens that see themselves alone."""

    ids: Tensor  # (B, T)
    slots: Tensor  # (B, T)
    positions: Tensor  # (B, T)
    board_index: Tensor  # (B, T)
    visible: Tensor  # (B, T, T)
    roots: list[list[int]]  # of every tree of a row: the place of the token that predicts its first tokens
    begins: list[list[int]]  # and the place of its first inner node


def pack_rows(
    rows: Sequence[Row], tokenizer: Tokenizer, device: torch.device, multiple: int = 1
) -> PackedRows:
    """Lay out *rows* for one forward pass without states, T being a multiple of *multiple*."""
    k, c, bos = tokenizer.slots, tokenizer.condition.length, tokenizer.vocab.bos_id
    lines = []
    for prefix, text, trees in rows:
        main = c + 1 + len(text)
        sizes = [len(tree.tokens) for _, tree in trees]
        total = main + sum(sizes)
        ids = [*prefix, bos, *text]
        position = list(range(main))
        slot = [k] * (c + 1) + [p % k for p in range(len(text))]
        board = [0] * c + [p // k for p in range(len(text) + 1)]
        visible = np.zeros((total, total), bool)
        visible[:main, :main] = np.tril(np.ones((main, main), bool))
        at, roots, begins = main, [], []
        for (ply, tree), size in zip(trees, sizes, strict=True):
            root = c + k * ply
            roots.append(root)
            begins.append(at)
            ids += tree.tokens.tolist()
            slot += (tree.depths - 1).tolist()
            position += (root + tree.depths).tolist()
            board += [ply] * size
            visible[at : at + size, : root + 1] = True
            visible[at : at + size, at : at + size] = tree.ancestors
            at += size
        lines.append((ids, slot, position, board, visible, roots, begins))
    longest = -(-max(len(line[0]) for line in lines) // multiple) * multiple
    fields = np.zeros((4, len(lines), longest), np.int64)
    masks = np.zeros((len(lines), longest, longest), bool)
    masks[:] = np.eye(longest, dtype=bool)
    for i, (*columns, mask, _, _) in enumerate(lines):
        fields[:, i, : len(mask)] = columns
        masks[i, : len(mask), : len(mask)] = mask
    ids_, slots, positions, boards = torch.from_numpy(fields).to(device)
    return PackedRows(
        ids=ids_,
        slots=slots,
        positions=positions,
        board_index=boards,
        visible=torch.from_numpy(masks).to(device),
        roots=[line[5] for line in lines],
        begins=[line[6] for line in lines],
    )
