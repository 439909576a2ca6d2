"""What plays, analyses and measures never loads the Hugging Face coat, nor what only compilers need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.model.tiny import tiny

HEAVY = {"transformers", "accelerate", "peft", "sympy", "datasets"}

RUN = """
import atexit, sys
heavy = set(sys.argv[1].split(","))
atexit.register(lambda: print("loaded:", *sorted(heavy & sys.modules.keys())))
sys.argv[1:2] = []
from xiangqi_gpt.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("light") / "model"
    tiny().save_pretrained(path)
    return path


@pytest.mark.parametrize("front", ["gui.app", "terminal.game"])
def test_the_fronts_load_nothing_heavy_until_it_is_used(front: str) -> None:
    script = (
        f"import sys, xiangqi_gpt.{front}\n"
        "print(sorted({'numba', 'torch', 'pyarrow', 'chess', 'sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["analyse", "--model", "MODEL"], ""),
        (["legal", "h2e2", "--model", "MODEL"], ""),
        (["uci", "--player", "gpt:model=MODEL"], "position startpos\ngo nodes 1\n"),
        (["match", "gpt:model=MODEL", "random", "--games", "1"], ""),
        (["play", "--terminal", "--player", "gpt:model=MODEL"], "h2e2\nquit\n"),
        (
            [
                "evaluate",
                "legality",
                "--model",
                "MODEL",
                "--data",
                "data/sample.parquet",
                "--games",
                "1",
                "--why",
            ],
            "",
        ),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_commands_load_no_coat(arguments: list[str], text: str, model: Path) -> None:
    named = [argument.replace("MODEL", str(model)) for argument in arguments]
    done = subprocess.run(
        [sys.executable, "-c", RUN, ",".join(HEAVY), *named],
        cwd=Path(__file__).parents[1],
        input=text,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded:"
