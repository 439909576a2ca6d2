"""Imports go down only, never in a circle, and heavy libraries begin where the design says.

The floors are those of the tree in the README. Every import counts, also one inside a function or under
`TYPE_CHECKING`: a lazy climb is a climb, and a lazy circle is a circle.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

import xiangqi_gpt

FLOORS = {
    "__init__": 0,
    "_transformers": 0,
    "errors": 0,
    "files": 0,
    "lock": 0,
    "plotting": 0,
    "resources": 0,
    "texts": 0,
    "rules": 0,
    "workers": 0,
    "safe_json": 0,
    "notation": 1,
    "records": 1,
    "tokens": 2,
    "model": 3,
    "decoding": 4,
    "engines": 4,
    "library": 5,
    "players": 5,
    "arena": 6,
    "evaluation": 6,
    "play": 6,
    "compress": 7,
    "dataset": 7,
    "experiments": 7,
    "teacher": 7,
    "training": 7,
    "cli": 8,
    "gui": 8,
    "terminal": 8,
    "uci": 8,
}

TORCH = {"torch", "transformers", "accelerate", "safetensors"}
TORCH_FLOOR = FLOORS["model"]

FACES = {"gui", "terminal"}
"""Two faces of `play`: what both need lies there."""

OWNERS = {"pygame": {"gui"}, "click": {"cli"}, "chess": {"engines"}}
"""The only packages that may import a library."""

COAT_ONLY = {"transformers", "peft", "accelerate"}
"""Libraries that belong to the Hugging Face coat, the folder model/hf, alone."""

_FRONTS = {"pygame", "click"}
_TABLES = {"pyarrow", "rich"}
_COAT = {"transformers", "accelerate", "peft"}
FREE_OF = {
    ("_transformers", "errors", "files", "lock", "plotting", "resources", "safe_json", "texts", "workers"): (
        {"numpy", "chess"} | TORCH | _FRONTS | _TABLES
    ),
    ("rules", "notation"): {"chess"} | TORCH | _FRONTS | _TABLES,
    ("records", "tokens"): {"chess"} | TORCH | _FRONTS,
    ("engines",): {"pyarrow"} | TORCH | _FRONTS,
    ("dataset", "teacher"): TORCH | _FRONTS,
    ("library",): {"chess"} | TORCH | _FRONTS,
    ("model",): _FRONTS,
    ("decoding", "players", "arena", "evaluation"): _FRONTS | _COAT,
    ("training", "experiments", "compress", "uci"): _FRONTS | _COAT,
    ("play", "terminal"): TORCH | _FRONTS,
    ("gui",): TORCH | {"click"},
    ("cli",): TORCH | {"pygame"},
}
"""What a fresh interpreter must not have loaded after importing these packages with all their modules."""

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


def base_of(node: ast.ImportFrom, path: Path) -> str:
    """The module that `from ... import` names in the file at `path`."""
    base = node.module or ""
    if not node.level:
        return base
    # xiangqi_gpt/gui/app.py: one dot is xiangqi_gpt.gui, two are xiangqi_gpt.
    folders = ("xiangqi_gpt", *path.parts[:-1])
    return ".".join((*folders[: len(folders) - node.level + 1], *([base] if base else [])))


def imports_of(source: str, path: Path) -> Iterator[Import]:
    """All imports of a module; `from xiangqi_gpt import tokens` counts as `xiangqi_gpt.tokens`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = base_of(node, path)
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
    if found.library in COAT_ONLY and found.path.parts[:2] != ("model", "hf"):
        yield f"{found}: {found.library} stays in model/hf"
        return
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


