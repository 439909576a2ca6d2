"""The GPT as a player: its options, and what it does with limits and wishes to stop."""

from __future__ import annotations

import dataclasses
import threading
from pathlib import Path

import pytest

from tests.decoding.test_scorer import scores_of
from tests.model.tiny import tiny
from xiangqi_gpt.decoding import Scorer, choose
from xiangqi_gpt.decoding.lookahead import Candidate, SearchResult
from xiangqi_gpt.players import Limit, PlayerError, create_player, is_deterministic, with_lookahead
from xiangqi_gpt.players.gpt_player import GPTPlayer
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.uci.session import UciSession


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model")
    tiny(board="bag").save_pretrained(path)
    return path


def test_with_default_options_it_plays_what_choose_says(model: Path) -> None:
    assert create_player(f"gpt:model={model},threads=1,name=Ann").name == "Ann"
    player = create_player(f"gpt:model={model},threads=1")
    scorer = Scorer(tiny(board="bag"))
    board = Board()
    for _ in range(12):
        scores = scorer.score(board)
        expected = scores.moves[choose(board.copy(), scores)]
        result = player.play(board, Limit(time=0.1))
        assert result.move == expected
        board.push(expected)
    assert is_deterministic(player)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("top_k=0", "top_k: expected at least 1 move"),
        ("top_p=2", "top_p: expected a share above 0"),
        ("temperature=0,min_p=0.1", "expected a number above 0 with min_p, found 0"),
        ("rules=fide", "expected a rule set of simple, asian, chinese, found 'fide'"),
        ("lookahead=soon", "expected a lookahead such as 500ms, 2s, or 400"),
        ("lookahead=0ms", "expected a lookahead such as 500ms"),
        ("lookahead=500ms,k=0", "k: expected at least 1, found 0"),
        ("depth=0", "depth: expected at least 1, found 0"),
        ("k=3", "expected lookahead=TIME or depth=PLIES with k, exploration"),
    ],
)
def test_nonsense_is_refused(model: Path, options: str, message: str) -> None:
    with pytest.raises(PlayerError, match=message):
        create_player(f"gpt:model={model},{options}")


def test_filters_draw_at_temperature_one_unless_told(model: Path) -> None:
    player = create_player(f"gpt:model={model},top_k=5,threads=1", seed=3)
    assert not is_deterministic(player)
    scores = Scorer(tiny(board="bag")).score(Board())
    best = {scores.moves[i] for i in scores.ranked()[:5]}
    drawn = [player.play(Board(), Limit()).move for _ in range(30)]
    assert set(drawn) <= best
    assert len(set(drawn)) > 1
    again = create_player(f"gpt:model={model},top_k=5,threads=1", seed=3)
    assert [again.play(Board(), Limit()).move for _ in range(30)] == drawn


def test_one_move_one_ply_is_the_bare_policy(model: Path) -> None:
    bare = create_player(f"gpt:model={model},threads=1")
    least = create_player(f"gpt:model={model},depth=1,k=1,threads=1")
    board = Board()
    for _ in range(8):
        move = bare.play(board, Limit()).move
        assert least.play(board, Limit()).move == move
        board.push(move)


def test_a_search_shows_its_lines_and_every_move(model: Path) -> None:
    player = create_player(f"gpt:model={model},lookahead=80,k=6,threads=1")
    analysis = player.analyse(Board(), Limit())
    assert {line.move for line in analysis.lines} == set(Board().legal_moves())
    assert len(analysis.lines[0].pv) > 1
    assert analysis.value is not None
    assert analysis.value.win + analysis.value.draw + analysis.value.loss == pytest.approx(1)
    tried = [line.value for line in analysis.lines if line.value is not None]
    assert 1 < len(tried) <= 6
    assert all(v.win + v.draw + v.loss == pytest.approx(1) and min(v.win, v.draw, v.loss) >= 0 for v in tried)
    assert len(player.analyse(Board(), Limit(), multipv=3).lines) == 3
    mate = Board("4k4/9/R8/9/9/9/9/9/9/1R3K3 w - - 0 1")
    player = create_player(f"gpt:model={model},lookahead=3000,k=50,threads=1")
    assert player.analyse(mate, Limit()).lines[0].score_cp == 30_000 - 2
    with pytest.raises(PlayerError, match="There are no legal moves"):
        player.play(Board("3k5/3R5/3R5/9/9/9/9/9/9/4K4 b - - 0 1"), Limit())


def test_warming_up_changes_no_answer(model: Path) -> None:
    cold, warm = (create_player(f"gpt:model={model},lookahead=40,threads=1") for _ in range(2))
    assert isinstance(warm, GPTPlayer)
    warm.warm_up()
    assert warm.analyse(Board()) == cold.analyse(Board())


def test_a_temperature_draws_by_visits(model: Path) -> None:
    player = create_player(f"gpt:model={model},lookahead=40,temperature=1,threads=1", seed=1)
    moves = {player.play(Board(), Limit()).move for _ in range(12)}
    assert len(moves) > 1


