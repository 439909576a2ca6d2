"""The help of the terminal board, from the table of commands."""

from __future__ import annotations

from rich.cells import cell_len

from xiangqi_gpt.play.commands import COMMANDS
from xiangqi_gpt.texts import Language, t

_WIDTH = 24  # columns of the typed words; a longer one is followed by two spaces


def help_text(language: Language) -> str:
    """What may be typed, a line for each command."""
    lines = [t("terminal.help_moves", language)]
    for command in COMMANDS.values():
        if command.words:
            usage = command.usage(language)
            space = " " * max(2, _WIDTH - cell_len(usage))
            lines.append(usage + space + command.help.text(language))
    return "\n".join(lines)
