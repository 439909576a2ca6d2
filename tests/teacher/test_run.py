from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.teacher.scripted import needs_fairy, scripted
from xiangqi_gpt.dataset.packed import pack
from xiangqi_gpt.errors import ConfigError, RecordError, TeacherError, WorkerError
from xiangqi_gpt.players import PlayerError, parse_engine
from xiangqi_gpt.records import GameRecord, read_games, write_games
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.teacher import run
from xiangqi_gpt.teacher.playout import PlayOut
from xiangqi_gpt.teacher.run import Generation, LabelJob, Place, Summary, generate, label
from xiangqi_gpt.teacher.starts import StartConfig
from xiangqi_gpt.teacher.work import Result, Row, Task, Work, Worker
from xiangqi_gpt.workers.local_pool import LocalPool

OPENING = tuple(Move.from_iccs(text) for text in ("h2e2", "h9g7", "h0g2", "i9h9"))
SHORT = StartConfig(max_plies=12, noise=(0.2,))


class InProcess:
    """A pool in this process, which can be interrupted after some results."""

    def __init__(self, work: Work, stop_after: int | None = None) -> None:
        self._worker = Worker(work)
        self._left = stop_after

    def results(self, tasks: Iterator[Task]) -> Iterator[Result]:
        for task in tasks:
            if self._left == 0:
                raise KeyboardInterrupt
            self._left = self._left - 1 if self._left is not None else None
            yield self._worker.run(task)

    def close(self) -> None:
        self._worker.close()


class Here(Place):
    def open(self, work: Work) -> Any:
        return InProcess(work, self.workers)


HERE = Here()


def job(out: Path, mode: str = "good", log: Path | None = None, games: int = 5, **other: Any) -> Generation:
    return Generation(engine=scripted(mode, log), games=games, out=out, **{"starts": SHORT, **other})


def test_a_stopped_run_goes_on_to_the_same_file(tmp_path: Path) -> None:
    generate(job(tmp_path / "whole.parquet"), HERE)
    with pytest.raises(KeyboardInterrupt):
        generate(job(tmp_path / "parts.parquet"), Here(workers=2))
    assert not (tmp_path / "parts.parquet").exists()
    seen: list[tuple[int, int]] = []
    summary = generate(
        job(tmp_path / "parts.parquet"), HERE, lambda now: seen.append((now.games, now.resumed))
    )
    assert (summary.games, summary.resumed, summary.dropped) == (5, 2, 0)
    assert seen == [(3, 2), (4, 2), (5, 2)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts.parquet", "whole.parquet"]
    assert (tmp_path / "parts.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()
    packed, report = pack(read_games(tmp_path / "whole.parquet"), ("train", "valid", "test", "reserved"))
    assert (packed.games, report.left_out) == (5, {})


def test_killed_at_any_moment_on_two_workers(tmp_path: Path) -> None:
    generate(job(tmp_path / "whole.parquet", games=8), HERE)
    program = (
        "from pathlib import Path; from tests.teacher.test_run import *\n"
        "if __name__ == '__main__':\n"
        f"    generate(job(Path({str(tmp_path / 'killed.parquet')!r}), games=8), Place(workers=2),\n"
        "        lambda now: print(now.games, flush=True))\n"
    )
    path = tmp_path / "program.py"
    path.write_text(program)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    for stop_at in ("2", "5"):
        with subprocess.Popen(
            [sys.executable, str(path)], stdout=subprocess.PIPE, text=True, env=environment
        ) as process:
            assert process.stdout is not None
            for line in process.stdout:
                if line.strip() == stop_at:
                    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
        assert process.returncode != 0
        assert not (tmp_path / "killed.parquet").exists()
    summary = generate(job(tmp_path / "killed.parquet", games=8), HERE)
    assert summary.resumed >= 5
    assert (tmp_path / "killed.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_an_engine_that_dies_is_started_again_and_the_game_played_anew(tmp_path: Path) -> None:
    log = tmp_path / "log"
    generate(job(tmp_path / "a.parquet", games=2), HERE)
    summary = generate(job(tmp_path / "b.parquet", "dies-once", log, games=2), HERE)
    assert (summary.games, summary.deaths) == (2, 1)
    assert log.read_text() == "start\n" * 2
    assert pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(tmp_path / "b.parquet"))


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (
            "dies",
            r"3 games were dropped and 0 finished.*ended \(exit code 3\) in '\S+ [wb]",
        ),
        ("illegal", r"3 games were dropped.*legal best move in '.*bestmove e0e9"),
        ("mute-score", r"3 games were dropped.*expected a score for the best move in '"),
    ],
)
def test_an_engine_that_fails_again_and_again_stops_the_run(tmp_path: Path, mode: str, words: str) -> None:
    with pytest.raises(TeacherError, match=words):
        generate(job(tmp_path / "a.parquet", mode), HERE)
    assert not (tmp_path / "a.parquet").exists()


