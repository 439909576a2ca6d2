from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from tests.arena.full_file import FullFile
from tests.arena.scripts import opening
from xiangqi_gpt.arena.game_store import GameStore
from xiangqi_gpt.arena.referee import MatchConfig, PlayedGame
from xiangqi_gpt.arena.series import Place, match_tasks, play_series
from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.records import read_games
from xiangqi_gpt.workers.journal import parts_folder

CONFIG = MatchConfig(max_plies=12)
SETTINGS = {"players": ["random", "greedy"], "seed": 0}


def games(count: int = 3) -> tuple[PlayedGame, ...]:
    openings = [opening(text) for text in ("h2e2", "c3c4", "g3g4")]
    return play_series(match_tasks("random", "greedy", count, openings, 0), CONFIG, Place())


def store(path: Path, **options: Any) -> GameStore:
    return GameStore(path, options.pop("settings", SETTINGS), CONFIG, **options)


def rounds(path: Path) -> list[str]:
    return [game.tags["Round"] for game in read_games(path)]


def test_each_game_is_on_disk_as_soon_as_it_is_added(tmp_path: Path) -> None:
    pgn = tmp_path / "match.pgn"
    third, first, second = (games()[i] for i in (2, 0, 1))
    with store(pgn) as kept:
        kept.add(third)
        assert rounds(pgn) == ["3"]
        kept.add(first)
        assert rounds(pgn) == ["3", "1"]
        kept.add(second)
        kept.finish([1, 2, 3])
        assert rounds(pgn) == ["1", "2", "3"]
        assert list(kept.games()) == [first, second, third]
        kept.remove()
    assert list(tmp_path.iterdir()) == [pgn]
    assert [game.moves for game in read_games(pgn)] == [game.moves for game in (first, second, third)]


def test_games_left_out_of_the_result_leave_the_file(tmp_path: Path) -> None:
    with store(tmp_path / "match.pgn") as kept:
        for game in games():
            kept.add(game)
        kept.finish([1, 2])
    assert rounds(tmp_path / "match.pgn") == ["1", "2"]


def test_a_stopped_match_is_continued_or_refused(tmp_path: Path) -> None:
    pgn = tmp_path / "match.pgn"
    first, second, third = games()
    with store(pgn) as kept:
        kept.add(first)
        kept.add(second)
    with pytest.raises(ConfigError, match="--resume continues it"):
        store(pgn)
    with pytest.raises(ConfigError, match="seed 0, now 1"):
        store(pgn, settings={**SETTINGS, "seed": 1}, resume=True).__enter__()
    # Half a game at the end of both files, as a kill may leave it.
    pgn.write_bytes(pgn.read_bytes()[:-50])
    with (parts_folder(pgn) / "games.jsonl").open("ab") as journal:
        journal.write(b"1234abcd {")
    with store(pgn, resume=True) as kept:
        assert list(kept.games()) == [first, second]
        assert rounds(pgn) == ["1", "2"]
        kept.add(third)
        kept.finish([1, 2, 3])
        kept.remove()
    assert rounds(pgn) == ["1", "2", "3"]
    with pytest.raises(ConfigError, match="nothing to resume"):
        store(pgn, resume=True)
    with pytest.raises(RecordError, match="--force"):
        store(pgn)


def test_force_begins_anew_but_keeps_the_old_file_until_a_game_is_there(tmp_path: Path) -> None:
    pgn = tmp_path / "match.pgn"
    first, second, _ = games()
    with store(pgn) as kept:
        kept.add(first)
    with store(pgn, force=True) as kept:
        assert list(kept.games()) == []
        assert rounds(pgn) == ["1"]
        kept.add(second)
    assert rounds(pgn) == ["2"]


def test_nothing_to_resume_yet_is_a_beginning(tmp_path: Path) -> None:
    with store(tmp_path / "match.pgn", resume=True) as kept:
        assert len(kept) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("room", [0, 100])
def test_a_full_disk_costs_no_finished_game(tmp_path: Path, room: int) -> None:
    pgn = tmp_path / "match.pgn"
    first, second, _ = games()
    with store(pgn) as kept:
        kept.add(first)
        before = pgn.read_bytes()
        kept._file = FullFile(kept._file, room)
        with pytest.raises(
            RecordError, match=r"No space left.*2 finished games are kept.*--resume"
        ) as caught:
            kept.add(second)
        assert caught.value.file == str(pgn)
        assert pgn.read_bytes() == before
    with store(pgn, resume=True) as kept:
        assert list(kept.games()) == [first, second]
    # The journal's own file: the game is lost, those before it are not.
    with store(pgn, resume=True) as kept:
        kept._journal._file = FullFile(kept._journal._file, room)
        with pytest.raises(RecordError, match=r"No space left.*2 finished games are kept"):
            kept.add(games()[2])
    with store(pgn, resume=True) as kept:
        assert list(kept.games()) == [first, second]
    assert rounds(pgn) == ["1", "2"]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *args: Any, **options: Any) -> None:
        raise OSError(errno.EROFS, "Read-only file system", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(RecordError, match="Read-only file system") as caught:
        store(tmp_path / "match.pgn").__enter__()
    assert str(tmp_path) in str(caught.value)
    assert list(tmp_path.iterdir()) == []
