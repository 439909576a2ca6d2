"""Players in processes of their own, so that the window never waits and a crash costs a message, not the game.

Each worker of `thinker` is a process, started at its first question (spawned: nothing of the window is copied into it).
The window's process loads neither torch nor an engine; its threads only wait for answers. A worker that dies
is started again and asked once more; if it dies again, the question gets an error. Closing takes a fraction of
a second, whatever the workers are busy with.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from xiangqi_gpt.errors import PlayerCrashError, PlayerError
from xiangqi_gpt.play.process_end import end_process
from xiangqi_gpt.play.thinker import Answer, Create, Question, Worker, WorkerName

QUIT_SECONDS = 0.3
"""How long a worker has to leave by itself, and then to follow a signal."""

_NICE = 10  # how much workers stand back for the window
_AGAIN = 0.05  # seconds after which a worker that has not stopped is told again


class ProcessThinker:
    """Answers by worker processes.

    Args:
        create: builds a player from its spec; may take seconds. It is pickled: a function of a module.
        wake: called on another thread after each answer.
    """

    def __init__(self, create: Create, wake: Callable[[], None]) -> None:
        self._create = create
        self._wake = wake
        self._workers: dict[WorkerName, _Remote] = {}
        self._done: queue.SimpleQueue[Answer] = queue.SimpleQueue()

    def ask(self, question: Question) -> None:
        """Send a question; a question of a newer generation interrupts one of an older of the same worker."""
        remote = self._workers.get(question.worker)
        if remote is None:
            remote = self._workers[question.worker] = _Remote(self._create, self._receive)
        remote.ask(question)

    def stop(self, worker: WorkerName) -> None:
        """Interrupt a worker; what it has not answered yet gets no answer."""
        remote = self._workers.get(worker)
        if remote is not None:
            remote.stop()

    def release(self, worker: WorkerName) -> None:
        """End the process of a worker, without waiting for it."""
        remote = self._workers.pop(worker, None)
        if remote is not None:
            remote.leave()
            threading.Thread(target=remote.close, name="xiangqi-gpt-release", daemon=True).start()

    def answers(self) -> list[Answer]:
        """The answers since the last call."""
        found: list[Answer] = []
        while not self._done.empty():
            found.append(self._done.get())
        return found

    def close(self) -> None:
        """End all workers, by force where they do not leave at once."""
        for remote in self._workers.values():
            remote.leave()
        for remote in self._workers.values():
            remote.close()

    def _receive(self, answer: Answer) -> None:
        self._done.put(answer)
        self._wake()


class _Remote:
    """This side of one worker: a thread starts the process and takes its answers."""

    def __init__(self, create: Create, receive: Callable[[Answer], None]) -> None:
        self._create = create
        self._receive = receive
        self._lock = threading.Lock()
        self._open: list[Question] = []  # asked and not answered, oldest first
        self._asked_again: Question | None = None
        self._spec = ""
        self._connection: Connection | None = None
        self._process: BaseProcess | None = None
        self._listener: threading.Thread | None = None
        self._closing = False

    def ask(self, question: Question) -> None:
        with self._lock:
            if question.spec:
                self._spec = question.spec
            elif question.kind != "load":
                # A worker that had to be started again must know whom to load.
                question = replace(question, spec=self._spec)
            outdated = [old for old in self._open if old.generation < question.generation]
            self._open = [old for old in self._open if old not in outdated]
            self._open.append(question)
            if self._connection is None:
                self._start()
            self._send(("ask", question))

    def stop(self) -> None:
        with self._lock:
            self._open.clear()
            self._send(("stop", None))

    def leave(self) -> None:
        """Ask the process to leave."""
        with self._lock:
            self._closing = True
            self._open.clear()
            self._send(("quit", None))

    def close(self) -> None:
        """See to it that the process is gone."""
        process, listener = self._process, self._listener
        if process is None or listener is None:
            return
        end_process(process, listener, QUIT_SECONDS)

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=serve, args=(theirs, self._create), name="xiangqi-gpt-worker", daemon=True
        )
        process.start()
        theirs.close()  # so that its end tells that the process is gone
        self._connection, self._process = ours, process
        self._listener = threading.Thread(
            target=self._listen, args=(ours, process), name="xiangqi-gpt-answers", daemon=True
        )
        self._listener.start()

    def _send(self, message: tuple[str, Question | None]) -> None:
        # Where the process is gone, the thread that listens to it takes care of it.
        if self._connection is not None:
            with suppress(OSError):
                self._connection.send(message)

    def _listen(self, connection: Connection, process: BaseProcess) -> None:
        while True:
            try:
                answer: Answer = connection.recv()
            except (EOFError, OSError):
                break
            if self._counts(answer):
                self._receive(answer)
        connection.close()
        process.join()
        self._died()

    def _counts(self, answer: Answer) -> bool:
        """Whether somebody still waits for an answer."""
        with self._lock:
            question = next((q for q in self._open if _same(q, answer.question)), None)
            if question is not None and not answer.is_partial:
                self._open.remove(question)
                self._asked_again = None
            return question is not None

    def _died(self) -> None:
        """The process is gone: ask the open questions again, once."""
        with self._lock:
            self._connection = None
            if self._closing:
                return
            pending, first = list(self._open), self._open[0] if self._open else None
            is_second = first is not None and self._asked_again is first
            if is_second:
                self._open.clear()
                self._asked_again = None
            elif first is not None:
                self._asked_again = first
                self._start()
                for question in pending:
                    self._send(("ask", question))
        if first is None:
            return
        if is_second:
            for question in pending:
                self._receive(Answer(question=question, error=PlayerCrashError("its process ended")))
        else:
            self._receive(Answer(question=first, is_partial=True, was_restarted=True))


def _same(first: Question, second: Question) -> bool:
    return (first.kind, first.generation, first.spec) == (second.kind, second.generation, second.spec)


# The process of a worker -----------------------------------------------------------------------------


def serve(connection: Connection, create: Create) -> None:
    """Answer the questions of a connection until it is closed; the main function of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the program, which then ends its workers
    with suppress(OSError, AttributeError):
        os.nice(_NICE)
    _Server(connection, create).run()


