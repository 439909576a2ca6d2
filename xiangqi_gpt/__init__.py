"""A GPT that plays Xiangqi (Chinese chess), decoded under the tree of legal moves.

The names below are loaded when they are first used, so importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module

from xiangqi_gpt import _transformers

__version__ = "0.2.0"

_HOMES = {
    "Board": "xiangqi_gpt.rules",
    "Limit": "xiangqi_gpt.players",
    "Move": "xiangqi_gpt.rules",
    "PlayerSpec": "xiangqi_gpt.players",
    "XiangqiError": "xiangqi_gpt.errors",
    "create_player": "xiangqi_gpt.players",
    "load_model": "xiangqi_gpt.model.checkpoint",
    "parse": "xiangqi_gpt.notation",
    "read_games": "xiangqi_gpt.records",
    "render": "xiangqi_gpt.notation",
    "write_games": "xiangqi_gpt.records",
}
"""Where the names of the package come from; `__init__.pyi` tells type checkers the same."""

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


_transformers.install()
