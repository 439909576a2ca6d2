"""Models on disk: a directory that rebuilds itself, checked before a weight is used."""

from __future__ import annotations

import copy
import dataclasses
from pathlib import Path

from xiangqi_gpt.errors import ModelError, XiangqiError
from xiangqi_gpt.files import atomic_path, read_limited
from xiangqi_gpt.model.config import XiangqiGPTConfig
from xiangqi_gpt.model.gpt import XiangqiGPT
from xiangqi_gpt.model.quantize import Int8Conv2d, Int8Linear, use_int8
from xiangqi_gpt.model.weights import (
    ADAPTER_FILE,
    CONFIG_FILE,
    LARGEST_JSON,
    check_finite,
    need_peft,
    read_weights,
    weight_shapes,
)
from xiangqi_gpt.safe_json import parse_json_object

_SHARD_BYTES = 15_000_000


def load_model(directory: str | Path) -> XiangqiGPT:
    """The model in *directory*, float32, in evaluation mode.

    ModelError names what is missing or foreign before any weight is used: the configuration is read and checked first,
    then names and shapes of all weights against it, then whether all weights are finite.

    *directory* may hold an adapter of PEFT's LoRA (which takes the extra `hf`): the result is its base model with the
    adapter added.
    """
    path = Path(directory)
    if (path / ADAPTER_FILE).is_file():
        return _load_adapter(path)
    config = load_config(path)
    model = XiangqiGPT.skeleton(config)
    expected = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    found = weight_shapes(path)
    if config.tie_word_embeddings:
        found.setdefault("lm_head.weight", found.get("tokens.weight", ()))
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise ModelError(
                f"{path}: expected weight {name!r} of shape {expected.get(name, 'none')}, "
                f"found {found.get(name, 'none')}"
            )
    weights = read_weights(path)
    for name, tensor in model.state_dict().items():
        if name in weights and weights[name].is_floating_point() != tensor.is_floating_point():
            raise ModelError(
                f"{path}: expected weight {name!r} of {tensor.dtype}, found {weights[name].dtype}"
            )
    if config.tie_word_embeddings:
        weights.setdefault("lm_head.weight", weights["tokens.weight"])
    model.load_state_dict(weights, assign=True)
    if config.tie_word_embeddings:
        model.lm_head.weight = model.tokens.weight
    model.eval()
    return model


def _load_adapter(path: Path) -> XiangqiGPT:
    need_peft(str(path))
    from xiangqi_gpt.model.hf.adapter import base_of, read_adapter, with_adapter

    settings = read_adapter(path)
    return with_adapter(load_model(base_of(path, settings)), path, settings)


def export_model(model: XiangqiGPT, out: Path, *, int8: bool = False) -> int:
    """Write *model* to the folder *out* the way it travels with the package; returns the bytes of its weights.

    Weights are float16, in shards of at most 15 MB; :func:`load_model` reads them back as float32. With *int8* those of
    large maps are of eight bits, and stay so when they are read. *out* must be new.
    """
    if out.exists():
        raise ModelError(f"{out}: the folder exists already; choose another name or remove it")
    halved = quantized(model) if int8 else copy.deepcopy(model)
    # Scales keep their digits: small ones have too few in half precision.
    scales = [(m, m.scale) for m in halved.modules() if isinstance(m, (Int8Linear, Int8Conv2d))]
    halved.half()
    for module, scale in scales:
        module.scale = scale
    check_finite(halved.state_dict(), "float16")
    with atomic_path(out, folder=True, parents=True, error=ModelError) as draft:
        halved.save_pretrained(draft, max_shard_bytes=_SHARD_BYTES)
    return sum(file.stat().st_size for file in out.glob("*.safetensors"))


def quantized(model: XiangqiGPT) -> XiangqiGPT:
    """A copy of *model* in eight bits, to be scored with and saved like any other, but not trained."""
    if model.config.quantization != "none":
        raise ModelError(f"This model is quantized already (quantization={model.config.quantization!r}).")
    made = copy.deepcopy(model)
    made.config = dataclasses.replace(made.config, quantization="int8")
    use_int8(made)
    made.eval()
    return made


def load_config(path: Path) -> XiangqiGPTConfig:
    """The configuration in a model directory; ModelError where there is none or it is not ours."""
    if not path.is_dir():
        raise ModelError(f"There is no model directory {str(path)!r}.")
    file = path / CONFIG_FILE
    if not file.is_file():
        raise ModelError(f"{path}: not a model directory: {CONFIG_FILE} is missing")
    data = parse_json_object(
        read_limited(file, LARGEST_JSON, error=ModelError), file=str(file), error=ModelError
    )
    kind = data.get("model_type")
    if kind != XiangqiGPTConfig.model_type:
        raise ModelError(
            f"{file}: expected model_type {XiangqiGPTConfig.model_type!r}, found {str(kind)[:40]!r}"
        )
    try:
        return XiangqiGPTConfig.from_dict(data)
    except XiangqiError as error:
        raise ModelError(f"{file}: {error}") from None
