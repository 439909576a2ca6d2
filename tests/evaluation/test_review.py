"""Review of a game: what a move gave away, what is written beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.model.tiny import tiny
from xiangqi_gpt.cli.main import cli
from xiangqi_gpt.errors import PlayerError
from xiangqi_gpt.evaluation.phases import Phase
from xiangqi_gpt.evaluation.review import annotated, plot, review, tallies
from xiangqi_gpt.players import create_player
from xiangqi_gpt.players.base import Analysis, Limit, Line, Value
from xiangqi_gpt.records import GameRecord, Note, read_games
from xiangqi_gpt.records.formats.pgn.pgnwrite import write
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.rules.pieces import Color

MOVES = ("h2e2", "h9g7", "h0g2", "i9h9", "i0h0")


class Oracle:
    """Knows what Red can expect at each ply of a game: with its own move, the same wherever it is legal, what it could
    expect before it; with any other move of the game what it can expect afterwards.
    """

    name = "oracle"

    def __init__(self, points: list[float], best: str, cp: list[int] | None = None) -> None:
        self.points, self.best, self.cp = points, Move.from_iccs(best), cp
        self.asked: list[tuple[int, bool]] = []

    def analyse(
        self,
        board: Board,
        limit: Limit,
        multipv: int | None = None,
        root_moves: list[Move] | None = None,
    ) -> Analysis:
        self.asked.append((board.ply, root_moves is not None))
        ply = board.ply + (root_moves is not None)
        best = self.best if board.is_legal(self.best) else board.legal_moves()[0]
        own = self.points[ply] if board.turn == 0 else 1 - self.points[ply]
        if self.cp is not None:
            cp = self.cp[ply] if board.turn == 0 else -self.cp[ply]
            return Analysis((Line(((root_moves or [best])[0],), score_cp=cp),))
        if root_moves is not None:
            return Analysis((Line((root_moves[0],), value=Value(own, 0.0, 1 - own)),))
        return Analysis((Line((best,), prob=0.5, value=Value(own, 0.0, 1 - own)),))

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


def test_both_moves_are_searched_from_the_same_root() -> None:
    oracle = Oracle([0.5, 0.2, 0.45, 0.4, 0.75, 0.75], "h0g2")
    review(oracle, game(*MOVES))  # type: ignore[arg-type]
    searches = [(ply, alone) for ply in (4, 3, 2, 1, 0) for alone in (False, True)]
    assert oracle.asked == [one for one in searches if one != (2, True)]  # h0g2 is the best move anyway


def test_what_was_judged_before_is_taken_over() -> None:
    oracle = Oracle([0.5, 0.2, 0.45, 0.4, 0.75, 0.75], "h0g2")
    whole = review(oracle, game(*MOVES))  # type: ignore[arg-type]
    oracle.asked.clear()
    new: list[int] = []
    known = {one.ply: one.comparison for one in whole if one.ply != 2}
    again = review(
        oracle,  # type: ignore[arg-type]
        game(*MOVES),
        known=known,
        on_comparison=lambda ply, _: new.append(ply),
    )
    assert again == whole
    assert new == [2]
    assert oracle.asked == [(2, False)]


def test_scores_of_an_engine() -> None:
    red_cps = [0, 0, 300, 300, -29_990, -29_990]
    found = review(Oracle([0.5] * 6, "a0a1", red_cps), game(*MOVES))  # type: ignore[arg-type]
    assert found[0].before == found[0].after == 0.5
    assert found[1].after == pytest.approx(found[2].after)  # 300 for Red is -300 for Black
    assert 0.75 < found[1].after < 0.9
    assert found[3].after == pytest.approx(0.0)
    assert found[3].comparison.played.mate == 10
    silent = create_player("random")
    with pytest.raises(PlayerError, match="gives no evaluation of positions"):
        review(silent, game(*MOVES))


def test_a_player_that_does_not_search_is_asked_about_the_next_positions() -> None:
    class Values:
        """Takes every position of Red for 0.7, of Black for 0.4, and every first legal move for the best."""

        name = "values"

        def analyse(self, board: Board, limit: Limit, multipv: int | None = None) -> Analysis:
            points = 0.7 if board.turn == 0 else 0.4
            return Analysis((Line((board.legal_moves()[0],), prob=0.3),), Value(points, 0.0, 1 - points))

        def new_game(self) -> None: ...

    found = review(Values(), game(*MOVES))  # type: ignore[arg-type]
    assert [one.after for one in found] == pytest.approx([0.6, 0.7, 0.6, 0.7, 0.6])
    assert [one.lost for one in found] == [0] * 5


def test_a_whole_game_by_side_and_phase() -> None:
    points = [0.5, 0.2, 0.45, 0.4, 0.75, 0.75]
    found = review(Oracle(points, "h0g2"), game(*MOVES))  # type: ignore[arg-type]
    sums = tallies(found)
    assert set(sums) == {(side, phase) for side in Color for phase in (Phase.OPENING, None)}
    red = sums[Color.RED, None]
    assert (red.moves, red.agreed, red.marks) == (3, 1, {"?!": 0, "?": 0, "??": 1})
    assert red.lost == pytest.approx(0.3)
    assert red.centipawns > 0
    assert sums[Color.BLACK, Phase.OPENING].marks == {"?!": 0, "?": 1, "??": 1}


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
    assert note.comment == "an opening Red's points 0.50 -> 0.20; C8=5 was better"
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
    assert "the file exists already" in CliRunner().invoke(cli, [*call, "--out", str(out)]).output
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
