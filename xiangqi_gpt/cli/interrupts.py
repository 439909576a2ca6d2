"""Ctrl-C and the signal to terminate, for commands that report what they have finished before they end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import click


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM."""


@contextmanager
def terminate_as_interrupt() -> Iterator[None]:
    """Within the block SIGTERM raises `Terminated`, as Ctrl-C raises KeyboardInterrupt."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may set a handler
        return
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def exit_of(interrupt: KeyboardInterrupt) -> click.exceptions.Exit:
    """The exit status that shells expect; to be raised."""
    return click.exceptions.Exit(143 if isinstance(interrupt, Terminated) else 130)


def _raise(number: int, frame: FrameType | None) -> None:
    raise Terminated