class _Server:
    """The other side of one worker."""

    def __init__(self, connection: Connection, create: Create) -> None:
        self._connection = connection
        self._worker = Worker(create)
        self._questions: queue.SimpleQueue[Question] = queue.SimpleQueue()
        self._newest = 0  # generation
        self._asked = 0  # questions so far
        self._stopped = 0  # the questions up to this number need no answer
        self._current = 0  # number of the question in hand, 0 between two
        self._lock = threading.Lock()  # a question must not be interrupted in place of the one before it
        self._sending = threading.Lock()

    def run(self) -> None:
        """Answer questions; `_listen` ends the process."""
        threading.Thread(target=self._listen, daemon=True).start()
        number = 0
        while True:
            question = self._questions.get()
            number += 1
            with self._lock:
                is_outdated = question.kind != "load" and question.generation < self._newest
                if number <= self._stopped or is_outdated:
                    continue
                self._worker.allow_time()
                self._current = number
            answer = self._worker.answer(question, self._send)
            with self._lock:
                self._current = 0
            self._send(answer)

    def _listen(self) -> None:
        """Take messages; the end of the connection is the end of the process, whatever it is busy with."""
        try:
            # An engine may not have begun when it is told to stop, so it is told until it has.
            while True:
                if not self._connection.poll(_AGAIN if self._interrupt() else None):
                    continue
                kind, question = self._connection.recv()
                if kind == "quit":
                    break
                with self._lock:
                    if question is None or question.generation > self._newest:
                        self._stopped = self._asked
                    if question is not None:
                        self._newest = max(self._newest, question.generation)
                        self._asked += 1
                        self._questions.put(question)
        except (EOFError, OSError):
            pass
        finally:
            # Engines must not outlive their worker. One that hangs is ended by the window's side.
            with suppress(Exception):
                self._worker.close()
            os._exit(0)

    def _interrupt(self) -> bool:
        """Interrupt the question in hand if it was stopped; whether it was."""
        with self._lock:
            is_stopped = 0 < self._current <= self._stopped
            if is_stopped:
                self._worker.interrupt()
            return is_stopped

    def _send(self, answer: Answer) -> None:
        if answer.error is not None:
            answer = Answer(question=answer.question, error=_portable(answer.error))
        # The board of the question is known to the one who asked.
        slim = Question(
            kind=answer.question.kind,
            generation=answer.question.generation,
            worker=answer.question.worker,
            spec=answer.question.spec,
        )
        with self._sending, suppress(OSError):
            self._connection.send(replace(answer, question=slim))


def _portable(error: Exception) -> Exception:
    """The error, or its words where it cannot be pickled."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return PlayerError(f"{type(error).__name__}: {error}")
    return error
