"""Exact scores of all legal moves of a position.

From a position to its scores it is four steps:

1. the window of its game that the model reads, with the legal moves behind the ply that is asked about (``Context``);
2. the encodings of the window's boards, of which those of recent calls are kept (:class:`Network`);
3. one forward pass over all contexts of a call (:func:`~xiangqi_gpt.model.layout.pack_rows` lays them out);
4. for every ply asked about, the scores of its legal moves.

The score of a move is the sum of the model's raw log-probabilities of its tokens. All legal moves share prefixes, so
the inner nodes of their tree are one branch of the context, and the pass over it gives every move's exact score. A
model with a table of moves needs no branches: one token gives the scores of all moves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from xiangqi_gpt.decoding.network import Features, Network
from xiangqi_gpt.decoding.tree import PackedTree, TableMoves
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import XiangqiGPT
from xiangqi_gpt.model.context import board_features, check_context, context_start
from xiangqi_gpt.model.layout import Row, pack_rows
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import MOVES, Move
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.tokens import POSSIBLE_MOVES, Condition, legal_tree

_LEAF_PLIES = 2  # that a leaf of a search is read with: the move that leads to it and the one to come

Floats = npt.NDArray[np.float64]


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


class Asked(NamedTuple):
    """A ply of a context that is asked about."""

    ply: int  # within the context, 0 for the first
    moves: PackedTree | TableMoves  # the legal ones
    turn: int


class Context(NamedTuple):
    """A stretch of one game as the model reads it, and the plies in it that are asked about."""

    prefix: tuple[int, ...]  # condition tokens
    text: list[int]  # the tokens of the plies played, k per ply
    boards: list[Features]  # before each of them, and the last one
    asked: list[Asked]


class Scorer:
    """Scores positions with one model; it keeps the encodings of recent boards, so a game costs one board per ply."""

    def __init__(
        self,
        model: XiangqiGPT,
        device: str | torch.device = "cpu",
        seed: int = 0,
        condition: Condition | None = None,
        style: str | None = None,
        precision: str = "float32",
        leaf_precision: str = "auto",
    ) -> None:
        """*condition* is what the side to move asks for, of a model trained with condition tokens.

        *style* is whose moves are asked for, ``human`` or ``teacher``, of a model with styles; by default the one that
        the model speaks where nobody asks. *precision* and *leaf_precision* (of :meth:`score_leaves`) are ``float32``,
        ``bfloat16``, ``int8`` (the encoder in eight bits), or ``auto``: bfloat16 where the processor is fast at it.

        Raises:
            ConfigError: a style or a condition that the model was not trained with, or no precision.
        """
        module: torch.nn.Module = model
        module.to(device).eval()
        self.model = model
        self.device = torch.device(device)
        self.tokenizer = model.tokenizer
        self.style = model.config.style_number(style)
        self.network = Network(model, precision, self.device)
        self._precision, self._leaf_precision = precision, leaf_precision
        self._rng = np.random.default_rng(seed)
        self.condition = condition or Condition()
        known = self.tokenizer.condition
        for name, wanted, has in (
            ("result", self.condition.result, known.has_result),
            ("strength", self.condition.strength, known.has_strength),
        ):
            if wanted is not None and not has:
                raise ConfigError(
                    f"{name}: this model was trained with condition={known.kind!r}; "
                    f"use one trained with condition={name}"
                )

    @cached_property
    def leaf_network(self) -> Network:
        """What scores the leaves of a search."""
        if self._leaf_precision in (self._precision, self.network.precision):
            return self.network
        network = Network(self.model, self._leaf_precision, self.device)
        return self.network if network.precision == self.network.precision else network

    def forget(self) -> None:
        """Drop all remembered boards."""
        self.network.forget()
        if "leaf_network" in vars(self):  # a policy that never searched has made none
            self.leaf_network.forget()

    def score(self, board: Board) -> MoveScores:
        """Score all legal moves of *board*; ValueError where there are none."""
        return self.score_many([board])[0]

    @torch.inference_mode()
    def score_many(self, boards: Sequence[Board], batch: int = 32) -> list[MoveScores]:
        """Score several positions, of one game or of many, *batch* of them in one pass.

        Equal to :meth:`score` on each in turn.
        """
        contexts = [
            self._context(board, context_start(board.ply, self.model.config.context_plies))
            for board in boards
        ]
        return [scores for (scores,) in self._scored(contexts, batch)]

    @torch.inference_mode()
    def score_leaves(self, boards: Sequence[Board]) -> list[MoveScores]:
        """Score positions that a search has reached: quickly, and nearly as :meth:`score_many` does.

        A model that is given the board reads the last move and no more of the game, so that all rows are laid out
        alike and every leaf costs one board; ``greedy``, ``sampled`` and ``legal_set`` are left out.
        """
        config = self.model.config
        plies = config.context_plies if config.board == "none" else min(_LEAF_PLIES, config.context_plies)
        contexts = [self._context(board, max(0, board.ply + 1 - plies)) for board in boards]
        return [scores for (scores,) in self._run(contexts, self.leaf_network, briefly=True)]

    @torch.inference_mode()
    def score_line(self, root: Board, moves: Sequence[Move], batch: int = 32) -> list[MoveScores]:
        """Score every position of a game: ``result[p]`` belongs to the position before ``moves[p]``.

        Equal to :meth:`score` on each position in turn, and many times faster: positions that are read in the same
        context are scored together, *batch* contexts in one pass. *root* has no moves on its stack.
        """
        check_context(self.model.config, root.root_fen, len(moves) - 1)
        board, features, texts = root.copy(), [], []
        windows: dict[tuple[int, tuple[int, ...]], list[Asked]] = {}
        for ply, move in enumerate(moves):
            start = context_start(ply, self.model.config.context_plies)
            window = windows.setdefault((start, self.prefix(board.turn)), [])
            window.append(Asked(ply - start, self._legal(board), board.turn))
            features.append(board_features(board))
            texts.append(self.tokenizer.encode(board, move))
            board.push(move)
        contexts = []
        for (start, prefix), asked in windows.items():
            end = start + asked[-1].ply
            text = [token for ids in texts[start:end] for token in ids]
            contexts.append(Context(prefix, text, features[start : end + 1], asked))
        results: list[MoveScores | None] = [None] * len(moves)
        for ((start, _), asked), scores in zip(windows.items(), self._scored(contexts, batch), strict=True):
            for one, found in zip(asked, scores, strict=True):
                results[start + one.ply] = found
        return [found for found in results if found is not None]

    def prefix(self, turn: int) -> tuple[int, ...]:
        """The condition tokens where *turn* is to move."""
        result, strengths = self.condition.seen_by_red(turn)
        return tuple(self.tokenizer.condition.ids([result], [strengths])[0].tolist())

    def window(self, board: Board, start: int) -> tuple[list[int], list[Features]]:
        """The tokens played since ply *start* of the game of *board*, and the boards before them and after the last."""
        past, text, boards = board.copy(), [], [board_features(board)]
        while past.ply > start:
            move = past.pop()
            text.append(self.tokenizer.encode(past, move))
            boards.append(board_features(past))
        return [token for ids in reversed(text) for token in ids], boards[::-1]

    def _context(self, board: Board, start: int) -> Context:
        """The context that begins with ply *start* and asks about the present position of *board*."""
        check_context(self.model.config, board.root_fen, board.ply)
        asked = Asked(board.ply - start, self._legal(board), board.turn)
        return Context(self.prefix(board.turn), *self.window(board, start), [asked])

    def _legal(self, board: Board) -> PackedTree | TableMoves:
        """The legal moves of *board*, as the model scores them; ValueError where there are none."""
        legal: PackedTree | TableMoves
        if self.model.move_table is not None:
            legal = TableMoves.of(board)
        else:
            legal = PackedTree.of(legal_tree(board, self.tokenizer))
        if not legal.moves:
            raise ValueError(f"There are no legal moves in {board.fen()!r}: the game is over.")
        return legal

    def _scored(self, contexts: Sequence[Context], batch: int) -> list[list[MoveScores]]:
        """For every context the scores of the plies it asks about; *batch* contexts in one pass."""
        found = []
        for first in range(0, len(contexts), batch):
            found += self._run(contexts[first : first + batch], self.network)
        return found

    def _run(
        self, contexts: Sequence[Context], network: Network, briefly: bool = False
    ) -> list[list[MoveScores]]:
        """One pass; *briefly* leaves out what only the bare model would say."""
        rows = pack_rows(
            [Row(c.prefix, c.text, [(one.ply, one.moves) for one in c.asked]) for c in contexts],
            self.tokenizer.vocab.bos_id,
            self.tokenizer.slots,
            self.device,
            multiple=16,  # few different shapes: kernels are prepared, and kept, for every one of them
        )
        roots = sorted({root for row in rows.roots for root in row})
        at = torch.tensor(roots, device=self.device)
        with_table = self.model.move_table is not None
        output = network.read(
            rows,
            [context.boards for context in contexts],
            style=self.style,
            value_index=at,
            move_index=at if with_table else None,
            legal_index=None if briefly or self.model.legal_head is None else at,
            with_logits=not with_table,
        )
        values = output.value_logits.double().softmax(-1).cpu().numpy()  # (B, N, 3)
        tables = _numbers(output.move_logprobs)  # (B, N, 1, specials + 2086)
        logits, legal_sets = output.logits, output.legal_logits
        results: list[list[MoveScores]] = []
        for i, context in enumerate(contexts):
            results.append([])
            for one, root, begin in zip(context.asked, rows.roots[i], rows.begins[i], strict=True):
                n, moves = roots.index(root), one.moves
                greedy = sampled = legal_set = None
                if isinstance(moves, TableMoves):
                    assert tables is not None
                    logprobs = moves.score(tables[i, n, 0])
                    if not briefly:
                        greedy, sampled = self._said_of_table(moves, tables[i, n, 0])
                else:
                    said = torch.cat([logits[i, root, None], logits[i, begin : begin + len(moves.tokens)]])
                    words = said.double().log_softmax(-1).cpu().numpy()
                    logprobs = moves.score(words[0], words[1:])[1]
                    if not briefly:
                        greedy, sampled = self._said_of_words(moves, words)
                if legal_sets is not None:
                    legal_set = _taken_for_legal(legal_sets[i, n], one.turn)
                results[-1].append(
                    MoveScores(moves.moves, logprobs, values[i, n], greedy, sampled, legal_set)
                )
        return results

    def _said_of_table(self, moves: TableMoves, table: Floats) -> tuple[Move | None, Move | None]:
        """The likeliest text and one drawn at temperature 1, of log-probabilities (specials + 2086) of whole texts."""
        # The Gumbel trick: the largest of log-probability + noise is a draw at temperature 1.
        drawn = int((table + self._rng.gumbel(size=len(table))).argmax())
        two_words = self.tokenizer.slots == 2
        return moves.spoken(table, two_words), moves.move_at(drawn - (len(table) - len(POSSIBLE_MOVES)))

    def _said_of_words(self, moves: PackedTree, words: Floats) -> tuple[Move | None, Move | None]:
        """The same of log-probabilities (1 + M, V) of what follows the prompt and each inner node."""
        noise = self._rng.gumbel(size=words.shape)
        return moves.follow(words.argmax(-1).tolist()), moves.follow((words + noise).argmax(-1).tolist())


def _numbers(tensor: Tensor | None) -> Floats | None:
    return None if tensor is None else tensor.double().cpu().numpy()


def _taken_for_legal(scores: Tensor, turn: int) -> frozenset[Move]:
    """The moves with a score (2086,) above 0, turned back to the board as Red sees it."""
    seen = [MOVES[index] for index in POSSIBLE_MOVES[(scores > 0).cpu().numpy()].tolist()]
    return frozenset(move.rotated() for move in seen) if turn == Color.BLACK else frozenset(seen)
