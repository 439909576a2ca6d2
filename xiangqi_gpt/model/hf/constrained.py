"""Hugging Face's ``generate`` under the prefix tree of legal moves: the slow twin of our beam search.

Nothing is cached here: ``generate`` runs the whole context for every token of every beam. What it is good for is
everything else that ``generate`` offers, and checking :func:`~xiangqi_gpt.decoding.beam.beam_search`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor

from xiangqi_gpt.errors import XiangqiError
from xiangqi_gpt.model.context import check_context
from xiangqi_gpt.model.generation import prompt_ids, replay
from xiangqi_gpt.model.gpt import XiangqiGPT
from xiangqi_gpt.model.hf.modeling import XiangqiGPTForCausalLM
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.tokens import Tokenizer, TokenTrie, legal_tree

_TREES = 4096  # boards whose trees are kept


class _Rules:
    """Which tokens may follow the ids of a row; none where the game is over or the row has left the tree."""

    def __init__(self, tokenizer: Tokenizer, root_fen: str) -> None:
        self.tokenizer = tokenizer
        self.root_fen = root_fen
        self._trees: OrderedDict[tuple[int, ...], TokenTrie[Move] | None] = OrderedDict()

    def allowed(self, ids: Sequence[int]) -> list[int]:
        k = self.tokenizer.slots
        text = list(ids[self.tokenizer.condition.length + 1 :])
        said = len(text) % k
        tree = self._tree(tuple(text[: len(text) - said]))
        if tree is None or not len(tree):
            return []
        cursor = tree.cursor()
        for token in text[len(text) - said :]:
            if token not in tree.children[cursor.node]:
                return []
            cursor.advance(token)
        return cursor.allowed()

    def _tree(self, plies: tuple[int, ...]) -> TokenTrie[Move] | None:
        """The tree behind whole plies, None where they are no game."""
        if plies not in self._trees:
            board = replay(self.tokenizer, plies, self.root_fen)[-1]
            is_game = board.ply == len(plies) // self.tokenizer.slots
            self._trees[plies] = legal_tree(board, self.tokenizer) if is_game else None
            if len(self._trees) > _TREES:
                self._trees.popitem(last=False)
        return self._trees[plies]


class LegalMoves(LogitsProcessor):
    """Lets through what continues the text of a legal move; scores that pass stay as they are.

    Behind the end of a game PAD follows, at no cost, so a finished line keeps its score: give ``generate`` PAD as its
    ``eos_token_id``. *root_fen* is the position at which the ids begin.
    """

    def __init__(self, tokenizer: Tokenizer, root_fen: str) -> None:
        self._rules = _Rules(tokenizer, root_fen)
        self._pad = tokenizer.vocab.pad_id

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """input_ids (B, T), scores (B, V) -> scores (B, V), -inf where no legal move continues."""
        masked = torch.full_like(scores, -torch.inf)
        for i, row in enumerate(input_ids.tolist()):
            allowed = self._rules.allowed(row)
            if allowed:
                masked[i, allowed] = scores[i, allowed]
            else:
                masked[i, self._pad] = 0.0
        return masked


def prefix_allowed_tokens(tokenizer: Tokenizer, root_fen: str) -> Callable[[int, Tensor], list[int]]:
    """The same constraint as ``generate``'s own ``prefix_allowed_tokens_fn``.

    Behind the end of a game PAD is allowed, at the price that the model sets.
    """
    rules = _Rules(tokenizer, root_fen)

    def allowed(batch: int, ids: Tensor) -> list[int]:
        return rules.allowed(ids.tolist()) or [tokenizer.vocab.pad_id]

    return allowed


def generate_lines(
    model: XiangqiGPT, board: Board, *, width: int = 8, plies: int = 1, **options: Any
) -> list[tuple[tuple[Move, ...], float]]:
    """Lines of *plies* plies by ``generate`` with *width* beams, with their scores, best first.

    Equal to ``beam_search(..., prune="token")``, but for a line that ends the game while *width* others rank above it:
    ``generate`` forgets it. *options* go to ``generate`` as they are.

    Raises:
        ValueError: no legal moves.
        ConfigError: a game too long for a model with board="none".
    """
    if not board.legal_moves():
        raise ValueError(f"There are no legal moves in {board.fen()!r}: the game is over.")
    check_context(model.config, board.root_fen, board.ply + plies - 1)
    tokenizer, pad = model.tokenizer, model.tokenizer.vocab.pad_id
    prompt = prompt_ids(tokenizer, board).to(model.device)
    if "prefix_allowed_tokens_fn" not in options:
        options.setdefault("logits_processor", [LegalMoves(tokenizer, board.root_fen)])
    generator: Any = XiangqiGPTForCausalLM.of(model)  # transformers types `generate` for its own classes only
    output = generator.generate(
        prompt,
        attention_mask=torch.ones_like(prompt),
        root_fen=board.root_fen,
        max_new_tokens=plies * tokenizer.slots,
        num_beams=width,
        num_return_sequences=width,
        do_sample=False,
        length_penalty=0.0,
        early_stopping="never",
        use_cache=False,
        eos_token_id=pad,
        pad_token_id=pad,
        return_dict_in_generate=True,
        output_scores=width > 1,
        output_logits=width == 1,
        **options,
    )
    if width > 1:
        scores = output.sequences_scores.tolist()
    else:  # greedy search returns no score
        said = output.sequences[0, prompt.shape[1] :].tolist()
        steps = zip(output.logits, said, strict=True)
        scores = [sum(float(x[0].log_softmax(-1)[token]) for x, token in steps if token != pad)]
    lines = []
    for ids, score in zip(output.sequences.tolist(), scores, strict=True):
        if score > -1e8:  # beams that were never alive carry -1e9
            lines.append((_moves(tokenizer, board, ids[prompt.shape[1] :]), float(score)))
    return lines


def _moves(tokenizer: Tokenizer, board: Board, text: list[int]) -> tuple[Move, ...]:
    """The moves of *text* on *board*, up to the first PAD."""
    k, after = tokenizer.slots, board.copy()
    for first in range(0, len(text), k):
        ids = text[first : first + k]
        if len(ids) < k or ids[0] == tokenizer.vocab.pad_id:
            break
        move = tokenizer.decode(after, ids)
        if not after.is_legal(move):
            raise XiangqiError(f"expected legal moves from generate, found {move.iccs!r} in {after.fen()!r}")
        after.push(move)
    return tuple(after.move_stack[board.ply :])
