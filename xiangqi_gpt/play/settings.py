"""What is remembered between two games: language, look, opponent, engines. A broken file is kept as a copy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, TypeAlias

from xiangqi_gpt.arena.clocks import TimeControl
from xiangqi_gpt.errors import ConfigError, FileError, PlayerError
from xiangqi_gpt.files import atomic_path, read_limited
from xiangqi_gpt.play.wording import PIECE_SETS, PieceSet, default_language
from xiangqi_gpt.players import parse_engine
from xiangqi_gpt.resources import user_folder
from xiangqi_gpt.rules import RULE_SETS
from xiangqi_gpt.safe_json import format_json, parse_json
from xiangqi_gpt.texts import LANGUAGES, Language, Message

ThemeName: TypeAlias = Literal["light", "dark", "contrast"]
THEME_NAMES: tuple[ThemeName, ...] = ("light", "dark", "contrast")
Labels: TypeAlias = Literal["files", "iccs"]
LABELS: tuple[Labels, ...] = ("files", "iccs")
ANALYST = "gpt:lookahead=200"
"""The strongest player that every installation has. Counted in descents, so that a hint is the same on each machine."""

MAX_SPEC = 1_000  # characters of a player's spec
MAX_ENGINES = 50
Look: TypeAlias = Literal["flat", "wood", "pictures"]
LOOKS: tuple[Look, ...] = ("flat", "wood", "pictures")
SCALES = (80, 200)  # percent
MOST_PIXELS = 32_767
_LARGEST_FILE = 65_536  # bytes


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Taste of the person at the board."""

    language: Language = "en"
    pieces: PieceSet = "chinese"
    theme: ThemeName = "light"
    labels: Labels = "files"  # 九..一 and 1..9, or a..i and 0..9
    look: Look = "flat"  # of the pieces
    animation_ms: int = 140  # milliseconds a move takes on the board; 0 = none
    analysis: bool = False  # evaluate every position that is shown
    analyst: str = ANALYST  # who gives hints, evaluations and reviews
    opponent: str = ""  # the player chosen last, "" for the usual one
    engines: tuple[str, ...] = ()  # specs of the engines that the person has added
    rules: str = "simple"
    clock: str = ""  # time control chosen last, "" without a clock
    sound: bool = True
    surprise: bool = True  # mark moves of the person that people seldom play
    collection: str = ""  # file of the collection that the library shows, "" for none
    scale: int = 100  # percent, of texts and controls
    window: tuple[int, ...] = ()  # x, y, width and height of the window in pixels, where it was last time


def settings_path() -> Path:
    """Where the settings lie on this machine."""
    return user_folder("config") / "play.json"


def load_settings(
    path: Path | None = None, on_problem: Callable[[Message], None] = lambda message: None
) -> Settings:
    """The remembered settings; whatever is missing, unreadable or out of range is at its default.

    Args:
        on_problem: called with a message where the file is no settings; it is then set aside as a copy.
    """
    default = Settings(language=default_language())
    path = settings_path() if path is None else path
    found = None
    with suppress(ValueError):
        found = parse_json(read_limited(path, _LARGEST_FILE))
    if not isinstance(found, dict):
        if path.is_file():
            on_problem(_set_aside(path))
        return default
    values = asdict(default)
    choices: dict[str, tuple[Any, ...]] = {
        "language": LANGUAGES,
        "pieces": tuple(PIECE_SETS),
        "theme": THEME_NAMES,
        "labels": LABELS,
        "look": LOOKS,
        "sound": (True, False),
        "surprise": (True, False),
        "analysis": (True, False),
        "rules": tuple(RULE_SETS),
        "scale": tuple(range(SCALES[0], SCALES[1] + 1)),
    }
    for field in fields(Settings):
        value = found.get(field.name)
        if field.name in choices:
            if type(value) is type(values[field.name]) and value in choices[field.name]:
                values[field.name] = value
        elif field.name == "clock":
            values["clock"] = value if is_clock(value) else ""
        elif field.name == "engines":
            values["engines"] = _specs(value)
        elif isinstance(getattr(default, field.name), str):
            if isinstance(value, str) and 0 < len(value) <= MAX_SPEC:
                values[field.name] = value
        elif field.name == "window":
            values["window"] = _place(value)
        elif isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 2000:
            values[field.name] = value
    return Settings(**values)


def _set_aside(path: Path) -> Message:
    """Keep a broken file under another name, and say so."""
    copy = path.with_name(f"{path.name}.broken-{datetime.now():%Y%m%d-%H%M%S}")
    with suppress(OSError):
        path.replace(copy)
    return Message.of("game.broken_settings", file=copy)


def is_clock(value: object) -> bool:
    """Whether this is the text of a time control."""
    if not isinstance(value, str):
        return False
    try:
        TimeControl.parse(value)
    except ConfigError:
        return False
    return True


def _specs(value: object) -> tuple[str, ...]:
    """Specs of engines; what is none is left out."""
    found = value if isinstance(value, list) else []
    return tuple(spec for spec in found if isinstance(spec, str) and is_engine(spec))[:MAX_ENGINES]


def is_engine(spec: str) -> bool:
    """Whether this is the spec of an engine, such as "engine:pikafish,nodes=1000"; it is not started."""
    name, _, rest = spec.partition(":")
    if name.strip() != "engine" or len(spec) > MAX_SPEC:
        return False
    try:
        parse_engine(rest)
    except PlayerError:
        return False
    return True


def _place(value: object) -> tuple[int, ...]:
    """Four numbers of pixels, or none."""
    if not isinstance(value, list) or len(value) != 4:
        return ()
    return tuple(value) if all(type(n) is int and 0 <= n <= MOST_PIXELS for n in value) else ()


def save_settings(settings: Settings, path: Path | None = None) -> None:
    """Remember the settings. A folder that cannot be written to is no reason to stop a game."""
    path = settings_path() if path is None else path
    text = format_json(asdict(settings), indent=2) + "\n"
    with suppress(FileError), atomic_path(path, overwrite=True, parents=True) as draft:
        draft.write_text(text, encoding="utf-8")
