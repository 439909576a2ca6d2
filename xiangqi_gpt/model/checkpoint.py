"""Models on disk: a directory that rebuilds itself, checked before a weight is used."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from transformers.utils import logging

from xiangqi_gpt.errors import ModelError, XiangqiError
from xiangqi_gpt.files import atomic_path, read_limited
from xiangqi_gpt.model.config import XiangqiGPTConfig
from xiangqi_gpt.model.gpt import XiangqiGPTForCausalLM
from xiangqi_gpt.model.quantize import Int8Conv2d, Int8Linear, use_int8

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
_LARGEST_JSON = 1_000_000  # bytes


def load_model(directory: str | Path) -> XiangqiGPTForCausalLM:
    """The model in *directory*, float32, in evaluation mode.

    ModelError says what is missing or foreign before any weight is used: the configuration is read and checked first,
    then names and shapes of all weights against it.
    """
    path = Path(directory)
    config = load_config(path)
    with torch.device("meta"):
        skeleton = XiangqiGPTForCausalLM(config)
    expected = {name: tuple(tensor.shape) for name, tensor in skeleton.state_dict().items()}
    found = _weight_shapes(path)
    if config.tie_word_embeddings:
        found.setdefault("lm_head.weight", found.get("tokens.weight", ()))
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise ModelError(
                f"{path}: expected weight {name!r} of shape {expected.get(name, 'none')}, "
                f"found {found.get(name, 'none')}"
            )
    with quiet():
        model = XiangqiGPTForCausalLM.from_pretrained(path, dtype=torch.float32, local_files_only=True)
    model.eval()
    return model


def export_model(model: XiangqiGPTForCausalLM, out: Path, *, int8: bool = False) -> int:
    """Write *model* to the folder *out* the way it travels with the package; returns the bytes of its weights.

    Weights are float16, in shards of at most 15 MB; :func:`load_model` reads them back as float32. With *int8* those of
    large maps are of eight bits, and stay so when they are read. *out* must be new.
    """
    if out.exists():
        raise ModelError(f"{out}: expected a new folder, found one that exists")
    halved = quantized(model) if int8 else copy.deepcopy(model)
    # Scales keep their digits: small ones have too few in half precision.
    scales = [(m, m.scale) for m in halved.modules() if isinstance(m, (Int8Linear, Int8Conv2d))]
    halved.half()
    for module, scale in scales:
        module.scale = scale
    with atomic_path(out, folder=True, parents=True, error=ModelError) as draft, quiet():
        halved.save_pretrained(draft, max_shard_size="15MB")
    return sum(file.stat().st_size for file in out.glob("*.safetensors"))


def quantized(model: XiangqiGPTForCausalLM) -> XiangqiGPTForCausalLM:
    """A copy of *model* in eight bits, to be scored with and saved like any other, but not trained."""
    if model.config.quantization != "none":
        raise ModelError(
            f"expected a model of full precision, found one with quantization={model.config.quantization!r}"
        )
    made = copy.deepcopy(model)
    made.config.quantization = "int8"
    use_int8(made)
    made.eval()
    return made


@contextmanager
def quiet() -> Iterator[None]:
    """Without the progress bars of transformers, which would say that 20 MB were read."""
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def load_config(path: Path) -> XiangqiGPTConfig:
    """The configuration in a model directory; ModelError where there is none or it is not ours."""
    if not path.is_dir():
        raise ModelError(f"expected a model directory, found no folder {str(path)!r}")
    file = path / CONFIG_FILE
    if not file.is_file():
        raise ModelError(f"{path}: expected {CONFIG_FILE}, found none")
    try:
        data = json.loads(read_limited(file, _LARGEST_JSON, error=ModelError))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"{file}: expected JSON, found {error}") from None
    kind = data.get("model_type") if isinstance(data, dict) else None
    if kind != XiangqiGPTConfig.model_type:
        raise ModelError(f"{file}: expected model_type {XiangqiGPTConfig.model_type!r}, found {kind!r}")
    try:
        return XiangqiGPTConfig.from_dict(data)
    except XiangqiError as error:
        raise ModelError(f"{file}: {error}") from None
    except (TypeError, ValueError) as error:
        raise ModelError(f"{file}: {' '.join(str(error).split())}") from None


def _weight_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of every weight of all shards."""
    index = path / WEIGHTS_INDEX
    if index.is_file():
        try:
            names = sorted(
                set(json.loads(read_limited(index, _LARGEST_JSON, error=ModelError))["weight_map"].values())
            )
        except (UnicodeDecodeError, json.JSONDecodeError, KeyError, AttributeError, TypeError) as error:
            raise ModelError(f"{index}: expected an index of safetensors shards, found {error!r}") from None
        if any(Path(name).name != name for name in names):
            raise ModelError(f"{index}: expected shards beside the index, found a path among {names}")
    else:
        names = [WEIGHTS_FILE]
    shapes: dict[str, tuple[int, ...]] = {}
    for name in names:
        file = path / name
        if not file.is_file():
            raise ModelError(f"{path}: expected {name}, found none")
        try:
            with safe_open(file, "pt") as weights:
                shapes.update({key: tuple(weights.get_slice(key).get_shape()) for key in weights.keys()})  # noqa: SIM118
        except (SafetensorError, OSError) as error:
            raise ModelError(f"{file}: expected safetensors, found {error}") from None
    return shapes
