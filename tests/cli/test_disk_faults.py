"""A disk that refuses to be written to: one line with path and cause, nothing half-written, and a second try works."""

from __future__ import annotations

import errno
import os
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.experiments.test_compare import RESULTS, TINY
from tests.experiments.test_compare import games as games_to_compare
from tests.faulty_disk import faulty_disk
from tests.model.tiny import tiny
from tests.teacher.scripted import command
from tests.training.games import games
from xiangqi_gpt import files
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.errors import FileError
from xiangqi_gpt.records import GameRecord, TeacherLabels
from xiangqi_gpt.records.formats import parquet
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.safe_json import parse_json
from xiangqi_gpt.teacher import run as teaching
from xiangqi_gpt.teacher.work import Worker
from xiangqi_gpt.workers.pool import InlinePool

NUMBERS = (errno.ENOSPC, errno.EROFS, errno.EIO, errno.ENAMETOOLONG, errno.EACCES, errno.EMFILE)
GAME = '[Game "x"]\n[Red "A"]\n\n1. h2e2 h9g7 2. h0g2 i9h9 *\n\n'
RUN = "--preset tiny --device cpu --max-steps 1 --set batch_windows=2 --set micro_batch_windows=2 --set width=16"
TINY_SETTINGS = " ".join(f"--set {setting}" for setting in TINY)

COMMANDS = {
    "match": "match random greedy --games 2 --max-plies 6 --pgn OUT/m.pgn --resume",
    "tournament": "tournament random greedy --games 2 --max-plies 6 --pgn OUT/t.pgn --plot OUT/t.png --resume",
    "convert": "convert IN/games.pgn --out OUT/c.parquet --report OUT/c.report --force",
    "convert to PGN": "convert IN/games.pgn --out OUT/c.pgn --notation chinese",
    "convert to JSON": "convert IN/games.pgn --out OUT/c.jsonl",
    "convert to DhtmlXQ": "convert IN/games.pgn --out OUT/c.ubb",
    "convert to XQF": "convert IN/one.pgn --out OUT/c.xqf",
    "pack": "pack IN/games.parquet --out OUT/p",
    "pack a file": "pack IN/games.parquet --out OUT/p.xgp",
    "generate": "generate --engine ENGINE --games 2 --max-plies 4 --out OUT/g.parquet",
    "label": "label IN/games.pgn --engine ENGINE --out OUT/l.parquet",
    "compare": f"compare tokenizer --data IN/compare.parquet --out OUT/x --steps 1 {TINY_SETTINGS}",
    "review": "review IN/games.pgn --player greedy --out OUT/r.pgn --html OUT/r.html --plot OUT/r.png --force",
    "evaluate": "evaluate calibration --model IN/model --threads 1 --split train --games 2 "
    "--data IN/games.parquet --plot OUT/k.png",
    "make-puzzles": "evaluate make-puzzles --data IN/lines.parquet --split train --out OUT/z.pgn",
    "export": "export IN/model --out OUT/e",
    "train": f"train --data IN/games.parquet --out OUT/run {RUN}",
}
"""Every command that writes. ``IN`` is a folder that is read, ``OUT`` the one on the faulty disk."""

