"""Workers on many machines: every task is a Ray task. Needs the extra `cluster`.

This package, and the engines that a task uses, must be installed on each machine, engines under the same command. A
task carries all that it needs; no machine but the caller's reads or writes a file of results.
"""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from xiangqi_gpt.errors import ConfigError, WorkerError
from xiangqi_gpt.workers.pool import Pool, ResultT, TaskT, Worker, WorkerFactory

_AHEAD = 2
"""Tasks in progress for each core of the cluster."""

_RETRIES = 5
"""How often Ray restarts a task after its machine or process has disappeared."""

_WAIT_SECONDS = 1.0
_CONNECT_SECONDS = 10.0


def import_ray() -> ModuleType:
    """Import ray; if it is not installed, raise a ConfigError that explains how to install it."""
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            "--cluster needs Ray. Install it with: pip install 'xiangqi-gpt[cluster]'"
        ) from error
    module: ModuleType = ray
    return module


class RayPool(Pool[TaskT, ResultT]):
    """Tasks on a Ray cluster.

    Args:
        build: builds a worker in each process of the cluster; sent to each machine once.
        address: of the cluster's head ("host:port", "ray://host:port"), or "auto" for the one that this machine
            belongs to.
        workers: most tasks at a time; None for all cores of the cluster, those of machines that join later too.

    Raises:
        ConfigError: Ray is not installed, or there is no cluster at the address.
    """

    def __init__(
        self, build: WorkerFactory[TaskT, ResultT], address: str, workers: int | None = None
    ) -> None:
        self._ray: Any = import_ray()
        self._connected = False
        if not self._ray.is_initialized():
            _check_reachable(address)
            try:
                self._ray.init(address=address, log_to_driver=False, configure_logging=False)
            except (ConnectionError, RuntimeError, ValueError, OSError) as error:
                reason = " ".join(str(error).split())
                raise ConfigError(f"The Ray cluster at {address!r} cannot be joined: {reason}") from error
            self._connected = True
        self._workers = workers
        self._build = self._ray.put(build)
        self._token = uuid.uuid4().hex
        self._do = self._ray.remote(num_cpus=1, max_retries=_RETRIES)(do_task)

    def results(self, tasks: Iterator[TaskT], /) -> Iterator[ResultT]:
        """The result of every task, in order of completion.

        Raises WorkerError if machines keep disappearing.
        """
        flying: list[Any] = []
        is_dry = False
        while True:
            while not is_dry and len(flying) < self._room():
                task = next(tasks, None)
                if task is None:
                    is_dry = True
                else:
                    flying.append(self._do.remote(self._token, self._build, task))
            if not flying:
                return
            ready, flying = self._ray.wait(flying, num_returns=1, timeout=_WAIT_SECONDS)
            for reference in ready:
                try:
                    result: ResultT = self._ray.get(reference)
                except self._ray.exceptions.RayError as error:
                    reason = str(error).strip().splitlines()[-1]
                    raise WorkerError(f"The cluster lost a task: {reason}") from error
                yield result

    def close(self) -> None:
        """Leave the cluster; tasks in progress are lost."""
        if self._connected:
            self._ray.shutdown()
            self._connected = False

    def _room(self) -> int:
        cores = int(self._ray.cluster_resources().get("CPU", 0))
        return self._workers if self._workers is not None else max(1, _AHEAD * cores)


def _check_reachable(address: str) -> None:
    """Raise ConfigError if nothing listens at the address: Ray itself would keep trying for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if not colon:
        if address != "auto":
            raise ConfigError(f"--cluster: expected 'auto' or HOST:PORT, found {address!r}")
        return
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_SECONDS):
            pass
    except (OSError, ValueError, OverflowError) as error:
        raise ConfigError(f"No Ray cluster answers at {address!r}: {error}") from error


_kept: list[tuple[str, Worker[Any, Any]]] = []
"""The worker of this process with its pool's token, if any; Ray gives a process many tasks, one after the other."""


def do_task(token: str, build: WorkerFactory[Any, Any], task: Any) -> Any:
    """Do one task in a process of the cluster, with a worker that outlives the task."""
    if not _kept or _kept[0][0] != token:
        for _, other in _kept:
            other.close()
        _kept[:] = [(token, build())]
    return _kept[0][1].run(task)
