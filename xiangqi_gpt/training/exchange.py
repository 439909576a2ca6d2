"""Gradients summed over processes while the backward pass is still running."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import torch
import torch.distributed as dist
from torch import Tensor

BUCKET = 4 << 20  # elements sent together


@dataclass
class _Bucket:
    parameters: list[Tensor]
    waiting: int = 0  # parameters whose gradient is not complete yet
    flat: Tensor | None = None
    work: dist.Work | None = field(default=None)


class GradientExchange:
    """Sums (does not average) the gradients of *parameters* over all processes.

    After :meth:`arm` the next backward pass sends each bucket as soon as its gradients are complete, in the same order
    in every process. Unlike in DistributedDataParallel, a process whose backward pass failed still takes part: it sends
    zeros for the missing gradients and reports the failure, so that no other process waits forever.
    """

    def __init__(self, parameters: Iterable[Tensor], bucket: int = BUCKET) -> None:
        self._parameters = [p for p in parameters if p.requires_grad]
        self._buckets: list[_Bucket] = []
        self._of: dict[Tensor, _Bucket] = {}
        size = bucket
        for parameter in reversed(self._parameters):  # the last layers' gradients come first
            if size >= bucket:
                self._buckets.append(_Bucket([]))
                size = 0
            self._buckets[-1].parameters.append(parameter)
            self._of[parameter] = self._buckets[-1]
            size += parameter.numel()
            parameter.register_post_accumulate_grad_hook(self._ready)
        self._next: int | None = None  # the next bucket to send; None: not armed

    def arm(self) -> None:
        """Declare that the next backward pass is the last one of a step."""
        self._next = 0
        for bucket in self._buckets:
            bucket.waiting, bucket.flat, bucket.work = len(bucket.parameters), None, None

    def _ready(self, parameter: Tensor) -> None:
        if self._next is None:
            return
        self._of[parameter].waiting -= 1
        while self._next < len(self._buckets) and not self._buckets[self._next].waiting:
            self._send()

    def _send(self) -> None:
        assert self._next is not None
        bucket = self._buckets[self._next]
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in bucket.parameters]
        bucket.flat = torch.cat([g.detach().flatten() for g in gradients])
        bucket.work = dist.all_reduce(bucket.flat, async_op=True)
        self._next += 1

    @torch.no_grad()
    def finish(self, failed: bool = False) -> bool:
        """Store the sums in the gradients; return whether any process *failed*, which makes the gradients invalid.

        A parameter that has no gradient in any process has none afterwards.
        """
        if self._next is None:  # failed before the last backward pass started
            self.arm()
        assert self._next is not None
        while self._next < len(self._buckets):
            self._send()
        self._next = None
        flags = torch.tensor(
            [float(failed), *(float(p.grad is not None) for p in self._parameters)],
            device=self._parameters[0].device,
        )
        dist.all_reduce(flags)
        any_failed, *used = flags.tolist()
        there = {p: n > 0 for p, n in zip(self._parameters, used, strict=True)}
        for bucket in self._buckets:
            assert bucket.work is not None
            assert bucket.flat is not None
            bucket.work.wait()
            sizes = [p.numel() for p in bucket.parameters]
            for parameter, total in zip(bucket.parameters, bucket.flat.split(sizes), strict=True):
                if there[parameter]:
                    parameter.grad = total.view_as(parameter)
            bucket.flat = bucket.work = None
        return bool(any_failed)