GROWING = (".pgn", "log.jsonl")
"""Files that grow by whole games or lines while a command runs."""


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("in")
    (folder / "games.pgn").write_text(GAME * 2 + GAME.replace("2. h0g2 i9h9 ", ""))
    (folder / "one.pgn").write_text(GAME)
    parquet.write(folder / "games.parquet", games(6))
    parquet.write(folder / "compare.parquet", games_to_compare(8))
    mate, other = Move.from_iccs("b0b9"), Move.from_iccs("b0b1")
    puzzle = GameRecord(
        start_fen="4k4/R8/9/9/9/9/9/9/9/1R1K5 w - - 0 1",
        moves=(mate,),
        split="train",
        labels=TeacherLabels(first=0, best=(mate,), cp=(900,), lines=(((mate, 29000), (other, 0)),)),
    )
    parquet.write(folder / "lines.parquet", [puzzle])
    tiny().save_pretrained(folder / "model")
    return folder


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """All work is done in this process, where the disk is faulty."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(teaching.Place, "open", lambda place, work: InlinePool(partial(Worker, work)))
    monkeypatch.setattr("xiangqi_gpt.experiments.compare.compare", lambda *args, **options: RESULTS[:1])


def call(name: str, sources: Path, out: Path) -> Result:
    words = []
    for word in COMMANDS[name].split(" "):
        if word == "ENGINE":
            words.append(f"{command()},nodes=1")
        else:
            words.append(word.replace("IN/", f"{sources}/").replace("OUT/", f"{out}/"))
    if name == "train" and list((out / "run").glob("checkpoint-*")):
        words.append("--resume")
    return CliRunner().invoke(cli, words)


def sizes(out: Path) -> dict[str, int]:
    """The files that a command leaves, without those of its journal."""
    found = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    return {
        name: path.stat().st_size
        for name, path in found.items()
        if ".parts/" not in name and not name.endswith((".lock", *GROWING[1:]))
    }


def check_fault(name: str, sources: Path, out: Path, whole: dict[str, int], number: int, first: int) -> None:
    out.mkdir()
    with faulty_disk(out, number, first) as disk:
        done = call(name, sources, out)
    what = f"{name}: {errno.errorcode[number]} at {disk.failed[:1]}:\n{done.output}"
    assert isinstance(done.exception, SystemExit), f"{what}{done.exception!r}"
    assert done.exit_code == 2, what
    last = done.stderr.splitlines()[-1]
    assert last.startswith("Error: "), what
    assert os.strerror(number) in last or "full disk" in last or "the disk is full" in last, what
    assert str(out) in last, what
    assert "Traceback" not in done.output
    for file, size in sizes(out).items():
        assert file in whole, what  # no draft is left
        if file.endswith(".json"):  # times differ from run to run
            parse_json((out / file).read_bytes())
        else:
            assert size == whole[file] or (file.endswith(GROWING) and size < whole[file]), f"{what}{file}"
    again = call(name, sources, out)
    assert again.exit_code == 0, f"{what}\nagain: {again.output}"


def run_whole(name: str, sources: Path, out: Path) -> tuple[dict[str, int], list[str]]:
    out.mkdir()
    with faulty_disk(out) as disk:
        done = call(name, sources, out)
    assert done.exit_code == 0, done.output
    return sizes(out), disk.calls


@pytest.mark.parametrize("name", COMMANDS)
def test_a_faulty_disk_is_one_line(name: str, sources: Path, tmp_path: Path) -> None:
    whole, calls = run_whole(name, sources, tmp_path / "whole")
    assert len(calls) > 3
    writes = [at for at, call in enumerate(calls) if "write" in call or call.startswith("safetensors")]
    places = (writes[0], len(calls) // 2, len(calls) - 1)
    for number, first in zip((errno.ENOSPC, errno.EIO, errno.EROFS), places, strict=True):
        check_fault(name, sources, tmp_path / f"{number}-{first}", whole, number, first)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_every_place_and_every_cause(name: str, sources: Path, tmp_path: Path) -> None:
    whole, calls = run_whole(name, sources, tmp_path / "whole")
    for number in NUMBERS:
        for first in range(len(calls)):
            check_fault(name, sources, tmp_path / f"{number}-{first}", whole, number, first)


@pytest.mark.parametrize("name", ["match", "convert", "pack a file", "generate", "label", "review", "export"])
def test_names_that_the_system_refuses(name: str, sources: Path, tmp_path: Path) -> None:
    """A name that is too long, and a file in the place of a folder."""
    (tmp_path / "file").write_text("kept")
    for place, reason in (("x" * 300, errno.ENAMETOOLONG), ("file", errno.ENOTDIR)):
        done = call(name, sources, tmp_path / place)
        assert isinstance(done.exception, SystemExit), f"{done.exception!r} {place[:5]}"
        assert done.exit_code == 2
        last = done.stderr.splitlines()[-1]
        reasons = (os.strerror(reason), "file' is no folder", os.strerror(errno.EEXIST))
        assert any(words in last for words in reasons), last
    assert (tmp_path / "file").read_text() == "kept"


def test_a_long_name_that_the_system_takes(sources: Path, tmp_path: Path) -> None:
    name = "x" * 250 + ".pgn"
    words = ["convert", str(sources / "one.pgn"), "--out", str(tmp_path / name)]
    assert CliRunner().invoke(cli, words).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_output_that_cannot_be_written_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("xiangqi_gpt.cli.perft_command.click.echo", full)
    done = CliRunner().invoke(cli, ["perft", "1"])
    assert (done.exit_code, isinstance(done.exception, SystemExit)) == (2, True)
    assert "No space left" in done.stderr


@pytest.mark.parametrize(
    ("error", "number"),
    [
        (OSError(errno.EIO, "x"), errno.EIO),
        (OSError(errno.ENOSPC, "Detail: [errno 28] No space left on device"), errno.ENOSPC),
        (RuntimeError("I/O error: Read-only file system (os error 30)"), errno.EROFS),
        (BrokenPipeError(errno.EPIPE, "x"), None),  # of a process, not of a file
        (ValueError("x"), None),
    ],
)
def test_the_system_error_behind_an_error(error: Exception, number: int | None) -> None:
    found = files.system_error(error)
    assert (None if found is None else found.errno) == number


def test_appended_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"a\.txt: .*Input/output error"), files.writing(tmp_path / "a.txt"):
        raise OSError(errno.EIO, os.strerror(errno.EIO))
