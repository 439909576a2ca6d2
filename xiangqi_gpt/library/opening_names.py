"""Names of openings, as players use them: "central cannon with crossing rook against screen horses".

A name has two halves. Red's is the family of the first move and, behind a central cannon, where the other cannon and
the rooks go; Black's is the reply or the defence. Both follow from the moves of the first twelve rounds, whatever
their order. The families and defences are those of the sections A to E of the ECCO, the usual classification of
openings; its three-digit codes are finer and are not given here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from xiangqi_gpt.records.record import is_start
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.texts import Message

OPENING_PLIES: Final = 24
"""Plies that are looked at."""

FIRST_MOVES: Final = {
    "h2e2": "central_cannon",
    "h2f2": "palcorner_cannon",
    "h2d2": "cross_palace_cannon",
    "h2c2": "golden_hook_cannon",
    "h2g2": "third_file_cannon",
    "h2i2": "edge_cannon",
    "h2h4": "river_cannon",
    "h2h6": "crossing_cannon",
    "g0e2": "elephant",
    "g0i2": "edge_elephant",
    "h0g2": "horse",
    "h0i2": "edge_horse",
    "g3g4": "pawn",
    "i3i4": "edge_pawn",
    "e3e4": "central_pawn",
    "f0e1": "advisor",
    "i0i1": "rook",
    "i0i2": "rook",
}
"""What a first move is called, seen by the side that makes it and mirrored to that side's right."""

CENTRAL: Final = ("h2e2", "b2e2")
"""Moves of a cannon from its place to the centre, with Red's pieces."""

OTHER_CANNON: Final = {
    "d2": "five_six",
    "c2": "five_seven",
    "b6": "five_eight",
    "a2": "five_nine",
    "b4": "patrol",
}
"""Red's cannons, by the first square of the second one, when the first went from h2 to e2."""

DEFENCES: Final = (
    "screen_horses",
    "exchange",
    "river_horse",
    "sandwiched_cannon",
    "single_horse",
    "three_step_tiger",
    "tiger_cannons",
    "turtle_cannon",
    "same_side_cannons",
    "opposite_cannons",
    "blockade_cannons",
)
"""Defences against the central cannon."""

ROOKS: Final = ("crossing_rook", "patrol_rook", "sideways_rook")
"""Where Red's first active rook goes: across the river, to the river, along the second rank."""


@dataclass(frozen=True)
class OpeningName:
    """The name of an opening.

    Attributes:
        family: Red's first move, a value of `FIRST_MOVES`.
        cannons: behind a central cannon: a value of `OTHER_CANNON`, or "".
        rook: behind a central cannon: one of `ROOKS`, or "".
        turned: whether Red began otherwise and put a cannon into the centre by the fifth round.
        reply: Black's half: one of `DEFENCES`, a value of `FIRST_MOVES`, "pawn_cannon" (the cannon goes behind
            the soldier that faces Red's), "opposing_pawn", or "" where it has no name yet.
    """

    family: str
    cannons: str = ""
    rook: str = ""
    turned: bool = False
    reply: str = ""

    @property
    def message(self) -> Message:
        """The name as people read it."""
        is_opposed = self.reply == "opposing_pawn"  # both moves together have one name
        red = Message.of(f"opening.red.{'opposing_pawns' if is_opposed else self.cannons or self.family}")
        if self.rook:
            red = Message.of("opening.with_rook", system=red, rook=Message.of(f"opening.rook.{self.rook}"))
        if self.turned:
            red = Message.of("opening.turned", first=red)
        if not self.reply or is_opposed:
            return red
        return Message.of("opening.against", red=red, black=Message.of(f"opening.black.{self.reply}"))


