"""The thread that owns the player: it builds it, and does what needs it, one thing after the other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

from xiangqi_gpt.players.base import Player


class PlayerWorker:
    """Builds a player in the background, and runs jobs with it in the order in which they come.

    Args:
        build: makes a player; called anew after `renew`.
        on_failure: called with the error where there is no player after a job has asked for one.
        on_refused: called with the error where a new player cannot be built, and the old one stays.
    """

    def __init__(
        self,
        build: Callable[[], Player],
        *,
        on_failure: Callable[[Exception], None],
        on_refused: Callable[[Exception], None],
    ) -> None:
        self._build = build
        self._on_failure, self._on_refused = on_failure, on_refused
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._waiting: list[Callable[[], None]] = []
        self._wanted, self._built = 1, 0  # versions of the player
        self._player: Player | None = None
        self._failure: Exception | None = None
        self._thinking = False

    @property
    def is_ready(self) -> bool:
        """Whether the player that is wanted is there."""
        with self._lock:
            return self._player is not None and self._built == self._wanted

    @property
    def has_player(self) -> bool:
        """Whether there is a player, be it the one that is wanted or one before it."""
        return self._player is not None

    @property
    def is_alive(self) -> bool:
        """Whether something is being built or done."""
        return self._thread is not None and self._thread.is_alive()

    def renew(self) -> None:
        """Build another player before the next job that needs one."""
        with self._lock:
            self._wanted += 1

    def prepare(self) -> None:
        """Begin to build the player; a failure is kept until somebody needs it."""
        self._submit(self._bring_up_to_date)

    def when_ready(self, action: Callable[[], None]) -> None:
        """Do *action* when the player is there, at once if it is, whatever the worker does meanwhile."""
        with self._lock:
            # New settings that come while a search is under way wait for its end; this answer does not.
            ready = self._player is not None and (self._built == self._wanted or self._thinking)
            if not ready:
                self._waiting.append(action)
        if ready:
            action()
        else:
            self._submit(self._announce)

    def submit(self, job: Callable[[Player], None], otherwise: Callable[[Exception], None]) -> None:
        """Run *job* with the player behind the jobs before it; *otherwise* where there is none."""

        def run() -> None:
            self._bring_up_to_date()
            if self._player is not None:
                self._thinking = True
                try:
                    job(self._player)
                finally:
                    self._thinking = False
            elif self._failure is not None:
                otherwise(self._failure)
                self._on_failure(self._failure)

        self._submit(run)

    def finish(self, timeout: float | None) -> None:
        """Wait for the jobs, at most *timeout* seconds, and close the player if they are done by then."""
        if self._thread is None:
            return
        self._jobs.put(None)
        self._thread.join(timeout)
        if not self._thread.is_alive() and self._player is not None:
            self._player.close()

    def _submit(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()

    def _bring_up_to_date(self) -> None:
        with self._lock:
            version = self._wanted
            if self._built == version:
                return
        try:
            player = self._build()
        except Exception as error:  # Whatever it is, the other program has to be told.
            with self._lock:
                self._built = version
                self._failure = None if self._player is not None else error
            if self._player is not None:
                self._on_refused(error)
        else:
            if self._player is not None:
                self._player.close()
            with self._lock:
                self._player, self._built, self._failure = player, version, None
        self._announce_if_ready()

    def _announce(self) -> None:
        self._bring_up_to_date()
        self._announce_if_ready()
        if self._failure is not None:
            self._on_failure(self._failure)

    def _announce_if_ready(self) -> None:
        with self._lock:
            if self._player is None or self._built != self._wanted:
                return
            actions, self._waiting = self._waiting, []
        for action in actions:
            action()
