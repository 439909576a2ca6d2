from __future__ import annotations

import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.teacher.scripted import needs_fairy, scripted
from xiangqi_gpt.engines.info import newest_lines, score_of
from xiangqi_gpt.players import PlayerCrashError, PlayerError, PlayerTimeoutError, parse_engine
from xiangqi_gpt.players.base import EngineSpec
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.teacher.teacher_engine import (
    BadEngineAnswerError,
    Game,
    TeacherEngine,
    stored_score,
    teacher_name,
)


@contextmanager
def running(spec: EngineSpec, multipv: int = 1) -> Iterator[TeacherEngine]:
    engine = TeacherEngine(spec, multipv=multipv)
    try:
        yield engine
    finally:
        engine.close()


@pytest.mark.parametrize(("mode", "ranks"), [("good", "0-9"), ("many", "1-10")])
def test_best_move_and_score_whatever_the_engine_calls_its_ranks(mode: str, ranks: str) -> None:
    with running(scripted(mode)) as engine:
        assert (engine.ranks, engine.identity) == (ranks, "Script 1")
        engine.new_game()
        game = Game(Board(), engine.ranks)
        for text in ("b2b9", "a9b9"):
            game.push(Move.from_iccs(text))
        label = engine.label(game)
        assert label.best == Move.from_iccs("h2h9")  # the horse behind the other cannon
        assert label.cp == 300  # a cannon for two horses
        assert engine.searches == 1
        assert engine.seconds > 0


def test_the_engine_is_told_what_happened_since_the_last_capture() -> None:
    game = Game(Board(), "1-10")
    for text in ("b2e2", "b9c7", "e2e6", "c9e7"):
        game.push(Move.from_iccs(text))
    head, _, moves = game.position.partition(" moves ")
    assert moves == "c10e8"
    board = Board(head.removeprefix("position fen "))
    board.push(Move.from_iccs("c9e7"))
    assert board.fen() == game.board.fen()
    assert Game(Board(), "0-9").position == f"position fen {Board().fen()}"


def test_several_moves_with_their_scores() -> None:
    with running(scripted(), multipv=3) as engine:
        label = engine.label(Game(Board(), engine.ranks))
        assert [move.iccs for move, _ in label.lines][:2] == ["h2h9", "b2b9"]
        assert [cp for _, cp in label.lines] == [400, 400, 0]
        assert label.lines[0] == (label.best, label.cp)


def test_scores_of_several_moves_are_of_one_depth() -> None:
    said = [
        "info depth 3 multipv 1 score cp 105 pv h2e2",
        "info depth 3 multipv 2 score cp 104 pv b2e2",
        "info depth 4 multipv 1 score cp 84 upperbound pv h2e2",
        "info depth 3 multipv 2 score cp 104 pv b2e2",
    ]
    assert [(line.pv[0], line.cp) for line in newest_lines(said)] == [("h2e2", 105), ("b2e2", 104)]
    assert [line.cp for line in newest_lines(said[2:3])] == [84]


def test_mates_and_bounds_as_they_are_stored() -> None:
    lines = ["info depth 9 score {} pv h2e2 h9g7"]
    for words, cp in (
        ("mate 3", 29_997), ("mate -2", -29_998), ("mate 1", 29_999), ("cp 25000", 20_000), ("cp -31 upperbound", -31),
    ):  # fmt: skip
        found = score_of([line.format(words) for line in lines], "h2e2")
        assert found is not None
        assert stored_score(found) == cp
    newest_counts = [
        "info score cp 5 pv h2e2",
        "info score cp 40 lowerbound pv h2e2",
        "info score cp x pv h2e2",
    ]
    for lines, cp in (
        (newest_counts, 40),
        (["info score cp 5 pv h2e2", "info score cp 7 pv b2e2"], 5),
    ):
        found = score_of(lines, "h2e2")
        assert found is not None
        assert found.cp == cp
    assert score_of(["info score cp 5 multipv 2 pv h2e2", "info depth 3"], "h2e2") is None


