"""What to search for in a collection, and its form in SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.library.material import parse_material
from xiangqi_gpt.library.position_keys import board_key
from xiangqi_gpt.records.record import KINDS, RESULTS, SPLITS
from xiangqi_gpt.rules.board import Board


@dataclass(frozen=True, kw_only=True)
class GameQuery:
    """Games that have all of these; "" and None mean any.

    Attributes:
        player: part of the name of either player. Names, events and values of tags match without regard to the case
            of Latin letters.
        red: part of the name of the player of Red.
        black: part of the name of the player of Black.
        event: part of the event.
        result: "1-0", "0-1", "1/2-1/2" or "*".
        years: first and last year.
        ecco: the first characters of the ECCO code.
        position: a position that occurs in the game, or its mirror image.
        material: material that occurs in the game, as `library.material` reads it.
        kind: "human", "engine", "teacher" or "unknown".
        split: "train", "valid", "test", "reserved" or "extra".
        tag: name of another tag and part of its value.
        words: each of them is part of a player's name, of the event, of the opening or of the ECCO code.

    Raises:
        ConfigError: a value that cannot occur.
    """

    player: str = ""
    red: str = ""
    black: str = ""
    event: str = ""
    result: str = ""
    years: tuple[int, int] | None = None
    ecco: str = ""
    position: Board | None = None
    material: str = ""
    kind: str = ""
    split: str = ""
    tag: tuple[str, str] | None = None
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value, known in (
            ("result", self.result, RESULTS),
            ("kind", self.kind, KINDS),
            ("split", self.split, SPLITS),
        ):
            if value and value not in known:
                raise ConfigError(f"{name}: expected one of {', '.join(known)}, found {value!r}")
        if self.material:
            parse_material(self.material)

    def conditions(self) -> tuple[str, list[Any]]:
        """The conditions on a row `g` of the table `games` as SQL, "1" if there are none, and their arguments."""
        parts: list[str] = []
        arguments: list[Any] = []

        def add(condition: str, *values: Any) -> None:
            parts.append(condition)
            arguments.extend(values)

        named = r"(SELECT id FROM players WHERE name LIKE ? ESCAPE '\')"
        if self.player:
            add(f"(g.red IN {named} OR g.black IN {named})", *[_part(self.player)] * 2)
        if self.red:
            add(f"g.red IN {named}", _part(self.red))
        if self.black:
            add(f"g.black IN {named}", _part(self.black))
        if self.event:
            add(r"g.event LIKE ? ESCAPE '\'", _part(self.event))
        if self.result:
            add("g.result = ?", RESULTS.index(self.result))
        if self.years is not None:
            add("g.year BETWEEN ? AND ?", *self.years)
        if self.ecco:
            add(r"g.ecco LIKE ? ESCAPE '\'", _part(self.ecco)[1:])
        if self.position is not None:
            add("g.id IN (SELECT game FROM positions WHERE key = ?)", board_key(self.position).key)
        if self.material:
            wanted = parse_material(self.material)
            add(
                "g.id IN (SELECT game FROM material WHERE pieces = ? AND guards & ? = ?)",
                *(wanted.pieces, wanted.guards_mask, wanted.guards),
            )
        if self.kind:
            add("g.kind = ?", self.kind)
        if self.split:
            add("g.split = ?", self.split)
        if self.tag is not None:
            add(
                r"g.id IN (SELECT game FROM tags WHERE name = ? AND value LIKE ? ESCAPE '\')",
                *(self.tag[0], _part(self.tag[1])),
            )
        columns = " OR ".join(rf"g.{name} LIKE ? ESCAPE '\'" for name in ("event", "opening", "ecco"))
        for word in self.words:
            add(f"(g.red IN {named} OR g.black IN {named} OR {columns})", *[_part(word)] * 5)
        return " AND ".join(parts) or "1", arguments


def _part(text: str) -> str:
    r"""A pattern of LIKE, with ``\`` as the escape, for values that contain a text."""
    for character in "\\%_":
        text = text.replace(character, f"\\{character}")
    return f"%{text}%"