def test_a_few_lies_cost_their_games(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "FREE_FAULTS", 9)
    # The script lies from its fourth question on; a game of one ply asks once.
    short = StartConfig(max_plies=2, random_plies=(1, 1))
    summary = generate(job(tmp_path / "a.parquet", "illegal", games=5, starts=short), HERE)
    assert (summary.games, summary.dropped) == (3, 2)
    assert summary.reasons[0].startswith("game 4: python")
    assert len(list(read_games(tmp_path / "a.parquet"))) == 3


def test_an_engine_that_cannot_be_started_stops_the_run_at_once(tmp_path: Path) -> None:
    with pytest.raises(PlayerError, match="offers chess"):
        generate(job(tmp_path / "a.parquet", "chess", games=1000), Place(workers=1))


class Fragile(PlayOut):
    """Play-outs over which the worker's process ends: once, or every time."""

    def do(self, engine: Any, task: Task) -> Row:
        if task.number == 1 and (self.seed == 1 or not os.path.exists(self.rules)):
            Path(self.rules).touch()
            engine.kill()
            os._exit(7)
        return replace_rules(self).do(engine, task)


def replace_rules(work: PlayOut) -> PlayOut:
    return PlayOut(engine=work.engine, max_plies=work.max_plies)


def test_a_worker_that_ends_is_replaced_and_its_games_done(tmp_path: Path) -> None:
    tasks = [Task(number=number, start_fen="", moves=()) for number in range(4)]
    tasks = [replace(task, start_fen=GameRecord(moves=()).start_fen) for task in tasks]
    work = Fragile(engine=scripted(), rules=str(tmp_path / "ended"), max_plies=3)
    pool = LocalPool(partial(Worker, work), 1)
    try:
        results = list(pool.results(iter(tasks)))
        assert sorted(result.number for result in results) == [0, 1, 2, 3]
        assert all(result.row is not None for result in results)
        assert list(pool.results(iter(()))) == []
    finally:
        pool.close()
    pool = LocalPool(partial(Worker, replace(work, seed=1)), 1)
    try:
        with pytest.raises(WorkerError, match="3 worker processes ended in a row, the last with exit code 7"):
            list(pool.results(iter(tasks)))
    finally:
        pool.close()


