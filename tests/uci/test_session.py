from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

import pytest

from xiangqi_gpt.players import Analysis, Limit, Line, Player, PlayerError, PlayResult, Value
from xiangqi_gpt.players.baselines import GreedyPlayer
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.uci.session import UciSession

MATED = "3k5/3PP4/9/9/9/9/9/9/9/4K4 b - - 0 1"


class Recorder:
    """A player that notes what it is asked, and thinks until it is let go."""

    def __init__(self, *, patient: bool = False, choose: Callable[[Board], Move] | None = None) -> None:
        self.name = "recorder"
        self.asked: list[tuple[str, Limit]] = []
        self.thinking = threading.Event()
        self.let_go = threading.Event()
        self.new_games = 0
        self.closed = False
        if not patient:
            self.let_go.set()
        self._choose = choose if choose is not None else lambda board: board.legal_moves()[0]

    def play(self, board: Board, limit: Limit) -> PlayResult:
        self.asked.append((board.fen(), limit))
        self.thinking.set()
        assert self.let_go.wait(30)
        return PlayResult(self._choose(board))

    def analyse(self, board: Board, limit: Limit, multipv: int | None = None) -> Analysis:
        raise PlayerError("not asked for")

    def new_game(self) -> None:
        self.new_games += 1

    def close(self) -> None:
        self.closed = True


def talk(script: str, player: Player | None = None) -> list[str]:
    out: list[str] = []
    session = UciSession(lambda: player if player is not None else GreedyPlayer(), out.append)
    session.run(script.splitlines())
    return out


def test_greeting() -> None:
    lines = talk("uci")
    assert lines[0].startswith("id name xiangqi-gpt ")
    assert lines[1].startswith("id author ")
    assert "option name UCI_Variant type combo default xiangqi var xiangqi" in lines
    assert lines[-1] == "uciok"


def test_the_player_is_not_built_for_the_greeting() -> None:
    def fail() -> Player:
        raise PlayerError("no such model")

    out: list[str] = []
    UciSession(fail, out.append).run(["uci", "quit"])
    assert out[-1] == "uciok"
    with pytest.raises(PlayerError, match="no such model"):
        UciSession(fail, out.append).run(["uci", "isready"])


def test_a_player_is_warmed_up_before_the_engine_is_ready() -> None:
    out: list[str] = []

    class Cold(GreedyPlayer):
        def warm_up(self) -> None:
            out.append("warm")

    UciSession(Cold, out.append).run(["uci", "isready", "setoption name Ranks value 1-10", "isready", "quit"])
    assert [line for line in out if line in ("warm", "readyok")] == ["warm", "readyok", "readyok"]


def test_a_game_of_lines() -> None:
    player = Recorder()
    lines = talk(
        "uci\nsetoption name UCI_Variant value xiangqi\nisready\nucinewgame\n"
        "position startpos moves h2e2\ngo nodes 5\n"
        "position startpos moves h2e2 h9g7 h0g2\ngo movetime 250\nquit\nisready",
        player,
    )
    assert lines.count("readyok") == 1
    assert [line for line in lines if line.startswith("bestmove")] == ["bestmove a6a5"] * 2
    assert [limit for _, limit in player.asked] == [Limit(nodes=5), Limit(time=0.25)]
    assert player.asked[0][0].split()[1] == "b"
    assert player.new_games == 1
    assert player.closed


def test_bestmove_is_none_at_the_end_of_a_game() -> None:
    assert talk(f"position fen {MATED}\ngo nodes 1")[-1] == "bestmove (none)"


def test_malformed_positions_are_told_and_never_searched() -> None:
    player = Recorder()
    lines = talk("position startpos moves h2e9\ngo nodes 1\nposition startpos\ngo nodes 1", player)
    assert lines[0].startswith("info string ")
    assert "h2e9" in lines[0]
    assert lines[2] == "bestmove (none)"
    assert lines[-1].startswith("bestmove a0")
    assert len(player.asked) == 1


def test_unknown_commands_are_passed_over() -> None:
    assert talk("\n   \nxyzzy\njoho isready\ndebug on\nregister later\nperft 3") == ["readyok"]


def test_options() -> None:
    lines = talk("setoption name UCI_Variant value chess\nsetoption name Hash value 3\nsetoption")
    assert len(lines) == 3
    assert all(line.startswith("info string ") for line in lines)
    assert "'chess'" in lines[0]
    assert "'Hash'" in lines[1]


def test_isready_is_answered_while_thinking() -> None:
    player = Recorder(patient=True)
    out: list[str] = []
    session = UciSession(lambda: player, out.append)
    session.handle("go nodes 1")
    assert player.thinking.wait(30)
    session.handle("isready")
    assert out == ["readyok"]
    player.let_go.set()
    session.run(["quit"])
    assert out[1:] == ["bestmove a0a1"]


def test_infinite_waits_for_stop() -> None:
    answered = threading.Event()
    out: list[str] = []

    def write(line: str) -> None:
        out.append(line)
        if line.startswith("bestmove"):
            answered.set()

    player = Recorder()
    session = UciSession(lambda: player, write)
    session.handle("go infinite")
    assert player.thinking.wait(30)
    session.handle("isready")
    assert out == ["readyok"]
    session.handle("stop")
    assert answered.wait(30)
    session.handle("stop")
    session.run([])
    assert out == ["readyok", "bestmove a0a1"]


