"""A running mean of the weights: often better than the weights of any single step, and free at play time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from xiangqi_gpt.errors import ModelError

EMA_FILE = "ema.safetensors"
RAW_FILES = "raw*.safetensors"  # beside a model that is a mean: the weights from which training continues
_LONG_AGO = 1_000_000  # steps after which the warm-up of the decay is over


class Ema:
    """The exponential moving average of a model's parameters.

    Each step keeps the fraction *decay* of the mean. The first steps keep less, (1 + n) / (10 + n) after n steps, so
    that the random initial weights are soon forgotten. Buffers are the model's own. (torch's AveragedModel copies the
    whole model, has no such warm-up, and synchronises with the device twice per step.)
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self._parameters = dict(model.named_parameters())
        self._means = {name: p.detach().clone() for name, p in self._parameters.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Update the mean with the weights of the step just made."""
        keep = min(self.decay, (1 + self.steps) / (10 + self.steps))
        self.steps += 1
        average = get_ema_multi_avg_fn(keep)
        average(list(self._means.values()), [p.detach() for p in self._parameters.values()], self.steps)

    def means(self) -> list[Tensor]:
        """The means themselves."""
        return list(self._means.values())

    def state(self) -> dict[str, Tensor]:
        """The means by the names of the parameters, on the CPU."""
        return {name: mean.detach().cpu().contiguous() for name, mean in self._means.items()}

    @torch.no_grad()
    def restore(self, means: Mapping[str, Tensor], steps: int) -> None:
        """Restore the *means* of an earlier run; ModelError if they do not belong to this model."""
        for name in sorted(self._means.keys() | means.keys()):
            mine, other = self._means.get(name), means.get(name)
            if mine is None or other is None or mine.shape != other.shape:
                raise ModelError(
                    f"mean of the weights: expected {name!r} of shape {'none' if mine is None else tuple(mine.shape)}, "
                    f"found {'none' if other is None else tuple(other.shape)}"
                )
            mine.copy_(other)
        self.steps = steps

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within this context, the model has the means as its weights."""
        self.exchange()
        try:
            yield
        finally:
            self.exchange()

    @torch.no_grad()
    def exchange(self) -> None:
        """Swap the weights of the model and the means."""
        for name, parameter in self._parameters.items():
            parameter.data, self._means[name] = self._means[name], parameter.data


def restore_pair(directory: Path, model: nn.Module, ema: Ema) -> None:
    """Restore *model*, which has the weights of the model in *directory*, and its *ema* from the two sets there.

    A checkpoint has the mean beside the weights; the result of a short run has the weights beside the mean. If there is
    only one set of weights, both start from it.

    Raises:
        ModelError: the files there are not weights of this model.
    """
    means, raw = directory / EMA_FILE, sorted(directory.glob(RAW_FILES))
    try:
        if means.is_file():
            ema.restore(load_file(means), _LONG_AGO)
        elif raw:
            weights = {name: tensor for file in raw for name, tensor in load_file(file).items()}
            ema.restore(dict(model.named_parameters()), _LONG_AGO)
            swapped = Ema(model, 0.0)
            swapped.restore(weights, 0)
            swapped.exchange()
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{directory}: not a readable safetensors file: {error}") from None
    except ModelError as error:
        raise ModelError(f"{directory}: {error}") from None
