"""Commands that ask an engine with a fault: they name it, in time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.engines.faults import bad_engine
from xiangqi_gpt.cli.main import cli


@pytest.mark.parametrize(
    ("fault", "review_words", "label_words"),
    [
        ("illegal", "answered 'bestmove h2h8'", "found 'bestmove h2h8'"),
        ("garbage", "answered 'bestmove castle'", "found 'bestmove castle'"),
        ("other-protocol", "answered 'move h2e2'", "found 'move h2e2'"),
        ("crash", "its last words: 'out of ideas'", "its last words: 'out of ideas'"),
    ],
)
def test_review_and_label_name_a_fault_at_once(
    tmp_path: Path, fault: str, review_words: str, label_words: str
) -> None:
    game = tmp_path / "game.pgn"
    game.write_text('[Game "x"]\n\n1. h2e2 h9g7 *\n')
    command = bad_engine(fault).command
    started = time.monotonic()
    result = CliRunner().invoke(cli, ["review", str(game), "--player", f"engine:{command}"])
    assert result.exit_code == 2
    assert review_words in result.stderr
    arguments = ["label", str(game), "--engine", command, "--workers", "1"]
    result = CliRunner().invoke(cli, [*arguments, "--out", str(tmp_path / "out.jsonl")])
    assert result.exit_code == 2
    assert label_words in result.stderr
    assert time.monotonic() - started < 20
