"""Several lines of play behind one position, run together: one batch of states, one extension a ply.

Letters in shapes: H lines, V vocabulary, M inner nodes of a tree, k tokens a ply.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xiangqi_gpt.decoding.scorer import Scorer
from xiangqi_gpt.decoding.tree import PackedTree
from xiangqi_gpt.model import EncodedBoards
from xiangqi_gpt.model.context import board_features, check_context, context_start
from xiangqi_gpt.rules.board import Board


@dataclass(frozen=True)
class Frontier:
    """H lines that stand at the same token of the same ply. A value: going on leaves it as it was."""

    scorer: Scorer
    start: int  # the ply that the context begins with
    prefix: tuple[int, ...]  # the condition tokens in front
    length: int  # tokens up to the last whole ply
    slot: int  # tokens of the present ply that have been said since
    states: tuple[Any, ...]
    encoded: EncodedBoards | None  # of the boards before the present ply, (H, 1, ...)
    logits: Tensor  # (H, V) of the next token

    @classmethod
    @torch.inference_mode()
    def at(cls, scorer: Scorer, board: Board) -> Frontier:
        """One line: the position of *board*."""
        node = scorer.node(board)
        prefix = scorer.prefix(board.turn)
        return cls(scorer, node.start, prefix, node.length, 0, node.states, node.encoded, node.logits[None])

    @torch.inference_mode()
    def next_logprobs(self) -> np.ndarray:
        """(H, V) log-probabilities of the next token."""
        rows: np.ndarray = self.logits.double().log_softmax(-1).cpu().numpy()
        return rows

    @torch.inference_mode()
    def step(self, lines: Sequence[int], tokens: Sequence[int]) -> Frontier:
        """The lines numbered *lines* (any number of times each), each with one more token of the present ply."""
        index, ids = self._tensor(lines), self._tensor(tokens)[:, None]
        encoded = _rows(self.encoded, index)
        output = self.scorer.model(
            input_ids=ids,
            slots=torch.full_like(ids, self.slot),
            positions=torch.full_like(ids, self.length + self.slot),
            encoded=encoded,
            board_index=None if encoded is None else torch.zeros_like(ids),
            states=tuple(state.reorder(index) for state in self.states),
            style=self.scorer.style,
        )
        return Frontier(
            self.scorer,
            self.start,
            self.prefix,
            self.length,
            self.slot + 1,
            output.states,
            encoded,
            output.logits[:, -1],
        )

    @torch.inference_mode()
    def play(self, lines: Sequence[int], texts: Sequence[Sequence[int]], boards: Sequence[Board]) -> Frontier:
        """The lines numbered *lines*, each to the end of its ply.

        ``texts[i]`` holds what is still to be said of the ply, ``boards[i]`` the board that is reached. Where the
        context begins elsewhere (the window moves on, or other condition tokens stand in front), it is run afresh.
        """
        config = self.scorer.model.config
        ply = boards[0].ply
        check_context(config, boards[0].root_fen, ply)
        start, prefix = context_start(ply, config.context_plies), self.scorer.prefix(boards[0].turn)
        if (start, prefix) != (self.start, self.prefix):
            return _prefilled(self.scorer, start, prefix, boards)
        k, index = self.scorer.tokenizer.slots, self._tensor(lines)
        ids = torch.tensor([list(text) for text in texts], device=self.scorer.device)
        slots = torch.arange(self.slot, k, device=ids.device).expand(len(ids), -1)
        encoded = board_index = own = None
        if self.encoded is not None:
            own = _encoded(self.scorer, [[board] for board in boards])
            encoded = _side_by_side(_rows(self.encoded, index), own)
            board_index = (slots == k - 1).long()
        output = self.scorer.model(
            input_ids=ids,
            slots=slots,
            positions=self.length + slots,
            encoded=encoded,
            board_index=board_index,
            states=tuple(state.reorder(index) for state in self.states),
            style=self.scorer.style,
        )
        return Frontier(
            self.scorer, start, prefix, self.length + k, 0, output.states, own, output.logits[:, -1]
        )

    @torch.inference_mode()
    def tree_logprobs(self, trees: Sequence[PackedTree]) -> list[tuple[np.ndarray, np.ndarray]]:
        """For every line the log-probabilities at the root (V,) and at the inner nodes (M, V) of its tree."""
        roots = self.next_logprobs()
        if not any(len(tree.tokens) for tree in trees):
            return [(root, root[None][:0]) for root in roots]
        layers = self.scorer.model.attention_layers()
        run = self._packed if all(layer.attention.packs_trees for layer in layers) else self._levels
        inner = run(trees).double().log_softmax(-1).cpu().numpy()
        return [
            (root, rows[: len(tree.tokens)]) for root, rows, tree in zip(roots, inner, trees, strict=True)
        ]

    def _packed(self, trees: Sequence[PackedTree]) -> Tensor:
        """(H, M, V): every line's tree as one segment; short trees are filled up with nodes that nobody sees."""
        size = max(len(tree.tokens) for tree in trees)
        tokens = np.zeros((len(trees), size), np.int64)
        depths = np.ones((len(trees), size), np.int64)
        visible = np.ones((len(trees), size, self.length + size), bool)
        visible[:, :, self.length :] = np.eye(size, dtype=bool)
        for i, tree in enumerate(trees):
            n = len(tree.tokens)
            tokens[i, :n], depths[i, :n] = tree.tokens, tree.depths
            visible[i, :n, self.length : self.length + n] = tree.ancestors
        device = self.scorer.device
        depth = torch.from_numpy(depths).to(device)
        output = self.scorer.model(
            input_ids=torch.from_numpy(tokens).to(device),
            slots=depth - 1,
            positions=self.length + depth - 1,
            encoded=self.encoded,
            board_index=torch.zeros_like(depth),
            visible=torch.from_numpy(visible).to(device),
            states=self.states,
            style=self.scorer.style,
        )
        logits: Tensor = output.logits
        return logits

    def _levels(self, trees: Sequence[PackedTree]) -> Tensor:
        """The same for recurrent variants: one level of all trees at a time, each node on its parent's state."""
        size = max(len(tree.tokens) for tree in trees)
        logits = self.logits.new_zeros(len(trees), size, self.logits.shape[-1])
        frontier, place = self, {(i, -1): i for i in range(len(trees))}
        for depth in range(1, max(int(tree.depths.max(initial=0)) for tree in trees) + 1):
            level = [
                (i, int(n)) for i, tree in enumerate(trees) for n in np.flatnonzero(tree.depths == depth)
            ]
            frontier = frontier.step(
                [place[i, int(trees[i].parents[n])] for i, n in level],
                [int(trees[i].tokens[n]) for i, n in level],
            )
            rows, columns = (self._tensor(numbers) for numbers in zip(*level, strict=True))
            logits[rows, columns] = frontier.logits
            place = {node: row for row, node in enumerate(level)}
        return logits

    def _tensor(self, numbers: Sequence[int]) -> Tensor:
        return torch.tensor(list(numbers), dtype=torch.long, device=self.scorer.device)


