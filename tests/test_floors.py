"""Imports go down only, and heavy libraries begin where the design says.

The floors are those of the tree in the README. Every import counts, also one inside a function or under
`TYPE_CHECKING`: a lazy climb is a climb.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import xiangqi_gpt

FLOORS = {
    "__init__": 0,
    "resources": 0,
    "texts": 0,
    "rules": 0,
    "notation": 1,
    "records": 1,
    "tokens": 2,
    "model": 3,
    "decoding": 4,
    "players": 5,
    "arena": 6,
    "evaluation": 6,
    "play": 6,
    "training": 7,
    "cli": 8,
    "gui": 8,
    "terminal": 8,
    "uci": 8,
}

FREE_OF = {
    "rules": {"torch", "pygame", "click", "transformers", "accelerate", "chess", "pyarrow", "rich"},
    "notation": {"torch", "pygame", "click", "transformers", "accelerate", "chess", "pyarrow", "rich"},
    "records": {"torch", "pygame", "click", "transformers", "accelerate", "chess"},
    "tokens": {"torch", "pygame", "click", "transformers", "accelerate", "chess"},
}
"""What a fresh interpreter must not have loaded after importing a package with all its modules."""

FACES = {"gui", "terminal"}
"""Two faces of `play`: what both need lies there."""

OWNERS = {"pygame": {"gui"}, "click": {"cli"}, "chess": {"players"}}
"""The only packages that may import a library."""

TORCH = {"torch", "transformers", "accelerate", "safetensors"}
TORCH_FLOOR = FLOORS["model"]

PACKAGE = Path(xiangqi_gpt.__file__).parent


@dataclass(frozen=True)
class Import:
    """`module`, imported by line `line` of `path`; relative to the folder of the package."""

    path: Path
    line: int
    module: str

    def __str__(self) -> str:
        return f"xiangqi_gpt/{self.path.as_posix()}:{self.line} imports {self.module}"

    @property
    def importer(self) -> str:
        return self.path.parts[0].removesuffix(".py")

    @property
    def library(self) -> str:
        return self.module.partition(".")[0]


def imports_of(source: str, path: Path) -> Iterator[Import]:
    """All imports of a module; `from xiangqi_gpt import tokens` counts as `xiangqi_gpt.tokens`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                # xiangqi_gpt/gui/app.py: one dot is xiangqi_gpt.gui, two are xiangqi_gpt.
                folders = ("xiangqi_gpt", *path.parts[:-1])
                base = ".".join((*folders[: len(folders) - node.level + 1], *([base] if base else [])))
            if base == "xiangqi_gpt":
                for alias in node.names:
                    yield Import(path, node.lineno, f"{base}.{alias.name}")
            else:
                yield Import(path, node.lineno, base)


def target_of(module: str) -> str | None:
    """The package of ours that a module belongs to, such as "rules"; None for somebody else's."""
    own, _, rest = module.partition(".")
    if own != "xiangqi_gpt":
        return None
    name = rest.partition(".")[0] or "__init__"
    # `from xiangqi_gpt import __version__` names a value of the package itself.
    return "__init__" if name not in FLOORS and name.startswith("__") else name


def faults_of(found: Import) -> Iterator[str]:
    """What is wrong with an import."""
    floor = FLOORS[found.importer]
    target = target_of(found.module)
    if target is not None:
        if FLOORS[target] > floor:
            yield f"{found}: floor {floor} climbs to floor {FLOORS[target]}"
        if target != found.importer and {target, found.importer} <= FACES:
            yield f"{found}: the terminal and the window do not import each other"
        return
    if found.library in TORCH and floor < TORCH_FLOOR:
        yield f"{found}: {found.library} begins on floor {TORCH_FLOOR}"
    if found.importer not in OWNERS.get(found.library, {found.importer}):
        yield f"{found}: {found.library} stays in {', '.join(sorted(OWNERS[found.library]))}"


@pytest.fixture(scope="module")
def imports() -> list[Import]:
    found: list[Import] = []
    for file in sorted(PACKAGE.rglob("*.py")):
        path = file.relative_to(PACKAGE)
        found.extend(imports_of(file.read_text(encoding="utf-8"), path))
    assert len(found) > 100
    return found


def test_every_package_has_a_floor() -> None:
    names = {path.stem for path in PACKAGE.glob("*.py")}
    names |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert names == set(FLOORS)


def test_imports_go_down_only(imports: list[Import]) -> None:
    faults = [fault for found in imports for fault in faults_of(found)]
    assert not faults, "\n".join(faults)


def test_neighbours_do_not_import_each_other(imports: list[Import]) -> None:
    edges = {(found.importer, target_of(found.module)) for found in imports}
    mutual = sorted({f"{a} and {b}" for a, b in edges if b is not None and a < b and (b, a) in edges})
    assert not mutual


@pytest.mark.parametrize(
    ("line", "path", "fault"),
    [
        ("import xiangqi_gpt.model.gpt", "rules/board.py", "climbs to floor 3"),
        ("from xiangqi_gpt import tokens", "notation/iccs.py", "climbs to floor 2"),
        ("from ..players import base", "decoding/scorer.py", "climbs to floor 5"),
        ("from .. import cli", "training/loop.py", "climbs to floor 8"),
        ("def f():\n    from xiangqi_gpt.gui.app import run", "arena/match.py", "climbs to floor 8"),
        ("import torch.nn", "tokens/trie.py", "torch begins on floor 3"),
        ("import safetensors", "records/parquet.py", "safetensors begins on floor 3"),
        ("import pygame", "terminal/draw.py", "pygame stays in gui"),
        ("from click import echo", "uci/session.py", "click stays in cli"),
        ("import chess.engine", "arena/match.py", "chess stays in players"),
        ("from xiangqi_gpt.gui.layout import Layout", "play/actions.py", "climbs to floor 8"),
        ("import pygame", "play/actions.py", "pygame stays in gui"),
        ("from ..gui import ink", "terminal/draw.py", "the terminal and the window do not import each other"),
    ],
)
def test_a_planted_import_is_found(line: str, path: str, fault: str) -> None:
    (found,) = imports_of(line, Path(path))
    (said,) = faults_of(found)
    assert fault in said
    assert path in said


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("from xiangqi_gpt import __version__", "cli/main.py"),
        ("from . import move", "rules/board.py"),
        ("from ..rules import Board", "notation/iccs.py"),
        ("from xiangqi_gpt.evaluation.accuracy import measure_accuracy", "training/loop.py"),
        ("import torch", "model/gpt.py"),
        ("import pygame", "gui/app.py"),
        ("from xiangqi_gpt.play.game_state import GameState", "terminal/game.py"),
        ("import numpy", "rules/batch.py"),
    ],
)
def test_an_import_downwards_is_none(line: str, path: str) -> None:
    assert [fault for found in imports_of(line, Path(path)) for fault in faults_of(found)] == []


@pytest.mark.parametrize("package", list(FREE_OF))
def test_lower_floors_import_nothing_heavy(package: str) -> None:
    script = (
        "import importlib, json, pkgutil, sys\n"
        f"package = importlib.import_module('xiangqi_gpt.{package}')\n"
        "for module in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "    importlib.import_module(module.name)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & FREE_OF[package] == set()
