from __future__ import annotations

from pathlib import Path

import pytest

import xiangqi_gpt.resources as resources
from xiangqi_gpt.errors import XiangqiError
from xiangqi_gpt.resources import resource_path


def test_files_of_the_clone_are_found() -> None:
    assert resource_path("data").is_dir()
    assert resource_path("assets").is_dir()


@pytest.mark.parametrize("name", ["", "tests/x", "/etc/passwd", "data/../pyproject.toml", "assets\\x"])
def test_other_places_are_refused(name: str) -> None:
    with pytest.raises(XiangqiError, match="below assets/ or data/"):
        resource_path(name)


def test_missing_file_says_where_it_was_sought() -> None:
    with pytest.raises(XiangqiError, match=r"data/nothing\.txt.*_resources"):
        resource_path("data/nothing.txt")


def test_wheel_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "site-packages" / "xiangqi_gpt"
    (package / "_resources" / "data").mkdir(parents=True)
    (package / "_resources" / "data" / "openings.txt").write_text("")
    (package.parent / "data").mkdir()
    (package.parent / "data" / "openings.txt").write_text("a stranger's")
    monkeypatch.setattr(resources, "_PACKAGE", package)
    assert resource_path("data/openings.txt") == package / "_resources" / "data" / "openings.txt"
