"""Positions that cannot occur in a game but can be played, such as composed problems."""

from __future__ import annotations

from typing import Final

from xiangqi_gpt.errors import FenError, FenFault, FenFaultCode
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.fen import fen_faults

ODD: Final = frozenset(
    (
        FenFaultCode.ADVISOR_POINT,
        FenFaultCode.ELEPHANT_POINT,
        FenFaultCode.PAWN_BEHIND_START,
        FenFaultCode.PAWN_OFF_FILE,
        FenFaultCode.PAWN_DOUBLED,
        FenFaultCode.TOO_MANY,
        FenFaultCode.BAD_COUNTER,
        FenFaultCode.EXTRA_FIELD,
    )
)
"""Faults of a FEN with which the rules can still play: both kings are there, and nobody is in check out of turn."""


def lenient_board(fen: str) -> tuple[Board, tuple[FenFault, ...]]:
    """The board of a position that can be played, and what is odd about it (nothing for a usual position).

    Raises:
        FenError: with the faults that leave nothing to play.
    """
    faults = fen_faults(fen)
    refused = [fault for fault in faults if fault.fatal or fault.code not in ODD]
    if refused:
        words = "; ".join(fault.text_en for fault in refused)
        raise FenError(f"expected a position that can be played: {words}", fen=fen, faults=refused)
    return Board(fen, strict=False), tuple(faults)
