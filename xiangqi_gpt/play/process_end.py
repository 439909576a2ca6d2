"""The end of a process that a thread listens to."""

from __future__ import annotations

import threading
from multiprocessing.process import BaseProcess

KILL_SECONDS = 5.0
"""How long a busy machine may take to remove a process that was killed."""


def end_process(process: BaseProcess, listener: threading.Thread, seconds: float) -> None:
    """See to it that a process is gone which has been asked to leave.

    It has *seconds* to leave by itself, and as many again after a signal; then it is killed.

    Args:
        listener: the thread that reads from the process, then waits for it and ends. Only this thread may wait for the
            process: of two that wait, one never learns that it has ended.
    """
    for end in (process.terminate, process.kill):
        listener.join(seconds)
        if not listener.is_alive():
            return
        end()
    listener.join(KILL_SECONDS)
