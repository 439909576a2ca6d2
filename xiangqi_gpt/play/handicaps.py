"""Odds: start positions in which one side lacks pieces, as strong players give them to weaker ones."""

from __future__ import annotations

from typing import Final

from xiangqi_gpt.rules import START_FEN, Board, Color, parse_square
from xiangqi_gpt.rules.fen import format_fen

HANDICAPS: Final[dict[str, tuple[str, ...]]] = {
    "none": (),
    "horse": ("b0",),
    "two_horses": ("b0", "h0"),
    "nine": ("b0", "h0", "c0", "g0", "d0", "f0", "b2", "h2", "e3"),
}
"""What the giver lacks, on Red's side: 讓單馬 the left horse, 讓雙馬 both, 讓九子 horses, cannons, elephants, advisors
and the middle soldier. 讓先, giving the first move, is a matter of the colours. The catalogue has the names.
"""


def handicap_fen(name: str, giver: Color) -> str:
    """The start position in which *giver* gives these odds; KeyError for an unknown name."""
    squares = list(Board(START_FEN).squares)
    for text in HANDICAPS[name]:
        square = parse_square(text)
        squares[square if giver is Color.RED else 89 - square] = 0
    return format_fen(squares, Color.RED)
