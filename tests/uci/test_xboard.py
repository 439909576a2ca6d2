"""Whole games under XBoard, through uci2wb, which speaks the dialect of Cyclone and UCCI to the engine."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.model.tiny import tiny

PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/games"))  # Debian's place for games
PROGRAMS = ("Xvfb", "xvfb-run", "xboard", "uci2wb", "maxqi")
MISSING = [name for name in PROGRAMS if shutil.which(name, path=PATH) is None]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]


@pytest.mark.parametrize(("protocol", "flag", "side"), [("uci", "-c", "first"), ("ucci", "-x", "second")])
def test_a_whole_game(tmp_path: Path, protocol: str, flag: str, side: str) -> None:
    tiny(board="bag").save_pretrained(tmp_path / "model")
    spec = f"gpt:model={tmp_path / 'model'},lookahead=20,threads=1"
    words = [sys.executable, "-m", "xiangqi_gpt.cli.main", protocol, "--player", spec]
    engine, heard = tmp_path / "engine", tmp_path / "heard.txt"
    # Programs start engines without arguments.
    engine.write_text(f"#!/bin/sh\ntee {heard} | {shlex.join(words)}\n", encoding="utf-8")
    engine.chmod(0o755)
    programs = [f"uci2wb {flag} {engine}", "maxqi"]
    if side == "second":
        programs.reverse()
    game, log = tmp_path / "game.pgn", tmp_path / "debug.txt"
    command = [
        *("xvfb-run", "-a", "xboard", "-variant", "xiangqi", "-fcp", programs[0], "-scp", programs[1]),
        *("-mg", "1", "-tc", "1", "-inc", "1", "-sgf", str(game), "-debug", "-nameOfDebugFile", str(log)),
        *("-popupExitMessage", "false", "-popupMoveErrors", "false"),
    ]
    environment = {**os.environ, "PATH": PATH, "HOME": str(tmp_path)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stderr
    record = game.read_text(encoding="utf-8", errors="replace")
    # The opponent is far stronger than a model without training: a mate, and neither a forfeit nor a flag.
    ours = '[White "xiangqi-gpt' if side == "first" else '[Black "xiangqi-gpt'
    assert ours in record
    assert "Checkmate" in record, record
    assert f'[Result "{"0-1" if side == "first" else "1-0"}"]' in record
    heard_lines = heard.read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("fen ") for line in heard_lines) == (protocol == "uci")
    assert sum(" moves " in line for line in heard_lines) > 3
