"""Which module replaces which: groups of layers, and a smaller model made from a larger one."""

from __future__ import annotations

import copy
import hashlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.model import XiangqiGPT, XiangqiGPTConfig


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The layers and encoder blocks that each layer and block of the smaller model replaces, first to last."""

    layers: tuple[range, ...]
    blocks: tuple[range, ...]  # empty without a convolutional encoder
    attention: str | list[str] | None = None  # of the successor; None: that of the first layer of each group

    @property
    def modules(self) -> int:
        """Number of successors of both kinds."""
        return len(self.layers) + len(self.blocks)


def grouped(count: int, groups: int) -> tuple[range, ...]:
    """*count* neighbours in *groups* groups; their sizes differ by at most one, and the larger ones come first."""
    small, large = divmod(count, groups)
    bounds = [0]
    for number in range(groups):
        bounds.append(bounds[-1] + small + (number < large))
    return tuple(range(a, b) for a, b in pairwise(bounds))


def plan_for(
    config: XiangqiGPTConfig,
    layers: int,
    blocks: int | None = None,
    attention: str | list[str] | None = None,
) -> Plan:
    """The groups that leave *layers* layers and *blocks* encoder blocks, by default the same fraction of them.

    Raises ConfigError if the model would not be smaller: the same number of layers and blocks is accepted only if
    *attention* changes.
    """
    if config.quantization != "none":
        raise ConfigError(
            f"A model with quantization={config.quantization!r} cannot be compressed; use the one of full precision."
        )
    has_blocks = config.board == "spatial"
    if blocks is not None and not has_blocks:
        raise ConfigError(
            f"encoder blocks: a model with board={config.board!r} has none; leave the option out"
        )
    if not 1 <= layers <= config.layers:
        raise ConfigError(
            f"layers: expected 1 to {config.layers}, the layers of the model to compress, found {layers}"
        )
    if has_blocks:
        if blocks is None:
            blocks = -(-config.encoder_blocks * layers // config.layers)
        if not 1 <= blocks <= config.encoder_blocks:
            raise ConfigError(
                f"encoder blocks: expected 1 to {config.encoder_blocks}, those of the model to compress, found {blocks}"
            )
    plan = Plan(
        layers=grouped(config.layers, layers),
        blocks=grouped(config.encoder_blocks, blocks) if has_blocks and blocks else (),
        attention=attention,
    )
    same_size = layers == config.layers and len(plan.blocks) in (0, config.encoder_blocks)
    if same_size and successor_config(config, plan).attention == config.attention:
        raise ConfigError(
            f"Nothing would get smaller: ask for fewer layers than {config.layers}, for fewer encoder blocks, or for "
            f"another attention than {config.attention!r}."
        )
    return plan


def successor_config(config: XiangqiGPTConfig, plan: Plan) -> XiangqiGPTConfig:
    """*config* with the layers, blocks and attention of *plan*; ConfigError if they are not compatible."""
    fields: dict[str, Any] = {
        key: copy.deepcopy(getattr(config, key))
        for key in XiangqiGPTConfig.__annotations__
        if key not in ("model_type", "attribute_map")
    }
    fields["layers"] = len(plan.layers)
    if plan.blocks:
        fields["encoder_blocks"] = len(plan.blocks)
    old = config.attention
    if plan.attention is not None:
        fields["attention"] = plan.attention
    elif not isinstance(old, str):
        fields["attention"] = [old[group.start % len(old)] for group in plan.layers]
    return XiangqiGPTConfig(**fields)


def make_successor(predecessor: XiangqiGPT, plan: Plan) -> XiangqiGPT:
    """The smaller model before any training: every successor is initialised with the first module of its group.

    Modules that a model has only once (tables, heads, norms) are copied. Weights that the predecessor does not have,
    such as the features of another attention variant, are initialised as in a new model.
    """
    model = XiangqiGPT(successor_config(predecessor.config, plan))
    old = predecessor.state_dict()
    new: dict[str, Tensor] = {}
    for name, fresh in model.state_dict().items():
        found = old.get(_source(name, plan))
        new[name] = fresh if found is None or found.shape != fresh.shape else found.clone()
    model.load_state_dict(new)
    model.eval()
    return model


def _source(name: str, plan: Plan) -> str:
    """The name of the predecessor's weight that initialises the weight *name* of the successor."""
    for prefix, groups in (
        ("layers.", plan.layers),
        ("looks.", plan.layers),
        ("encoder.blocks.", plan.blocks),
    ):
        if name.startswith(prefix):
            number, _, rest = name.removeprefix(prefix).partition(".")
            return f"{prefix}{groups[int(number)].start}.{rest}"
    return name


def fingerprint_of(model: torch.nn.Module) -> str:
    """A short hash of the weights, so that a run is never resumed with another predecessor."""
    digest = hashlib.sha1(usedforsecurity=False)
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:16]
