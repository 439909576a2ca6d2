from __future__ import annotations

import numpy as np
import pytest

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.library.material import Material, material_numbers, parse_material
from xiangqi_gpt.rules.board import Board

FEN = "2bakab2/9/9/r8/9/2P3P2/9/4B4/4A4/R2AK4 w - - 0 1"  # KRPPAAB against KRAABB


def matches(wanted: Material, fen: str) -> bool:
    pieces, guards = material_numbers(np.array([Board(fen).squares], np.int8))
    return bool(pieces[0] == wanted.pieces and guards[0] & wanted.guards_mask == wanted.guards)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RPP-R", True),
        ("rpp-r", True),
        ("RP-R", False),
        ("R-RPP", False),
        ("RPPAAB-R", True),
        ("RPPAAE-RAABB", True),
        ("RPPAABB-R", False),
        ("KRPP-R", False),
        ("RPP-KR", False),
        ("RPP-KRAABB", True),
        ("RPPC-R", False),
    ],
)
def test_material_is_compared_as_the_text_says(text: str, expected: bool) -> None:
    assert matches(parse_material(text), FEN) is expected


def test_one_side_may_have_no_pieces() -> None:
    assert matches(parse_material("R-"), "3k5/9/9/9/9/9/9/9/4R4/4K4 w - - 0 1")


@pytest.mark.parametrize("text", ["", "-", "RP", "RP-R-C", "RX-R", "车-车"])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="material: expected"):
        parse_material(text)