def _prefilled(scorer: Scorer, start: int, prefix: tuple[int, ...], boards: Sequence[Board]) -> Frontier:
    """The contexts of *boards*, which have equally many plies, from ply *start* on."""
    tokenizer = scorer.tokenizer
    k, c = tokenizer.slots, len(prefix)
    pasts, rows = [], []
    for board in boards:
        past, line, text = board.copy(), [board], []
        while past.ply > start:
            move = past.pop()
            text.append(tokenizer.encode(past, move))
            line.append(past.copy())
        pasts.append(line[::-1])
        rows.append([*prefix, tokenizer.vocab.bos_id, *(token for ids in reversed(text) for token in ids)])
    ids = torch.tensor(rows, device=scorer.device)
    positions = torch.arange(ids.shape[1], device=scorer.device).expand(len(ids), -1)
    slots = ((positions - c - 1) % k).masked_fill(positions <= c, k)
    encoded = own = None
    if scorer.model.encoder is not None:
        encoded = _encoded(scorer, pasts)
        own = EncodedBoards(
            encoded.summary[:, -1:], None if encoded.vectors is None else encoded.vectors[:, -1:]
        )
    output = scorer.model(
        input_ids=ids,
        slots=slots,
        positions=positions,
        encoded=encoded,
        board_index=None if encoded is None else (positions - c).clamp_min(0) // k,
        states=scorer.model.init_states(len(ids)),
        style=scorer.style,
    )
    return Frontier(scorer, start, prefix, ids.shape[1], 0, output.states, own, output.logits[:, -1])


def _encoded(scorer: Scorer, boards: Sequence[Sequence[Board]]) -> EncodedBoards:
    """Equally many boards a line -> (H, P, ...)."""
    flat = scorer.encode([board_features(board) for line in boards for board in line])
    shape = (len(boards), len(boards[0]))
    return EncodedBoards(
        flat.summary[0].unflatten(0, shape),
        None if flat.vectors is None else flat.vectors[0].unflatten(0, shape),
    )


def _rows(encoded: EncodedBoards | None, index: Tensor) -> EncodedBoards | None:
    if encoded is None:
        return None
    return EncodedBoards(encoded.summary[index], None if encoded.vectors is None else encoded.vectors[index])


def _side_by_side(first: EncodedBoards | None, second: EncodedBoards) -> EncodedBoards:
    assert first is not None
    vectors = [e.vectors for e in (first, second) if e.vectors is not None]
    return EncodedBoards(
        torch.cat([first.summary, second.summary], 1), torch.cat(vectors, 1) if vectors else None
    )
