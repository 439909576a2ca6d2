"""What engines are told in each protocol, and what is made of their answers."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from xiangqi_gpt.engines.process import find_engine
from xiangqi_gpt.players import (
    EngineSpec,
    Limit,
    PlayerCrashError,
    PlayerError,
    PlayerIllegalMoveError,
    create_player,
    parse_engine,
)
from xiangqi_gpt.players.engine_player import EnginePlayer
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.teacher.teacher_engine import Game, TeacherEngine

ENGINE = Path(__file__).with_name("told_engine.py")
ENDGAME = "3k5/9/4b4/9/9/4n4/9/4R4/9/R3K4 w - - 3 9"
FEATURES = 'protover=feature ping=1 setboard=1 variants="xiangqi" sigterm=0 done=1'
UCCI = "ucci=id name Told|option usemillisec type check default false|option hashsize type spin min 1 max 9|ucciok"


def command(log: Path, *rules: str) -> str:
    return shlex.join([sys.executable, "-S", str(ENGINE), str(log), *rules])


def told(log: Path, protocol: str, *rules: str, **options: str) -> EnginePlayer:
    return EnginePlayer(command(log, *rules), protocol=protocol, options=options, timeout=5.0, name="told")


def played(*moves: str) -> Board:
    board = Board()
    for text in moves:
        board.push(Move.from_iccs(text))
    return board


def lines_of(log: Path) -> list[str]:
    return [line for line in log.read_text(encoding="utf-8").splitlines() if not line.startswith("ping")]


def test_cecp_is_told_the_moves_and_the_limit(tmp_path: Path) -> None:
    log = tmp_path / "log"
    player = told(log, "cecp", FEATURES, "go=3 -8 12 99 1. Hb0-c2 Cb7-e7|# e|move b0c2|1-0 {a claim}")
    try:
        board = played("h2e2", "h9g7")
        result = player.play(board, Limit(time=0.3, depth=5))
        assert result.move == Move.from_iccs("b0c2")
        assert result.analysis is not None
        (line,) = result.analysis.lines
        assert ([move.iccs for move in line.pv], line.score_cp) == (["b0c2", "b7e7"], -8)
        for text in ("b0c2", "a9b9"):
            board.push(Move.from_iccs(text))
        with pytest.raises(PlayerIllegalMoveError, match="answered 'move b0c2'"):
            player.play(board, Limit(depth=5))
    finally:
        player.close()
    start = ["xboard", "protover 2", "new", "variant xiangqi", "force", "h2e2", "h9g7"]
    assert lines_of(log) == [
        *start,
        *["st 1", "sd 5", "post", "easy", "go"],
        *["force", "a9b9", "sd 5", "post", "easy", "go"],
    ]


def test_cecp_positions_are_written_as_xboard_does(tmp_path: Path) -> None:
    log = tmp_path / "log"
    player = told(log, "cecp", FEATURES, "go=move a0a9")
    try:
        assert player.play(Board(ENDGAME), Limit(depth=1)).move == Move.from_iccs("a0a9")
    finally:
        player.close()
    assert "setboard 3k5/9/4e4/9/9/4h4/9/4R4/9/R3K4 w 3 9" in lines_of(log)


def test_cecp_without_setboard_plays_from_the_start_only(tmp_path: Path) -> None:
    features = 'protover=feature setboard=0 ping=1 done=0|feature variants="xiangqi" done=1'
    player = told(tmp_path / "log", "cecp", features, "go=move h2e2")
    try:
        assert player.play(Board(), Limit(depth=1)).move == Move.from_iccs("h2e2")
        with pytest.raises(PlayerError, match="only from the standard start"):
            player.play(Board(ENDGAME), Limit(depth=1))
        assert player.play(Board(), Limit(depth=1)).move == Move.from_iccs("h2e2")
    finally:
        player.close()


def test_nodes_are_for_engines_that_count_them(tmp_path: Path) -> None:
    player = told(tmp_path / "a", "cecp", FEATURES, "go=move h2e2")
    try:
        with pytest.raises(PlayerError, match=r"cannot count nodes.*depth=D or time=S"):
            player.play(Board(), Limit(nodes=5))
        player.play(Board(), Limit())
    finally:
        player.close()
    assert "sd 4" in lines_of(tmp_path / "a")
    player = told(tmp_path / "b", "cecp", FEATURES.replace("ping=1", "ping=1 nps=1"), "go=move h2e2")
    try:
        player.play(Board(), Limit(nodes=500))
    finally:
        player.close()
    assert lines_of(tmp_path / "b")[-6:-2] == ["nps 1", "st 500", "post", "easy"]


def test_an_end_that_only_the_engine_sees_is_played_over(tmp_path: Path) -> None:
    log = tmp_path / "log"
    player = told(
        log, "cecp", FEATURES, "h2e2=1/2-1/2 {3 repetitions}|Error (game over): h2e2", "go=move h9g7"
    )
    try:
        assert player.play(played("h2e2"), Limit(depth=1)).move == Move.from_iccs("h9g7")
    finally:
        player.close()
    assert lines_of(log).count("xboard") == 2
    assert any(line.startswith("setboard rheakaehr") and " b " in line for line in lines_of(log))


def test_a_command_that_an_engine_does_not_know_may_be_missing(tmp_path: Path) -> None:
    easy, go = "easy=Error (unknown command): easy", "go=move h2e2"
    player = told(tmp_path / "a", "cecp", FEATURES, easy, go)
    try:
        assert player.play(Board(), Limit(depth=1)).move == Move.from_iccs("h2e2")
    finally:
        player.close()
    player = told(tmp_path / "b", "cecp", FEATURES, "sd=Error (unknown command): sd", go)
    try:
        with pytest.raises(PlayerCrashError, match=r"Error \(unknown command\): sd"):
            player.play(Board(), Limit(depth=1))
    finally:
        player.close()


@pytest.mark.parametrize("answer", ["resign", "0-1 {White resigns}"])
def test_a_resignation_is_no_move(tmp_path: Path, answer: str) -> None:
    player = told(tmp_path / "log", "cecp", FEATURES, f"go={answer}")
    try:
        with pytest.raises(PlayerIllegalMoveError, match=answer):
            player.play(Board(), Limit(depth=1))
    finally:
        player.close()


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ('variants="normal" ping=1 done=1', "does not play Xiangqi; its variants: normal"),
        ('variants="xiangqi" done=1', "required feature: ping"),
        ('myname="half a name ping=1 done=1', "last words: .*No closing quotation"),
        ("nonsense ping=1 done=1", "last words: .ValueError"),
    ],
)
def test_an_engine_of_another_kind_is_refused(tmp_path: Path, features: str, words: str) -> None:
    with pytest.raises(PlayerError, match=words):
        told(tmp_path / "log", "cecp", f"protover=feature {features}")


def test_ucci_is_told_in_its_own_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    go = "go=info depth 4 score -12 pv b0c2 b7e7|bestmove b0c2 draw"
    player = told(log, "ucci", UCCI, go, hashsize="4")
    try:
        board = played("h2e2", "h9g7")
        result = player.play(board, Limit(time=0.5))
        assert result.move == Move.from_iccs("b0c2")
        assert result.analysis is not None
        assert result.analysis.lines[0].score_cp == -12
        assert player.analyse(board, Limit(nodes=7)).lines[0].move == Move.from_iccs("b0c2")
    finally:
        player.close()
    position = f"position fen {Board().fen()} moves h2e2 h9g7"
    assert lines_of(log) == [
        "ucci",
        "setoption hashsize 4",
        "setoption usemillisec true",
        *["setoption newgame", "isready", position, "go time 500 movestogo 1"],
        *[position, "go nodes 7"],
        "quit",
    ]


@pytest.mark.parametrize(("seconds", "said"), [(0.2, 1), (1.5, 2), (3.0, 3)])
def test_a_ucci_clock_of_whole_seconds(tmp_path: Path, seconds: float, said: int) -> None:
    log = tmp_path / "log"
    player = told(log, "ucci", "ucci=ucciok", "go=bestmove h2e2")
    try:
        player.play(Board(), Limit(time=seconds))
    finally:
        player.close()
    assert f"go time {said} movestogo 1" in lines_of(log)


def test_labels_over_ucci_are_asked_in_its_own_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    spec = EngineSpec(
        command=command(log, UCCI, "go=info depth 4 score 31 pv h2e2 h9g7|bestmove h2e2"),
        limit=Limit(time=0.5),
        protocol="ucci",
    )
    engine = TeacherEngine(spec)
    try:
        engine.new_game()
        label = engine.label(Game(Board(), engine.ranks))
        assert (label.best.iccs, label.cp) == ("h2e2", 31)
    finally:
        engine.close()
    assert lines_of(log) == [
        *["ucci", "setoption usemillisec true", "isready", "setoption newgame", "isready"],
        f"position fen {Board().fen()}",
        *["go time 500 movestogo 1", "quit"],
    ]


def test_options_without_a_default_that_fits(tmp_path: Path) -> None:
    hello = (
        "uci=option name A type spin min 1 max 9|option name B type combo var x var y|"
        "option name C type spin default 10 min 1 max 9|option name MultiPV type spin max 5|uciok"
    )
    log = tmp_path / "log"
    player = told(log, "uci", hello, "go=bestmove h2e2", A="3", B="y", C="9")
    try:
        player.analyse(Board(), Limit(depth=1), 9)
        player.play(Board(), Limit(depth=1))
    finally:
        player.close()
    options = [line.removeprefix("setoption name ") for line in lines_of(log) if line.startswith("setoption")]
    assert options == ["A value 3", "B value y", "C value 9", "MultiPV value 5", "MultiPV value 1"]


def test_no_move_over_ucci(tmp_path: Path) -> None:
    player = told(tmp_path / "log", "ucci", UCCI, "go=nobestmove")
    try:
        with pytest.raises(PlayerIllegalMoveError, match=r"answered 'bestmove \(none\)'"):
            player.play(Board(), Limit(depth=1))
    finally:
        player.close()


def test_the_protocol_of_a_spec() -> None:
    assert parse_engine("maxqi,protocol=cecp").protocol == "cecp"
    assert parse_engine("pikafish").protocol == "uci"
    for create in (parse_engine, lambda text: create_player(f"engine:{text}")):
        with pytest.raises(PlayerError, match=r"expected protocol uci, ucci, cecp .*found 'usi'"):
            create("pikafish,protocol=usi")


@pytest.mark.parametrize(
    "spec",
    [
        "hoixiangqi,protocol=cecp,depth=2",
        "maxqi,protocol=cecp,depth=2",
        "fairy-stockfish,protocol=ucci,nodes=50",
    ],
)
def test_real_engines_play(spec: str) -> None:
    if find_engine(spec.partition(",")[0]) is None:
        pytest.skip(f"the engine {spec.partition(',')[0]} is not installed")
    player = create_player(f"engine:{spec}")
    try:
        board = Board()
        for _ in range(16):
            result = player.play(board, Limit())
            assert board.is_legal(result.move)
            assert result.analysis is not None
            assert result.analysis.lines[0].score_cp is not None
            board.push(result.move)
        player.new_game()
        assert player.analyse(Board(), Limit()).lines[0].move
    finally:
        player.close()


@pytest.mark.skipif(find_engine("hoixiangqi") is None, reason="the engine hoixiangqi is not installed")
def test_hoixiangqi_plays_on_behind_its_own_draw_and_sees_a_mate() -> None:
    player = create_player("engine:hoixiangqi,protocol=cecp,depth=3")
    try:
        board = played(*["b0c2", "b9c7", "c2b0", "c7b9"] * 4)
        assert board.is_legal(player.play(board, Limit()).move)
        mate = player.analyse(Board("3k5/9/9/9/9/9/9/4R4/9/R3K4 w - - 0 1"), Limit())
        assert mate.lines[0].score_cp == 29_999
    finally:
        player.close()
