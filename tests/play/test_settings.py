from __future__ import annotations

from pathlib import Path

import pytest

from xiangqi_gpt.play import actions
from xiangqi_gpt.play.game_state import GameState
from xiangqi_gpt.play.settings import Settings, load_settings, save_settings
from xiangqi_gpt.texts import Message


@pytest.fixture(autouse=True)
def _english(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")


def test_settings_come_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "play.json"
    wanted = Settings(language="zh", pieces="letters", theme="dark", labels="iccs", animation_ms=0)
    save_settings(wanted, path)
    assert load_settings(path) == wanted
    assert [file.name for file in path.parent.iterdir()] == ["play.json"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"null", b"\xff\xfe\x00", b'{"language": ' + b"[" * 100_000, b"1" * 100_000]
)
def test_a_broken_file_counts_as_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "play.json"
    path.write_bytes(content)
    assert load_settings(path) == Settings()


def test_single_bad_values_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "play.json"
    path.write_text(
        '{"language": "fr", "pieces": ["letters"], "theme": "dark", "animation_ms": -3, "more": 1}'
    )
    assert load_settings(path) == Settings(theme="dark")
    path.write_text('{"animation_ms": true, "language": "zh", "labels": {}}')
    assert load_settings(path) == Settings(language="zh")


def test_no_file_and_no_folder(tmp_path: Path) -> None:
    assert load_settings(tmp_path / "none.json") == Settings()
    (tmp_path / "file").write_text("")
    save_settings(Settings(), tmp_path / "file" / "play.json")
    assert load_settings(tmp_path) == Settings()


def test_a_broken_file_is_kept_as_a_copy_and_told(tmp_path: Path) -> None:
    path = tmp_path / "play.json"
    path.write_bytes(b'{"language": "zh", ')
    told: list[Message] = []
    assert load_settings(path, told.append) == Settings()
    (copy,) = tmp_path.glob("play.json.broken-*")
    assert copy.read_bytes() == b'{"language": "zh", '
    assert not path.exists()
    assert told == [Message.of("game.broken_settings", file=copy)]
    assert load_settings(path, told.append) == Settings()
    assert len(told) == 1, "no file is no fault"


def test_opponents_engines_rules_and_clock_come_back(tmp_path: Path) -> None:
    path = tmp_path / "play.json"
    wanted = Settings(
        opponent="gpt:level=novice",
        engines=("engine:pikafish,nodes=1000", "engine:xq --fast,protocol=ucci"),
        rules="chinese",
        clock="5m+3s",
        analysis=True,
        analyst="engine:pikafish,time=1",
    )
    save_settings(wanted, path)
    assert load_settings(path) == wanted
    path.write_text(
        '{"engines": ["gpt", 3, "engine:", "engine:a,ranks=7", "engine:b"], "clock": "soon", "rules": "mine",'
        ' "analyst": "", "analysis": 1, "opponent": 5}'
    )
    assert load_settings(path) == Settings(engines=("engine:b",))


def test_engines_are_added_and_removed() -> None:
    state = GameState()
    before = state.specs
    assert actions.add_engine(state, " pikafish,nodes=1000 ")
    assert actions.add_engine(state, "engine:pikafish,nodes=1000")
    assert state.settings.engines == ("engine:pikafish,nodes=1000",)
    assert state.specs == (*before, "engine:pikafish,nodes=1000")
    for text in ("", "x,ranks=7", "x" * 2000):
        assert not actions.add_engine(state, text)
        assert state.status()[1] == "warn"
    actions.remove_engine(state, "engine:pikafish,nodes=1000")
    assert (state.settings.engines, state.specs) == ((), before)
