"""Floor 4: exact scores of the legal moves, and ways to choose among them."""

from __future__ import annotations

from xiangqi_gpt.decoding.sampling import choose, repetition_risk
from xiangqi_gpt.decoding.scorer import MoveScores, Scorer

__all__ = ["MoveScores", "Scorer", "choose", "repetition_risk"]
