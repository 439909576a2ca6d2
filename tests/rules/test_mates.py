"""The search for mates by checks, against a plain search over all of them."""

from __future__ import annotations

import hashlib
import json
import threading
from pathlib import Path
from random import Random

import pytest

from xiangqi_gpt.rules import batch_numba, mates, mates_numba
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.lenient import lenient_board
from xiangqi_gpt.rules.mates import ForcedMate, Loading, MateFinder
from xiangqi_gpt.rules.move import Move

MANY = 100_000
COMPOSED = json.loads(
    (Path(__file__).parents[2] / "benchmarks" / "xiangqibench.json").read_text(encoding="utf-8")
)


def plain(board: Board, plies: int) -> bool:
    """Whether the side to move mates within *plies* by checks: all of them tried, and all replies."""
    if plies < 1:
        return False
    for check in board.legal_moves():
        if board.gives_check(check):
            board.push(check)
            mates = all(answered(board, reply, plies) for reply in board.legal_moves())
            board.pop()
            if mates:
                return True
    return False


def answered(board: Board, reply: Move, plies: int) -> bool:
    board.push(reply)
    try:
        return plain(board, plies - 2)
    finally:
        board.pop()


def attacks(rng: Random, count: int) -> list[Board]:
    """Positions in which one side has much more than the other."""
    found: list[Board] = []
    while len(found) < count:
        squares = {4: "K", 85: "k"}
        free = [sq for sq in range(90) if sq not in squares]
        for letter in rng.sample(list("RRNNCCPP"), rng.randint(3, 5)) + rng.sample(list("rnc"), 1):
            if letter == "P":
                squares[rng.choice([sq for sq in free if sq >= 45 and sq not in squares])] = letter
            else:
                squares[rng.choice([sq for sq in free if sq not in squares])] = letter
        for sq in rng.sample([84, 86, 66, 68, 76], rng.randint(0, 2)):
            squares.setdefault(sq, "a")
        rows = []
        for rank in range(9, -1, -1):
            row = "".join(squares.get(rank * 9 + file, "1") for file in range(9))
            rows.append(row)
        board = Board("/".join(rows) + " w - - 0 1", strict=False)
        if not board.is_attacked(85, board.turn) and board.legal_moves():
            other = board.fen().replace(" w ", " b ")
            if not Board(other, strict=False).is_check():
                found.append(board)
    return found


@pytest.mark.parametrize("plies", [1, 3, 5])
def test_mates_are_those_of_a_plain_search(plies: int) -> None:
    finder, found = MateFinder(), 0
    for board in attacks(Random(plies), 40 if plies < 5 else 25):
        before = board.fen()
        mate = finder.find(board, MANY, plies=plies)
        assert board.fen() == before
        assert (mate is not None) == plain(board, plies), before
        if mate is not None:
            found += 1
            assert len(mate.line) == mate.plies <= plies
            assert plain(board, mate.plies)
    assert found >= 3


def wins_against_everything(finder: MateFinder, board: Board, mate: ForcedMate) -> None:
    """Play *mate* against all replies; each answer is looked for anew, and may not take longer."""
    board.push(mate.line[0])
    assert board.is_check()
    for reply in board.legal_moves():
        board.push(reply)
        rest = finder.find(board, MANY, plies=mate.plies - 2)
        assert rest is not None, board.fen()
        wins_against_everything(finder, board, rest)
        board.pop()
    board.pop()


@pytest.mark.parametrize("number", [10, 19, 26, 116])
def test_a_composed_mate_works_against_every_defence(number: int) -> None:
    finder = MateFinder()
    board, _ = lenient_board(COMPOSED[number]["fen"])
    mate = finder.find_short(board, MANY)
    assert mate is not None
    assert mate.plies <= 13
    wins_against_everything(finder, board, mate)
    for move in mate.line:
        assert board.is_legal(move)
        board.push(move)
    assert board.is_check()
    assert not board.legal_moves()