def module_of(path: Path) -> str:
    """The dotted name of a file of the package."""
    parts = ("xiangqi_gpt", *path.with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def graph_of(sources: Mapping[Path, str]) -> dict[str, set[str]]:
    """Which files import which: `from package import name` counts as the file of that name where there is one."""
    modules = {module_of(path) for path in sources}
    graph: dict[str, set[str]] = {}
    for path, source in sources.items():
        found = set()
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                base = base_of(node, path)
                names = {f"{base}.{alias.name}" for alias in node.names}
                found |= names & modules
                if names - modules:
                    found.add(base)
        graph[module_of(path)] = found & modules
    return graph


def circles_of(graph: Mapping[str, set[str]]) -> list[tuple[str, ...]]:
    """Files that reach themselves, each circle once."""
    reach = {module: set(targets) for module, targets in graph.items()}
    for middle in graph:
        for found in reach.values():
            if middle in found:
                found |= reach[middle]
    inside = {module for module, found in reach.items() if module in found}
    return sorted({tuple(sorted(b for b in inside if b in reach[a] and a in reach[b])) for a in inside})


def repeated_names(paths: Iterable[Path]) -> dict[str, list[Path]]:
    """Base names that more than one file has, `__init__` apart."""
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(path.stem, []).append(path)
    return {name: same for name, same in found.items() if len(same) > 1 and name != "__init__"}


@pytest.fixture(scope="module")
def sources() -> dict[Path, str]:
    files = sorted(PACKAGE.rglob("*.py"))
    return {file.relative_to(PACKAGE): file.read_text(encoding="utf-8") for file in files}


@pytest.fixture(scope="module")
def imports(sources: dict[Path, str]) -> list[Import]:
    found = [each for path, source in sources.items() for each in imports_of(source, path)]
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


def test_no_files_import_each_other_in_a_circle(sources: dict[Path, str]) -> None:
    graph = graph_of(sources)
    assert "xiangqi_gpt.rules.move" in graph["xiangqi_gpt.rules.board"]
    assert circles_of(graph) == []


@pytest.mark.parametrize(
    ("sources", "circle"),
    [
        (
            {"rules/a.py": "from xiangqi_gpt.rules import b", "rules/b.py": "from . import a"},
            ["rules.a", "rules.b"],
        ),
        (
            {
                "a.py": "import xiangqi_gpt.b",
                "b.py": "def f():\n    from xiangqi_gpt.c import x",
                "c.py": "if TYPE_CHECKING:\n    from xiangqi_gpt.a import y",
                "d.py": "from xiangqi_gpt import a",
            },
            ["a", "b", "c"],
        ),
        (
            {"rules/__init__.py": "from .a import x", "rules/a.py": "from xiangqi_gpt.rules import x"},
            ["rules", "rules.a"],
        ),
    ],
)
def test_a_planted_circle_is_found(sources: dict[str, str], circle: list[str]) -> None:
    graph = graph_of({Path(name): source for name, source in sources.items()})
    assert circles_of(graph) == [tuple(f"xiangqi_gpt.{name}" for name in circle)]


def test_no_two_files_share_a_base_name(sources: dict[Path, str]) -> None:
    assert repeated_names(sources) == {}


def test_a_repeated_base_name_is_found() -> None:
    paths = [
        Path(name) for name in ("rules/__init__.py", "gui/__init__.py", "rules/a.py", "gui/a.py", "b.py")
    ]
    assert repeated_names(paths) == {"a": [Path("rules/a.py"), Path("gui/a.py")]}


@pytest.mark.parametrize(
    ("line", "path", "fault"),
    [
        ("import xiangqi_gpt.model.gpt", "rules/board.py", "climbs to floor 3"),
        ("from xiangqi_gpt import tokens", "notation/iccs.py", "climbs to floor 2"),
        ("from ..players import base", "decoding/scorer.py", "climbs to floor 5"),
        ("from .. import cli", "training/loop.py", "climbs to floor 8"),
        ("def f():\n    from xiangqi_gpt.gui.app import run", "arena/match.py", "climbs to floor 8"),
        ("import torch.nn", "tokens/trie.py", "torch begins on floor 3"),
        ("import safetensors", "records/formats/parquet.py", "safetensors begins on floor 3"),
        ("import pygame", "terminal/draw.py", "pygame stays in gui"),
        ("from click import echo", "uci/session.py", "click stays in cli"),
        ("import chess.engine", "arena/match.py", "chess stays in engines"),
        ("import transformers", "model/gpt.py", "transformers stays in model/hf"),
        ("from xiangqi_gpt.gui.window_layout import Layout", "play/actions.py", "climbs to floor 8"),
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
        ("import transformers", "model/hf/modeling.py"),
        ("import pygame", "gui/app.py"),
        ("from xiangqi_gpt.play.game_state import GameState", "terminal/game.py"),
        ("import numpy", "rules/batch.py"),
    ],
)
def test_an_import_downwards_is_none(line: str, path: str) -> None:
    assert [fault for found in imports_of(line, Path(path)) for fault in faults_of(found)] == []


def test_every_package_says_what_it_does_not_load() -> None:
    assert sorted(name for names in FREE_OF for name in names) == sorted(set(FLOORS) - {"__init__"})


@pytest.mark.parametrize("packages", list(FREE_OF), ids="-".join)
def test_packages_load_nothing_heavy(packages: tuple[str, ...]) -> None:
    script = (
        "import importlib, pkgutil, sys\n"
        f"for name in {packages!r}:\n"
        "    package = importlib.import_module('xiangqi_gpt.' + name)\n"
        "    for module in pkgutil.walk_packages(getattr(package, '__path__', []), package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) & FREE_OF[packages] == set()