def name_opening(moves: Iterable[Move], start_fen: str = "") -> OpeningName | None:
    """The name of the opening that begins with these moves.

    Moves after `OPENING_PLIES` plies are not read. `None` if there are no moves, the first one has no name, or
    *start_fen* is not the standard start.
    """
    if not is_start(start_fen):
        return None
    line = list(islice(moves, OPENING_PLIES))
    if not line:
        return None
    if line[0].iccs not in FIRST_MOVES:
        line = [move.mirrored() for move in line]
    texts = [move.iccs for move in line]
    family = FIRST_MOVES.get(texts[0])
    if family is None:
        return None
    red, reply = texts[::2], _reply(line, family)
    if family == "central_cannon":
        return OpeningName(family, _other_cannon(red), _rook(red), reply=_defence(texts) or reply)
    return OpeningName(family, turned=any(text in CENTRAL for text in red[1:5]), reply=reply)


def _other_cannon(red: Sequence[str]) -> str:
    for text in red[1:]:
        if text.startswith("b2"):
            return OTHER_CANNON.get(text[2:], "")
    return ""


def _rook(red: Sequence[str]) -> str:
    """What the first rook that becomes active does. Along the second rank counts only if no other does more."""
    places, found = {"a0", "i0"}, ""
    for text in red[: OPENING_PLIES // 3]:
        begin, end = text[:2], text[2:]
        if begin not in places:
            continue
        places = places - {begin} | {end}
        if end in ("b6", "h6"):
            return "crossing_rook"
        if end in ("b4", "h4"):
            return "patrol_rook"
        if begin in ("a0", "i0") and end[1] == "1":
            found = "sideways_rook"
    return found


def _reply(line: Sequence[Move], family: str) -> str:
    """What Black's first move is called; "" where there is none, or it has no name."""
    if len(line) < 2:
        return ""
    first = line[1].rotated().mirrored()  # as Red would make it on the same files
    if family == "pawn" and first.iccs == "h2g2":
        return "pawn_cannon"
    if family == "pawn" and first.iccs == "c3c4":
        return "opposing_pawn"
    return FIRST_MOVES.get(first.iccs) or FIRST_MOVES.get(first.mirrored().iccs, "")


def _defence(texts: Sequence[str]) -> str:
    """Black's defence against a central cannon that came from h2; "" while it has no name.

    Black's pieces are followed from square to square. The first pattern that appears gives the name; the screen
    horses and the three-step tiger become one of their main systems when that appears later.
    """
    at = {"b9": "n", "h9": "n", "a9": "r", "i9": "r", "b7": "c", "h7": "c"}
    found = ""
    red_rook_crossed = False
    for ply, text in enumerate(texts):
        begin, end = text[:2], text[2:]
        piece = at.pop(begin, "")
        at.pop(end, None)
        if piece:
            at[end] = piece
        if ply % 2 == 0:
            red_rook_crossed = red_rook_crossed or end == "h6"
        elif not found:
            found = _pattern(at, text)
        elif found == "screen_horses":
            if red_rook_crossed and text == "h7i7":
                return "exchange"
            if text in ("g7f5", "c7d5"):
                return "river_horse"
        elif found == "three_step_tiger" and ply < 12 and text in ("b7e7", "h7e7"):
            return "tiger_cannons"
    return found


def _pattern(at: dict[str, str], last: str) -> str:
    """The defence that Black's pieces show after the move *last*."""
    horses = {square for square, piece in at.items() if piece == "n"}
    cannons = {square for square, piece in at.items() if piece == "c"}
    if last == "h7e7":
        return "same_side_cannons"
    if last == "b7e7":
        return "blockade_cannons" if "h3" in cannons else "opposite_cannons"
    if horses == {"c7", "g7"} and cannons & {"d7", "f7"}:
        return "sandwiched_cannon"
    if horses == {"c7", "g7"} and cannons == {"b7", "h7"}:
        return "screen_horses"
    if horses in ({"c7", "i7"}, {"g7", "a7"}):
        return "single_horse"
    for horse, rook, cannon in (("g7", "h9", "i7"), ("c7", "b9", "a7")):
        if horse in horses and cannon in cannons and at.get(rook) == "r":
            return "three_step_tiger"
    for cannon, rook in (("h8", "i7"), ("h8", "i8"), ("b8", "a7"), ("b8", "a8")):
        if cannon in cannons and at.get(rook) == "r":
            return "turtle_cannon"
    return ""
