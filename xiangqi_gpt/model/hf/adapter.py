"""Folders of PEFT's LoRA adapters: the change that they make is added to the weights of their base model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from torch import nn

from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.files import read_limited
from xiangqi_gpt.model.gpt import XiangqiGPT
from xiangqi_gpt.model.hf.modeling import XiangqiGPTForCausalLM
from xiangqi_gpt.model.weights import ADAPTER_FILE, CONFIG_FILE, LARGEST_JSON, need_peft, read_file
from xiangqi_gpt.resources import resource_path
from xiangqi_gpt.safe_json import parse_json_object

BUNDLED_NAME: Final = "bundled"
"""The base model of adapters that belong to the model of the package, wherever that is installed."""
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
    if name == BUNDLED_NAME:
        return resource_path("assets/model")
    if isinstance(name, str) and name:
        for path in (folder / name, Path(name)):
            if (path / CONFIG_FILE).is_file() and not (path / ADAPTER_FILE).exists():
                return path
    raise ModelError(
        f"base_model_name_or_path names no model directory: {str(name)[:200]!r}; it must be the folder of the base",
        file=str(folder / ADAPTER_FILE),
    )


def new_adapter(base: XiangqiGPT, rank: int, dropout: float = 0.0) -> Any:
    """*base* inside a PEFT model with a LoRA adapter of *rank* that changes nothing yet; *base* itself is frozen.

    The adapter covers every linear map of the GPT, and the queries of its table of moves; the encoder of boards, which
    is nearly all of the work, is left as it is.
    """
    from peft import LoraConfig, get_peft_model

    targets = [
        name
        for name, module in base.named_modules()
        if isinstance(module, nn.Linear)
        and name.startswith(("layers.", "move_table.queries", "move_table.bias"))
    ]
    settings = LoraConfig(r=rank, lora_alpha=2 * rank, lora_dropout=dropout, target_modules=targets)
    with _quiet():
        return get_peft_model(XiangqiGPTForCausalLM.of(base), settings)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what PEFT and transformers warn each other of."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield


def save_adapter(adapted: Any, folder: Path, base_name: str) -> None:
    """Write the adapter of a PEFT model to *folder*; *base_name* is its base model: a folder, or "bundled"."""
    adapted.peft_config["default"].base_model_name_or_path = base_name
    adapted.save_pretrained(folder, save_embedding_layers=False)  # "auto" looks for the base model online
    (folder / "README.md").unlink(missing_ok=True)  # PEFT's card, which is empty


def with_adapter(base: XiangqiGPT, folder: Path, settings: Mapping[str, Any]) -> XiangqiGPT:
    """*base* with the adapter in *folder* added to its weights, in evaluation mode.

    Raises:
        ModelError: PEFT is not installed, or the adapter does not fit the model.
    """
    need_peft(str(folder))
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict, set_peft_model_state_dict

    weights = read_file(folder / _WEIGHTS)
    own = {key: settings[key] for key in _SETTINGS if settings.get(key) is not None}
    try:
        with _quiet():
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
