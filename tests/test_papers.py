"""What stands in two places outside of the package says the same in both."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import xiangqi_gpt

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tests_job() -> dict[str, Any]:
    job: dict[str, Any] = yaml.safe_load(text(".github/workflows/ci.yml"))["jobs"]["tests"]
    return job


def test_the_workflow_covers_every_python_of_the_project(tests_job: dict[str, Any]) -> None:
    versions = tests_job["strategy"]["matrix"]["python"]
    named = [found[1] for c in PROJECT["classifiers"] if (found := re.search(r":: (3\.\d+)$", c))]
    assert versions == named
    assert PROJECT["requires-python"] == f">={versions[0]}"


def test_the_workflow_runs_the_test_command_of_the_readme_and_the_checks_of_ci(
    tests_job: dict[str, Any],
) -> None:
    steps = "\n".join(step.get("run", "") for step in tests_job["steps"]).replace("$BIN/", ".venv/bin/")
    command = re.search(r"<!-- test-command -->\n```bash\n(.*)\n```", text("README.md"))
    assert command is not None
    assert command[1].replace("python3 -m venv", "python -m venv") in steps
    checks = re.findall(r"^  check (.*)$", text(".ci/run"), re.M)
    assert len(checks) == 5
    assert [check for check in checks if check not in steps] == []


def test_the_changelog_has_the_version_and_what_is_unreleased() -> None:
    headings = re.findall(r"^## \[(.+?)\]", text("CHANGELOG.md"), re.M)
    assert headings[:2] == ["Unreleased", xiangqi_gpt.__version__]
    assert re.findall(r"^\[(.+?)\]: ", text("CHANGELOG.md"), re.M) == headings


def test_the_citation_agrees_with_the_project() -> None:
    citation = yaml.safe_load(text("CITATION.cff"))
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Homepage"]
    assert citation["authors"] == PROJECT["authors"]
    assert "version" not in citation  # it is stated once, in the package


def test_the_hooks_are_tools_of_the_environment() -> None:
    hooks = [
        hook for repo in yaml.safe_load(text(".pre-commit-config.yaml"))["repos"] for hook in repo["hooks"]
    ]
    tools = {re.split(r"[\[>=<]", requirement)[0] for requirement in PROJECT["optional-dependencies"]["dev"]}
    assert {hook["entry"].split()[0] for hook in hooks} <= tools | {"python"}


def test_the_pages_show_the_figures_of_their_one_home() -> None:
    from tools import figures

    stale = figures.updated("<!-- figures: aims -->\nold\n<!-- /figures -->", {"measured": [], "aims": []})
    assert (
        stale == "<!-- figures: aims -->\n\n| aim | measured |  |\n| --- | --- | --- |\n\n<!-- /figures -->"
    )
    assert figures.main(["--check"]) == 0
    shown = [name for name in figures.PAGES if "<!-- figures: " in text(name)]
    assert "assets/README.md" in shown
