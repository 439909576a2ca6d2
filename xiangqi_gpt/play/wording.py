"""What people read beside the texts of the catalogue: pieces, labels, moves, players, shares, errors."""

from __future__ import annotations

import locale
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import reduce
from typing import Literal, TypeAlias

from xiangqi_gpt.errors import (
    ConfigError,
    FenError,
    FileError,
    ModelError,
    PlayerError,
    RecordError,
    XiangqiError,
)
from xiangqi_gpt.players.player_spec import PlayerSpec
from xiangqi_gpt.texts import Details, Language, Message, has_text, t

PieceSet: TypeAlias = Literal["chinese", "simplified", "letters"]
PIECE_SETS: dict[PieceSet, str] = {
    "chinese": " 帥仕相傌俥炮兵將士象馬車砲卒",
    "simplified": " 帅仕相马车炮兵将士象马车炮卒",
    "letters": " KAEHRCPKAEHRCP",
}
"""What stands on a piece, by piece code."""

TITLE = "xiangqi_gpt"
BASELINES = ("greedy", "random")
"""Opponents whose names are translated."""
RIVER = ("楚河", "漢界")
RED_FILES = "九八七六五四三二一"
"""File labels of Red's side, by file a-i."""
BLACK_FILES = "123456789"
"""File labels of Black's side, by file a-i."""


MARKS = {"!": 1, "?": 2, "!!": 3, "??": 4, "!?": 5, "?!": 6}
"""Marks of moves, and their numbers (NAGs) in records."""


def mark_text(nags: Iterable[int]) -> str:
    """The mark among the numbers beside a move, "" where there is none."""
    return next((mark for mark, number in MARKS.items() if number in nags), "")


def whole_percents(shares: Iterable[float]) -> list[int]:
    """Shares of 1 as whole percents that sum to 100: what rounding leaves goes to the largest remainders."""
    exact = [100 * share for share in shares]
    whole = [int(value) for value in exact]
    order = sorted(range(len(exact)), key=lambda i: whole[i] - exact[i])
    for i in order[: max(0, round(sum(exact)) - sum(whole))]:
        whole[i] += 1
    return whole


def player_label(spec: str) -> str:
    """A short name for a player: "GPT", "GPT 500ms (T=0.5)" with what it looks ahead and its temperature,
    "fairy-stockfish, nodes=100"; an engine whose name is in its spec is called by it.
    """
    try:
        parsed = PlayerSpec.parse(spec)
    except PlayerError:
        return spec
    if parsed.name == "gpt":
        own = parsed.settings
        level = f" {own['level']}" if "level" in own else ""
        ahead = f" {own['lookahead']}" if own.get("lookahead", "0") != "0" else ""
        drawn = f" (T={own['temperature']})" if "temperature" in own else ""
        return f"GPT{level}{ahead}{drawn}"
    if parsed.command:
        settings = dict(parsed.settings)
        name = settings.pop("name", "")
        if name:
            settings.pop("protocol", None)
        program = name or parsed.command.replace("\\", "/").rsplit("/", 1)[-1]
        return ", ".join([program, *(f"{key}={value}" for key, value in settings.items())])
    return spec


def player_name(spec: str, language: Language) -> str:
    """The short name of a player in a language: "greedy" or "贪吃", "GPT 500ms"."""
    if language != "en" and spec in BASELINES:
        return t(f"menu.{spec}", language)
    label = player_label(spec)
    with suppress(PlayerError):
        parsed = PlayerSpec.parse(spec)
        level = parsed.settings.get("level", "")
        if parsed.name == "gpt" and has_text(f"level.{level}"):
            label = label.replace(level, t(f"level.{level}", language))
    return label


@dataclass(frozen=True)
class Named:
    """The name of a player, in the language of the text that it is put into."""

    spec: str

    def text(self, language: Language) -> str:
        """The name in a language."""
        return player_name(self.spec, language)


def split_temperature(spec: str) -> tuple[str, float | None]:
    """The spec of a GPT without its temperature, and the temperature; other specs as they are, and None."""
    try:
        parsed = PlayerSpec.parse(spec)
        temperature = float(parsed.settings.get("temperature", 0.0))
    except ValueError:  # PlayerError is one
        return spec, None
    return (str(parsed.replace(temperature=None)), temperature) if parsed.name == "gpt" else (spec, None)


def with_temperature(spec: str, temperature: float) -> str:
    """The spec of a GPT with this temperature in place of its own; 0, the player's habit, is left out."""
    return str(PlayerSpec.parse(spec).replace(temperature=float(temperature) or None))


_ERRORS: tuple[tuple[type[Exception], str], ...] = (
    (PlayerError, "error.player"),
    (ModelError, "error.model"),
    (ConfigError, "error.setting"),
    (RecordError, "error.record"),
    (FileError, "error.system"),
    (FenError, "error.position"),
    (OSError, "error.system"),
)
MAX_FAULTS = 2  # faults of a position that are named: more do not fit on two lines


def error_text(error: Exception) -> Message | Details:
    """An error for the person at the board: its own message, else its words in English and their kind elsewhere."""
    if isinstance(error, FenError) and error.faults:
        return reduce(
            lambda first, second: Message.of("join.sentences", first=first, second=second),
            (fault.message for fault in error.faults[:MAX_FAULTS]),
        )
    own = getattr(error, "message", None)
    if isinstance(own, Message):
        return own
    words = str(error) if isinstance(error, XiangqiError) else f"{type(error).__name__}: {error}"
    kind = next((key for cause, key in _ERRORS if isinstance(error, cause)), "error.unexpected")
    return Details(" ".join(words.split()), Message.of(kind))


def default_language() -> Language:
    """Chinese on a machine that is set to it, traditional for Taiwan, Hong Kong and Macau; English elsewhere."""
    set_to = [os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG")]
    name = next((name for name in set_to if name), "") or (locale.getlocale()[0] or "")
    name = name.lower()
    if not name.startswith(("zh", "chinese")):
        return "en"
    return "zh-TW" if any(part in name for part in ("tw", "hk", "mo", "hant", "traditional")) else "zh"
