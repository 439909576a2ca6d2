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
from xiangqi_gpt.model.layout import Places, Row, branches_behind, next_tokens, pack_rows
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
        check_context(scorer.model.config, board.root_fen, board.ply)
        start = context_start(board.ply, scorer.model.config.context_plies)
        return _prefilled(scorer, start, scorer.prefix(board.turn), [board])

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
        places = self._next_tokens(len(ids), 1)
        output = self.scorer.network.model(
            input_ids=ids,
            slots=places.slots,
            positions=places.positions,
            encoded=encoded,
            board_index=places.board_index,
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
        encoded = own = self.scorer.network.encodings([[board_features(board)] for board in boards])
        if own is not None and self.encoded is not None:
            encoded = EncodedBoards.joined([self.encoded.map(lambda rows: rows[index]), own], 1)
        places = self._next_tokens(len(ids), k - self.slot)
        output = self.scorer.network.model(
            input_ids=ids,
            slots=places.slots,
            positions=places.positions,
            encoded=encoded,
            board_index=places.board_index,
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
        tokens, places, visible = branches_behind(self.length, trees)
        device = self.scorer.device
        output = self.scorer.network.model(
            input_ids=tokens.to(device),
            slots=places.slots.to(device),
            positions=places.positions.to(device),
            encoded=self.encoded,
            board_index=places.board_index.to(device),
            visible=visible.to(device),
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

    def _next_tokens(self, lines: int, count: int) -> Places:
        """Where *count* more tokens of the present ply stand, (*lines*, count) each."""
        places = next_tokens(self.length, self.slot, count, self.scorer.tokenizer.slots)
        return Places(*(column.to(self.scorer.device).expand(lines, -1) for column in places))

    def _tensor(self, numbers: Sequence[int]) -> Tensor:
        return torch.tensor(list(numbers), dtype=torch.long, device=self.scorer.device)


def _prefilled(scorer: Scorer, start: int, prefix: tuple[int, ...], boards: Sequence[Board]) -> Frontier:
    """The contexts of *boards*, which have equally many plies, from ply *start* on."""
    windows = [scorer.window(board, start) for board in boards]
    rows = pack_rows(
        [Row(prefix, text, ()) for text, _ in windows],
        scorer.tokenizer.vocab.bos_id,
        scorer.tokenizer.slots,
        scorer.device,
    )
    encoded = scorer.network.encodings([features for _, features in windows])
    output = scorer.network.model(
        input_ids=rows.ids,
        slots=rows.slots,
        positions=rows.positions,
        encoded=encoded,
        board_index=rows.board_index,
        states=scorer.network.model.init_states(len(boards)),
        style=scorer.style,
    )
    own = None if encoded is None else encoded.map(lambda rows: rows[:, -1:])
    return Frontier(scorer, start, prefix, rows.ids.shape[1], 0, output.states, own, output.logits[:, -1])


def _rows(encoded: EncodedBoards | None, index: Tensor) -> EncodedBoards | None:
    return None if encoded is None else encoded.map(lambda rows: rows[index])
