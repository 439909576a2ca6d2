"""The documentation site: generated pages are complete, every page is in the menu, and it builds without a warning."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from tools import site_hooks
from xiangqi_gpt import errors
from xiangqi_gpt.cli.main import COMMANDS, cli
from xiangqi_gpt.records.formats import FORMATS
from xiangqi_gpt.training.settings_reference import model_settings, run_settings, settings_of
from xiangqi_gpt.training.train_config import TrainConfig, model_keys

ROOT = Path(__file__).parents[1]


def pages_of(menu: Any) -> Iterator[str]:
    """The pages that a menu of mkdocs.yml names."""
    if isinstance(menu, str):
        yield menu
    else:
        for entry in menu.values() if isinstance(menu, dict) else menu:
            yield from pages_of(entry)


def test_every_page_is_in_the_menu() -> None:
    menu = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]
    pages = {page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")}
    assert sorted(pages_of(menu)) == sorted(pages | site_hooks.PAGES.keys())


def test_every_setting_is_explained_once() -> None:
    run, model = run_settings(), model_settings()
    assert {row.name for row in run} == {field.name for field in dataclasses.fields(TrainConfig)} - {"model"}
    assert {row.name for row in model} == model_keys()
    assert [row.name for row in (*run, *model) if not row.meaning] == []
    text = site_hooks.settings()
    assert [row for row in (*run, *model) if f"| `{row.name}` | `{row.default}` |" not in text] == []
    result = CliRunner().invoke(cli, ["train", "--show-settings"])
    assert result.exit_code == 0
    assert [row for row in (*run, *model) if f"{row.name} = {row.default}" not in result.output] == []
    assert "final_learning_rate = 0.05" in result.output


def test_a_meaning_is_the_comment_beside_or_above_a_field() -> None:
    found = {row.name: row for row in settings_of(TrainConfig)}
    assert found["seed"].meaning == "of weights and data order"
    assert found["average_every"].meaning.startswith("Steps between averages of the weights")
    assert found["targets"].meaning.startswith("mixed: the teacher's move")


def test_every_command_and_option_is_listed() -> None:
    text = site_hooks.commands()
    for name in COMMANDS:
        assert f"## `xiangqi-gpt {name}`" in text
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        options = [
            option for option in command.params if isinstance(option, click.Option) and not option.hidden
        ]
        assert [option.opts[0] for option in options if option.opts[0] not in text] == []


def test_every_format_is_listed_with_an_example_where_it_is_text() -> None:
    text = site_hooks.formats()
    for fmt in FORMATS.values():
        section = text.partition(f"## {fmt.what}")[2].partition("\n## ")[0]
        assert fmt.suffixes[0] in section
        assert ("```" in section) == ((not fmt.binary and bool(fmt.writer)) or fmt.name == "movelist")


def test_links_out_of_the_docs_lead_to_the_repository() -> None:
    text = "[a](../SECURITY.md) [b](rules.md#x) [c](https://a.b/) [d](#e)"
    assert site_hooks.with_repository_links(text, "", "R/") == (
        "[a](R/SECURITY.md) [b](rules.md#x) [c](https://a.b/) [d](#e)"
    )
    assert (
        site_hooks.with_repository_links("[a](../../README.md#x)", "tutorials", "R/") == "[a](R/README.md#x)"
    )


def test_every_error_has_a_docstring() -> None:
    found = [
        value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert len(found) > 5
    assert [error.__name__ for error in found if not error.__doc__] == []


@pytest.mark.slow
def test_the_site_builds_without_a_warning(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    built = {page.relative_to(tmp_path).as_posix() for page in tmp_path.rglob("index.html")}
    links = set()
    for page in tmp_path.rglob("index.html"):
        for target in re.findall(r'href="([^"#:]+)', page.read_text(encoding="utf-8")):
            links.add((page.parent / target / "index.html").resolve())
    assert {name for name in built if (tmp_path / name).resolve() not in links} <= {"index.html"}
