"""Pictures of measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.files import atomic_path, check_writable


def check_matplotlib() -> None:
    """ConfigError where nothing can be drawn: matplotlib is not installed."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ConfigError("Plots need matplotlib. Install it with: pip install 'xiangqi-gpt[plot]'") from None


def subplots(rows: int = 1, columns: int = 1, *, size: tuple[float, float]) -> tuple[Any, Any]:
    """A figure of *size* (width and height in inches) and its axes, one or an array of them.

    It is none of pyplot's figures, which live until somebody closes them.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    check_matplotlib()
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    return figure, figure.subplots(rows, columns)


def palette() -> list[tuple[float, ...]]:
    """Twenty colours that can be told apart, each of red, green, blue and opacity, 0..1; errors as in `subplots`."""
    check_matplotlib()
    from matplotlib import colormaps

    return [tuple(colour) for colour in colormaps["tab20"](range(20)).tolist()]


def check_plot(path: Path) -> None:
    """Before hours of work: ConfigError if nothing can be drawn, FileError if *path* cannot be a picture's name."""
    check_matplotlib()
    check_writable(path, overwrite=True)


def save_plot(figure: Any, path: Path, *, overwrite: bool = True) -> None:
    """Write a figure as a PNG, replacing an older one only when the new one is complete.

    Raises:
        FileError: the disk refuses it, or there is a file that is not to be replaced.
    """
    with atomic_path(path, overwrite=overwrite) as draft:
        figure.savefig(draft, dpi=110, format="png")
