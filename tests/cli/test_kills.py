"""Commands that are killed: nothing finished is lost, nothing is half-written, and the same command resumes."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.experiments.test_compare import TINY
from tests.experiments.test_compare import games as games_to_compare
from tests.teacher.scripted import command as engine
from tests.training.games import games
from xiangqi_gpt.dataset.shards import read_file, read_folder
from xiangqi_gpt.errors import XiangqiError
from xiangqi_gpt.records import GameRecord, read_games
from xiangqi_gpt.records.formats import parquet
from xiangqi_gpt.records.formats.pgn import pgnwrite
from xiangqi_gpt.rules.board import Board

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGKILL")

SETTINGS = " ".join(f"--set {setting}" for setting in TINY)


@dataclass(frozen=True)
class Command:
    """A command that is killed.

    Attributes:
        words: what it is called with; ``IN`` is a folder that is read, ``OUT`` the one that is written.
        whole: what of its output and standard output has to be the same, killed or not.
        journals: the files, in OUT or in the cache, with a line for each thing that is finished.
    """

    words: str
    whole: Callable[[Path, str], object]
    journals: str = ""


def pgn(name: str) -> Callable[[Path, str], object]:
    """The moves and results of a file of games."""
    return lambda out, text: [(game.moves, game.result) for game in read_games(out / name)]


def content(name: str) -> Callable[[Path, str], object]:
    return lambda out, text: (out / name).read_bytes()


def losses(out: Path, text: str) -> object:
    """What training gives, whatever the machine's speed."""
    rows = json.loads((out / "x" / "results.json").read_text(encoding="utf-8"))
    return sorted((row["choice"], row["seed"], row["loss"]) for row in rows)


