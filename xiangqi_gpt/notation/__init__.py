"""Text to `Move` and back, one module a notation with the same two functions: `parse` and `render`."""

from __future__ import annotations

from xiangqi_gpt.notation.uci import RankConvention, detect_rank_convention

__all__ = ["RankConvention", "detect_rank_convention"]
