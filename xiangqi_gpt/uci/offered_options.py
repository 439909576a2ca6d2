"""The options that the engine offers, with their values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from xiangqi_gpt.engines.options import EngineOption
from xiangqi_gpt.errors import XiangqiError
from xiangqi_gpt.players.base import Player

EMPTY = "<empty>"
"""How a protocol of words writes an empty text."""

VARIANT = EngineOption(name="UCI_Variant", kind="combo", choices=("xiangqi",), default="xiangqi")
"""By this option programs that know several games recognise ours."""

SESSION_OPTIONS = (
    EngineOption(name="MultiPV", kind="spin", default="1", least=1, most=128),
    EngineOption(name="UCI_ShowWDL", kind="check", default="false"),
    EngineOption(name="Ranks", kind="combo", choices=("auto", "0-9", "1-10"), default="auto"),
    EngineOption(name="Ponder", kind="check", default="false"),
    EngineOption(name="Move Overhead", kind="spin", default="50", least=0, most=10_000),
)
"""Options of every player."""


class OfferedOptions:
    """Options by name. Names are compared without case and spaces: those of UCCI are one word.

    Args:
        own: options of the player at hand, beside those of every player.
        make_player: builds the player from the values of the options, by name.
    """

    def __init__(
        self, make_player: Callable[[Mapping[str, str]], Player], own: Iterable[EngineOption] = ()
    ) -> None:
        self._make_player = make_player
        self._own = tuple(own)
        self._options = {_key(option.name): option for option in (VARIANT, *SESSION_OPTIONS, *self._own)}
        self._values = {key: option.default or "" for key, option in self._options.items()}

    def __getitem__(self, name: str) -> str:
        return self._values[_key(name)]

    def __contains__(self, name: str) -> bool:
        return _key(name) in self._options

    def number(self, name: str, default: int) -> int:
        """The value of a whole number, *default* where there is no such option."""
        return int(self[name]) if name in self else default

    def make_player(self) -> Player:
        """The player that the values describe."""
        return self._make_player({option.name: self[option.name] for option in self._own})

    def make_default_player(self) -> Player:
        """The player without anything set."""
        return self._make_player({option.name: option.default or "" for option in self._own})

    @property
    def are_defaults(self) -> bool:
        """Whether nothing is set of the player."""
        return all(self[option.name] == (option.default or "") for option in self._own)

    def set(self, name: str, value: str) -> bool:
        """Set a value; True where the player changes by it.

        Raises:
            XiangqiError: no such option, or a value that does not fit.
        """
        option = self._options.get(_key(name))
        if option is None:
            raise XiangqiError(f"no option {name!r}")
        if value == EMPTY and option.kind == "string":
            value = ""
        if option.kind == "combo":
            value = next((choice for choice in option.choices if choice.lower() == value.lower()), value)
        if not option.takes(value):
            raise XiangqiError(f"expected {_wanted(option)} for {option.name}, found {value!r}")
        changed = self._values[_key(name)] != value
        self._values[_key(name)] = value
        return changed and option in self._own

    def declarations(self, *, ucci: bool) -> list[str]:
        """The lines that offer the options to the other program."""
        return [_declared(option, ucci=ucci) for option in self._options.values()]


def _key(name: str) -> str:
    return name.replace(" ", "").lower()


def _wanted(option: EngineOption) -> str:
    if option.kind == "spin":
        return f"a number from {option.least} to {option.most}"
    return "true or false" if option.kind == "check" else f"one of {', '.join(option.choices)}"


def _declared(option: EngineOption, *, ucci: bool) -> str:
    # UCCI leaves out the word `name`; the option that names our game is for programs that read UCI as well.
    in_words = not ucci or option is VARIANT
    head = f"option name {option.name}" if in_words else f"option {option.name.replace(' ', '')}"
    parts = [head, f"type {option.kind}", f"default {option.default or EMPTY}"]
    if option.kind == "spin":
        parts.append(f"min {option.least} max {option.most}")
    parts += [f"var {choice}" for choice in option.choices]
    return " ".join(parts)