def test_after_a_few_descents_the_policy_decides_what_is_drawn(model: Path) -> None:
    """Every move that was tried has been tried once: drawing by visits alone would take any of them."""
    player = create_player(f"gpt:model={model},temperature=0.3,lookahead=4,threads=1", seed=1)
    assert isinstance(player, GPTPlayer)
    scores = scores_of(Board(), {"h2e2": 0.8, "a0a1": 0.1, "i0i1": 0.1}, (0.3, 0.4, 0.3))
    tried = tuple(
        Candidate(Move.from_iccs(text), (), visits, 0.1, None)
        for text, visits in (("a0a1", 1), ("h2e2", 1), ("i0i1", 1), ("b0c2", 0))
    )
    found = SearchResult(scores, tried, (0.3, 0.4, 0.3), 4, 1, False)
    moves = [player.drawn(found).iccs for _ in range(200)]
    assert moves.count("h2e2") > 180
    assert "b0c2" not in moves
    many = dataclasses.replace(
        found, candidates=tuple(dataclasses.replace(c, visits=400 * c.visits) for c in tried)
    )
    moves = [player.drawn(many).iccs for _ in range(200)]
    assert moves.count("h2e2") < 100


def test_stop_over_uci_ends_an_endless_search(model: Path) -> None:
    lines: list[str] = []
    answered = threading.Event()

    def write(line: str) -> None:
        lines.append(line)
        if line.startswith("bestmove"):
            answered.set()

    session = UciSession(lambda: create_player(f"gpt:model={model},lookahead=9999s,threads=1"), write)
    for line in ("uci", "isready", "position startpos", "go"):
        session.handle(line)
    assert not answered.is_set()
    session.handle("stop")
    assert answered.wait(30)
    best = next(line for line in lines if line.startswith("bestmove"))
    assert Board().is_legal(Move.from_iccs(best.split()[1]))
    answered.clear()
    session.handle("position startpos moves h2e2")
    session.handle("go nodes 20")
    assert answered.wait(30)
    session.run(["quit"])


def test_a_person_plays_against_a_search_unless_the_spec_says_otherwise() -> None:
    assert with_lookahead("gpt") == "gpt:lookahead=0.5s"
    assert with_lookahead("gpt:model=x,temperature=0.5") == "gpt:model=x,temperature=0.5,lookahead=0.5s"
    for spec in (
        "gpt:lookahead=0",
        "gpt:lookahead=2s,model=x",
        "gpt:depth=2,k=3",
        "greedy",
        "engine:fish,nodes=1",
    ):
        assert with_lookahead(spec) == spec


def test_no_lookahead_is_the_bare_policy(model: Path) -> None:
    bare = create_player(f"gpt:model={model},threads=1")
    zero = create_player(f"gpt:model={model},lookahead=0,threads=1")
    assert isinstance(zero, GPTPlayer)
    assert zero.lookahead is None
    assert zero.play(Board(), Limit()) == bare.play(Board(), Limit())
    with pytest.raises(PlayerError, match="asks for no search: leave out k or lookahead=0"):
        create_player(f"gpt:model={model},lookahead=0,k=3")


def test_precision_is_asked_for(model: Path) -> None:
    player = create_player(f"gpt:model={model},precision=float32,threads=1")
    assert isinstance(player, GPTPlayer)
    assert player.scorer.leaf_network is player.scorer.network
    half = create_player(f"gpt:model={model},precision=bfloat16,threads=1")
    assert isinstance(half, GPTPlayer)
    assert half.scorer.network.precision == "bfloat16"
    one, two = (p.scores(Board()).probs for p in (player, half))
    assert 0 < abs(one - two).max() < 0.05
    with pytest.raises(
        PlayerError, match="precision: expected one of auto, float32, bfloat16, int8, found 'half'"
    ):
        create_player(f"gpt:model={model},precision=half")


def test_how_likely_people_play_a_move_is_told_in_the_human_style(tmp_path: Path) -> None:
    styled, plain = tiny(board="spatial", styles="human+teacher"), tiny(board="bag")
    styled.save_pretrained(tmp_path / "styled")
    plain.save_pretrained(tmp_path / "plain")
    board, move = Board(), Move.from_iccs("h2e2")
    wanted = Scorer(styled, style="human").score(board)
    assert wanted.logprobs.tolist() != Scorer(styled, style="teacher").score(board).logprobs.tolist()
    for style in ("human", "teacher"):
        player = GPTPlayer(tmp_path / "styled", style=style, threads=1)
        assert player.human_prob(board, move) == pytest.approx(wanted.probs[wanted.moves.index(move)])
    scores = Scorer(plain).score(board)
    player = GPTPlayer(tmp_path / "plain", threads=1)
    assert player.human_prob(board, move) == pytest.approx(scores.probs[scores.moves.index(move)])
