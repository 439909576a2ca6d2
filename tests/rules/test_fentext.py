"""FEN as people copy it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xiangqi_gpt.errors import FenError
from xiangqi_gpt.rules import START_FEN, Board, fen_faults
from xiangqi_gpt.rules.lenient import lenient_board

BOARD = START_FEN.split()[0]


@pytest.mark.parametrize(
    "text",
    [
        f"{BOARD}_w_-_-_0_1",
        f"{BOARD}%20w%20-%20-%200%201",
        f"{BOARD}+w+-+-+0+1",
        f"{BOARD}[] w - - 0 1",
        f"{BOARD}[-]_w",
        f"{BOARD}w",
        f"{BOARD}r",
        f"{BOARD}w - - 0 1",
        f"https://www.example.org/analysis/xiangqi?fen={BOARD}_w_-_-_0_1&moves=5",
        f"https://example.org/?x=1&fen={BOARD.replace('/', '%2F')}%20w",
        BOARD.replace("K", "G").replace("k", "g"),
        BOARD.replace("P", "S").replace("p", "s") + " w",
        BOARD.replace("A", "M").replace("a", "m") + " w",
        BOARD.replace("A", "G").replace("a", "g") + " w",
        "rheagaehr/9/1c5c1/s1s1s1s1s/9/9/S1S1S1S1S/1C5C1/9/RHEMGMEHR w",
    ],
)
def test_the_start_position_in_other_clothes(text: str) -> None:
    assert Board(text).fen() == START_FEN


def test_black_to_move_stuck_to_the_board() -> None:
    assert Board(f"{BOARD}b").fen() == START_FEN.replace(" w ", " b ")
    assert Board("4k4/9/9/9/9/9/9/9/9/3K1A2rb").turn == 1
    assert Board("4k4/9/9/9/9/9/9/9/9/3K1A2r b").fen() == "4k4/9/9/9/9/9/9/9/9/3K1A2r b - - 0 1"


@pytest.mark.parametrize(
    "text",
    [
        BOARD.replace("P1P1P1P1P", "P1P1S1P1P"),  # S beside P is no soldier for sure
        BOARD.replace("A", "X"),
        "",
        "_",
        "[]",
        "%",
        "fen=",
        f"{BOARD}ww",
    ],
)
def test_what_cannot_be_read_is_still_refused(text: str) -> None:
    with pytest.raises(FenError):
        Board(text)


@pytest.mark.parametrize("text", ["nonsense", "games", "xiangqi"])
def test_a_text_that_is_no_board_is_quoted_as_it_is(text: str) -> None:
    faults = [fault.text_en for fault in fen_faults(text)]
    assert any(f"'{text}'" in fault for fault in faults), faults


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    st.one_of(
        st.text(max_size=60),
        st.text("rnbakcpRNBAKCPGMSgmsheHE123456789/ _+%20[]-wb?&=fen", max_size=80),
        st.builds(
            "{}{}{}".format,
            st.text(" _%+[]", max_size=4),
            st.just(BOARD),
            st.text(" _%+[]wbr-019", max_size=12),
        ),
    )
)
def test_any_text_is_a_position_or_a_fen_error(text: str) -> None:
    for read in (lambda: Board(text), lambda: lenient_board(text)[0]):
        try:
            board = read()
        except FenError:
            continue
        assert Board(board.fen(), strict=False).fen() == board.fen()
