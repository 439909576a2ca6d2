"""What a model is shown of a game: which plies, which boards, which tokens."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model.config import XiangqiGPTConfig
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import START_FEN
from xiangqi_gpt.rules.pieces import Color
from xiangqi_gpt.rules.views import other_side

NATURAL_LIMIT = 120  # plies without a capture after which a game is drawn: the unit of the clock input


def context_start(ply: int, context_plies: int) -> int:
    """The first ply of the context in which ply *ply* (0-based, from the root position) is predicted.

    Short games are seen whole. Longer ones are windowed by whole plies: the start moves on by half a context at a time,
    so a state stays good for several plies and every context holds at least half of what fits.
    """
    if ply < context_plies:
        return 0
    stride = max(1, context_plies - context_plies // 2)
    return ((ply - context_plies) // stride + 1) * stride


def check_context(config: XiangqiGPTConfig, root_fen: str, plies: int) -> None:
    """ConfigError where a model without a board mode cannot know the position."""
    if config.board != "none":
        return
    if root_fen.split()[:2] != START_FEN.split()[:2]:
        raise ConfigError(
            f"this model has board='none' and must see the whole game: expected a game from the standard start, "
            f"found one from {root_fen!r}"
        )
    if plies >= config.context_plies:
        raise ConfigError(
            f"this model has board='none' and must see the whole game: expected at most {config.context_plies - 1} "
            f"plies, found {plies}"
        )


def board_features(board: Board) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Piece codes (90,) as the side to move sees them, and the counters (2,)."""
    codes = np.array(board.squares, np.int8)
    if board.turn == Color.BLACK:
        codes = other_side(codes)
    return codes, counters(int(board.turn), board.halfmove_clock)


def board_as_seen(config: XiangqiGPTConfig, board: Board) -> npt.NDArray[np.int8]:
    """The piece codes (90,) of *board* as a model sees it: from the side to move, or from Red if it has view="red"."""
    return from_own_view(config, np.array(board.squares, np.int8), board.turn)


def from_own_view(config: XiangqiGPTConfig, codes: npt.NDArray[np.int8], turn: int) -> npt.NDArray[np.int8]:
    """Codes (90,) turned between Red's view and that of a model, where *turn* is to move; its own inverse."""
    return other_side(codes) if is_turned(config, turn) else codes


def is_turned(config: XiangqiGPTConfig, turn: int) -> bool:
    """Whether a model sees the board from Black's side, where *turn* is to move."""
    return config.view == "mover" and turn == Color.BLACK


def counters(turns: npt.ArrayLike, clocks: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """The counter inputs (..., 2): the side to move, and plies since the last capture as a share of the limit."""
    clock = np.minimum(np.asarray(clocks), NATURAL_LIMIT) / NATURAL_LIMIT
    return np.stack([np.asarray(turns), clock], -1).astype(np.float32)
