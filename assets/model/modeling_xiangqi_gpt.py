"""For trust_remote_code: the classes of xiangqi_gpt, which must be installed with its extra `hf`."""

from xiangqi_gpt.model.hf import XiangqiGPTForCausalLM, XiangqiGPTPreTrainedConfig, XiangqiTokenizer

__all__ = ["XiangqiGPTForCausalLM", "XiangqiGPTPreTrainedConfig", "XiangqiTokenizer"]
