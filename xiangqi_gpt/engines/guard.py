"""No engine outlives us: a small process waits for our end and kills what we leave behind.

Whoever is killed (SIGKILL, a closed terminal, the task manager) cannot clean up. The guard runs this file as a
program, so nothing but the standard library may be imported here. It reads the numbers of our engines from a pipe;
when the pipe ends, so have we.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable
from typing import Any


def apart() -> dict[str, Any]:
    """Arguments for `Popen` that put a process into a group of its own.

    Ctrl-C then reaches us alone, and the group can be killed with everything that the process has started.
    """
    if os.name == "nt":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW  # type: ignore[attr-defined,unused-ignore]
        return {"creationflags": flags}
    return {"start_new_session": True}


def kill_group(pid: int) -> None:
    """Kill a process that was started `apart`, and its descendants.

    Call it while the process runs, or at once when it has ended: later its number may belong to another.
    """
    if os.name == "nt":
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(
                ["taskkill", "/T", "/F", "/PID", str(pid)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=5,
                check=False,
                **apart(),
            )
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


class Guard:
    """The guard of this process; it is started with the first engine."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner = 0
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, pid: int) -> None:
        """An engine has started."""
        self._send(f"+{pid}\n")

    def release(self, pid: int) -> None:
        """An engine has ended, and what it had started with it."""
        self._send(f"-{pid}\n")

    def close(self) -> None:
        """End the guard and what it still watches."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None and self._owner == os.getpid():
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                assert process.stdin is not None
                process.stdin.close()
                process.wait(timeout=5)

    def _send(self, text: str) -> None:
        # Without a guard everything works but our own violent death, so its failures are not the user's.
        with self._lock, contextlib.suppress(OSError):
            # A forked child must not end with its parent's engines.
            if self._process is None or self._owner != os.getpid():
                self._process, self._owner = _start(), os.getpid()
            assert self._process.stdin is not None
            os.write(self._process.stdin.fileno(), text.encode())


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=os.path.dirname(sys.executable) or None,  # Not in the user's folder, which may have to go.
        **apart(),
    )


guard = Guard()
"""The one of this process."""

atexit.register(guard.close)


def _serve(lines: Iterable[str]) -> None:
    """Kill what is watched when the lines end."""
    watched: set[int] = set()
    for line in lines:
        (watched.add if line[0] == "+" else watched.discard)(int(line[1:]))
    for pid in watched:
        kill_group(pid)


if __name__ == "__main__":
    _serve(sys.stdin)