def test_a_new_position_ends_the_search_before_it() -> None:
    lines = talk("go infinite\nposition startpos moves h2e2\ngo infinite\nquit", Recorder())
    assert lines == ["bestmove a0a1", "bestmove a6a5"]


@pytest.mark.parametrize("answer", ["a0a9", "e4e5"])
def test_a_failing_player_is_told_and_answered_for(answer: str) -> None:
    lines = talk("go nodes 1", Recorder(choose=lambda board: Move.from_iccs(answer)))
    assert answer in lines[0]
    assert lines[-1] == "bestmove (none)"


def test_ucci() -> None:
    lines = talk(f"ucci\nsetoption usemillisec true\nposition fen {MATED}\ngo depth 1\nquit")
    assert lines[-3:] == ["ucciok", "nobestmove", "bye"]


@pytest.mark.parametrize(("option", "seconds"), [("", 2.0), ("setoption usemillisec true\n", 0.01)])
def test_ucci_counts_seconds_unless_told(option: str, seconds: float) -> None:
    player = Recorder()
    lines = talk(f"ucci\n{option}position startpos\ngo time 60 increment 0", player)
    assert lines[-2:] == ["bestmove a0a1", "bye"]
    assert player.asked[0][1].time == pytest.approx(seconds)


def test_a_thought_that_cannot_be_told_costs_no_move(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> list[str]:
        raise ValueError("no words for it")

    monkeypatch.setattr("xiangqi_gpt.uci.session.info_lines", fail)

    class Muddled(Recorder):
        def play(self, board: Board, limit: Limit) -> PlayResult:
            value = Value(math.nan, math.nan, math.nan)
            lines = (Line((board.legal_moves()[0],), prob=math.nan),)
            return PlayResult(board.legal_moves()[0], Analysis(lines, value, math.nan))

    out = talk("position startpos\ngo nodes 1", Muddled())
    assert out[0].startswith("info string ValueError")
    assert out[-1] == f"bestmove {Board().legal_moves()[0].iccs}"


def test_both_cues_by_which_programs_know_a_xiangqi_engine() -> None:
    for protocol in ("uci", "ucci"):
        lines = talk(protocol)
        assert "option name UCI_Variant type combo default xiangqi var xiangqi" in lines
        assert "ucciok" in lines
    assert "uciok" not in talk("ucci")


def test_quit_and_stop_do_not_wait_for_the_player() -> None:
    allowed = threading.Event()

    def build() -> Player:
        assert allowed.wait(60)
        return Recorder()

    out: list[str] = []
    session = UciSession(build, out.append)
    began = time.monotonic()
    session.run(["isready", "position startpos", "go infinite", "stop", "position startpos", "go", "quit"])
    assert time.monotonic() - began < 20
    assert session.is_busy
    assert out == []
    allowed.set()


def test_what_was_asked_while_the_player_was_built_is_answered_in_order() -> None:
    out: list[str] = []

    def build() -> Player:
        time.sleep(0.2)
        return Recorder()

    UciSession(build, out.append).run(["isready", "position startpos moves h2e2", "go nodes 1"])
    assert out == ["readyok", "bestmove a6a5"]


def test_a_player_that_cannot_be_built_is_answered_for() -> None:
    def fail() -> Player:
        raise PlayerError("no such model")

    out: list[str] = []
    with pytest.raises(PlayerError, match="no such model"):
        UciSession(fail, out.append).run(["go nodes 1"])
    assert out == ["info string no such model", "bestmove (none)"]


@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ("position startpos\ngo", "a0a1"),
        ("setoption name UCI_Variant value xiangqi\nposition startpos\ngo", "a1a2"),
        ("setoption name UCI_Variant value xiangqi\nposition startpos moves h2e2\ngo", "a6a5"),
        ("position startpos moves h3e3\ngo", "a7a6"),
        ("position startpos moves h3e3 h10g8\nposition startpos\ngo", "a1a2"),
        ("setoption name Ranks value 1-10\nposition startpos\ngo", "a1a2"),
        (
            "setoption name UCI_Variant value xiangqi\nsetoption name Ranks value 0-9\nposition startpos\ngo",
            "a0a1",
        ),
    ],
)
def test_answers_count_ranks_as_the_other_program_does(script: str, answer: str) -> None:
    assert talk(script, Recorder())[-1] == f"bestmove {answer}"


def test_fixed_ranks_are_not_overruled() -> None:
    lines = talk("setoption name Ranks value 0-9\nposition startpos moves h3e3\ngo", Recorder())
    assert "h3e3" in lines[0]
    assert lines[-1] == "bestmove (none)"


@pytest.mark.parametrize(("win", "words"), [(0.1, "draw"), (0.4, "draw"), (0.7, "")])
def test_a_draw_is_accepted_by_the_side_that_is_not_better(win: float, words: str) -> None:
    class Judge(Recorder):
        def play(self, board: Board, limit: Limit) -> PlayResult:
            move = board.legal_moves()[0]
            return PlayResult(move, Analysis((Line((move,)),), Value(win, 0.2, 0.8 - win)))

    lines = talk("ucci\ngo draw nodes 1\ngo nodes 1", Judge())
    answers = [line for line in lines if line.startswith("bestmove")]
    assert answers == [f"bestmove a0a1 {words}".strip(), "bestmove a0a1"]
