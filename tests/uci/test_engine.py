"""The whole engine in transcripts: a small model behind a session."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.model.tiny import tiny
from xiangqi_gpt.players.levels import LEVELS
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.uci.gpt_options import offered_options
from xiangqi_gpt.uci.session import UciSession

MATE_IN_ONE = "4k4/R8/9/9/9/9/9/9/1R7/3K5 w - - 0 40"
MATE_IN_TWO = "4k4/9/R8/9/9/9/9/9/9/1R3K3 w - - 0 40"
ONE_REPLY = "4k4/4R4/9/9/9/9/9/9/9/3K5 b - - 0 40"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    tiny(board="bag").save_pretrained(path)
    return path


class Engine:
    """A session with its output."""

    def __init__(self, model: Path, *, spec: str = "", seed: int = 1) -> None:
        self.lines: list[str] = []
        self._arrived = threading.Condition()
        options = offered_options(f"gpt:model={model},threads=1{spec}", seed=seed)
        self.session = UciSession(None, self._write, options=options, seed=seed)

    def _write(self, line: str) -> None:
        with self._arrived:
            self.lines.append(line)
            self._arrived.notify_all()

    def send(self, *lines: str) -> None:
        for line in lines:
            self.session.handle(line)

    def wait_for(self, start: str, *, seconds: float = 60) -> str:
        """The first new line that begins with *start*; it and those before it are read then."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: any(x.startswith(start) for x in self.lines), seconds), (
                self.lines
            )
            at = next(i for i, line in enumerate(self.lines) if line.startswith(start))
            found = self.lines[at]
            self.read, self.lines = self.lines[: at + 1], self.lines[at + 1 :]
            return found

    def go(self, *lines: str) -> str:
        """Send lines that end with `go`; the move of the answer."""
        self.send(*lines)
        return self.wait_for("bestmove").split()[1]

    def last_lines(self) -> list[str]:
        """The newest line of each number in what was read."""
        found: dict[str, str] = {}
        for line in self.read:
            if match := re.search(r"multipv (\d+)", line):
                found[match[1]] = line
        return [found[number] for number in sorted(found, key=int)]


@pytest.fixture
def engine(model: Path) -> Iterator[Engine]:
    engine = Engine(model)
    yield engine
    engine.session.run(["quit"])


def number(line: str, key: str) -> int:
    match = re.search(rf" {key} (-?\d+)", line)
    assert match is not None, line
    return int(match[1])


def test_info_says_how_far_the_search_has_come(engine: Engine) -> None:
    engine.send("setoption name UCI_ShowWDL value true")
    move = engine.go("position startpos", "go nodes 100")
    line = engine.last_lines()[0]
    assert re.fullmatch(
        r"info depth \d+ seldepth \d+ multipv 1 score (cp|mate) -?\d+ wdl \d+ \d+ \d+ "
        r"nodes \d+ nps \d+ time \d+ pv( [a-i]\d[a-i]\d)+",
        line,
    )
    assert number(line, "nodes") == 100
    assert line.split(" pv ")[1].split()[0] == move


def test_the_score_stands_without_chances_unless_asked_for(engine: Engine) -> None:
    engine.go("position startpos", "go nodes 20")
    assert not any(" wdl " in line for line in engine.read)


def test_several_lines_are_different_moves_best_first(engine: Engine) -> None:
    engine.go("setoption name MultiPV value 5", "position startpos", "go nodes 300")
    lines = engine.last_lines()
    assert len(lines) == 5
    assert len({line.split(" pv ")[1].split()[0] for line in lines}) == 5


@pytest.mark.parametrize(
    "limit", ["nodes 60", "depth 3", "movetime 200", "wtime 3000 btime 3000", "infinite"]
)
def test_only_the_moves_asked_for_are_searched(engine: Engine, limit: str) -> None:
    engine.send("setoption name MultiPV value 3", "position startpos", f"go {limit} searchmoves a0a1 i0i1")
    if limit == "infinite":
        engine.wait_for("info")
        engine.send("stop")
    assert engine.wait_for("bestmove").split()[1] in ("a0a1", "i0i1")
    seen = {line.split(" pv ")[1].split()[0] for line in engine.read if " pv " in line}
    assert seen <= {"a0a1", "i0i1"}


