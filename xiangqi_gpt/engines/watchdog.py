"""The watchdog of an engine: it ends a wait that has no time limit of its own, by ending the process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_WATCH_SECONDS = 0.25


class Watchdog:
    """Kills a process whose answer is overdue.

    The end of the process ends whatever waits for it: a blocking read, or a command of python-chess, which must not
    be cancelled (a cancelled analysis leaves its thread behind for ever). The watchdog also ends what a process that
    has died left behind, and what may hold its pipes open.

    Args:
        kill: ends the process and what it has started.
        poll: the exit code, None while the process runs.
    """

    def __init__(self, kill: Callable[[], None], poll: Callable[[], int | None]) -> None:
        self.has_killed = False
        self._kill = kill
        self._poll = poll
        self._deadline = float("inf")
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, name="engine watchdog", daemon=True).start()

    def expect_by(self, deadline: float) -> None:
        """The time (monotonic) at which an answer is overdue."""
        self._deadline = deadline

    def rest(self) -> None:
        """Nothing is expected."""
        self._deadline = float("inf")

    def stop(self) -> None:
        """Watch no more."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(_WATCH_SECONDS):
            if time.monotonic() > self._deadline:
                self.has_killed = True
            if self.has_killed or self._poll() is not None:
                self._kill()
                return
