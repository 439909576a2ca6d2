"""Pictures of measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.files import atomic_path, check_writable


def pyplot() -> Any:
    """matplotlib.pyplot, drawing into files and never on a display.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        import matplotlib
    except ImportError:
        raise ConfigError("Plots need matplotlib. Install it with: pip install 'xiangqi-gpt[plot]'") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    return pyplot


def check_plot(path: Path) -> None:
    """Before hours of work: ConfigError if nothing can be drawn, FileError if *path* cannot be a picture's name."""
    pyplot()
    check_writable(path, overwrite=True)


def save_plot(figure: Any, path: Path) -> None:
    """Write a figure as a PNG, replacing an older one only when the new one is complete, and close it.

    Raises:
        FileError: the disk refuses it.
    """
    try:
        with atomic_path(path, overwrite=True) as draft:
            figure.savefig(draft, dpi=110, format="png")
    finally:
        pyplot().close(figure)