def test_moves_against_the_rules_cannot_be_searched(engine: Engine) -> None:
    assert engine.go("position startpos", "go nodes 5 searchmoves a0a9") == "(none)"
    assert any("none of the searchmoves is legal" in line for line in engine.read)


def test_depth_ends_and_costs_little(engine: Engine) -> None:
    engine.go("position startpos", "go depth 4")
    assert number(engine.last_lines()[0], "nodes") <= 25 * 16 + 64


def test_a_mate_is_searched_for(engine: Engine) -> None:
    engine.go(f"position fen {MATE_IN_TWO}", "go mate 2")
    assert number(engine.last_lines()[0], "score mate") == 2
    engine.go(f"position fen {MATE_IN_ONE}", "go mate 1")
    assert number(engine.last_lines()[0], "score mate") == 1


@pytest.mark.parametrize("fen", [MATE_IN_ONE, ONE_REPLY, Board().fen()])
def test_an_endless_search_answers_when_it_is_stopped(engine: Engine, fen: str) -> None:
    engine.send(f"position fen {fen}", "go infinite")
    engine.wait_for("info depth")
    time.sleep(0.3)
    assert not any(line.startswith("bestmove") for line in engine.lines)
    engine.send("isready", "stop")
    engine.wait_for("readyok")
    assert Board(fen).is_legal(Move.from_iccs(engine.wait_for("bestmove").split()[1]))


def test_thinking_is_shown_while_it_lasts(engine: Engine) -> None:
    engine.send("isready")
    engine.wait_for("readyok")
    engine.send("position startpos", "go infinite")
    for _ in range(3):
        engine.wait_for("info depth", seconds=20)
    engine.send("stop")
    engine.wait_for("bestmove")


def test_ponderhit_starts_the_clock(engine: Engine) -> None:
    engine.send("position startpos moves h2e2", "go ponder wtime 6000 btime 6000")
    engine.wait_for("info depth")
    time.sleep(0.3)
    assert not any(line.startswith("bestmove") for line in engine.lines)
    engine.send("ponderhit")
    engine.wait_for("bestmove", seconds=20)
    engine.send("position startpos moves h2e2", "go ponder wtime 900000 btime 900000")
    engine.send("ponderhit")
    time.sleep(0.3)
    assert not any(line.startswith("bestmove") for line in engine.lines)
    engine.send("stop")
    engine.wait_for("bestmove")


def test_the_reply_to_ponder_on_is_legal(engine: Engine) -> None:
    engine.send("position startpos", "go nodes 200")
    words = engine.wait_for("bestmove").split()
    assert words[2] == "ponder"
    board = Board()
    for text in (words[1], words[3]):
        move = Move.from_iccs(text)
        assert board.is_legal(move)
        board.push(move)


def test_banned_moves_are_not_played_until_the_next_position(engine: Engine) -> None:
    engine.send("ucci")
    best = engine.go("position startpos", "go nodes 40")
    assert engine.go(f"banmoves {best}", "go nodes 40") != best
    engine.send("position startpos")
    everything = " ".join(move.iccs for move in Board().legal_moves())
    engine.send(f"banmoves {everything}", "go nodes 4")
    engine.wait_for("nobestmove")


def test_ucci_gets_only_words_that_it_knows(engine: Engine) -> None:
    engine.send("ucci")
    engine.go("position startpos", "go depth 3")
    for line in engine.read:
        assert re.fullmatch(
            r"info time \d+ nodes \d+|info depth \d+ score -?\d+ pv( [a-i]\d[a-i]\d)+"
            r"|bestmove .*|id .*|option .*|ucciok",
            line,
        )
    engine.send("setoption hash much")
    assert engine.lines[-1].startswith("info message ")


def test_games_differ_unless_the_seed_is_the_same(model: Path) -> None:
    def first_moves(seed: int) -> list[str]:
        engine = Engine(model, seed=seed)
        found = [engine.go("ucinewgame", "position startpos", "go nodes 30") for _ in range(5)]
        engine.session.run(["quit"])
        return found

    first = first_moves(5)
    assert first_moves(5) == first
    assert len({*first, *first_moves(6)}) > 1


def test_variety_ends_with_the_opening_and_can_be_switched_off(engine: Engine) -> None:
    for lines in (
        ("setoption name Opening Variety value 0", "position startpos"),
        ("setoption name Opening Variety value 4", f"position fen {Board().fen()[:-1]}30"),
    ):
        assert len({engine.go("ucinewgame", *lines, "go nodes 60") for _ in range(3)}) == 1


