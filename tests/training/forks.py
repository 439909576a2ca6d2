"""Processes that begin with everything imported: a server forks a child a job, to be killed or to work in pairs."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Job:
    """A function "module:name" to be called with *arguments*, killed when it has used *cpu* seconds."""

    call: str
    arguments: tuple[Any, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    cpu: float | None = None


@dataclass(frozen=True)
class Ended:
    """How a child ended: 0, an exit code, or minus the signal; and the processor seconds that it used."""

    code: int
    cpu: float


class Server:
    """The server, from the side of the test."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, jobs: Sequence[Job]) -> list[Ended]:
        """Run jobs side by side and wait for all of them."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([vars(job) for job in jobs]) + "\n")
        self._process.stdin.flush()
        return [Ended(*found) for found in json.loads(self._process.stdout.readline())]


@contextmanager
def server(*modules: str) -> Iterator[Server]:
    """A server that has imported *modules*."""
    command = [sys.executable, "-m", "tests.training.forks", *modules]
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Server(process)
        assert process.stdin is not None
        process.stdin.close()


def _child(job: dict[str, Any]) -> None:
    import signal

    os.environ.update(job["environment"])
    if job["cpu"] is not None:
        # The default answer to this signal is to die at once, wherever the process is, as by kill -9.
        signal.setitimer(signal.ITIMER_PROF, max(job["cpu"], 1e-3))
    module, _, name = job["call"].partition(":")
    getattr(importlib.import_module(module), name)(*job["arguments"])


def _serve() -> None:
    import torch

    torch.set_num_threads(1)
    for module in sys.argv[1:]:
        importlib.import_module(module)
    for line in sys.stdin:
        children = []
        for job in json.loads(line):
            child = os.fork()
            if not child:
                code = 1
                try:
                    _child(job)
                    code = 0
                finally:
                    sys.stderr.flush()
                    os._exit(code)
            children.append(child)
        ended = []
        for child in children:
            _, status, usage = os.wait4(child, 0)
            ended.append((os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime))
        print(json.dumps(ended), flush=True)


if __name__ == "__main__":
    _serve()
