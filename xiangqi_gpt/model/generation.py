"""The inputs of a text of tokens, made anew from the ids at every step.

Slow on purpose: nothing is cached, every board is replayed and the whole context is run for each new token. It is there
for Hugging Face's ``generate``, and as a check on the fast ways of :mod:`xiangqi_gpt.decoding`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from xiangqi_gpt.errors import MoveError
from xiangqi_gpt.model.context import board_features, context_start
from xiangqi_gpt.model.encoder import EncodedBoards
from xiangqi_gpt.model.gpt import XiangqiGPT
from xiangqi_gpt.model.layout import main_line
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.tokens import Condition, Tokenizer


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


def text_inputs(model: XiangqiGPT, input_ids: Tensor, root_fen: str = START_FEN) -> dict[str, Any]:
    """Inputs of ``model.forward`` for the ids (B, T) of texts that begin at the position *root_fen*.

    The ids are the condition tokens, if the model has any, BOS, and the tokens of the moves played since. The context
    is windowed as in play: it holds whole plies, and the first ones are left out of a long game.
    """
    tokenizer = model.tokenizer
    k, c = tokenizer.slots, tokenizer.condition.length
    ply = (input_ids.shape[1] - c - 1) // k
    start = context_start(ply, model.config.context_plies)
    ids = torch.cat([input_ids[:, : c + 1], input_ids[:, c + 1 + k * start :]], 1)
    places = [column.to(ids.device).expand(len(ids), -1) for column in main_line(ids.shape[1], k, c)]
    slots, positions, board_index = places
    inputs: dict[str, Any] = {"input_ids": ids, "slots": slots, "positions": positions}
    if model.encoder is not None:
        lines = [replay(tokenizer, row[c + 1 :], root_fen)[start:] for row in input_ids.tolist()]
        encoded, index = _encoded(model, lines)
        inputs["encoded"] = encoded.map(lambda rows: rows[0, index])
        inputs["board_index"] = board_index
    return inputs


def _encoded(model: XiangqiGPT, lines: Sequence[Sequence[Board]]) -> tuple[EncodedBoards, Tensor]:
    """The different boards of *lines*, encoded once, and the number (B, P) of each board among them."""
    # Beams share nearly all of their boards.
    numbers: dict[bytes, int] = {}
    chosen = []
    of_board: dict[int, int] = {}
    for board in {id(board): board for line in lines for board in line}.values():
        codes, counts = board_features(board)
        key = codes.tobytes() + counts.tobytes()
        if key not in numbers:
            numbers[key] = len(numbers)
            chosen.append((codes, counts))
        of_board[id(board)] = numbers[key]
    features = (torch.from_numpy(np.stack(part))[None].to(model.device) for part in zip(*chosen, strict=True))
    index = torch.tensor([[of_board[id(board)] for board in line] for line in lines], device=model.device)
    return model.encode_boards(*features), index


def prompt_ids(tokenizer: Tokenizer, board: Board, condition: Condition | None = None) -> Tensor:
    """The ids (1, T) of a game so far: condition tokens, BOS, every move played since ``board.root_fen``."""
    result, strengths = (condition or Condition()).seen_by_red(board.turn)
    ids = [*tokenizer.condition.ids([result], [strengths])[0].tolist(), tokenizer.vocab.bos_id]
    past = Board(board.root_fen, strict=False)
    for move in board.move_stack:
        ids += tokenizer.encode(past, move)
        past.push(move)
    return torch.tensor([ids])


def greedy_unmasked(model: XiangqiGPT, board: Board, condition: Condition | None = None) -> list[int]:
    """The tokens of the next move as *model* gives them by itself: the likeliest one each time, nothing masked.

    The result ends early at PAD. Every token takes a run of the whole context.
    """
    prompt = prompt_ids(model.tokenizer, board, condition).to(model.device)
    ids = prompt
    for _ in range(model.tokenizer.slots):
        with torch.inference_mode():
            logits = model(**text_inputs(model, ids, board.root_fen)).logits
        token = logits[:, -1].argmax(-1, keepdim=True)
        ids = torch.cat([ids, token], 1)
        if int(token) == model.tokenizer.vocab.pad_id:
            break
    found: list[int] = ids[0, prompt.shape[1] :].tolist()
    return found