def test_options_change_the_player(engine: Engine, tmp_path: Path) -> None:
    engine.go("setoption name Lookahead value 0", "position startpos", "go")
    assert any(line.startswith("info string probabilities") for line in engine.read)
    engine.go("setoption name Lookahead value 40", "go")
    assert number(engine.last_lines()[0], "nodes") == 40
    tiny(1, board="spatial", styles="human+teacher").save_pretrained(tmp_path)
    engine.go(f"setoption name Model value {tmp_path}", "setoption name Style value human", "go nodes 5")
    assert not any("string" in line for line in engine.read)


@pytest.mark.parametrize(
    ("name", "value"),
    [("Model", "nowhere"), ("Style", "human"), ("Temperature", "hot"), ("Lookahead", "soon")],
)
def test_settings_that_cannot_be_met_leave_the_player_as_it_was(
    engine: Engine, name: str, value: str
) -> None:
    # At first there is no player yet that could stay as it was.
    assert engine.go(f"setoption name {name} value {value}", "position startpos", "go nodes 10") != "(none)"
    assert any("the settings stay as they were" in line for line in engine.read)
    assert engine.go("setoption name Rules value asian", "go nodes 10") != "(none)"
    assert any("the settings stay as they were" in line for line in engine.read)


def test_settings_that_come_during_a_search_keep_nothing_waiting(engine: Engine) -> None:
    engine.send("position startpos", "go infinite")
    engine.wait_for("info depth")
    engine.send("setoption name Lookahead value 30", "isready")
    engine.wait_for("readyok", seconds=20)
    engine.send("stop")
    engine.wait_for("bestmove")
    engine.go("go")
    assert number(engine.last_lines()[0], "nodes") == 30


def test_a_search_that_fails_midway_answers_with_what_it_had(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xiangqi_gpt.decoding.lookahead import Lookahead

    rounds = Lookahead._round

    def fail_later(self: Lookahead, *args: object) -> tuple[int, int]:
        if args[3] > 40:  # type: ignore[operator]
            raise MemoryError("no room")
        time.sleep(0.1)
        return rounds(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Lookahead, "_round", fail_later)
    assert engine.go("position startpos", "go nodes 500") != "(none)"
    assert "info string MemoryError: no room" in engine.read


def test_the_dialect_of_cyclone_has_no_position_before_fen_and_counts_ranks_from_0(engine: Engine) -> None:
    start = "fen rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR r moves"
    engine.send("uci", "setoption name UCI_Variant value xiangqi")
    for moves in ("", " h2e2 h9g7", " a3a4 i6i5"):  # the last one is legal from 1 on as well
        board = Board()
        for text in moves.split():
            board.push(Move.from_iccs(text))
        assert board.is_legal(Move.from_iccs(engine.go(f"{start}{moves}", "go nodes 8")))
    engine.send("setoption name Ranks value 1-10")
    assert re.fullmatch(r"[a-i][1-5][a-i]([1-9]|10)", engine.go(start, "go nodes 8"))


def test_a_level_searches_no_more_than_it_should(engine: Engine) -> None:
    engine.send("uci")
    assert "option name Level type combo default default var default var novice" in "\n".join(engine.lines)
    engine.send("setoption name Level value advanced")
    for limit in ("nodes 200", "wtime 600000 btime 600000", "depth 8"):
        engine.go("ucinewgame", "position startpos", f"go {limit}")
        assert number(engine.last_lines()[0], "nodes") <= LEVELS[6].descents
    engine.send("setoption name Level value novice")
    assert {engine.go("position startpos", "go movetime 5000") for _ in range(8)} != {"h2e2"}
    assert not any(" nodes " in line for line in engine.read)


def test_options_that_are_set_come_before_the_level(engine: Engine) -> None:
    engine.send("setoption name Level value novice", "setoption name Lookahead value 20")
    engine.go("position startpos", "go")
    assert number(engine.last_lines()[0], "nodes") == 20


def test_a_level_of_the_command_is_the_default(model: Path) -> None:
    engine = Engine(model, spec=",level=7")
    engine.send("uci")
    assert any(line.startswith("option name Level type combo default advanced ") for line in engine.lines)
    engine.go("position startpos", "go nodes 100")
    assert number(engine.last_lines()[0], "nodes") <= LEVELS[6].descents
    engine.session.run(["quit"])
