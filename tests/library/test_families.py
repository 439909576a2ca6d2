"""Opening families on small collections, and Infomap's description length compared with the map equation."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.library.games import write_pgn
from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.library import collect
from xiangqi_gpt.library.families import Families, communities, community_of_games, find_families
from xiangqi_gpt.library.families_report import as_json, line_in_chinese
from xiangqi_gpt.library.opening_graph import NO_NODE, OpeningGraph, opening_graph
from xiangqi_gpt.rules.move import Move

CANNON = ["h2e2 h9g7 h0g2 i9h9 i0h0", "h2e2 h9g7 h0g2 i9h9 g3g4", "b2e2 b9c7 b0c2 a9b9 a0b0"]
SOLDIER = ["c3c4 g6g5 b0c2 h9g7 a0a1", "c3c4 g6g5 b0c2 h9g7 g0e2", "b0c2 g6g5 c3c4 h9g7 a0a1"]


def collection(folder: Path, lines: list[str], repeat: int = 1, tags: str = "") -> Path:
    """A collection with each line several times, told apart by a last move."""
    last = ["a6a5", "c6c5", "e6e5", "a9a8", "c9e7", "g9e7"]
    games = []
    for number, line in enumerate(lines):
        for end in last[:repeat]:
            code = ("C20", "E40")[number >= len(lines) // 2]
            games.append(
                f'[Game "x"]\n[Opening "{code} name{code[0]} further"]\n[Result "1-0"]\n{tags}\n{line} {end} 1-0\n'
            )
    collect([write_pgn(folder, "\n".join(games))], folder / "games.db")
    return folder / "games.db"


@pytest.fixture
def graph(tmp_path: Path) -> OpeningGraph:
    return opening_graph(collection(tmp_path, CANNON + SOLDIER, repeat=3), depth=5)


def test_transpositions_and_mirror_images_are_one_node(graph: OpeningGraph) -> None:
    assert (graph.games, graph.nodes.shape) == (18, (18, 6))
    start, cannon, mirrored = graph.nodes[0], graph.nodes[3], graph.nodes[6]
    assert start[:5].tolist() == cannon[:5].tolist() == mirrored[:5].tolist()
    assert mirrored[5] == start[5] != cannon[5]
    soldier, transposed = graph.nodes[9], graph.nodes[15]
    assert soldier[1] != transposed[1]
    assert soldier[3:].tolist() == transposed[3:].tolist()
    assert graph.positions == len(set(graph.nodes.ravel().tolist()))


def test_what_enters_a_node_also_leaves_it(graph: OpeningGraph) -> None:
    sources, targets = graph.edges.T
    flow_in = np.bincount(targets, graph.weights)
    flow_out = np.bincount(sources, graph.weights)
    assert flow_in.tolist() == flow_out.tolist()
    assert flow_in[graph.nodes[0, 0]] == graph.games


def test_rare_positions_are_left_out(tmp_path: Path) -> None:
    graph = opening_graph(collection(tmp_path, CANNON + SOLDIER), depth=8, least=2)
    assert (graph.nodes[0] != NO_NODE).tolist() == [True] * 6 + [False] * 3
    assert (graph.nodes[1] != NO_NODE).tolist() == [True] * 5 + [False] * 4
    assert graph.moves[0, 5] == Move.from_iccs("a6a5").index
    assert graph.moves[0, 6] == 0


def test_games_of_other_kinds_and_from_positions_are_left_out(tmp_path: Path) -> None:
    path = collection(tmp_path, CANNON, tags='[Kind "engine"]\n')
    assert opening_graph(path, depth=5, kind="engine").games == 3
    with pytest.raises(RecordError, match="no game of kind 'human' in the collection begins at the standard"):
        opening_graph(path, depth=5, kind="human")
    position = '[Game "x"]\n[FEN "3k5/9/9/9/9/9/9/9/4R4/5K3 w - - 0 1"]\n\n1. e1d1 *\n'
    collect([write_pgn(tmp_path, position, "position.pgn")], tmp_path / "position.db")
    with pytest.raises(RecordError, match="no game in the collection begins at the standard start"):
        opening_graph(tmp_path / "position.db", depth=5)


def map_equation(edges: np.ndarray, weights: np.ndarray, module: np.ndarray) -> float:
    """Bits per step: a codebook for changes of module, and one for each module's nodes and its exit."""

    def plogp(values: np.ndarray) -> float:
        return float(sum(p * math.log2(p) for p in np.ravel(values).tolist() if p > 0))

    flow = weights / weights.sum()
    visits = np.bincount(edges[:, 1], flow)
    leaves = module[edges[:, 0]] != module[edges[:, 1]]
    exits = np.bincount(module[edges[leaves, 0]], flow[leaves], minlength=module.max() + 1)
    inside = np.bincount(module, visits)
    return plogp(exits.sum()) - 2 * plogp(exits) - plogp(visits) + plogp(exits + inside)


