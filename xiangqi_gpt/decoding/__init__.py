"""Floor 4: exact scores of the legal moves, and ways to choose among them."""

from __future__ import annotations

from xiangqi_gpt.decoding.beam import BeamLine, beam_search
from xiangqi_gpt.decoding.lookahead import Lookahead, LookaheadConfig
from xiangqi_gpt.decoding.sampling import Sampling, choose, open_moves, repetition_risk
from xiangqi_gpt.decoding.scorer import MoveScores, Scorer
from xiangqi_gpt.decoding.symmetry import SymmetricScorer

__all__ = [
    "BeamLine",
    "Lookahead",
    "LookaheadConfig",
    "MoveScores",
    "Sampling",
    "Scorer",
    "SymmetricScorer",
    "beam_search",
    "choose",
    "open_moves",
    "repetition_risk",
]
