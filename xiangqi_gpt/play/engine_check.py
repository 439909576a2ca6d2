"""Asking an engine whether it can play before it is added, in a process of its own: the window never waits."""

from __future__ import annotations

import multiprocessing
import signal
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection

from xiangqi_gpt.engines.process import split_command
from xiangqi_gpt.engines.spec import PROTOCOLS
from xiangqi_gpt.errors import PlayerError, PlayerHandshakeError
from xiangqi_gpt.play.wording import error_text
from xiangqi_gpt.players import parse_engine
from xiangqi_gpt.players.player_spec import PlayerSpec
from xiangqi_gpt.texts import Details, Message

HANDSHAKE_SECONDS = 8.0
"""How long a program may take to answer in one protocol, unless its spec says otherwise."""
MAX_NAME = 40  # characters


@dataclass(frozen=True)
class _Report:
    spec: str = ""
    problem: Message | Details | None = None


class EngineCheck:
    """An engine that is being asked.

    Args:
        spec: of the engine. Where it names no protocol, each of them is tried.

    Attributes:
        spec: once it has answered, with its name and its protocol.
        problem: why it cannot be used.
        is_done: whether it is known.

    Raises:
        PlayerError: there is no such program.
    """

    def __init__(self, spec: str) -> None:
        split_command(parse_engine(spec.partition(":")[2]).command)
        self.spec = spec
        self.problem: Message | Details | None = None
        self.is_done = False
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(
            target=serve, args=(theirs, spec), name="xiangqi-gpt-engine", daemon=True
        )
        self._process.start()
        theirs.close()  # so that its end tells that the process is gone

    def advance(self) -> bool:
        """Look whether the answer has come; True when it has."""
        if self.is_done or not self._connection.poll():
            return False
        try:
            report: _Report = self._connection.recv()
        except (EOFError, OSError):
            report = _Report(problem=Message.of("error.player"))
        self.spec, self.problem = report.spec or self.spec, report.problem
        self.is_done = True
        self._connection.close()
        return True

    def close(self) -> None:
        """Stop asking; the process and the engine end."""
        if not self.is_done:
            self.is_done = True
            self._connection.close()
            self._process.terminate()


def serve(connection: Connection, spec: str) -> None:
    """Ask the engine and report; the main function of the process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the program, which then ends this process
    try:
        report = _Report(ask_engine(spec))
    except Exception as error:
        # Whatever a program does that was named as an engine is told in the dialog.
        report = _Report(problem=error_text(error))
    with suppress(OSError):
        connection.send(report)
    connection.close()


def ask_engine(spec: str) -> str:
    """Start an engine and return its spec with the name that it gives, and its protocol unless that is UCI.

    Raises:
        PlayerError: it does not answer, or cannot be used; the message is that of the first protocol.
    """
    # Imported here because the client comes with an event loop, which the window's process does not need.
    from xiangqi_gpt.engines.client import EngineClient

    parsed = PlayerSpec.parse(spec)
    engine = parse_engine(spec.partition(":")[2])
    patience = HANDSHAKE_SECONDS if engine.timeout is None else engine.timeout
    first: PlayerError | None = None
    for protocol in (engine.protocol,) if "protocol" in parsed.settings else PROTOCOLS:
        try:
            client = EngineClient(replace(engine, protocol=protocol, timeout=patience), parsed.command)
        except PlayerHandshakeError as error:
            first = first or error
            continue
        try:
            client.wait_until_ready()
            name = plain_name(client.own_name)
        finally:
            client.close()
        named = parsed.settings.get("name") or name or None
        return str(parsed.replace(protocol=None if protocol == PROTOCOLS[0] else protocol, name=named))
    raise first or PlayerError(f"{spec!r} names no protocol.")


def plain_name(text: str) -> str:
    """The name of an engine without what has a meaning in a spec."""
    text = "".join(" " if char in ",=" else char for char in text if char.isprintable())
    return " ".join(text.split())[:MAX_NAME].strip()