@pytest.mark.parametrize(
    ("mode", "multipv", "words"),
    [
        ("illegal", 1, r"expected a legal best move in '\S+ b .*found 'bestmove e0e9 ponder a0a0'"),
        ("none", 1, r"found 'bestmove \(none\)"),
        ("mute-score", 1, "expected a score for the best move"),
        ("mute-score", 2, "expected a score for the best move"),
        ("bad-line", 2, r"expected legal moves in its lines.*pv a0a9"),
    ],
)
def test_a_lie_is_typed_and_quoted(mode: str, multipv: int, words: str) -> None:
    with running(scripted(mode), multipv) as engine:
        game = Game(Board(), engine.ranks)
        for _ in range(3):
            game.push(engine.label(game).best)
        with pytest.raises(BadEngineAnswerError, match=words) as caught:
            engine.label(game)
        assert caught.value.engine == engine.name
        assert caught.value.fen == game.board.fen()
        again = pickle.loads(pickle.dumps(caught.value))
        assert (str(again), again.fen, again.answer) == (
            str(caught.value),
            caught.value.fen,
            caught.value.answer,
        )


def test_death_and_silence_are_told_apart() -> None:
    with running(scripted("dies")) as engine:
        game = Game(Board(), engine.ranks)
        for _ in range(6):
            engine.label(game)
        with pytest.raises(PlayerCrashError, match=r"exit code 3.* in 'rnba"):
            engine.label(game)
        with pytest.raises(PlayerCrashError):
            engine.label(game)
    with (
        running(scripted("silent", timeout=3.0)) as engine,
        pytest.raises(PlayerTimeoutError, match="within 3 s: silence in"),
    ):
        engine.label(Game(Board(), engine.ranks))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("no-such-engine,nodes=1", "no program 'no-such-engine'"),
        ("true", r"ended \(exit code 0\) before its first position"),
        ("cat,timeout=0.3", "within 0.3 s"),
        ("cat,timeout=0", "timeout above 0"),
    ],
)
def test_what_is_no_engine_is_refused(spec: str, words: str) -> None:
    with pytest.raises(PlayerError, match=words):
        TeacherEngine(parse_engine(spec))


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("Hsah", "1", "no option 'Hsah'"),
        ("Hash", "65", "Option Hash of .*: expected a number from 1 to 64, found '65'"),
        ("Hash", "much", "found 'much'"),
        ("Style", "Loud", "Option Style of .*: expected one of Calm, Wild, found 'Loud'"),
        ("MultiPV", "2", "set by xiangqi-gpt"),
    ],
)
def test_options_are_checked(option: str, value: str, words: str) -> None:
    with pytest.raises(PlayerError, match=words):
        TeacherEngine(scripted(options={option: value}))


def test_an_engine_for_another_game_is_refused() -> None:
    with pytest.raises(PlayerError, match=r"does not play Xiangqi: its UCI_Variant offers chess"):
        TeacherEngine(scripted("chess"))


def test_names() -> None:
    assert teacher_name(parse_engine("/usr/games/fairy-stockfish -x,nodes=9,Hash=2")) == (
        "fairy-stockfish -x[nodes=9,Hash=2]"
    )
    script = Path("my engines", "slow one.py").absolute()
    assert teacher_name(parse_engine(f'python3 "{script}" 0.1,depth=2')) == "python3 slow one.py 0.1[depth=2]"
    assert teacher_name(parse_engine("pikafish,time=0.5")) == "pikafish[time=0.5]"
    assert teacher_name(parse_engine("pikafish")) == "pikafish[nodes=1000]"


@needs_fairy
def test_fairy_stockfish_finds_a_mate_and_forgets_between_games() -> None:
    with running(parse_engine("fairy-stockfish,nodes=300,Hash=1")) as engine:
        mate = Board("3k5/9/9/9/9/9/9/4R4/9/R3K4 w - - 0 1")
        labels = []
        for board in (Board(), mate, Board()):
            engine.new_game()
            labels.append(engine.label(Game(board, engine.ranks)))
        assert labels[0] == labels[2]
        assert labels[1].cp == 29_999