def test_nothing_is_overwritten_or_mixed(tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    out.write_text("mine")
    with pytest.raises(RecordError, match="--force"):
        generate(job(out), HERE)
    assert out.read_text() == "mine"
    generate(job(out, games=1, force=True), HERE)
    assert len(list(read_games(out))) == 1
    with pytest.raises(KeyboardInterrupt):
        generate(job(tmp_path / "b.parquet"), Here(workers=1))
    with pytest.raises(ConfigError, match="seed 0, now 3"):
        generate(job(tmp_path / "b.parquet", starts=replace(SHORT, seed=3)), HERE)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"games": 0}, "at least 1 game"),
        ({"multipv": 0}, "multipv from 1"),
        ({"out": Path("a.pgn")}, "written to Parquet"),
    ],
)
def test_settings_are_checked(tmp_path: Path, other: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        Generation(**{"engine": scripted(), "games": 1, "out": tmp_path / "a.parquet", **other})


def test_games_to_begin_from_are_of_the_train_split(tmp_path: Path) -> None:
    source = tmp_path / "s.parquet"
    write_games(source, [GameRecord(moves=OPENING, split="test")])
    with pytest.raises(RecordError, match="No games of split 'train' to begin from"):
        generate(job(tmp_path / "a.parquet", records=(source,)), HERE)
    write_games(source, [GameRecord(moves=OPENING, split="train")], force=True)
    starts = replace(SHORT, cut=(4, 4), random_plies=(0, 1))
    generate(job(tmp_path / "a.parquet", games=3, records=(source,), starts=starts), HERE)
    games = list(read_games(tmp_path / "a.parquet"))
    assert all(game.moves[:4] == OPENING for game in games)
    assert {game.labels.first for game in games if game.labels is not None} <= {4, 5}


def source_of(tmp_path: Path) -> Path:
    games = [
        GameRecord(moves=OPENING, result="1-0", tags={"Red": "甲"}, id="x"),
        GameRecord(moves=OPENING[:2], kind="engine"),
        GameRecord(moves=()),
    ]
    write_games(tmp_path / "s.jsonl", games)
    with open(tmp_path / "s.jsonl", "a", encoding="utf-8") as file:
        file.write('{"moves": "h2h9 h9h8 zz"}\nno game\n')
    return tmp_path / "s.jsonl"


@pytest.mark.parametrize("name", ["out.parquet", "out.jsonl"])
def test_label_adds_labels_and_keeps_the_rest(tmp_path: Path, name: str) -> None:
    source = source_of(tmp_path)
    spec = LabelJob(engine=scripted(), sources=(source,), out=tmp_path / name, every=2, multipv=2)
    with pytest.raises(KeyboardInterrupt):
        label(spec, Here(workers=1))
    summary = label(spec, HERE)
    assert (summary.games, summary.resumed, summary.refused) == (3, 1, 2)
    games = list(read_games(tmp_path / name))
    for game, before in zip(games, read_games(source, on_error=lambda error: None), strict=True):
        assert replace(game, labels=None, file="", number=0) == replace(before, file="", number=0)
    labels = games[0].labels
    assert labels is not None
    assert [move is not None for move in labels.best] == [True, False, True, False]
    assert [len(line) for line in labels.lines] == [2, 0, 2, 0]
    assert games[1].labels is not None
    assert [move is not None for move in games[1].labels.best] == [False, True]


def test_label_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    source = source_of(tmp_path)
    with pytest.raises(ConfigError, match="Labels are written to"):
        LabelJob(engine=scripted(), sources=(source,), out=tmp_path / "out.pgn")
    empty = tmp_path / "empty.pgn"
    empty.write_text("")
    for sources in ((tmp_path / "none.pgn",), (empty,)):
        with pytest.raises(RecordError):
            label(LabelJob(engine=scripted(), sources=sources, out=tmp_path / "out.parquet"), HERE)


def test_rates() -> None:
    summary = Summary(labels=30, seconds=2.0)
    assert summary.rate == 15
    assert Summary().rate == 0


@needs_fairy
def test_fairy_stockfish_on_two_workers(tmp_path: Path) -> None:
    engine = parse_engine("fairy-stockfish,nodes=60,Hash=1")
    starts = StartConfig(max_plies=16)
    spec = Generation(engine=engine, games=4, out=tmp_path / "a.parquet", starts=starts)
    summary = generate(spec, Place(workers=2))
    assert summary.games == 4
    assert summary.engine_seconds > 0
    generate(replace(spec, out=tmp_path / "b.parquet"), HERE)
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()
    games = list(read_games(tmp_path / "a.parquet"))
    assert all(game.labels is not None and None not in game.labels.cp for game in games)
