"""Hooks of the documentation site: pages generated from the code, and links out of docs/.

    mkdocs build --strict

`mkdocs.yml` names this file. Each generated page has one function here; nothing of them is kept in the repository.
"""

from __future__ import annotations

import inspect
import posixpath
import re
import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from xiangqi_gpt import __version__
from xiangqi_gpt.cli.main import COMMANDS
from xiangqi_gpt.notation import parse
from xiangqi_gpt.records import GameRecord, write_games
from xiangqi_gpt.records.formats import FORMATS
from xiangqi_gpt.rules import Board
from xiangqi_gpt.training.settings_reference import Setting, model_settings, preset_changes, run_settings

ROOT = Path(__file__).parents[1]
_LINK = re.compile(r"(?<=\]\()(?!https?:|#|mailto:)([^)\s#]+)(#[^)\s]*)?(?=\))")


def on_files(files: Any, config: Any) -> Any:
    """Add the generated pages; mkdocs calls this."""
    from mkdocs.structure.files import File

    for name, page in PAGES.items():
        files.append(File.generated(config, name, content=page()))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Links to files outside of docs/ lead to the repository; mkdocs calls this."""
    base = f"{str(config['repo_url']).rstrip('/')}/blob/main/"
    return with_repository_links(markdown, posixpath.dirname(page.file.src_uri), base)


def with_repository_links(markdown: str, folder: str, base: str) -> str:
    """*markdown* of a page in *folder* of docs/, in which links that leave docs/ begin with *base*."""

    def led(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join("docs", folder, found[1]))
        if target.startswith("docs/"):
            return found[0]
        return base + target + (found[2] or "")

    return _LINK.sub(led, markdown)


def commands() -> str:
    """Every command with its arguments and options, from click."""
    parts = [
        "# Commands\n\n`xiangqi-gpt COMMAND --help` prints the same. Options without a default are optional unless "
        "they are marked as required.\n"
    ]
    for name, summary in COMMANDS.items():
        module = import_module(f"xiangqi_gpt.cli.{name}_command")
        parts.append(_command(f"xiangqi-gpt {name}", module.command, summary, 2))
    return "\n".join(parts)


def _command(title: str, command: click.Command, summary: str, level: int) -> str:
    context = click.Context(command, info_name=title)
    text = inspect.cleandoc(command.help or summary).replace("\b", "")
    lines = [f"{'#' * level} `{title}`\n", f"{text}\n"]
    pieces = " ".join(command.collect_usage_pieces(context))
    lines.append(f"```text\n{title} {pieces}\n```\n")
    rows = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if isinstance(parameter, click.Option) and record is not None and not parameter.hidden:
            required = " Required." if parameter.required else ""
            meaning = re.sub(r"\s+", " ", record[1]).replace("|", "\\|").replace("<", "&lt;")
            rows.append(f"| `{record[0].replace('|', '/')}` | {meaning}{required} |")
    if rows:
        lines += ["| option | meaning |\n|---|---|\n" + "\n".join(rows) + "\n"]
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                lines.append(_command(f"{title} {name}", child, child.get_short_help_str(), level + 1))
    return "\n".join(lines)


def settings() -> str:
    """Every setting of a run and of a model, from their configurations."""

    def table(rows: list[Setting]) -> str:
        head = "| setting | default | meaning |\n|---|---|---|\n"
        return head + "".join(
            f"| `{row.name}` | `{row.default}` | {row.meaning.replace('|', '/')} |\n" for row in rows
        )

    presets = "".join(
        f"| `{name}` | {', '.join(f'`{key}={value}`' for key, value in changes.items()) or 'the defaults'} |\n"
        for name, changes in preset_changes().items()
    )
    return (
        "# Settings\n\nSettings are changed by `--set KEY=VALUE` or in a TOML file (`--config`). "
        "`xiangqi-gpt train --show-settings` prints this page for the terminal.\n\n"
        f"## Of a run\n\n{table(run_settings())}\n## Of a model\n\n{table(model_settings())}\n"
        f"## Presets\n\n| preset | what it changes |\n|---|---|\n{presets}"
    )


def formats() -> str:
    """Every record format, with an example of those that are text and are written."""
    board = Board()
    moves = []
    for text in ("炮二平五", "马8进7", "马二进三"):
        moves.append(parse(board, text))
        board.push(moves[-1])
    game = GameRecord(moves=tuple(moves), tags={"Red": "甲", "Black": "乙", "Date": "2026.11.29"})
    parts = [
        "# Record formats\n\n[Records](../records.md) describes what each format keeps. The examples are one game of "
        "three plies, as `xiangqi-gpt convert` writes it.\n"
    ]
    with tempfile.TemporaryDirectory() as name:
        for fmt in FORMATS.values():
            use = "read and written" if fmt.writer else "read only"
            parts.append(f"## {fmt.what}\n\nSuffixes: {', '.join(f'`{s}`' for s in fmt.suffixes)}; {use}.\n")
            if fmt.writer and not fmt.binary:
                file = Path(name) / f"game{fmt.suffixes[0]}"
                write_games(file, [game])
                parts.append(f"```text\n{file.read_text(encoding='utf-8').strip()}\n```\n")
            elif fmt.name == "movelist":
                parts.append("```text\nh2e2 h9g7 h0g2\n```\n")
    return "\n".join(parts)


def python() -> str:
    """The Python interface, from its docstrings."""
    sections = {
        "Rules": ("xiangqi_gpt.rules.board.Board", "xiangqi_gpt.rules.move.Move"),
        "Notation": ("xiangqi_gpt.notation.parse", "xiangqi_gpt.notation.render"),
        "Records": (
            "xiangqi_gpt.records.read_games",
            "xiangqi_gpt.records.write_games",
            "xiangqi_gpt.records.record.GameRecord",
        ),
        "Players": (
            "xiangqi_gpt.players.create_player",
            "xiangqi_gpt.players.base.Limit",
            "xiangqi_gpt.players.base.Player",
            "xiangqi_gpt.players.base.PlayResult",
            "xiangqi_gpt.players.base.Analysis",
        ),
        "Models": (
            "xiangqi_gpt.model.checkpoint.load_model",
            "xiangqi_gpt.model.config.XiangqiGPTConfig",
            "xiangqi_gpt.decoding.scorer.Scorer",
        ),
    }
    parts = [
        f"# Python\n\nThe interface of version {__version__}. `from xiangqi_gpt import ...` gives `Board`, `Move`, "
        "`parse`, `render`, `read_games`, `write_games`, `create_player`, `PlayerSpec`, `Limit`, `load_model` and "
        "`XiangqiError`; other names come from their modules.\n"
    ]
    for title, names in sections.items():
        parts.append(f"## {title}\n")
        parts += [f"::: {name}\n" for name in names]
    return "\n".join(parts)


def errors() -> str:
    """Every exception of the package, from its docstring."""
    return (
        "# Errors\n\nEvery error that the package raises on purpose is an `XiangqiError`, which is a `ValueError`. "
        "Commands print it in one line and exit with 2.\n\n"
        "::: xiangqi_gpt.errors\n    options:\n      show_root_heading: false\n      show_root_toc_entry: false\n"
    )


PAGES: dict[str, Callable[[], str]] = {
    "reference/commands.md": commands,
    "reference/settings.md": settings,
    "reference/python.md": python,
    "reference/formats.md": formats,
    "reference/errors.md": errors,
}
