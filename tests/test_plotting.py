"""Pictures of measurements."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faulty_disk import faulty_disk
from xiangqi_gpt.errors import ConfigError, FileError
from xiangqi_gpt.plotting import palette, save_plot, subplots


def test_pictures_that_cannot_be_written_leave_nothing_open(tmp_path: Path) -> None:
    pyplot = pytest.importorskip("matplotlib.pyplot")
    open_before = pyplot.get_fignums()
    figure, axes = subplots(1, 2, size=(2, 1))
    assert len(axes) == 2
    with faulty_disk(tmp_path, errno.ENOSPC, 0), pytest.raises(FileError):
        save_plot(figure, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []
    save_plot(figure, tmp_path / "a.png")
    assert pyplot.imread(tmp_path / "a.png").shape == (110, 220, 4)
    assert pyplot.get_fignums() == open_before
    with pytest.raises(FileError):
        save_plot(figure, tmp_path / "a.png", overwrite=False)


def test_twenty_colours() -> None:
    pytest.importorskip("matplotlib")
    assert len(set(palette())) == 20


@pytest.mark.parametrize("draw", [palette, lambda: subplots(size=(1, 1))])
def test_without_matplotlib_the_error_says_how_to_get_it(
    draw: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"pip install 'xiangqi-gpt\[plot\]'"):
        draw()
