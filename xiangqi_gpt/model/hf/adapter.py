"""Folders of PEFT's LoRA adapters: the change that they make is added to the weights of their base model."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.files import read_limited
from xiangqi_gpt.model.gpt import XiangqiGPT
from xiangqi_gpt.model.hf.modeling import XiangqiGPTForCausalLM
from xiangqi_gpt.model.weights import ADAPTER_FILE, CONFIG_FILE, LARGEST_JSON, read_file
from xiangqi_gpt.safe_json import parse_json_object

_WEIGHTS: Final = "adapter_model.safetensors"
_LARGEST_RANK: Final = 4_096
# What decides the numbers that are added; everything else is about training, or names code and is not for us to run.
_SETTINGS: Final = (
    "r",
    "lora_alpha",
    "target_modules",
    "exclude_modules",
    "modules_to_save",
    "layers_to_transform",
    "layers_pattern",
    "rank_pattern",
    "alpha_pattern",
    "fan_in_fan_out",
    "bias",
    "use_rslora",
    "use_dora",
)


def read_adapter(folder: Path) -> dict[str, Any]:
    """The settings of the adapter in *folder*; ModelError where it is none of LoRA."""
    file = folder / ADAPTER_FILE
    content = read_limited(file, LARGEST_JSON, error=ModelError)
    found = parse_json_object(content, file=str(file), error=ModelError)
    if found.get("peft_type") != "LORA":
        raise ModelError(
            f"peft_type: expected 'LORA', found {str(found.get('peft_type'))[:40]!r}", file=str(file)
        )
    rank = found.get("r")
    ranks = [rank, *(pattern.values() if isinstance(pattern := found.get("rank_pattern"), dict) else ())]
    if not all(type(each) is int and 0 < each <= _LARGEST_RANK for each in ranks):
        raise ModelError(f"r: expected ranks from 1 to {_LARGEST_RANK}, found others", file=str(file))
    return found


def base_of(folder: Path, settings: Mapping[str, Any]) -> Path:
    """The folder of the base model of an adapter: as it is named, or from the adapter's own folder on.

    Nothing is ever fetched: ModelError where there is no such folder.
    """
    name = settings.get("base_model_name_or_path")
    if isinstance(name, str) and name:
        for path in (folder / name, Path(name)):
            if (path / CONFIG_FILE).is_file() and not (path / ADAPTER_FILE).exists():
                return path
    raise ModelError(
        f"base_model_name_or_path names no model directory: {str(name)[:200]!r}; it must be the folder of the base",
        file=str(folder / ADAPTER_FILE),
    )


def with_adapter(base: XiangqiGPT, folder: Path, settings: Mapping[str, Any]) -> XiangqiGPT:
    """*base* with the adapter in *folder* added to its weights, in evaluation mode.

    Raises:
        ModelError: PEFT is not installed, or the adapter does not fit the model.
    """
    if importlib.util.find_spec("peft") is None:
        raise ModelError(
            "Adapters need PEFT. Install it with: pip install 'xiangqi-gpt[hf]'", file=str(folder)
        )
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

    weights = read_file(folder / _WEIGHTS)
    own = {key: settings[key] for key in _SETTINGS if settings.get(key) is not None}
    try:
        wrapped = get_peft_model(XiangqiGPTForCausalLM.of(base), LoraConfig(**own))
        expected = get_peft_model_state_dict(wrapped)
        loaded: Any = set_peft_model_state_dict(wrapped, weights)
    except (ValueError, TypeError, RuntimeError, KeyError, AttributeError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelError(f"the adapter does not fit the model: {reason}", file=str(folder)) from None
    if loaded.unexpected_keys or len(weights) != len(expected):
        raise ModelError(
            f"expected the {len(expected)} weights of this adapter, found {len(weights)}, "
            f"{len(loaded.unexpected_keys)} of them unknown",
            file=str(folder / _WEIGHTS),
        )
    whole: Any = wrapped.merge_and_unload()
    merged: XiangqiGPT = whole.core()
    merged.requires_grad_(True)
    merged.eval()
    return merged
