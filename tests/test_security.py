"""The page on security names tests that exist, and what can be checked by reading the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import xiangqi_gpt

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/security.md").read_text(encoding="utf-8")
PACKAGE = Path(xiangqi_gpt.__file__).parent


def test_every_promise_names_a_test() -> None:
    found = 0
    for row in PAGE.splitlines():
        file = ""
        for text in re.findall(r"`([^`]+)`", row.rpartition("|")[0].rpartition("|")[2]):
            if "::" in text:
                file, _, text = text.partition("::")
            if text.startswith("test_"):
                assert f"def {text}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{text}"
                found += 1
    assert found > 25


def test_every_target_is_counted() -> None:
    from tests.fuzz.targets import TARGETS

    assert f"{len(TARGETS)} targets" in PAGE


def calls(*names: str) -> set[str]:
    """The modules in which something of these names is called."""
    found = set()
    for file in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
                found.add(file.relative_to(PACKAGE).as_posix())
    return found


def test_only_own_objects_are_unpickled() -> None:
    unpickling = (
        "pickle.load",
        "pickle.loads",
        "pickle.Unpickler",
        "torch.load",
        "joblib.load",
        "np.load",
        "marshal.loads",
    )
    assert calls(*unpickling) == {"records/convert.py", "play/analysis.py"}


def test_no_text_is_executed() -> None:
    assert calls("eval", "exec", "compile", "os.system", "yaml.load") == set()
