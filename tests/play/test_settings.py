from __future__ import annotations

from pathlib import Path

import pytest

from xiangqi_gpt.play.settings import Settings, load_settings, save_settings


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
