"""Pictures of measurements."""

from __future__ import annotations

from typing import Any

from xiangqi_gpt.errors import ConfigError


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
