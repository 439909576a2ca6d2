"""What UCCI says otherwise than UCI, and what answers in neither look like.

UCCI is close enough to UCI to be put into its words line by line, so both transports speak it without knowing it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from dataclasses import dataclass

ANSWERS = r"(?i:(?:no)?best[ _-]?move|move |illegal move|error ?\(|resign\b|tellusererror\b)"
"""How lines begin that are answers of UCI, or want to be: misspelt ones, and those of another protocol."""

_ANSWER = re.compile(ANSWERS)
_SCORE = re.compile(r"(?<= score )(?=-?\d)")
_MOVE_TIME = re.compile(r"movetime (\d+)")


@dataclass(frozen=True)
class Dialect:
    """A way of speaking UCI.

    Attributes:
        name: of the protocol.
        say: a line of UCI as the engine is told it; "" where it is not.
        to_uci: a line of the engine in the words of UCI.
    """

    name: str
    say: Callable[[str], str]
    to_uci: Callable[[str], str]


def _as_it_is(line: str) -> str:
    return line


def _say_ucci(line: str) -> str:
    word, _, rest = line.partition(" ")
    if word == "uci":
        return "ucci"
    if word == "ucinewgame":
        # Not every engine knows the option, and none may complain: unknown options are passed over.
        return "setoption newgame"
    if word == "setoption":
        name, _, value = rest.removeprefix("name ").partition(" value ")
        return f"setoption {name} {value}".rstrip()
    if word == "go":
        # UCCI counts a clock; with one move to go all of it is for this move.
        return _MOVE_TIME.sub(r"time \1 movestogo 1", line)
    return line


def _say_ucci_in_seconds(line: str) -> str:
    return _say_ucci(_MOVE_TIME.sub(lambda found: f"movetime {max(1, -(-int(found[1]) // 1000))}", line))


def _ucci_to_uci(line: str) -> str:
    word, _, rest = line.partition(" ")
    if word == "ucciok":
        return "uciok"
    if word == "nobestmove":
        return "bestmove (none)"
    if word == "option" and not rest.startswith("name "):
        return f"option name {rest}"
    if word == "info":
        return _SCORE.sub("cp ", line)
    return line


UCI = Dialect("uci", _as_it_is, _as_it_is)
UCCI = Dialect("ucci", _say_ucci, _ucci_to_uci)
UCCI_IN_SECONDS = Dialect("ucci", _say_ucci_in_seconds, _ucci_to_uci)
"""For engines without the option usemillisec: they count the clock in whole seconds."""


def dialect_of(protocol: str, offered: Container[str]) -> Dialect:
    """The dialect of an engine, given the names of its options in lower case."""
    if protocol != "ucci":
        return UCI
    return UCCI if "usemillisec" in offered else UCCI_IN_SECONDS


def is_no_answer(line: str) -> bool:
    """Whether a line wants to be an answer but is none of UCI: misspelt, or of another protocol.

    Engines print much that means nothing, so most unknown lines are passed over; behind these no answer will come.
    """
    return not line.startswith("bestmove ") and _ANSWER.match(line) is not None
