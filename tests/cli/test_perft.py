from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from xiangqi_gpt.cli.main import cli

ENDGAME = "3k5/9/9/9/9/9/9/4R4/9/4K4 w - - 0 1"


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, ["perft", *arguments])
    return result.exit_code, result.stdout, result.stderr


@pytest.mark.parametrize(("depth", "nodes"), [("0", 1), ("1", 44), ("2", 1920), ("3", 79666)])
def test_start(depth: str, nodes: int) -> None:
    code, out, _ = run(depth, "--json")
    assert code == 0
    assert json.loads(out) == {"nodes": nodes}


def test_divide_sums_to_the_whole() -> None:
    code, out, _ = run("3", "--fen", ENDGAME, "--divide", "--json")
    assert code == 0
    counts = json.loads(out)
    assert counts["nodes"] == sum(counts["divide"].values())
    assert counts["nodes"] == json.loads(run("3", "--fen", ENDGAME, "--json")[1])["nodes"]
    text = run("1", "--fen", ENDGAME, "--divide")[1].splitlines()
    assert text[-1] == f"nodes: {len(text) - 1}"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["1", "--fen", "nonsense"], "'nonsense'"),
        (["x"], "'x'"),
        (["-1"], "-1"),
        (["13"], "13"),
        (["0", "--divide"], "at least 1"),
    ],
)
def test_bad_input(arguments: list[str], words: str) -> None:
    code, out, err = run(*arguments)
    assert code == 2
    assert out == ""
    assert words in err
