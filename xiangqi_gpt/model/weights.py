"""Model folders on disk, as transformers lays them out: config.json, safetensors in one file or in shards.

Beside them lie what ``AutoTokenizer`` needs, and a few lines of Python that ``trust_remote_code=True`` runs where
nobody has imported this package; they import it.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.files import read_limited
from xiangqi_gpt.model.config import XiangqiGPTConfig
from xiangqi_gpt.safe_json import format_json, parse_json_object

ADAPTER_FILE: Final = "adapter_config.json"
CONFIG_FILE: Final = "config.json"
WEIGHTS_FILE: Final = "model.safetensors"
WEIGHTS_INDEX: Final = "model.safetensors.index.json"
GENERATION_FILE: Final = "generation_config.json"
TOKENIZER_FILE: Final = "tokenizer_config.json"
CODE_FILE: Final = "modeling_xiangqi_gpt.py"
COMPANIONS: Final = (CODE_FILE, TOKENIZER_FILE)
LARGEST_JSON: Final = 1_000_000  # bytes
_MOST_SHARDS: Final = 1_000
_SHARD: Final = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")

_CODE: Final = '''"""For trust_remote_code: the classes of xiangqi_gpt, which must be installed with its extra `hf`."""

from xiangqi_gpt.model.hf import XiangqiGPTForCausalLM, XiangqiGPTPreTrainedConfig, XiangqiTokenizer

__all__ = ["XiangqiGPTForCausalLM", "XiangqiGPTPreTrainedConfig", "XiangqiTokenizer"]
'''
_MODULE: Final = CODE_FILE.removesuffix(".py")
AUTO_MAP: Final = {
    "AutoConfig": f"{_MODULE}.XiangqiGPTPreTrainedConfig",
    "AutoModelForCausalLM": f"{_MODULE}.XiangqiGPTForCausalLM",
}


def write_model_folder(
    folder: Path,
    config: XiangqiGPTConfig,
    state: Mapping[str, Tensor],
    max_shard_bytes: int | None = None,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write everything that makes a model folder; files of the same names are replaced.

    *metadata* goes into the safetensors files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shared = {"lm_head.weight"} if config.tie_word_embeddings else set()
    weights = {name: value.detach().cpu().contiguous() for name, value in state.items() if name not in shared}
    kinds = {
        str(value.dtype).removeprefix("torch.") for value in weights.values() if value.is_floating_point()
    }
    about = {
        **config.to_dict(),
        "architectures": ["XiangqiGPTForCausalLM"],
        "auto_map": AUTO_MAP,
        "dtype": "float32" if "float32" in kinds and len(kinds) == 1 else min(kinds),
        **config.special_token_ids(),
    }
    _write_json(folder / CONFIG_FILE, about)
    _write_json(folder / GENERATION_FILE, {"_from_model_config": True, **config.special_token_ids()})
    write_companions(folder, config)
    _write_weights(folder, weights, max_shard_bytes, metadata or {})


def write_companions(folder: Path, config: XiangqiGPTConfig) -> None:
    """Write what ``AutoTokenizer`` and ``trust_remote_code=True`` need beside the configuration and the weights."""
    about = {
        "tokenizer_class": "XiangqiTokenizer",
        "auto_map": {"AutoTokenizer": [f"{_MODULE}.XiangqiTokenizer", None]},
        "tokenizer": config.tokenizer,
        "view": config.view,
        "condition": config.condition,
    }
    _write_json(folder / TOKENIZER_FILE, about)
    (folder / CODE_FILE).write_text(_CODE, encoding="utf-8")


def need_peft(place: str) -> None:
    """ModelError, which names *place*, where the packages that adapters need are not installed."""
    if any(importlib.util.find_spec(name) is None for name in ("transformers", "peft")):
        raise ModelError("Adapters need PEFT. Install it with: pip install 'xiangqi-gpt[hf]'", file=place)


def weight_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight of all files of *folder*; ModelError where they cannot be read."""
    shapes: dict[str, tuple[int, ...]] = {}
    for file in _weight_files(folder):
        shapes.update(open_weights(file)[1])
    return shapes


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All weights of *folder*, real numbers as float32.

    Raises:
        ModelError: a file that cannot be read, or a number that is not finite.
    """
    weights: dict[str, Tensor] = {}
    for file in _weight_files(folder):
        weights.update(read_file(file))
    return weights


def read_file(file: Path) -> dict[str, Tensor]:
    """All weights of one file; as :func:`read_weights`."""
    weights: dict[str, Tensor] = {}
    try:
        with safe_open(file, "pt") as found:
            for name in found.keys():  # noqa: SIM118
                value = found.get_tensor(name)
                # A copy: the file may be replaced or removed while the model is in use.
                kind = torch.float32 if value.is_floating_point() else value.dtype
                weights[name] = value.to(kind, copy=True)
    except (SafetensorError, OSError) as error:
        raise ModelError(f"not a readable safetensors file: {error}", file=str(file)) from None
    check_finite(weights, str(file))
    return weights


def open_weights(
    file: Path, *, largest: int | None = None
) -> tuple[dict[str, str], dict[str, tuple[int, ...]]]:
    """The metadata of a safetensors file, and the shape of every weight by its name; no weight is read.

    Raises:
        ModelError: a file that cannot be read, or one of more than *largest* bytes.
    """
    try:
        size = file.stat().st_size
        if largest is not None and size > largest:
            raise ModelError(f"expected at most {largest:,} bytes, found {size:,}", file=str(file))
        with safe_open(file, "pt") as found:
            shapes = {name: tuple(found.get_slice(name).get_shape()) for name in found.keys()}  # noqa: SIM118
            return dict(found.metadata() or {}), shapes
    except (SafetensorError, OSError) as error:
        raise ModelError(f"not a readable safetensors file: {error}", file=str(file)) from None


def check_finite(weights: Mapping[str, Tensor], place: str) -> None:
    """ModelError that names the first of *weights* with a number that is not finite."""
    for name, value in weights.items():
        # The sum of the absolute values is finite only if all of them are, and costs one pass.
        if value.is_floating_point() and not bool(value.abs().max() < torch.inf if value.numel() else True):
            raise ModelError(
                f"weight {name!r} holds a number that is not finite: the file is damaged, or its training has diverged",
                file=place,
            )


def _weight_files(folder: Path) -> list[Path]:
    """The files with weights of *folder*, which all exist."""
    names = [WEIGHTS_FILE]
    index = folder / WEIGHTS_INDEX
    if index.is_file():
        found = parse_json_object(
            read_limited(index, LARGEST_JSON, error=ModelError), file=str(index), error=ModelError
        )
        weight_map = found.get("weight_map")
        names = sorted({str(n) for n in weight_map.values()}) if isinstance(weight_map, dict) else []
        if not 0 < len(names) <= _MOST_SHARDS or not all(_SHARD.fullmatch(name) for name in names):
            raise ModelError(
                "expected an index of shards named model-00001-of-00002.safetensors, found others",
                file=str(index),
            )
    for name in names:
        if not (folder / name).is_file():
            raise ModelError(f"{name} is missing", file=str(folder))
    return [folder / name for name in names]


def _write_weights(
    folder: Path, weights: dict[str, Tensor], max_shard_bytes: int | None, metadata: Mapping[str, str]
) -> None:
    shards: list[dict[str, Tensor]] = [{}]
    size = 0
    for name, value in weights.items():
        if max_shard_bytes is not None and shards[-1] and size + value.nbytes > max_shard_bytes:
            shards.append({})
            size = 0
        shards[-1][name] = value
        size += value.nbytes
    marked = {**metadata, "format": "pt"}  # transformers reads no file without
    if len(shards) == 1:
        save_file(shards[0], folder / WEIGHTS_FILE, metadata=marked)
        return
    names = [f"model-{number:05}-of-{len(shards):05}.safetensors" for number in range(1, len(shards) + 1)]
    for file, shard in zip(names, shards, strict=True):
        save_file(shard, folder / file, metadata=marked)
    places = {key: file for file, shard in zip(names, shards, strict=True) for key in shard}
    total = sum(value.nbytes for value in weights.values())
    _write_json(folder / WEIGHTS_INDEX, {"metadata": {"total_size": total}, "weight_map": places})


def _write_json(file: Path, value: Any) -> None:
    file.write_text(format_json(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
