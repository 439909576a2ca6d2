"""Floor 3: the GPT over move notation."""

from __future__ import annotations

from xiangqi_gpt.model.config import XiangqiGPTConfig
from xiangqi_gpt.model.encoder import EncodedBoards
from xiangqi_gpt.model.gpt import IGNORED, XiangqiGPT, XiangqiGPTOutput

__all__ = ["IGNORED", "EncodedBoards", "XiangqiGPT", "XiangqiGPTConfig", "XiangqiGPTOutput"]
