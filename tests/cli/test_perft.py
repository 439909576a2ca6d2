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


COMPOSED = "3k2p2/4P4/9/9/9/2B1cnN2/9/7CR/4p4/2Cp1K3 w - - 0 1"  # of XiangqiBench: a soldier behind its start


@pytest.mark.parametrize(
    ("fen", "word"),
    [
        (COMPOSED, "g9"),
        ("3k1p3/4P4/9/9/6CCR/3n4c/2Pn5/8B/5p3/4K4 w - - 0 1", "f9"),
        ("3k5/9/9/9/9/9/1P7/9/9/4K4 w - - 0 1", "b3"),
        ("3k5/9/9/9/9/P8/P8/9/9/4K4 w - - 0 1", "a3"),
        ("3k5/9/9/9/RRR6/9/9/9/9/4K4 w - - 0 1", "at most 2"),
        ("3k5/9/9/9/9/9/9/3AA4/9/4K4 w - - 0 1", "advisor"),
        ("3k5/9/9/2B6/9/9/9/9/9/4K4 w - - 0 1", "elephant"),
        ("3k5/9/9/9/9/9/9/9/9/4K4 w - - 0 99999", "move number"),
    ],
)
def test_impossible_positions_that_can_be_played(fen: str, word: str) -> None:
    code, _, errors = run("2", "--fen", fen)
    assert code == 2
    assert "--lenient" in errors
    code, out, errors = run("3", "--fen", fen, "--lenient", "--json")
    assert code == 0
    assert json.loads(out)["nodes"] > 0
    assert errors.startswith("odd position: ")
    assert word in errors


@pytest.mark.parametrize(
    "fen",
    [
        "9/9/9/9/9/9/9/9/9/4K4 w - - 0 1",
        "3kk4/9/9/9/9/9/9/9/9/4K4 w - - 0 1",
        "4k4/9/9/9/9/9/9/9/9/4K4 w - - 0 1",
        "3k5/9/9/9/9/9/9/3R5/9/4K4 w - - 0 1",
        "9/9/9/3k5/9/9/9/9/9/4K4 w - - 0 1",
        "3k5/9/9/9/9/9/9/9/9/4K4 x - - 0 1",
        "nonsense",
    ],
)
def test_what_cannot_be_played_is_refused_all_the_same(fen: str) -> None:
    for lenient in ([], ["--lenient"]):
        code, _, errors = run("2", "--fen", fen, *lenient)
        assert code == 2
        assert "(--lenient accepts it)" not in errors


def test_a_usual_position_has_nothing_odd() -> None:
    assert run("2", "--lenient", "--json") == (0, '{"nodes": 1920}\n', "")
