from __future__ import annotations

from random import Random

import pytest

from rules.positions import play_random
from xiangqi_gpt.rules import (
    BLACK,
    MOVES,
    RED,
    START_FEN,
    Board,
    Color,
    IllegalMoveError,
    Move,
    MoveError,
    Piece,
    PieceKind,
    XiangqiError,
    mirror,
    parse_square,
    rotate,
    square,
    square_name,
)

KINGS_AND_CANNON = "3k5/9/9/9/9/9/9/4C4/9/4K4 w - - 0 1"


def move(text: str) -> Move:
    return Move.from_iccs(text)


def test_squares() -> None:
    assert (parse_square("a0"), parse_square("I9"), square(7, 2)) == (0, 89, parse_square("h2"))
    assert square_name(rotate(parse_square("h2"))) == "b7"
    assert square_name(mirror(parse_square("h2"))) == "b2"
    for bad in ("j0", "a10", "", "a"):
        with pytest.raises(XiangqiError, match="expected a square"):
            parse_square(bad)
    with pytest.raises(XiangqiError):
        square(9, 0)
    with pytest.raises(XiangqiError):
        square_name(90)


def test_pieces() -> None:
    assert [Piece.from_code(c).symbol for c in (1, 4, 8, 14)] == ["K", "N", "k", "p"]
    assert Piece.from_symbol("H") == Piece.from_symbol("N") == Piece(PieceKind.HORSE, RED)
    assert Piece.from_symbol("e").code == Piece.from_symbol("b").code == 10
    assert RED.other is BLACK
    assert (RED.letter, BLACK.letter) == ("w", "b")
    for bad in (0, 15):
        with pytest.raises(XiangqiError):
            Piece.from_code(bad)
    with pytest.raises(XiangqiError, match="'x'"):
        Piece.from_symbol("x")


def test_moves_are_interned_values() -> None:
    h2e2 = move("H2-E2")
    assert h2e2 is MOVES[h2e2.index] is Move.from_index(h2e2.index)
    assert (str(h2e2), h2e2.iccs, h2e2.index) == ("h2e2", "h2e2", 25 * 90 + 22)
    assert h2e2 == Move(25, 22)
    assert len({h2e2, Move(25, 22)}) == 1
    assert sorted([move("i9i8"), move("a0a1")])[0] == move("a0a1")
    assert repr(h2e2) == "Move(from_square=25, to_square=22)"
    assert h2e2.rotated() == move("b7e7")
    assert h2e2.mirrored() == move("b2e2")


@pytest.mark.parametrize("text", ["", "h2", "h2e", "h2e10", "j2e2", "h2 e2", "h２e2", "h2-e2-", "h2e2\n"])
def test_texts_that_are_no_move(text: str) -> None:
    with pytest.raises(MoveError, match="expected an ICCS move"):
        Move.from_iccs(text)


def test_indices_that_are_no_move() -> None:
    for bad in (-1, 8100):
        with pytest.raises(MoveError):
            Move.from_index(bad)
    with pytest.raises(MoveError):
        Move(90, 0)


def test_start_position() -> None:
    board = Board()
    assert board.fen() == board.root_fen == START_FEN
    assert board.turn is RED
    assert len(board.legal_moves()) == 44
    assert board.piece_at(parse_square("h0")) == Piece(PieceKind.HORSE, RED)
    assert board.piece_at(parse_square("e4")) is None
    assert (square_name(board.king_square(RED)), square_name(board.king_square(BLACK))) == ("e0", "e9")
    assert repr(board) == f"Board({START_FEN!r})"
    assert str(board).splitlines()[0] == "r n b a k a b n r"


def test_legal_moves_are_ordered_by_index() -> None:
    for board in play_random(Random(3), 120):
        indices = [m.index for m in board.legal_moves()]
        assert indices == sorted(set(indices)) == board.legal_indices()
        pseudo = [m.index for m in board.pseudo_legal_moves()]
        assert pseudo == sorted(set(pseudo))
        assert set(indices) <= set(pseudo)


def test_push_and_pop_restore_everything() -> None:
    for seed in range(10):
        trail = []
        board = Board()
        for board in play_random(Random(seed), 80):
            trail.append((board.fen(), board.position_key(), board.repetitions(), board.copy()))
        while trail:
            fen, key, repetitions, copy = trail.pop()
            while board.ply > copy.ply:
                board.pop()
            assert (board.fen(), board.position_key(), board.repetitions()) == (fen, key, repetitions)
            assert board == copy
            assert board.king_square(RED) == copy.king_square(RED)


def test_copies_are_independent() -> None:
    board = Board()
    board.push(move("h2e2"))
    twin = board.copy()
    twin.push(move("h9g7"))
    assert (board.ply, twin.ply) == (1, 2)
    assert board.move_stack == [move("h2e2")]
    assert twin.root_fen == START_FEN
    twin.pop()
    assert twin == board
    twin.pop()
    assert twin.fen() == START_FEN


