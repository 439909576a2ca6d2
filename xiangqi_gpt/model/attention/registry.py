"""Attention variants by name: what a variant is, and where it is registered.

Letters used in shapes: B batch, H heads, T tokens of this call, S tokens seen so far (state and this call), D head
size, R features of a recurrent variant.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

from torch import Tensor, nn

from xiangqi_gpt.errors import ConfigError


class AttentionState(Protocol):
    """What a variant remembers of the tokens before. States are values: extending one leaves the old one as it was."""

    @property
    def length(self) -> int:
        """How many tokens have been seen."""

    def reorder(self, index: Tensor) -> AttentionState:
        """The state of the rows *index* (N,) of the batch, in that order; rows may repeat."""


@dataclass(frozen=True)
class Context:
    """What one forward pass of the model knows besides the position ids; the same for all its layers."""

    consecutive: bool = False  # known, without a look at a device, that positions are 0..T-1 in every row
    rotation: Tensor | None = None  # complex (B or 1, T, D/2): the turns of rotary positions
    bias: Callable[[Tensor, Tensor], Tensor] | None = None  # i (B, T, 1), j (B, 1, S) -> (B or 1, H, T, S)
    backend: str = "sdpa"  # one of BACKENDS


# Who computes a softmax over scores: torch's kernels; plain products, which can be differentiated twice; FlexAttention.
BACKENDS = ("sdpa", "eager", "flex_attention")
PLAIN = Context()


class Attention(nn.Module):
    """One variant: mixes values over positions, knows nothing of projections.

    ``packs_trees``: whether the nodes of a tree can be run as one segment behind a state.
    ``takes_bias``: whether there are scores that something can be added to.
    ``rotates_features``: whether rotary positions turn the features inside ``forward``; otherwise the layer turns
    queries and keys before.
    """

    packs_trees: ClassVar[bool] = True
    takes_bias: ClassVar[bool] = True
    rotates_features: ClassVar[bool] = False

    def __init__(self, config: Any, heads: int, head_size: int) -> None:
        super().__init__()
        self.config = config
        self.heads = heads
        self.head_size = head_size

    @classmethod
    def check(cls, config: Any, head_size: int) -> None:
        """ConfigError where *config* makes no sense with heads of this size."""

    @classmethod
    def stride(cls, config: Any) -> int:
        """The greatest common divisor of the distances that a query looks back over; 0 where it sees itself alone."""
        return 1

    def init_state(self, batch: int, like: Tensor) -> AttentionState:
        """The state before any token, for *batch* rows; dtype and device as *like*."""
        raise NotImplementedError

    def forward(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        positions: Tensor,
        visible: Tensor | None = None,
        state: Any = None,
        context: Context = PLAIN,
    ) -> tuple[Tensor, Any]:
        """Attend from T new tokens to them and to all tokens in *state*.

        q, k, v are (B, H, T, D), *positions* (B, T) position ids (never indices: in a packed tree several tokens share
        one). *visible* (B or 1, T, S) marks the keys that each query may see (True = may), state's first; without it
        tokens see themselves and everything before. The variant's own predicate is applied on top.
        Returns (B, H, T, D) and the extended state (None where *state* is None).
        """
        raise NotImplementedError


@dataclass(frozen=True)
class _Entry:
    module: type[Attention]
    config: type[Any]


_REGISTRY: dict[str, _Entry] = {}
_A = TypeVar("_A", bound=type[Attention])

_REFUSED = {
    "linformer": "its projections mix all positions before the softmax, so no mask can make it causal",
}


def register(name: str, config: type[Any]) -> Callable[[_A], _A]:
    """Class decorator: make a variant known as *name*, configured by the frozen dataclass *config*."""
    if name in _REGISTRY:
        raise ConfigError(f"attention {name!r} is registered already, by {_REGISTRY[name].module.__name__}")

    def add(module: _A) -> _A:
        _REGISTRY[name] = _Entry(module, config)
        return module

    return add


def attention_names() -> list[str]:
    """The names of all variants."""
    return sorted(_REGISTRY)


_LARGEST_OPTION = 65_536
_SPEC = re.compile(r"\s*(?P<name>\w+)\s*(?:\((?P<options>.*)\))?\s*")


def _parse_one(spec: object) -> tuple[str, Any]:
    match = _SPEC.fullmatch(spec) if isinstance(spec, str) else None
    if match is None:
        raise ConfigError(f"attention: expected 'name' or 'name(option=value, ...)', found {spec!r}")
    name = match["name"]
    if name in _REFUSED:
        raise ConfigError(f"attention {name!r} is not offered: {_REFUSED[name]}")
    if name not in _REGISTRY:
        raise ConfigError(f"attention: expected one of {', '.join(attention_names())}, found {name!r}")
    config = _REGISTRY[name].config
    known = {field.name for field in dataclasses.fields(config)}
    options: dict[str, Any] = {}
    for part in filter(None, (p.strip() for p in (match["options"] or "").split(","))):
        key, equals, value = (p.strip() for p in part.partition("="))
        if not equals or key not in known:
            listed = ", ".join(sorted(known)) or "none"
            raise ConfigError(
                f"attention {name!r}: expected options of {{{listed}}} as key=value, found {part!r}"
            )
        try:
            options[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            raise ConfigError(
                f"attention {name!r}: expected a plain value for {key!r}, found {value!r}"
            ) from None
    return name, config(**options)


def parse_attention(spec: str | Sequence[str], layers: int) -> list[tuple[str, Any]]:
    """Name and config of the variant of every layer; a list of specs is repeated over the layers."""
    specs = [spec] if isinstance(spec, str) else list(spec)
    if not specs:
        raise ConfigError("attention: expected a name or a list of names, found an empty list")
    parsed = [_parse_one(s) for s in specs]
    return [parsed[i % len(parsed)] for i in range(layers)]


def expect_option(name: str, key: str, value: object, least: int) -> None:
    """ConfigError unless the option *key* of the variant *name* is a whole number from *least* on."""
    if type(value) is int and value > _LARGEST_OPTION:
        raise ConfigError(
            f"attention {name!r}: {key}: expected at most {_LARGEST_OPTION}, found a larger number"
        )
    if type(value) is not int or value < least:
        raise ConfigError(
            f"attention {name!r}: {key}: expected a whole number from {least} on, found {value!r}"
        )


def build_attention(name: str, config: Any, heads: int, head_size: int) -> Attention:
    """A new module of the variant *name*."""
    return attention_class(name)(config, heads, head_size)


def attention_class(name: str) -> type[Attention]:
    """The class registered as *name*."""
    return _REGISTRY[name].module
