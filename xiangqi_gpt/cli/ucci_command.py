"""`xiangqi-gpt ucci`: the engine of `xiangqi-gpt uci`, for programs that look for one by this name."""

from __future__ import annotations

from xiangqi_gpt.cli.uci_command import command

__all__ = ["command"]
