"""Exact scores of all legal moves of a position.

The score of a move is the sum of the model's raw log-probabilities of its tokens. All legal moves share prefixes, so
the inner nodes of their tree are run behind the cached prompt as one packed segment: a node sees the prompt and its own
ancestors, at position prompt + depth - 1. One pass gives every move's exact score. A model with a table of moves has
said them all when the prompt has been run.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xiangqi_gpt.decoding.rows import Row, pack_rows
from xiangqi_gpt.decoding.tree import PackedTree, TableMoves
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import EncodedBoards, XiangqiGPT
from xiangqi_gpt.model.context import board_features, check_context, context_start
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.tokens import POSSIBLE_MOVES, Condition, legal_tree

_REMEMBERED = (
    64  # positions whose states are kept: enough to take back moves and to look at two games in turn
)

_ENCODINGS = 768  # boards whose encodings are kept: 35 MB of a model with 128 channels

Floats = npt.NDArray[np.float64]
Features = tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]  # see board_features


@dataclass(frozen=True)
class MoveScores:
    """What a model says of a position with at least one legal move."""

    moves: tuple[Move, ...]  # the legal moves, in the order of Board.legal_moves
    logprobs: Floats  # (len(moves),) sums of raw log-probabilities
    value: Floats  # (3,) win, draw, loss for the side to move
    greedy: Move | None  # the text of greatest probability token by token, if it is a legal move
    sampled: Move | None  # a text drawn at temperature 1, if it is a legal move
    legal_set: frozenset[Move] | None = None  # what the legal head takes for legal; None without one

    @cached_property
    def probs(self) -> Floats:
        """(len(moves),) one softmax over the legal moves: P(move | legal)."""
        weights = np.exp(self.logprobs - self.logprobs.max())
        shares: Floats = weights / weights.sum()
        return shares

    @property
    def leak(self) -> float:
        """The probability of all texts that are no legal move, 0..1."""
        return float(max(0.0, 1.0 - np.exp(self.logprobs).sum()))

    def ranked(self) -> list[int]:
        """The indices of the moves, likeliest first; ties in the order of the moves."""
        return [int(i) for i in np.argsort(-self.logprobs, kind="stable")]


@dataclass(frozen=True)
class Node:
    """A position whose prompt has been run."""

    start: int  # the ply its context begins with
    length: int  # tokens of the prompt
    states: tuple[Any, ...]
    encoded: EncodedBoards | None  # of its own board, (1, 1, ...)
    logits: Tensor  # (V,) of the next token
    value: Tensor  # (3,)
    legal: Tensor | None = None  # (2086,) scores of the legal head
    table: Tensor | None = (
        None  # (specials + 2086,) log-probabilities of whole texts, of a model with a table
    )


class Scorer:
    """Scores positions with one model; remembers recent positions, so the next ply of a game is one extension."""

    def __init__(
        self,
        model: XiangqiGPT,
        device: str | torch.device = "cpu",
        seed: int = 0,
        condition: Condition | None = None,
        style: str | None = None,
    ) -> None:
        """*condition* is what the side to move asks for, of a model trained with condition tokens.

        *style* is whose moves are asked for, ``human`` or ``teacher``, of a model with styles; by default the one that
        the model speaks where nobody asks.

        Raises:
            ConfigError: a style or a condition that the model was not trained with.
        """
        module: torch.nn.Module = model
        module.to(device).eval()
        self.model = model
        self.device = torch.device(device)
        self.tokenizer = model.tokenizer
        self.style = model.config.style_number(style)
        self._rng = np.random.default_rng(seed)
        self._nodes: OrderedDict[tuple[str, tuple[int, ...], tuple[int, ...]], Node] = OrderedDict()
        self._boards: OrderedDict[bytes, tuple[Tensor, Tensor | None]] = OrderedDict()
        self.condition = condition or Condition()
        known = self.tokenizer.condition
        for name, wanted, has in (
            ("result", self.condition.result, known.has_result),
            ("strength", self.condition.strength, known.has_strength),
        ):
            if wanted is not None and not has:
                raise ConfigError(
                    f"{name}: expected a model that was trained with {name} tokens (condition={name}), "
                    f"found one with condition={known.kind!r}"
                )

    def forget(self) -> None:
        """Drop all remembered positions."""
        self._nodes.clear()
        self._boards.clear()

    @torch.inference_mode()
    def score(self, board: Board) -> MoveScores:
        """Score all legal moves of *board*; ValueError where there are none."""
        node = self.node(board)
        tree = self._legal(board)
        if isinstance(tree, TableMoves):
            assert node.table is not None
            return self._table_scores(tree, node.table, node.value, node.legal)
        inner = self._run_tree(node, tree) if len(tree.tokens) else node.logits[None][:0]
        return self._scores(tree, node.logits, inner, node.value, node.legal, board.turn)

    def _legal(self, board: Board) -> PackedTree | TableMoves:
        """The legal moves of *board*, as the model scores them; ValueError where there are none."""
        if self.model.move_table is not None:
            listed = TableMoves.of(board)
            if listed.moves:
                return listed
        else:
            tree = PackedTree.of(legal_tree(board, self.tokenizer))
            if len(tree.trie):
                return tree
        raise ValueError(f"expected a position with legal moves, found none in {board.fen()!r}")

    @torch.inference_mode()
    def score_line(self, root: Board, moves: Sequence[Move], batch: int = 32) -> list[MoveScores]:
        """Score every position of a game: ``result[p]`` belongs to the position before ``moves[p]``.

        Equal to :meth:`score` on each position in turn. All boards are encoded at once and *batch* contexts are run
        together, which is many times faster. *root* has no moves on its stack.
        """
        check_context(self.model.config, root.root_fen, len(moves) - 1)
        board = root.copy()
        features, trees, texts = [], [], []
        for move in moves:
            features.append(board_features(board))
            trees.append(self._legal(board))
            texts.append(self.tokenizer.encode(board, move))
            board.push(move)
        tokens = np.array(texts, np.int64)  # (plies, k)
        encoded = None
        if self.model.encoder is not None:
            encoded = self.encode(features)
        spans: dict[tuple[int, tuple[int, ...]], list[int]] = {}
        for ply in range(len(moves)):
            start = context_start(ply, self.model.config.context_plies)
            spans.setdefault((start, self.prefix((int(root.turn) + ply) % 2)), []).append(ply)
        rows = [_Row(start, prefix, plies) for (start, prefix), plies in spans.items()]
        results: dict[int, MoveScores] = {}
        for first in range(0, len(rows), batch):
            results.update(
                self._run_rows(rows[first : first + batch], tokens, trees, encoded, int(root.turn))
            )
        return [results[ply] for ply in range(len(moves))]

    @torch.inference_mode()
    def score_many(self, boards: Sequence[Board]) -> list[MoveScores]:
        """Score several positions, of one game or of many, in one pass; ``legal_set`` is not asked for.

        Equal to :meth:`score` on each in turn. Nothing is remembered but the encodings of recent boards, so positions
        that share most of their past, such as the leaves of a search, cost little more than their own boards.
        """
        rows, pasts = [], []
        for board in boards:
            check_context(self.model.config, board.root_fen, board.ply)
            start = context_start(board.ply, self.model.config.context_plies)
            tree = self._legal(board)
            past, text, features = board.copy(), [], [board_features(board)]
            while past.ply > start:
                move = past.pop()
                text.append(self.tokenizer.encode(past, move))
                features.append(board_features(past))
            rows.append(
                Row(
                    self.prefix(board.turn),
                    [token for ids in reversed(text) for token in ids],
                    [(board.ply - start, tree)],
                )
            )
            pasts.append(features[::-1])
        # Few different shapes: kernels are prepared, and kept, for every one of them.
        packed = pack_rows(rows, self.tokenizer, self.device, multiple=16)
        output = self.model(
            input_ids=packed.ids,
            slots=packed.slots,
            positions=packed.positions,
            encoded=None if self.model.encoder is None else self._encodings(pasts),
            board_index=packed.board_index,
            visible=packed.visible,
            **self._asked(sorted({root for roots in packed.roots for root in roots})),
        )
        places = {
            root: n for n, root in enumerate(sorted({root for roots in packed.roots for root in roots}))
        }
        results = []
        for i, row in enumerate(rows):
            ((_, tree),), (root,), (begin,) = row.trees, packed.roots[i], packed.begins[i]
            if isinstance(tree, TableMoves):
                table = output.move_logprobs[i, places[root], 0]
                results.append(self._table_scores(tree, table, output.value_logits[i, root], None))
                continue
            inner = output.logits[i, begin : begin + len(tree.tokens)]
            turn = boards[i].turn
            results.append(
                self._scores(tree, output.logits[i, root], inner, output.value_logits[i, root], None, turn)
            )
        return results

    def _encodings(self, pasts: list[list[Features]]) -> EncodedBoards:
        """What the encoder says of every row's boards, (B, P, ...); short rows end with their last board again."""
        # Encodings made in half precision are not those of another call.
        kind = bytes([torch.is_autocast_enabled(self.device.type)])
        keys = [[kind + codes.tobytes() + counts.tobytes() for codes, counts in past] for past in pasts]
        missing = {
            key: features
            for row, past in zip(keys, pasts, strict=True)
            for key, features in zip(row, past, strict=True)
            if key not in self._boards
        }
        if missing:
            encoded = self.encode(list(missing.values()))
            for i, key in enumerate(missing):
                # Copies: a view would keep the whole batch alive.
                vectors = None if encoded.vectors is None else encoded.vectors[0, i].clone()
                self._boards[key] = (encoded.summary[0, i].clone(), vectors)
        longest = max(len(row) for row in keys)
        found = []
        for row in keys:
            for key in (*row, *[row[-1]] * (longest - len(row))):
                self._boards.move_to_end(key)
                found.append(self._boards[key])
        summary = torch.stack([s for s, _ in found]).unflatten(0, (len(keys), longest))
        parts = [v for _, v in found if v is not None]
        while len(self._boards) > _ENCODINGS:
            self._boards.popitem(last=False)
        return EncodedBoards(
            summary, torch.stack(parts).unflatten(0, (len(keys), longest)) if parts else None
        )

    def prefix(self, turn: int) -> tuple[int, ...]:
        """The condition tokens where *turn* is to move."""
        result, strengths = self.condition.seen_by_red(turn)
        return tuple(self.tokenizer.condition.ids([result], [strengths])[0].tolist())

    def node(self, board: Board) -> Node:
        """The prompt of *board*, run: one extension where the position before is remembered."""
        path = tuple(move.index for move in board.move_stack)
        prefix = self.prefix(board.turn)
        key = (board.root_fen, path, prefix)
        if key in self._nodes:
            self._nodes.move_to_end(key)
            return self._nodes[key]
        check_context(self.model.config, board.root_fen, len(path))
        start = context_start(len(path), self.model.config.context_plies)
        parent = self._nodes.get((board.root_fen, path[:-1], prefix)) if path else None
        if parent is not None and parent.start == start:
            node = self._extended(board, parent)
        else:
            node = self._prefilled(board, start, prefix)
        self._nodes[key] = node
        while len(self._nodes) > _REMEMBERED:
            self._nodes.popitem(last=False)
        return node

    def _extended(self, board: Board, parent: Node) -> Node:
        """One ply on: the tokens of the last move, its inner ones on the parent's board, the last one on the new."""
        before = board.copy()
        last = before.pop()
        ids = self.tokenizer.encode(before, last)
        k = self.tokenizer.slots
        encoded = index = own = None
        if parent.encoded is not None:
            own = self.encode([board_features(board)])
            encoded = _joined([parent.encoded, own])
            index = torch.tensor([[0] * (k - 1) + [1]], device=self.device)
        output = self.model(
            input_ids=torch.tensor([ids], device=self.device),
            slots=torch.arange(k, device=self.device)[None],
            positions=parent.length + torch.arange(k, device=self.device)[None],
            encoded=encoded,
            board_index=index,
            states=parent.states,
            legal_index=self._last(k),
            style=self.style,
            move_index=self._predicting(k),
        )
        return Node(
            parent.start,
            parent.length + k,
            output.states,
            own,
            output.logits[0, -1],
            output.value_logits[0, -1],
            _only(output.legal_logits),
            _only_table(output.move_logprobs),
        )

    def _predicting(self, length: int) -> Tensor | None:
        """The last of *length* tokens, which predicts a ply, where the model reads a table of moves from it."""
        return None if self.model.move_table is None else torch.tensor([length - 1], device=self.device)

    def _asked(self, tokens: list[int]) -> dict[str, Any]:
        """The style; of a model with a table the *tokens* that predict plies, too, and no logits."""
        if self.model.move_table is None:
            return {"style": self.style}
        return {
            "style": self.style,
            "move_index": torch.tensor(tokens, device=self.device),
            "with_logits": False,
        }

    def _last(self, length: int) -> Tensor | None:
        """Which of *length* tokens the legal head is asked about: the last, if there is such a head."""
        return None if self.model.legal_head is None else torch.tensor([length - 1], device=self.device)

    def _prefilled(self, board: Board, start: int, prefix: tuple[int, ...]) -> Node:
        """The whole context at once; its past boards are encoded in one batch."""
        past = board.copy()
        boards = [board]
        while len(past.move_stack) > start:
            past.pop()
            boards.append(past.copy())
        boards.reverse()
        k = self.tokenizer.slots
        ids = [*prefix, self.tokenizer.vocab.bos_id]
        for position, move in zip(boards, board.move_stack[start:], strict=False):
            ids += self.tokenizer.encode(position, move)
        row = torch.tensor([ids], device=self.device)
        length = row.shape[1]
        positions = torch.arange(length, device=self.device)[None]
        slots = (positions - len(prefix) - 1) % k
        slots[0, : len(prefix) + 1] = k
        encoded = index = own = None
        if self.model.encoder is not None:
            encoded = self.encode([board_features(b) for b in boards])
            index = (positions - len(prefix)).clamp_min(0) // k
            own = _last_board(encoded)
        output = self.model(
            input_ids=row,
            slots=slots,
            positions=positions,
            encoded=encoded,
            board_index=index,
            states=self.model.init_states(1),
            legal_index=self._last(length),
            style=self.style,
            move_index=self._predicting(length),
        )
        return Node(
            start,
            length,
            output.states,
            own,
            output.logits[0, -1],
            output.value_logits[0, -1],
            _only(output.legal_logits),
            _only_table(output.move_logprobs),
        )

    def _run_tree(self, node: Node, tree: PackedTree) -> Tensor:
        """Logits (M, V) behind each inner node."""
        if all(layer.attention.packs_trees for layer in self.model.attention_layers()):
            return self._run_packed(node, tree)
        return self._run_levels(node, tree)

    def _run_packed(self, node: Node, tree: PackedTree) -> Tensor:
        count = len(tree.tokens)
        depths = torch.from_numpy(tree.depths).to(self.device)[None]
        prompt = torch.ones(count, node.length, dtype=torch.bool, device=self.device)
        ancestors = torch.from_numpy(tree.ancestors).to(self.device)
        output = self.model(
            input_ids=torch.from_numpy(tree.tokens).to(self.device)[None],
            slots=depths - 1,
            positions=node.length + depths - 1,
            encoded=node.encoded,
            board_index=torch.zeros_like(depths),
            visible=torch.cat([prompt, ancestors], 1)[None],
            states=node.states,
            style=self.style,
        )
        logits: Tensor = output.logits[0]
        return logits

    def _run_levels(self, node: Node, tree: PackedTree) -> Tensor:
        """The same for recurrent variants: states are cloned from parent to child, one level of the tree at a time."""
        logits = node.logits.new_zeros(len(tree.tokens), node.logits.shape[-1])
        states, numbers = node.states, np.array([-1])
        for depth in range(1, int(tree.depths.max()) + 1):
            level = np.flatnonzero(tree.depths == depth)
            place = {int(n): i for i, n in enumerate(numbers)}
            parents = torch.tensor([place[int(p)] for p in tree.parents[level]], device=self.device)
            states = tuple(state.reorder(parents) for state in states)
            ids = torch.from_numpy(tree.tokens[level]).to(self.device)[:, None]
            encoded = None if node.encoded is None else _repeated(node.encoded, len(level))
            output = self.model(
                input_ids=ids,
                slots=torch.full_like(ids, depth - 1),
                positions=torch.full_like(ids, node.length + depth - 1),
                encoded=encoded,
                board_index=torch.zeros_like(ids),
                states=states,
                style=self.style,
            )
            logits[torch.from_numpy(level).to(self.device)] = output.logits[:, 0]
            states, numbers = output.states, level
        return logits

    def _run_rows(
        self,
        rows: list[_Row],
        tokens: npt.NDArray[np.int64],
        trees: list[PackedTree | TableMoves],
        encoded: EncodedBoards | None,
        first_turn: int,
    ) -> dict[int, MoveScores]:
        """Several contexts, each a main line with the trees of its plies as branches, in one pass."""
        packed = pack_rows(
            [
                Row(
                    prefix,
                    tokens[start : plies[-1]].reshape(-1).tolist(),
                    [(ply - start, trees[ply]) for ply in plies],
                )
                for start, prefix, plies in rows
            ],
            self.tokenizer,
            self.device,
        )
        boards = int(packed.board_index.max()) + 1
        k, c = self.tokenizer.slots, self.tokenizer.condition.length
        output = self.model(
            input_ids=packed.ids,
            slots=packed.slots,
            positions=packed.positions,
            encoded=None if encoded is None else _slices(encoded, [row.start for row in rows], boards),
            board_index=packed.board_index,
            visible=packed.visible,
            legal_index=None
            if self.model.legal_head is None
            else c + k * torch.arange(boards, device=self.device),
            **self._asked([c + k * ply for ply in range(boards)]),
        )
        results = {}
        for i, (start, _, plies) in enumerate(rows):
            for ply, root, begin in zip(plies, packed.roots[i], packed.begins[i], strict=True):
                tree, value = trees[ply], output.value_logits[i, root]
                legal = None if output.legal_logits is None else output.legal_logits[i, ply - start]
                if isinstance(tree, TableMoves):
                    table = output.move_logprobs[i, ply - start, 0]
                    results[ply] = self._table_scores(tree, table, value, legal)
                    continue
                inner = output.logits[i, begin : begin + len(tree.tokens)]
                turn = (first_turn + ply) % 2
                results[ply] = self._scores(tree, output.logits[i, root], inner, value, legal, turn)
        return results

    def _scores(
        self, tree: PackedTree, root: Tensor, inner: Tensor, value: Tensor, legal: Tensor | None, turn: int
    ) -> MoveScores:
        rows = torch.cat([root[None], inner]).double().log_softmax(-1).cpu().numpy()
        moves, sums = tree.score(rows[0], rows[1:])
        order = np.argsort([move.index for move in moves], kind="stable")
        # The Gumbel trick: the largest of log-probability + noise is a draw at temperature 1.
        noise = self._rng.gumbel(size=rows.shape)
        return MoveScores(
            moves=tuple(moves[i] for i in order),
            logprobs=sums[order],
            value=value.double().softmax(-1).cpu().numpy(),
            greedy=tree.follow(rows.argmax(-1).tolist()),
            sampled=tree.follow((rows + noise).argmax(-1).tolist()),
            legal_set=None if legal is None else _taken_for_legal(legal, turn),
        )

    def _table_scores(
        self, legal: TableMoves, table: Tensor, value: Tensor, legal_set: Tensor | None
    ) -> MoveScores:
        """Of a model with a table of moves: *table* (specials + 2086) holds the log-probabilities of whole texts."""
        logprobs = table.double().cpu().numpy()
        specials, two_words = len(logprobs) - len(POSSIBLE_MOVES), self.tokenizer.slots == 2
        drawn = int((logprobs + self._rng.gumbel(size=len(logprobs))).argmax())
        return MoveScores(
            moves=legal.moves,
            logprobs=logprobs[specials + legal.places],
            value=value.double().softmax(-1).cpu().numpy(),
            greedy=legal.spoken(logprobs, two_words),
            sampled=legal.move_at(drawn - specials),
            legal_set=None if legal_set is None else _taken_for_legal(legal_set, legal.turn),
        )

    def encode(self, features: Sequence[Features]) -> EncodedBoards:
        """What the encoder says of the boards with these features, (1, P, ...)."""
        boards = torch.from_numpy(np.stack([codes for codes, _ in features]))[None].to(self.device)
        counts = torch.from_numpy(np.stack([numbers for _, numbers in features]))[None].to(self.device)
        return self.model.encode_boards(boards, counts)


