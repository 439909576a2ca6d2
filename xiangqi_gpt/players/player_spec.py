"""A player as text: `gpt`, `gpt:model=DIR,temperature=0.5`, `engine:fairy-stockfish,nodes=100`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from xiangqi_gpt.errors import PlayerError

WITH_COMMAND = "engine"
"""The name of the players whose first item is a command."""


@dataclass(frozen=True)
class PlayerSpec:
    """A player's name and settings. `str()` gives the text that `parse` reads.

    Attributes:
        name: what the text begins with, such as "gpt".
        command: the command of an engine, "" for other players.
        settings: values by key, in the order of the text.
    """

    name: str
    command: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> PlayerSpec:
        """The spec that a text holds; spaces around names, keys and values do not matter.

        Whether there is such a player, and whether it knows the keys, is for `create_player` to say.

        Raises:
            PlayerError: an item that is not key=value, a key twice, an engine without a command.
        """
        name, colon, rest = (part.strip() for part in text.partition(":"))
        items = rest.split(",") if rest else []
        command = items.pop(0).strip() if name == WITH_COMMAND and items else ""
        if name == WITH_COMMAND and not command:
            raise PlayerError(f"expected {name}:COMMAND[,key=value...], found {text!r}")
        if colon and not command and not items:
            raise PlayerError(
                f"There is no key=value after the colon of {text!r}; leave out the colon, or add settings."
            )
        settings: dict[str, str] = {}
        for item in items:
            key, equals, value = (part.strip() for part in item.partition("="))
            if not key or not equals:
                raise PlayerError(f"expected key=value in {text!r}, found {item!r}")
            if key in settings:
                raise PlayerError(f"expected {key!r} once in {text!r}, found it twice")
            settings[key] = value
        return cls(name, command, settings)

    def replace(self, **changes: str | float | None) -> PlayerSpec:
        """The spec with other settings: a value takes the place of the present one or comes last, None removes it."""
        settings = {
            **self.settings,
            **{
                key: f"{v:g}" if isinstance(v, float) else str(v)
                for key, v in changes.items()
                if v is not None
            },
        }
        kept = {key: value for key, value in settings.items() if changes.get(key, value) is not None}
        return replace(self, settings=kept)

    def __str__(self) -> str:
        return self.name + ":" * bool(self.command or self.settings) + ",".join(self._items())

    def __hash__(self) -> int:
        return hash(str(self))

    def _items(self) -> Iterator[str]:
        if self.command:
            yield self.command
        for key, value in self.settings.items():
            yield f"{key}={value}"


def model_stamps(text: str) -> list[tuple[str, int, int]]:
    """Name, size and time of the files of models that a path or a spec (`gpt:model=DIR,adapter=DIR`) names.

    Other weights under the same name are another model.
    """
    parts = re.split("[:,]", text)
    names = {text, *parts, *(part.partition("=")[2] for part in parts)} - {""}
    files = [file for name in sorted(names) if Path(name).is_dir() for file in sorted(Path(name).iterdir())]
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]