@pytest.mark.parametrize("seed", range(3))
def test_description_lengths_are_those_of_the_map_equation(seed: int) -> None:
    # Walks that stay in one of four groups of six nodes for a while, and return to the beginning.
    rng = np.random.default_rng(seed)
    walk = [0]
    for _ in range(3000):
        group = walk[-1] // 6 if rng.random() < 0.9 else rng.integers(4)
        walk.append(int(group * 6 + rng.integers(6)))
    walk.append(0)
    edges, weights = np.unique(np.stack((walk[:-1], walk[1:]), axis=1), axis=0, return_counts=True)
    found = communities(edges, weights, 24, two_level=True)
    assert sorted(np.bincount(found.top).tolist()) == [6, 6, 6, 6]
    assert found.codelength == pytest.approx(map_equation(edges, weights, found.top), abs=1e-9)
    assert found.one_level == pytest.approx(
        map_equation(edges, weights, np.zeros(24, dtype=np.int64)), abs=1e-9
    )
    assert found.codelength < found.one_level


def test_a_game_belongs_where_it_spends_most_plies() -> None:
    nodes = np.array([[0, 1, 2, 3], [0, 1, 4, 5], [0, NO_NODE, NO_NODE, NO_NODE], [0, 1, 2, NO_NODE]])
    community = np.array([0, 0, 1, 1, 2, 1])
    assert community_of_games(nodes, community).tolist() == [1, 0, 0, 0]


@pytest.fixture
def found(graph: OpeningGraph) -> Families:
    return find_families(graph)


def test_families_are_found_and_named(found: Families) -> None:
    assert [family.games for family in found.families] == [9, 9]
    by_code = {family.ecco: family for family in found.families}
    cannon, soldier = by_code["C20"], by_code["E40"]
    assert (cannon.name, cannon.ecco_share, cannon.score) == ("nameC", 1.0, 1.0)
    assert line_in_chinese(cannon.line) == "炮二平五 马8进7 马二进三 车9平8 车一平二"
    assert [move.iccs for move in soldier.line][:1] == ["c3c4"]
    assert found.agreement is not None
    assert found.agreement["families"] == pytest.approx((1.0, 1.0, 1.0))
    assert found.coded == 18
    assert found.of_game.tolist() in ([0] * 9 + [1] * 9, [1] * 9 + [0] * 9)
    assert found.hierarchy.codelength <= found.hierarchy.one_level


def test_the_report_holds_every_family(found: Families) -> None:
    report = as_json(found)
    assert (report["games"], report["depth"], report["hierarchy"]["communities"]) == (18, 5, 4)
    assert sum(family["games"] for family in report["families"]) == 18
    assert report["families"][0]["variations"][0] <= 9


def test_too_few_games_are_an_error(tmp_path: Path) -> None:
    graph = opening_graph(collection(tmp_path, CANNON[:1]), depth=5)
    with pytest.raises(ConfigError, match="no position is reached by enough games"):
        find_families(graph)


def test_a_missing_library_is_named(graph: OpeningGraph, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "infomap", None)
    with pytest.raises(
        ConfigError, match=r"need infomap. Install it with: pip install 'xiangqi-gpt\[explore\]'"
    ):
        find_families(graph)