COMMANDS = {
    "match": Command(
        "match random random --games 60 --max-plies 150 --pgn OUT/m.pgn --resume --quiet",
        pgn("m.pgn"),
        "OUT/*.parts/games.jsonl",
    ),
    "tournament": Command(
        "tournament random greedy random:seed=1 --games 16 --max-plies 100 --pgn OUT/t.pgn --resume --quiet",
        pgn("t.pgn"),
        "OUT/*.parts/games.jsonl",
    ),
    "convert": Command("convert IN/many.pgn --out OUT/c.parquet --report OUT/c.txt --force", content("c.parquet")),
    "pack": Command("pack IN/many.parquet --out OUT/p.xgp --force", content("p.xgp")),
    "generate": Command(
        "generate --engine ENGINE --games 40 --max-plies 12 --workers 2 --out OUT/g.parquet --force",
        content("g.parquet"),
        "OUT/*.parts/games.jsonl",
    ),
    "label": Command(
        "label IN/games.parquet --engine ENGINE --workers 2 --out OUT/l.parquet --force",
        content("l.parquet"),
        "OUT/*.parts/games.jsonl",
    ),
    "compare": Command(
        f"compare tokenizer --choices square,move --seeds 2 --data IN/compare.parquet --out OUT/x --steps 6 "
        f"--games 2 --set batch_windows=2 --set micro_batch_windows=2 {SETTINGS}",
        losses,
        "OUT/x/*/*/result.json",
    ),
    "review": Command(
        "review IN/long.pgn --player greedy --out OUT/r.pgn --force",
        content("r.pgn"),
        "CACHE/xiangqi-gpt/reviews/*.jsonl",
    ),
    "evaluate": Command(
        "evaluate puzzles --data IN/puzzles.pgn --player greedy --json",
        lambda out, text: json.loads(text),
        "CACHE/xiangqi-gpt/evaluations/*/games.jsonl",
    ),
    "make-puzzles": Command(
        "evaluate make-puzzles --data IN/games.parquet --split train --engine engine:ENGINE --margin 0.05 "
        "--out OUT/z.pgn --force",
        pgn("z.pgn"),
        "CACHE/xiangqi-gpt/evaluations/*/games.jsonl",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("in")
    drawn = random.Random(0)
    parquet.write(folder / "games.parquet", games(40))
    parquet.write(folder / "many.parquet", games(400))
    parquet.write(folder / "compare.parquet", games_to_compare(16))
    pgnwrite.write(folder / "many.pgn", games(400))
    boards = [Board() for _ in range(40)]
    for board in boards:
        for _ in range(200 if board is boards[0] else 20):
            if board.legal_moves():
                board.push(drawn.choice(board.legal_moves()))
    pgnwrite.write(folder / "long.pgn", [GameRecord(moves=tuple(boards[0].move_stack))])
    solved = [GameRecord(start_fen=board.fen(), moves=(board.legal_moves()[0],)) for board in boards[1:]]
    pgnwrite.write(folder / "puzzles.pgn", solved)
    return folder


class Runner:
    """Starts a command in a folder of its own."""

    def __init__(self, name: str, sources: Path, folder: Path) -> None:
        self.command = COMMANDS[name]
        self.out, self.cache, self._sources = folder / "out", folder / "cache", sources
        self.out.mkdir(parents=True)

    def start(self) -> subprocess.Popen[str]:
        words = []
        for word in self.command.words.split(" "):
            word = word.replace("ENGINE", f"{engine()},nodes=1")
            words.append(word.replace("IN/", f"{self._sources}/").replace("OUT/", f"{self.out}/"))
        return subprocess.Popen(
            [sys.executable, "-m", "xiangqi_gpt.cli.main", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, "XDG_CACHE_HOME": str(self.cache)},
        )

    def finish(self) -> object:
        """Run to the end; what has to be the same."""
        with self.start() as process:
            text, errors = process.communicate()
        assert process.returncode == 0, errors
        found = self.command.whole(self.out, text)
        left = [path.name for path in self.out.iterdir()]
        assert not [name for name in left if name.endswith((".parts", ".part"))], left
        return found

    def finished(self) -> int:
        """How much is finished: lines of the journals that are whole, or files of results."""
        place, _, pattern = self.command.journals.partition("/")
        if not place:
            return 0
        files = {"OUT": self.out, "CACHE": self.cache}[place].glob(pattern)
        return sum(1 if path.suffix == ".json" else lines_of(path) for path in files)

    def is_whole(self, text: str, wanted: object) -> bool:
        """Whether a killed command had done everything, so that its journal is gone."""
        try:
            return self.finished() == 0 and self.command.whole(self.out, text) == wanted
        except (OSError, ValueError, XiangqiError):
            return False

    def let_a_day_pass(self) -> None:
        """Drafts of a killed program are old enough to be removed by the next one that writes the same name."""
        for draft in self.out.rglob(".*.part"):
            os.utime(draft, (0, 0))

    def check_files(self) -> None:
        """Whatever has its name is whole."""
        for path in self.out.rglob("*"):
            hidden = any(
                part.startswith(".") or part.endswith(".parts") for part in path.relative_to(self.out).parts
            )
            if hidden or not path.is_file():
                continue
            if path.suffix in (".pgn", ".parquet"):
                for game in read_games(path, on_error=fail):
                    assert game.moves
            elif path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.suffix == ".xgp":
                read_file(path)
            elif path.name == "index.json":
                read_folder(path.parent)


def fail(error: Exception) -> None:
    raise error


def lines_of(path: Path) -> int:
    return len(re.findall(rb"[^\n]+\n", path.read_bytes()))


def kill_again_and_again(name: str, sources: Path, tmp_path: Path, kills: int, seed: int) -> None:
    """Kill a command at random moments, each time going on with what is left, and compare the end."""
    whole = Runner(name, sources, tmp_path / "whole")
    began = time.monotonic()
    wanted = whole.finish()
    seconds = time.monotonic() - began
    drawn, number, killed, done = random.Random(f"{name}/{seed}"), 0, 0, 0
    runner = Runner(name, sources, tmp_path / "0")
    while killed < kills:
        began = time.monotonic()
        with runner.start() as process:
            try:
                text, errors = process.communicate(timeout=drawn.uniform(0.1, 0.95) * seconds)
            except subprocess.TimeoutExpired:
                killed += 1
                process.send_signal(drawn.choice([signal.SIGKILL, signal.SIGTERM]))
                text, errors = process.communicate()
        runner.check_files()
        runner.let_a_day_pass()
        is_over = process.returncode == 0 or "There is nothing to resume" in errors
        if is_over or runner.is_whole(text, wanted):  # it was killed behind its end
            seconds = min(seconds, time.monotonic() - began)  # the machine is not always as fast
            number, done = number + 1, 0
            runner = Runner(name, sources, tmp_path / str(number))
            continue
        assert process.returncode in (-signal.SIGKILL, -signal.SIGTERM, 130, 143), errors
        now = runner.finished()
        assert now >= done, f"{done} were finished, {now} are left"
        done = now
    assert runner.finish() == wanted


@pytest.mark.parametrize("name", ["match", "convert", "review", "evaluate"])
def test_two_kills(name: str, sources: Path, tmp_path: Path) -> None:
    kill_again_and_again(name, sources, tmp_path, 2, seed=0)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_twenty_kills(name: str, sources: Path, tmp_path: Path) -> None:
    kill_again_and_again(name, sources, tmp_path, 20, seed=1)
