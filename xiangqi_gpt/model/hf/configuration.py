"""The configuration as transformers wants it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

from transformers import AutoConfig, PreTrainedConfig

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model.attention import BACKENDS
from xiangqi_gpt.model.config import OF_TRANSFORMERS, XiangqiGPTConfig, own_settings
from xiangqi_gpt.model.weights import AUTO_MAP


class XiangqiGPTPreTrainedConfig(XiangqiGPTConfig, PreTrainedConfig):
    """The fields of :class:`XiangqiGPTConfig` in a configuration of transformers.

    Only known keys are taken, from files and by name; ``attn_implementation`` is one of BACKENDS, and nothing that is
    fetched from elsewhere.
    """

    model_type: ClassVar[str] = XiangqiGPTConfig.model_type
    attribute_map: ClassVar[dict[str, str]] = {
        "hidden_size": "width",
        "num_hidden_layers": "layers",
        "num_attention_heads": "heads",
    }

    def __post_init__(self, **kwargs: Any) -> None:
        XiangqiGPTConfig.__post_init__(self)
        unknown = kwargs.keys() - OF_TRANSFORMERS - {"attn_implementation", "experts_implementation"}
        if unknown:
            raise ConfigError(f"expected the settings of a model, found {', '.join(sorted(unknown))[:80]}")
        backend = kwargs.get("attn_implementation")
        if backend is not None and backend not in BACKENDS:
            raise ConfigError(
                f"attn_implementation: expected one of {', '.join(BACKENDS)}, found {str(backend)[:80]!r}"
            )
        import_module("xiangqi_gpt.model.hf.auto")  # whoever has a configuration may ask for its model next
        kwargs = {**self.special_token_ids(), "auto_map": AUTO_MAP, **kwargs}
        PreTrainedConfig.__post_init__(self, **kwargs)

    @classmethod
    def from_dict(cls, config_dict: Mapping[str, Any], **kwargs: Any) -> Any:  # type: ignore[override]
        """A configuration from its JSON, whose keys and values are checked before anything is made of them."""
        others = {key: config_dict[key] for key in OF_TRANSFORMERS & config_dict.keys()}
        checked = {**others, **own_settings(config_dict)}
        return super(XiangqiGPTConfig, cls).from_dict(checked, **kwargs)

    def to_dict(self) -> dict[str, Any]:
        """All settings, those of transformers included."""
        return dict(super(XiangqiGPTConfig, self).to_dict())

    def core(self) -> XiangqiGPTConfig:
        """The same without transformers."""
        return XiangqiGPTConfig.from_dict(XiangqiGPTConfig.to_dict(self))

    __repr__ = PreTrainedConfig.__repr__


AutoConfig.register(XiangqiGPTPreTrainedConfig.model_type, XiangqiGPTPreTrainedConfig, exist_ok=True)
