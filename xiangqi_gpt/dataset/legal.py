"""The legal moves of every board of some windows: as sets of possible moves, as texts, as allowed next tokens.

Letters in shapes: B windows, P plies, N boards (those of the B * P that exist), k tokens per move, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.dataset.packed import NO_MOVE
from xiangqi_gpt.dataset.windows import Windows
from xiangqi_gpt.rules.batch import legal_lists, legal_mask
from xiangqi_gpt.rules.squares import SQUARES
from xiangqi_gpt.rules.views import rotated_moves
from xiangqi_gpt.tokens import POSSIBLE_MOVES, Tokenizer

Moves = npt.NDArray[np.int64]


def legal_sets(windows: Windows) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which of POSSIBLE_MOVES are legal (B, P, 2086), seen by the mover, and where a board exists (B, P).

    The mover sees its own pieces as Red sees Red's, so every board is treated as one with Red to move.
    """
    known: npt.NDArray[np.bool_] = np.asarray(windows.boards.any(-1))
    sets = np.zeros((*known.shape, len(POSSIBLE_MOVES)), bool)
    boards = windows.boards[known]
    sets[known] = legal_mask(boards, np.zeros(len(boards), np.int8))[:, POSSIBLE_MOVES]
    return sets, known


def legal_texts(windows: Windows, tokenizer: Tokenizer) -> tuple[Moves, Moves]:
    """The legal moves (N, 128) of every board and their texts (N, 128, k).

    Moves are as Red sees them; after the last one, rows are padded with NO_MOVE.
    """
    known = windows.boards.any(-1)
    boards, turns = windows.boards[known], windows.turns[known]
    counts, listed = legal_lists(boards, np.zeros(len(boards), np.int8))
    inside = np.arange(listed.shape[1]) < counts[:, None]
    moves = np.where(inside, rotated_moves(listed, turns[:, None]), NO_MOVE)
    ids = tokenizer.encode_batch(
        np.broadcast_to(boards[:, None], (*moves.shape, SQUARES)),
        moves,
        np.broadcast_to(turns[:, None], moves.shape),
    )
    return moves, ids


def legal_tokens(
    windows: Windows, tokenizer: Tokenizer, texts: npt.NDArray[np.integer[Any]]
) -> npt.NDArray[np.bool_]:
    """Which tokens (B, P, k, V) continue the text of a legal move after the first tokens of *texts* (B, P, k).

    All false if there is no board, or if the preceding tokens are not a prefix of a legal move.
    """
    known = windows.boards.any(-1)
    moves, ids = legal_texts(windows, tokenizer)
    allowed = np.zeros((*texts.shape, len(tokenizer.vocab)), bool)
    found = allowed[known]
    fits = moves != NO_MOVE
    for slot in range(texts.shape[-1]):
        board, move = np.nonzero(fits)
        found[board, slot, ids[board, move, slot]] = True
        fits = fits & (ids[..., slot] == texts[known][:, None, slot])
    allowed[known] = found
    return allowed
