"""How to start an engine and how long it thinks; nothing here starts a process."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from xiangqi_gpt.errors import PlayerError

PROTOCOLS = ("uci", "ucci", "cecp")
"""The languages of engines: UCI; UCCI, its relative for Chinese chess; CECP, the language of XBoard."""

DEFAULT_TIMEOUT = 30.0
"""Seconds beyond the time limit after which an engine without an answer has lost."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """What both sides have left for all their moves."""

    red: float  # seconds
    black: float  # seconds
    increment: float = 0.0  # seconds that each move adds


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What stops the thinking about one move, whichever comes first. All None: the player's own habit.

    A player that plans its time itself uses the clock, if there is one, and not `time`. `time` is then what a player
    without a plan should take.
    """

    time: float | None = None  # seconds
    nodes: int | None = None  # positions searched
    depth: int | None = None  # plies
    clock: Clock | None = None

    def __post_init__(self) -> None:
        for name, value, least in (
            ("time", self.time, 0.0),
            ("nodes", self.nodes, 1),
            ("depth", self.depth, 1),
        ):
            # A NaN fails every comparison, so the test is written as a negation.
            if value is not None and not (least <= value < float("inf")):
                raise PlayerError(f"expected {name} of at least {least:g}, found {value!r}")

    @property
    def is_empty(self) -> bool:
        """True where nothing is limited."""
        return self.time is None and self.nodes is None and self.depth is None

    def __str__(self) -> str:
        parts = [f"{self.time:g} s"] if self.time is not None else []
        parts += [f"{self.nodes} nodes"] if self.nodes is not None else []
        parts += [f"depth {self.depth}"] if self.depth is not None else []
        return ", ".join(parts) or "none"


DEFAULT_LIMIT = Limit(nodes=1000)
"""What an engine gets where neither its spec nor the match limits it."""

DEFAULT_CECP_LIMIT = Limit(depth=4)
"""The same for an engine behind CECP, where few can count nodes."""


@dataclass(frozen=True, kw_only=True)
class EngineSpec:
    """An engine in a process of its own: how to start it and how long it thinks.

    Raises:
        PlayerError: a protocol, ranks or a timeout that do not exist.
    """

    command: str  # program and arguments as one line
    limit: Limit = field(default_factory=Limit)  # for every move
    options: Mapping[str, str] = field(default_factory=dict)  # the engine's own options by name
    ranks: str | None = None  # "0-9", "1-10", None: decided by the engine's options
    timeout: float | None = None  # seconds beyond the limit's time, None: DEFAULT_TIMEOUT
    protocol: str = "uci"  # one of PROTOCOLS

    def __post_init__(self) -> None:
        if self.protocol not in PROTOCOLS:
            raise PlayerError(
                f"expected protocol {', '.join(PROTOCOLS)} for {self.command!r}, found {self.protocol!r}"
            )
        if self.ranks not in (None, "0-9", "1-10"):
            raise PlayerError(f"expected ranks=0-9 or ranks=1-10 for {self.command!r}, found {self.ranks!r}")
        if self.timeout is not None and not 0 < self.timeout < float("inf"):
            raise PlayerError(f"expected a timeout above 0 s for {self.command!r}, found {self.timeout!r}")

    @property
    def patience(self) -> float:
        """Seconds beyond the limit's time after which an answer counts as never coming."""
        return DEFAULT_TIMEOUT if self.timeout is None else self.timeout

    @property
    def default_limit(self) -> Limit:
        """The limit of an engine that nobody limits."""
        return DEFAULT_CECP_LIMIT if self.protocol == "cecp" else DEFAULT_LIMIT


def command_words(command: str) -> list[str]:
    """Program and arguments of a command line.

    Raises:
        PlayerError: a quotation mark without its other.
    """
    try:
        if os.name != "nt":
            return shlex.split(command)
        # Without posix, backslashes are kept, and so are quotes.
        return [word.strip('"') for word in shlex.split(command, posix=False)]
    except ValueError as error:
        raise PlayerError(f"The engine's command line {command!r} cannot be read: {error}") from error


def engine_name(spec: EngineSpec, *, limit: Limit | None = None) -> str:
    """The command with its limit and options, as shown; `limit` in place of the spec's.

    Arguments belong to it: they tell the engines of one program apart. Of full paths, only the last part is shown.
    """
    limit = spec.limit if limit is None else limit
    parts = [
        f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}"
        for key, value in (("nodes", limit.nodes), ("time", limit.time), ("depth", limit.depth))
        if value is not None
    ]
    parts += [f"{key}={value}" for key, value in spec.options.items()]
    words = command_words(spec.command)
    shown = [
        os.path.basename(word) if i == 0 or os.path.isabs(word) else word for i, word in enumerate(words)
    ]
    command = " ".join(shown)
    return f"{command}[{','.join(parts)}]" if parts else command
