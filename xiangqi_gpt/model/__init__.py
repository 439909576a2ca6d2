"""Floor 3: the GPT over move notation."""

from __future__ import annotations

from transformers import AutoConfig, AutoModelForCausalLM

from xiangqi_gpt.model.config import XiangqiGPTConfig
from xiangqi_gpt.model.encoder import EncodedBoards
from xiangqi_gpt.model.gpt import IGNORED, XiangqiGPTForCausalLM, XiangqiGPTOutput

AutoConfig.register(XiangqiGPTConfig.model_type, XiangqiGPTConfig, exist_ok=True)
AutoModelForCausalLM.register(XiangqiGPTConfig, XiangqiGPTForCausalLM, exist_ok=True)

__all__ = ["IGNORED", "EncodedBoards", "XiangqiGPTConfig", "XiangqiGPTForCausalLM", "XiangqiGPTOutput"]
