"""Makes ``AutoModelForCausalLM`` and ``AutoTokenizer`` know the model and the tokenizer."""

from __future__ import annotations

from transformers import AutoModelForCausalLM, AutoTokenizer

from xiangqi_gpt.model.hf.configuration import XiangqiGPTPreTrainedConfig
from xiangqi_gpt.model.hf.modeling import XiangqiGPTCausalLMOutput, XiangqiGPTForCausalLM
from xiangqi_gpt.model.hf.tokenization import XiangqiTokenizer

AutoModelForCausalLM.register(XiangqiGPTPreTrainedConfig, XiangqiGPTForCausalLM, exist_ok=True)
AutoTokenizer.register(XiangqiGPTPreTrainedConfig, slow_tokenizer_class=XiangqiTokenizer, exist_ok=True)

__all__ = [
    "XiangqiGPTCausalLMOutput",
    "XiangqiGPTForCausalLM",
    "XiangqiGPTPreTrainedConfig",
    "XiangqiTokenizer",
]