class _Row(NamedTuple):
    """One context and the plies that are scored in it."""

    start: int  # the ply it begins with
    prefix: tuple[int, ...]  # its condition tokens
    plies: list[int]


def _taken_for_legal(scores: Tensor, turn: int) -> frozenset[Move]:
    """The moves with a score (2086,) above 0, turned back to the board as Red sees it."""
    seen = [MOVES[index] for index in POSSIBLE_MOVES[(scores > 0).cpu().numpy()].tolist()]
    return frozenset(move.rotated() for move in seen) if turn == Color.BLACK else frozenset(seen)


def _only(legal_logits: Tensor | None) -> Tensor | None:
    """(1, 1, 2086) -> (2086,)."""
    return None if legal_logits is None else legal_logits[0, 0]


def _only_table(move_logprobs: Tensor | None) -> Tensor | None:
    """(1, 1, 1, M) -> (M,)."""
    return None if move_logprobs is None else move_logprobs[0, 0, 0]


def _joined(parts: list[EncodedBoards]) -> EncodedBoards:
    vectors = [p.vectors for p in parts if p.vectors is not None]
    return EncodedBoards(torch.cat([p.summary for p in parts], 1), torch.cat(vectors, 1) if vectors else None)


def _last_board(encoded: EncodedBoards) -> EncodedBoards:
    return EncodedBoards(
        encoded.summary[:, -1:], None if encoded.vectors is None else encoded.vectors[:, -1:]
    )


def _slices(encoded: EncodedBoards, starts: list[int], count: int) -> EncodedBoards:
    """For every row *count* boards of a game, from its start on (the last one again past the end)."""
    device = encoded.summary.device
    index = torch.tensor(starts, device=device)[:, None] + torch.arange(count, device=device)
    index = index.clamp_max(encoded.summary.shape[1] - 1)
    return EncodedBoards(
        encoded.summary[0, index], None if encoded.vectors is None else encoded.vectors[0, index]
    )


def _repeated(encoded: EncodedBoards, rows: int) -> EncodedBoards:
    return EncodedBoards(
        encoded.summary.expand(rows, -1, -1),
        None if encoded.vectors is None else encoded.vectors.expand(rows, -1, -1, -1),
    )
