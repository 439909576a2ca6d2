from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tools.make_openings import OpeningsConfig, is_settled, make_openings
from xiangqi_gpt.arena.openings import load_openings
from xiangqi_gpt.engines.process import find_engine
from xiangqi_gpt.errors import RecordError
from xiangqi_gpt.players.engine_player import EnginePlayer
from xiangqi_gpt.records import GameRecord, write_games
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

needs_fairy = pytest.mark.skipif(
    find_engine("fairy-stockfish") is None, reason="the engine fairy-stockfish is not installed"
)


def test_openings_of_the_package() -> None:
    openings = load_openings()
    assert len(openings) >= 200
    assert all(4 <= len(opening.moves) <= 8 for opening in openings)
    keys = set()
    for opening in openings:
        keys.add(opening.board().position_key())
    assert len(keys) == len(openings)
    # Diverse: no first move owns more than a third of the lines.
    first = [opening.moves[0] for opening in openings]
    assert max(first.count(move) for move in set(first)) <= len(openings) / 3


def test_comments_dashes_and_capitals(tmp_path: Path) -> None:
    file = tmp_path / "openings.txt"
    file.write_text("# two lines\n\nH2-E2 h9g7  # the usual\nb0c2\n")
    first, second = load_openings(file)
    assert str(first) == "h2e2 h9g7"
    assert (first.line, second.line) == (3, 4)
    assert first.board().fullmove_number == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no openings"),
        ("# nothing\n", "holds no openings"),
        ("h2e2\nh2e9\n", "line 2, ply 0: expected a legal move, found 'h2e9'"),
        ("h2e2 h2e2\n", "line 1, ply 1: expected a legal move"),
        ("e4\n", "line 1, ply 0: .*'e4'"),
        (
            "h2e2 h9g7 i0i1\nh2e2 h9g7\ni0i1 h9g7 h2e2\n",
            "line 3: same position as line 1",
        ),
        ("h2e2 " * 61 + "\n", "at most 60 plies, found 61"),
    ],
)
def test_faults_are_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "openings.txt"
    file.write_text(text)
    with pytest.raises(RecordError, match=words):
        load_openings(file)


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"none\.txt"):
        load_openings(tmp_path / "none.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecordError, match="text file"):
        load_openings(tmp_path / "binary.txt")


@pytest.mark.slow
@needs_fairy
def test_made_openings_are_balanced_and_reproducible() -> None:
    config = OpeningsConfig(count=2, max_plies=4, candidates=4, walk_nodes=50, check_nodes=(50, 100), seed=7)
    runs = []
    for _ in range(2):
        engine = EnginePlayer("fairy-stockfish", options={"Hash": "1"})
        try:
            runs.append(list(make_openings(engine, config)))
            # Nothing is balanced enough for a limit below zero, everything for a wide one.
            line = runs[-1][0][0]
            assert is_settled(engine, line, replace(config, max_score=5000))
            assert not is_settled(engine, line, replace(config, max_score=-1))
        finally:
            engine.close()
    assert runs[0] == runs[1]
    assert len(runs[0]) == 2
    for line, scores in runs[0]:
        assert len(line) == 4
        assert len(scores) == 2
        assert max(map(abs, scores)) <= config.max_score


def test_openings_from_pgn(tmp_path: Path) -> None:
    board = Board()
    for text in ("h2e2", "h9g7", "h0g2"):
        board.push(Move.from_iccs(text))
    games = [
        GameRecord(moves=tuple(board.move_stack), tags={"Red": "a"}),
        GameRecord(moves=(Move.from_iccs("a0a1"),), start_fen=POSITION),
    ]
    file = tmp_path / "openings.pgn"
    write_games(file, games)
    first, second = load_openings(file)
    assert (str(first), first.line, second.line) == ("h2e2 h9g7 h0g2", 1, 2)
    assert second.start_fen == POSITION
    assert second.board().fen() == "3k5/9/9/9/4p4/9/9/9/R3K4/9 b - - 1 1"
    # Its content decides, whatever it is called.
    (tmp_path / "openings.txt").write_bytes(file.read_bytes())
    assert load_openings(tmp_path / "openings.txt") == (first, second)
    assert str(load_openings(file, plies=1)[0]) == "h2e2"


POSITION = "3k5/9/9/9/4p4/9/9/9/4K4/R8 w - - 0 1"


def test_openings_from_positions(tmp_path: Path) -> None:
    file = tmp_path / "openings.epd"
    file.write_text(
        f'# two\n{POSITION}\n3k5/9/9/9/4p4/9/9/9/4K4/R8 b - - bm d9d8; id "x";\n', encoding="utf-8"
    )
    first, second = load_openings(file)
    assert (first.start_fen, first.moves, first.line) == (POSITION, (), 2)
    assert str(second) == POSITION.replace(" w ", " b ")
    assert second.board().turn.name == "BLACK"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{POSITION}\n{POSITION}", "line 2: same position"),
        ("9/9/9 w", "line 1: "),
        ("3k5/9/9/9/9/9/9/9/9/3K5 w", "line 1: "),
        ("3k5/3R5/3K5/9/9/9/9/9/9/9 b", "line 1: "),
    ],
)
def test_bad_positions_are_named(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "openings.epd"
    file.write_text(text)
    with pytest.raises(RecordError, match=words):
        load_openings(file)


def test_long_games_are_no_openings(tmp_path: Path) -> None:
    moves = tuple(Move.from_iccs(text) for text in ("a0a1", "a9a8", "a1a0", "a8a9") * 16)
    file = tmp_path / "games.pgn"
    write_games(file, [GameRecord(moves=moves)])
    with pytest.raises(
        RecordError,
        match=r"game 1: expected at most 60 plies, found 64; take the first ones with --opening-plies",
    ):
        load_openings(file)
    assert len(load_openings(file, plies=3)[0].moves) == 3
