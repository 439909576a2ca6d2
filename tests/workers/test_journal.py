from __future__ import annotations

import errno
import io
from pathlib import Path
from typing import Any

import pytest

from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.workers import journal as module
from xiangqi_gpt.workers.journal import Journal, rows_in_order

SETTINGS = {"engine": "x[nodes=1]", "noise": (0.0, 0.1)}


def filled(out: Path, numbers: tuple[int, ...] = (2, 0, 1)) -> Path:
    with Journal(out, SETTINGS) as journal:
        for number in numbers:
            journal.add(number, {"moves": f"m{number}"})
    return journal.folder / "games.jsonl"


def test_games_come_back_in_order(tmp_path: Path) -> None:
    filled(tmp_path / "a.parquet")
    with Journal(tmp_path / "a.parquet", SETTINGS) as journal:
        assert (len(journal), 1 in journal, 3 in journal) == (3, True, False)
        journal.add(7, {"moves": "m7"})
        assert [number for number, _ in rows_in_order(journal)] == [0, 1, 2, 7]
        assert list(rows_in_order(journal, below=2)) == [(0, {"moves": "m0"}), (1, {"moves": "m1"})]
        journal.remove()
    assert list(tmp_path.iterdir()) == []


def test_a_kill_at_any_byte_costs_the_last_line_only(tmp_path: Path) -> None:
    path = filled(tmp_path / "a.parquet")
    whole = path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == 10]
    for size in range(len(whole) + 1):
        path.write_bytes(whole[:size])
        with Journal(tmp_path / "a.parquet", SETTINGS) as journal:
            kept = sum(end <= size for end in ends)
            assert journal.numbers() == sorted((2, 0, 1)[:kept])
            journal.add(9, {"moves": "m9"})
            assert journal.row(9) == {"moves": "m9"}
        with Journal(tmp_path / "a.parquet", SETTINGS) as journal:
            assert len(journal) == kept + 1


def test_a_damaged_line_is_a_game_to_play_again(tmp_path: Path) -> None:
    path = filled(tmp_path / "a.parquet")
    path.write_bytes(path.read_bytes().replace(b"m0", b"m8"))
    with Journal(tmp_path / "a.parquet", SETTINGS) as journal:
        assert journal.numbers() == [1, 2]


def test_other_settings_are_refused_and_force_begins_anew(tmp_path: Path) -> None:
    filled(tmp_path / "a.parquet")
    other = {**SETTINGS, "engine": "x[nodes=2]"}
    with pytest.raises(ConfigError, match=r"engine 'x\[nodes=1\]', now 'x\[nodes=2\]'.*--force"):
        Journal(tmp_path / "a.parquet", other).__enter__()
    with Journal(tmp_path / "a.parquet", SETTINGS, force=True) as journal:
        assert len(journal) == 3
    with Journal(tmp_path / "a.parquet", other, force=True) as journal:
        assert len(journal) == 0


def test_a_run_without_a_finished_game_leaves_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "a.parquet", SETTINGS) as journal:
        assert journal.folder.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_one_run_at_a_time(tmp_path: Path) -> None:
    with (
        Journal(tmp_path / "a.parquet", SETTINGS) as journal,
        pytest.raises(ConfigError, match="Another run is writing into"),
    ):
        Journal(tmp_path / "a.parquet", SETTINGS).__enter__()
    assert not journal.folder.exists()
    filled(tmp_path / "a.parquet")


class _FullDisk(io.FileIO):
    """A file on a disk with room for two lines and a half."""

    room = 100

    def write(self, data: Any) -> int:
        free = self.room - self.seek(0, io.SEEK_END)
        if free <= 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(bytes(data)[:free])


def test_a_full_disk_keeps_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(path: Path, mode: str, **settings: Any) -> Any:
        return _FullDisk(path, "a+") if settings.get("buffering") == 0 else open(path, mode, **settings)

    monkeypatch.setattr(module, "open", opened, raising=False)
    with Journal(tmp_path / "a.parquet", SETTINGS) as journal:
        journal.add(0, {"moves": "m0"})
        journal.add(1, {"moves": "m1"})
        with pytest.raises(RecordError, match=r"No space left on device; 2 finished games are kept"):
            journal.add(2, {"moves": "m2"})
    monkeypatch.undo()
    with Journal(tmp_path / "a.parquet", SETTINGS) as journal:
        assert journal.numbers() == [0, 1]
        journal.add(2, {"moves": "m2"})