def test_most_composed_endgames_are_mates_by_checks() -> None:
    finder = MateFinder()
    boards = [lenient_board(one["fen"])[0] for one in COMPOSED]
    assert sum(finder.find(board, 2000) is not None for board in boards) == 100


def test_short_mates_are_looked_for() -> None:
    board, _ = lenient_board(next(one["fen"] for one in COMPOSED if one["win_in_plies"] == 5))
    found = MateFinder().find_short(board, MANY)
    assert found is not None
    assert found.plies == 5


def test_no_mate_is_longer_than_asked_for() -> None:
    """Such a mate was found again and again, and a search for shorter ones never ended."""
    board = Board("6b2/3ka4/4b4/pR6p/7r1/9/P1P5P/3A2r1B/4A4/RN1K4c b - - 7 36")
    finder = mates.MateFinder()
    for plies in range(1, 20, 2):
        found = finder.find(board, 2800, plies=plies)
        assert found is None or found.plies <= plies
    short = finder.find_short(board, 2800)
    assert short is not None
    assert short.plies == 15


def test_a_position_of_the_game_is_not_returned_to() -> None:
    board = Board("3k5/9/9/1R7/R8/9/9/9/9/5K3 w - - 0 1", strict=False)
    finder = MateFinder()
    first = finder.find(board, MANY)
    assert first is not None
    there_and_back = [*first.line[:2], *(Move(m.to_square, m.from_square) for m in first.line[:2])]
    for move in there_and_back:
        assert board.is_legal(move)
        board.push(move)
    again = finder.find(board, MANY)
    assert again is None or again.line[0] != first.line[0]


def test_only_the_moves_asked_for_begin_a_mate() -> None:
    board = Board("3k5/9/1R7/R8/9/9/9/9/9/4K4 w - - 0 1", strict=False)
    finder = MateFinder()
    mates = [move for move in board.legal_moves() if board.gives_mate(move)]
    found = finder.find(board, MANY, among=mates)
    assert found is not None
    assert found.line[0] in mates
    others = [move for move in board.legal_moves() if not board.gives_check(move)]
    assert finder.find(board, MANY, among=others) is None


def test_few_positions_find_no_long_mate_and_memory_of_other_questions_does_not_help() -> None:
    board, _ = lenient_board(COMPOSED[1]["fen"])
    finder = MateFinder()
    assert finder.find(board, MANY) is not None
    assert finder.find(board, 5) is None
    assert finder.find(board, MANY, plies=1) is None


def test_a_board_without_a_king_has_no_mate() -> None:
    assert MateFinder().find(Board("9/9/9/9/9/9/9/9/9/R3K4 w - - 0 1", strict=False), MANY) is None


def test_the_cache_of_the_compiler_is_made_anew_with_what_it_is_built_on() -> None:
    """After a change of batch_numba.py, write the new sum into mates_numba.py: that makes numba compile it again."""
    text = Path(batch_numba.__file__).read_text(encoding="utf-8")
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == mates_numba.BUILT_ON


def test_who_waits_for_the_search_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Loading):
        _thread = None

    stop, go_on = threading.Event(), threading.Event()
    monkeypatch.setattr(mates, "load", go_on.wait)
    waiting = threading.Thread(target=Slow.is_done, kwargs={"wait": True, "stop": stop})
    waiting.start()
    waiting.join(0.1)
    assert waiting.is_alive()
    stop.set()
    waiting.join(30)
    ended, loaded = not waiting.is_alive(), Slow.is_done(wait=False)
    go_on.set()
    assert ended
    assert not loaded
    assert Slow.is_done(wait=True)


def test_a_compiler_that_fails_is_reported_and_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fresh(Loading):
        _thread = None
        _failed = False

    def broken() -> None:
        raise OSError("the cache is damaged")

    assert Fresh.is_done(wait=True)
    monkeypatch.setattr(Fresh, "_thread", None)
    monkeypatch.setattr(mates, "load", broken)
    with pytest.warns(RuntimeWarning, match="numba failed .OSError: the cache is damaged"):
        assert not Fresh.is_done(wait=True)
