"""Material: which pieces both sides have, as two small numbers that a database can search.

Texts name Red's pieces, a hyphen and Black's, in the letters of FEN: ``RP-R`` is rook and soldier against rook, with
any advisors and elephants. Once a side's text names one of those (or its king), it is complete: ``KRP-KRAA`` means that
Red has no advisor or elephant, and Black has two advisors and no elephant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from xiangqi_gpt.errors import ConfigError

_PIECES: Final = "RNCP"
_GUARDS: Final = "AB"
_CODES: Final = {letter: code for code, letter in enumerate("KABNRCP", 1)}
_BITS: Final = 3
_MOST: Final = (1 << _BITS) - 1
_SIDE: Final = re.compile(r"K?[ABNRCP]*K?")
_OTHER_LETTERS: Final = str.maketrans("EHM", "BNN")


@dataclass(frozen=True)
class Material:
    """What a search for material compares.

    Attributes:
        pieces: rooks, horses, cannons and soldiers of both sides, three bits each.
        guards: advisors and elephants of both sides, three bits each.
        guards_mask: the bits of `guards` that count.
    """

    pieces: int
    guards: int
    guards_mask: int


def material_numbers(boards: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """`pieces` and `guards` of boards (N, 90), each int64 (N,)."""
    found = []
    for letters in (_PIECES, _GUARDS):
        number = np.zeros(len(boards), dtype=np.int64)
        for code in [_CODES[letter] + offset for offset in (0, 7) for letter in letters]:
            count = np.minimum(np.count_nonzero(boards == code, axis=1), _MOST)
            number = number << _BITS | count
        found.append(number)
    return found[0], found[1]


def parse_material(text: str) -> Material:
    """The material that a text names, for instance ``RP-R`` or ``KRP-KRAA``.

    Raises:
        ConfigError: another form.
    """
    sides = [side.translate(_OTHER_LETTERS) for side in text.upper().split("-")]
    if len(sides) != 2 or not all(_SIDE.fullmatch(side) for side in sides) or not any(sides):
        raise ConfigError(
            f"material: expected Red's pieces, a hyphen and Black's, such as RP-R or KRP-KRAA, found {text!r}"
        )
    pieces = guards = mask = 0
    for side in sides:
        complete = bool(set(side) & set("KAB"))
        for letter in _PIECES:
            pieces = pieces << _BITS | min(side.count(letter), _MOST)
        for letter in _GUARDS:
            guards = guards << _BITS | min(side.count(letter), _MOST)
            mask = mask << _BITS | (_MOST if complete else 0)
    return Material(pieces, guards, mask)
