"""Every text that people read: a key with arguments below, one catalogue, rendered where it is shown.

`catalogue.toml` beside this file holds a row for each key, with a column for each language. Code makes a `Message`;
the window or the terminal renders it in the language of the user. Errors for developers are in English and written
where they are raised; `Details` keeps them out of other languages.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from typing_extensions import Self

Language: TypeAlias = Literal["en", "zh", "zh-TW"]
LANGUAGES: tuple[Language, ...] = ("en", "zh", "zh-TW")
"""English, simplified and traditional Chinese, in the order of the catalogue's columns."""

_CATALOGUE = Path(__file__).with_name("catalogue.toml")


@runtime_checkable
class Translatable(Protocol):
    """A text in no language yet, such as a `Message`."""

    def text(self, language: Language, /) -> str:
        """The text in a language."""


@dataclass(frozen=True)
class Message:
    """A text in no language yet: the key of a row of the catalogue, and its arguments."""

    key: str
    arguments: tuple[tuple[str, object], ...] = ()

    @classmethod
    def of(cls, key: str, /, **arguments: object) -> Self:
        """The message of a key. An argument may be a message, or have one (`Color`, `Piece`)."""
        return cls(key, tuple(arguments.items()))

    def text(self, language: Language) -> str:
        """The message in a language."""
        return t(self.key, language, **dict(self.arguments))


@dataclass(frozen=True)
class Details:
    """An English text without a translation, such as an error of an engine, and the text in other languages."""

    english: str
    instead: Message

    def text(self, language: Language) -> str:
        """The English text, or its substitute."""
        return self.english if language == "en" else self.instead.text(language)


def t(key: str, language: Language, /, **arguments: object) -> str:
    """The text of a key in a language, with its arguments filled in.

    Raises:
        KeyError: the catalogue has no such key, or the text wants an argument that is missing.
    """
    filled = {name: _shown(value, language) for name, value in arguments.items()}
    return catalogue()[key][LANGUAGES.index(language)].format(**filled)


def in_all_languages(message: Message) -> dict[str, str]:
    """The text of a message by language."""
    return {language: message.text(language) for language in LANGUAGES}


def _shown(value: object, language: Language) -> object:
    if isinstance(value, Translatable):
        return value.text(language)
    own = getattr(value, "message", None)
    return own.text(language) if isinstance(own, Message) else value


def has_text(key: str) -> bool:
    """Whether the catalogue has a row for this key."""
    return key in catalogue()


@lru_cache(maxsize=1)
def catalogue() -> dict[str, tuple[str, ...]]:
    """All texts: key -> one text for each of `LANGUAGES`."""
    with _CATALOGUE.open("rb") as file:
        return dict(_rows(tomllib.load(file), ""))


def _rows(table: dict[str, Any], prefix: str) -> list[tuple[str, tuple[str, ...]]]:
    rows: list[tuple[str, tuple[str, ...]]] = []
    for name, value in table.items():
        if isinstance(value, dict):
            rows += _rows(value, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", tuple(value)))
    return rows
