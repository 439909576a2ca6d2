"""Boards on which notations have to tell like pieces apart."""

from __future__ import annotations

from xiangqi_gpt.rules import Board

START = Board()
BLACK_START = Board("rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR b - - 0 1")
THREE = Board("3k5/9/6P2/6P2/6P2/9/9/9/9/4K4 w - - 0 1")
THREE_AND_TWO = Board("3k5/9/2P3P2/2P3P2/6P2/9/9/9/9/4K4 w - - 0 1")
FOUR = Board("3k5/6P2/6P2/6P2/6P2/9/9/9/9/4K4 w - - 0 1")
FIVE = Board("3k2P2/6P2/6P2/6P2/6P2/9/9/9/9/4K4 w - - 0 1")
