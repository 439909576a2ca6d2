"""One run per folder: a second run fails with the name of the process that holds it.

Not by filelock, tried in version 4.3: there the lock file cannot also name its holder (3.x empties the file when a
second process opens it; on Windows its first byte cannot be read), so that a killed run would leave two files. This one
locks a byte far behind the text.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import sys
import time
from pathlib import Path

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.safe_json import format_json, parse_json

LOCK_FILE = ".lock"
_PLACE = 1 << 20  # the byte that is locked on Windows, far behind what is written
_BUSY = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


class RunLock:
    """Holds *folder*, which must exist, until :meth:`release` or the death of the process.

    The operating system keeps the lock, so a killed run does not keep it. Where the file system knows no locks
    there is none.

    Raises:
        ConfigError: another run holds the folder.
    """

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(self._file)
        except OSError as error:
            if error.errno in _BUSY:
                owner = _owner(self._file)
                self.release()
                raise ConfigError(
                    f"{folder}: the folder is in use by {owner}; wait for it, or choose another one"
                ) from None
        with contextlib.suppress(OSError):  # a full disk: the lock holds all the same
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, _myself(), 0) if hasattr(os, "pwrite") else os.write(self._file, _myself())

    def release(self) -> None:
        """Let the folder go."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def __del__(self) -> None:
        if getattr(self, "_file", -1) >= 0:
            self.release()


def _lock(file: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(file, _PLACE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(file, 0, os.SEEK_SET)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _myself() -> bytes:
    since = time.strftime("%Y-%m-%d %H:%M:%S")
    return format_json({"process": os.getpid(), "machine": socket.gethostname(), "since": since}).encode()


def _owner(file: int) -> str:
    """Who wrote the lock, in words."""
    try:
        os.lseek(file, 0, os.SEEK_SET)
        data = parse_json(os.read(file, 1000))
        return f"process {data['process']} on {data['machine']} since {data['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