def test_counters() -> None:
    board = Board()
    for text in ("h2e2", "h9g7", "e2e6"):
        board.push(move(text))
    assert (board.halfmove_clock, board.fullmove_number, board.turn) == (0, 2, BLACK)
    board.pop()
    assert (board.halfmove_clock, board.fullmove_number, board.turn) == (2, 2, RED)


def test_push_refuses_a_piece_that_is_not_the_movers() -> None:
    board = Board()
    for text, reason in (("e4e5", "empty_square"), ("h9g7", "wrong_side")):
        with pytest.raises(IllegalMoveError, match=text) as caught:
            board.push(move(text))
        assert caught.value.reason is not None
        assert caught.value.reason.reason.value == reason
    assert board.fen() == START_FEN


def test_pop_of_a_fresh_board() -> None:
    with pytest.raises(XiangqiError, match="There is no move to take back"):
        Board().pop()


def test_is_legal_agrees_with_the_list() -> None:
    rng = Random(4)
    for board in play_random(rng, 60):
        legal = set(board.legal_moves())
        for m in rng.sample(MOVES, 300) + board.pseudo_legal_moves():
            assert board.is_legal(m) == (m in legal)


def test_gives_check_is_what_the_next_position_says() -> None:
    for board in play_random(Random(8), 150):
        for m in board.legal_moves():
            expected = board.gives_check(m)
            board.push(m)
            assert board.is_check() == expected
            board.pop()


def test_gives_mate() -> None:
    board = Board("3k5/R8/1R7/9/9/9/9/9/9/4K4 w - - 0 1")
    before = board.fen()
    assert {m.iccs for m in board.legal_moves() if board.gives_mate(m)} == {"b7b9", "b7d7"}
    assert board.fen() == before
    # A stalemate ends the game as well, but no king is attacked.
    board = Board("3k5/9/2P6/9/9/9/9/9/9/4K4 w - - 0 1")
    board.push(Move.from_iccs("c7c8"))
    assert not board.legal_moves()
    board.pop()
    assert not any(board.gives_mate(m) for m in board.legal_moves())


@pytest.mark.parametrize(
    ("fen", "target", "color", "attacked"),
    [
        (KINGS_AND_CANNON, "e9", RED, False),  # no screen
        ("3k5/9/9/9/9/4p4/9/4C4/9/4K4 w - - 0 1", "e9", RED, True),
        ("3k5/9/9/9/9/4p4/9/4C4/9/4K4 w - - 0 1", "e4", BLACK, False),
        ("3k5/9/9/9/9/4p4/9/4C4/9/4K4 w - - 0 1", "e3", BLACK, True),
        ("3k5/9/9/9/9/4p4/9/4C4/9/4K4 w - - 0 1", "d4", BLACK, True),  # it has crossed
        ("3ka4/9/9/9/9/9/9/9/4A4/3AK1B2 w - - 0 1", "f2", RED, True),
        ("3ka4/9/9/9/9/9/9/9/4A4/3AK1B2 w - - 0 1", "i2", RED, True),
        ("3ka4/9/9/9/9/9/9/9/4A4/3AK1B2 w - - 0 1", "e0", RED, False),
        ("3k5/9/9/9/9/9/9/9/3P5/3NK4 w - - 0 1", "c2", RED, False),  # leg blocked on d1
        ("3k5/9/9/9/9/9/9/9/3P5/3NK4 w - - 0 1", "b1", RED, True),
    ],
)
def test_is_attacked(fen: str, target: str, color: Color, attacked: bool) -> None:
    assert Board(fen, strict=False).is_attacked(parse_square(target), color) == attacked


def test_is_attacked_agrees_with_captures() -> None:
    for board in play_random(Random(21), 100):
        targets = {m.to_square for m in board.pseudo_legal_moves() if board.is_capture(m)}
        theirs = [sq for sq in range(90) if board.squares[sq] and (board.squares[sq] > 7) != bool(board.turn)]
        assert {sq for sq in theirs if board.is_attacked(sq, board.turn)} == targets


def test_repetitions_count_the_side_to_move_and_stop_at_captures() -> None:
    board = Board()
    cycle = ["h0g2", "h9g7", "g2h0", "g7h9"]
    assert board.repetitions() == 1
    for round_ in (2, 3, 4):
        for text in cycle:
            board.push(move(text))
        assert board.repetitions() == round_
    assert [str(m) for m in board.cycle(3)] == cycle * 2
    assert board.cycle(5) == []
    board.push(move("b2b9"))
    assert board.repetitions() == 1


def test_boards_without_a_king_still_generate_moves() -> None:
    board = Board("4k4/9/9/9/9/9/9/9/9/R8 w", strict=False)
    assert len(board.legal_moves()) == 17
    assert not board.is_check()
    with pytest.raises(XiangqiError, match="red king"):
        board.king_square(RED)


def test_a_king_can_be_taken_and_put_back_on_a_lenient_board() -> None:
    board = Board("4k4/4R4/9/9/9/9/9/9/9/4K4 w", strict=False)
    board.push(move("e8e9"))
    assert board.legal_moves() == []
    board.pop()
    assert square_name(board.king_square(BLACK)) == "e9"
