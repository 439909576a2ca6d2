"""The processes that train one model together: this one, or all that torchrun or ``accelerate launch`` started."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from xiangqi_gpt.errors import ConfigError

DEVICES = ("auto", "cpu", "cuda", "mps")


@dataclass(frozen=True, kw_only=True)
class Processes:
    """This process, its device, and its place among the others."""

    device: torch.device
    rank: int = 0  # from 0 to world - 1
    world: int = 1  # number of processes

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes files and reports progress."""
        return self.rank == 0

    def wait(self) -> None:
        """Return when all processes have called this."""
        if self.world > 1:
            dist.barrier(device_ids=[self.device.index] if self.device.type == "cuda" else None)

    def sum(self, tensor: Tensor) -> Tensor:
        """The sum of *tensor* over all processes."""
        if self.world == 1:
            return tensor
        total = tensor.to(self.device, copy=True)
        dist.all_reduce(total)
        return total

    def leave(self) -> None:
        """End the connection to the other processes, if there are any."""
        if self.world > 1:
            dist.destroy_process_group()


def join_processes(device: str) -> Processes:
    """Connect to the other processes of this run, which RANK, WORLD_SIZE and LOCAL_RANK in the environment describe.

    *device* is ``auto``, ``cpu``, ``cuda`` or ``mps``. With ``cuda`` each process of a machine has its own card.

    Raises:
        ConfigError: *device* is not available, or several processes cannot share it.
    """
    world = int(os.environ.get("WORLD_SIZE", "1")) if "RANK" in os.environ else 1
    kind = _kind(device, world)
    if world == 1:
        return Processes(device=torch.device(kind))
    here = torch.device(kind)
    if kind == "cuda":
        here = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        torch.cuda.set_device(here)
    if not dist.is_initialized():
        dist.init_process_group("nccl" if kind == "cuda" else "gloo")
    return Processes(device=here, rank=dist.get_rank(), world=dist.get_world_size())


def _kind(device: str, world: int) -> str:
    if device not in DEVICES:
        raise ConfigError(f"device: expected auto, cpu, cuda or mps, found {device!r}")
    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("device='cuda': this machine has no CUDA device")
    if device == "mps" and not torch.backends.mps.is_available():
        raise ConfigError("device='mps': this machine has no Metal device")
    if device == "mps" and world > 1:
        raise ConfigError(
            f"device: {world} processes cannot train together on a Metal device; use --device cpu"
        )
    if device != "auto":
        return device
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() and world == 1 else "cpu"
