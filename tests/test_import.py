"""`import xiangqi_gpt` costs next to nothing, and the version is stated once."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

import xiangqi_gpt

IMPORT = """
import sys, time
began = time.process_time()
import xiangqi_gpt
seconds = time.process_time() - began
print(seconds)
print(*sorted(name for name in sys.modules if "." not in name))
"""


@pytest.fixture(scope="module")
def imported() -> tuple[float, set[str]]:
    """The least processor time of three imports in fresh interpreters, in seconds; the modules loaded after it."""
    runs = [
        subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    ]
    return min(float(run.splitlines()[0]) for run in runs), set(runs[0].splitlines()[1].split())


def test_importing_the_package_loads_no_library(imported: tuple[float, set[str]]) -> None:
    _, modules = imported
    assert "xiangqi_gpt" in modules
    heavy = {"torch", "numpy", "numba", "transformers", "pyarrow", "pygame", "chess", "click", "rich"}
    assert modules & heavy == set()


def test_importing_the_package_takes_under_a_tenth_of_a_second(imported: tuple[float, set[str]]) -> None:
    seconds, _ = imported
    assert seconds < 0.1


def test_the_version_is_that_of_the_distribution() -> None:
    assert xiangqi_gpt.__version__ == metadata.version("xiangqi-gpt")
    stated = [
        path.name
        for path in (Path(xiangqi_gpt.__file__).parents[1]).glob("*.toml")
        if f'version = "{xiangqi_gpt.__version__}"' in path.read_text(encoding="utf-8")
    ]
    assert stated == []
