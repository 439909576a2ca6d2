"""What Hugging Face's ``generate`` needs of the model: inputs made anew from the ids at every step.

Slow on purpose: nothing is cached, every board is replayed and the whole context is run for each new token. It is there
so that everything ``generate`` offers works, and as a check on the fast ways of :mod:`xiangqi_gpt.decoding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import GenerationMixin

from xiangqi_gpt.errors import MoveError
from xiangqi_gpt.model.context import board_features, context_start
from xiangqi_gpt.model.layout import main_line
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.tokens import Tokenizer


def replay(tokenizer: Tokenizer, text: Sequence[int], root_fen: str = START_FEN) -> list[Board]:
    """The boards before each of the plies that *text* (the ids after BOS) begins or completes, from *root_fen* on.

    A text that names no legal move ends the game: the last board is repeated in place of all that would follow.
    """
    board, k = Board(root_fen, strict=False), tokenizer.slots
    boards, over = [board], False
    for first in range(0, len(text) - k + 1, k):
        if not over:
            try:
                move = tokenizer.decode(board, text[first : first + k])
            except (MoveError, IndexError):
                over = True
            else:
                over = not board.is_legal(move)
        if not over:
            board = board.copy()
            board.push(move)
        boards.append(board)
    return boards


class MoveGenerationMixin(GenerationMixin):
    """The part of the model that ``generate`` talks to. ``root_fen`` is the position that the ids begin at.

    The ids are the condition tokens, if the model has any, BOS, and the tokens of the moves played since. The context
    is windowed as in play: it holds whole plies, and the first ones are left out of a long game.
    """

    def prepare_inputs_for_generation(  # it takes less, and names what it takes
        self,
        input_ids: Tensor,
        root_fen: str = START_FEN,
        attention_mask: Tensor | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Inputs of ``forward`` for *input_ids* (B, T); only the logits of the last token mean the next token.

        All rows are equally long, so the attention mask that ``generate`` makes has nothing to say.
        """
        model: Any = self
        tokenizer: Tokenizer = model.tokenizer
        k, c = tokenizer.slots, tokenizer.condition.length
        ply = (input_ids.shape[1] - c - 1) // k
        start = context_start(ply, model.config.context_plies)
        ids = torch.cat([input_ids[:, : c + 1], input_ids[:, c + 1 + k * start :]], 1)
        places = [column.to(ids.device).expand(len(ids), -1) for column in main_line(ids.shape[1], k, c)]
        slots, positions, board_index = places
        inputs: dict[str, Any] = {"input_ids": ids, "slots": slots, "positions": positions}
        if model.encoder is not None:
            lines = [replay(tokenizer, row[c + 1 :], root_fen)[start:] for row in input_ids.tolist()]
            # Beams share nearly all of their boards: each is encoded once.
            features = {id(board): board_features(board) for line in lines for board in line}
            unique: dict[bytes, int] = {}
            chosen = []
            for codes, counts in features.values():
                key = codes.tobytes() + counts.tobytes()
                if key not in unique:
                    unique[key] = len(unique)
                    chosen.append((codes, counts))
            place = {
                board: unique[codes.tobytes() + counts.tobytes()]
                for board, (codes, counts) in features.items()
            }
            encoded = model.encode_boards(
                *(torch.from_numpy(np.stack(part))[None].to(ids.device) for part in zip(*chosen, strict=True))
            )
            index = torch.tensor([[place[id(board)] for board in line] for line in lines], device=ids.device)
            inputs["encoded"] = encoded.map(lambda rows: rows[0, index])
            inputs["board_index"] = board_index
        return inputs
