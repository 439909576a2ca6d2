"""Review of a game: what a move gave away, what is written beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.model.tiny import tiny
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.evaluation.review import annotated, plot, review
from xiangqi_gpt.players.base import Analysis, Limit, Line, Value
from xiangqi_gpt.records import GameRecord, Note, read_games
from xiangqi_gpt.records.formats.pgn.pgnwrite import write
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move

MOVES = ("h2e2", "h9g7", "h0g2", "i9h9", "i0h0")


class Oracle:
    """Says what the positions of a game are worth to Red, and always the same best move."""

    name = "oracle"

    def __init__(self, points: list[float], best: str, cp: list[int] | None = None) -> None:
        self.points, self.best, self.cp = points, Move.from_iccs(best), cp

    def analyse(self, board: Board, limit: Limit, multipv: int | None = None) -> Analysis:
        own = self.points[board.ply] if board.turn == 0 else 1 - self.points[board.ply]
        cp = None if self.cp is None else self.cp[board.ply]
        line = Line((self.best,), prob=0.5, score_cp=cp)
        return Analysis((line,), None if self.cp is not None else Value(own, 0.0, 1 - own))

    def new_game(self) -> None: ...


def game(*moves: str, fen: str | None = None) -> GameRecord:
    start = {} if fen is None else {"start_fen": fen}
    return GameRecord(moves=tuple(map(Move.from_iccs, moves)), result="1-0", **start)  # type: ignore[arg-type]


def test_what_each_move_gave_away() -> None:
    points = [0.5, 0.2, 0.45, 0.4, 0.75, 0.75]
    found = review(Oracle(points, "h0g2"), game(*MOVES))  # type: ignore[arg-type]
    assert [one.lost for one in found] == pytest.approx([0.3, 0.25, 0, 0.35, 0])  # h0g2 is its own move
    assert [one.mark for one in found] == ["??", "?", "", "??", ""]
    assert [one.prob for one in found] == [None, None, 0.5, None, None]


def test_scores_of_an_engine() -> None:
    cps = [0, 0, 300, -300, 29_990, -29_990]
    found = review(Oracle([0.5] * 6, "a0a1", cps), game(*MOVES))  # type: ignore[arg-type]
    assert found[0].before == found[0].after == 0.5
    assert found[1].after == pytest.approx(found[2].after)  # 300 for Red is -300 for Black
    assert 0.75 < found[1].after < 0.9
    assert found[4].after == pytest.approx(1.0)
    silent = Oracle([0.5] * 6, "a0a1", [None] * 6)  # type: ignore[list-item]
    with pytest.raises(PlayerError, match="expected a player that says what a position is worth"):
        review(silent, game(*MOVES))  # type: ignore[arg-type]


def test_the_end_of_a_game_counts_as_it_ended() -> None:
    mate = game("b0b9", fen="4k4/R8/9/9/9/9/9/9/9/1R1K5 w - - 0 1")
    (one,) = review(Oracle([0.6], "a8a9"), mate)  # type: ignore[arg-type]
    assert (one.after, one.lost) == (1.0, 0.0)


def test_remarks_are_added_to_what_stands_there(tmp_path: Path) -> None:
    points = [0.5, 0.2, 0.2, 0.2, 0.2, 0.2]
    record = GameRecord(moves=game(*MOVES).moves, result="1-0", notes={1: Note("an opening", (1,))})
    path = tmp_path / "review.pgn"
    write(path, [annotated(record, review(Oracle(points, "b2e2"), record))])  # type: ignore[arg-type]
    (back,) = read_games([path], on_error=pytest.fail)
    assert set(back.notes) == {1}
    note = back.notes[1]
    assert note.comment == "an opening Red's points 0.50 -> 0.20"
    assert note.nags == (1, 4)
    assert [v.moves for v in note.variations] == [(Move.from_iccs("b2e2"),)]


def test_plot(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    found = review(Oracle([0.5, 0.2, 0.45, 0.4, 0.75, 0.75], "h0g2"), game(*MOVES))  # type: ignore[arg-type]
    plot(found, tmp_path / "curve.png", "胡荣华 - 杨官璘")
    assert (tmp_path / "curve.png").read_bytes()[:4] == b"\x89PNG"


def test_command(tmp_path: Path) -> None:
    tiny(initializer_range=0.5).save_pretrained(tmp_path / "model")
    path, out = tmp_path / "games.pgn", tmp_path / "out.pgn"
    write(path, [game(*MOVES), game(*MOVES[:3])])
    call = ["review", str(path), "--player", f"gpt:model={tmp_path / 'model'}"]
    shown = CliRunner().invoke(cli, [*call, "--all", "--out", str(out)])
    assert shown.exit_code == 0, shown.output
    assert "H2+3" in shown.output
    assert "Black:" in shown.output
    assert "expected a name that is free" in CliRunner().invoke(cli, [*call, "--out", str(out)]).output
    moves = json.loads(CliRunner().invoke(cli, [*call, "--game", "2", "--json"]).stdout)["moves"]
    assert [one["move"] for one in moves] == list(MOVES[:3])
    missing = CliRunner().invoke(cli, [*call, "--game", "3"])
    assert missing.exit_code == 2
    assert "found 3" in missing.output


def test_command_takes_a_composed_position_with_lenient(tmp_path: Path) -> None:
    tiny(initializer_range=0.5).save_pretrained(tmp_path / "model")
    path = tmp_path / "composed.pgn"
    fen = "3k1p3/4P4/9/9/6CCR/3n4c/2Pn5/8B/5p3/4K4 w - - 0 1"
    path.write_text(f'[FEN "{fen}"]\n\n1. e8d8 *\n', encoding="utf-8")
    call = ["review", str(path), "--player", f"gpt:model={tmp_path / 'model'}", "--json"]
    refused = CliRunner().invoke(cli, call)
    assert refused.exit_code == 2
    assert "black soldier" in refused.output
    taken = CliRunner().invoke(cli, [*call, "--lenient"])
    assert taken.exit_code == 0, taken.output
    assert "odd position: expected the black soldier" in taken.stderr
    assert [one["move"] for one in json.loads(taken.stdout)["moves"]] == ["e8d8"]
