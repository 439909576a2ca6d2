"""The Hugging Face coat: the model, its configuration and its tokenizer as classes of transformers.

``import xiangqi_gpt`` is enough for ``AutoConfig``, ``AutoModelForCausalLM`` and ``AutoTokenizer`` to know them. No
other part of the package imports this one, so playing, analysing and training never load transformers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xiangqi_gpt.model.hf.auto import (
        XiangqiGPTCausalLMOutput,
        XiangqiGPTForCausalLM,
        XiangqiGPTPreTrainedConfig,
        XiangqiTokenizer,
    )

__all__ = [
    "XiangqiGPTCausalLMOutput",
    "XiangqiGPTForCausalLM",
    "XiangqiGPTPreTrainedConfig",
    "XiangqiTokenizer",
]


def __getattr__(name: str) -> object:
    # Lazily: the configuration is registered while transformers is still being imported, the others cannot be.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("xiangqi_gpt.model.hf.auto"), name)
