"""Opening families: communities in the graph of the positions of openings, found by the map equation.

Somebody who replays the games one after the other walks through the graph. The map equation gives the number of bits
per step that a description of the walk needs, if positions of one community share a codebook; the library Infomap looks
for the communities that make it least. A community is thus a region of openings that games do not leave soon.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.library.opening_graph import NO_NODE, OpeningGraph
from xiangqi_gpt.library.opening_names import OpeningName, name_opening
from xiangqi_gpt.rules.move import MOVES, Move

_LINE_SHARE = 0.25  # of the games of a family: the typical line ends where fewer follow it
_NO_RESULT = 3


@dataclass(frozen=True)
class Communities:
    """Communities of the positions of a graph.

    Attributes:
        top: int64 (N,), the community of each position, numbered from 0.
        sub: int64 (N,), its community one level below; the same ones if there is no such level.
        codelength: bits per step with these communities.
        one_level: bits per step without communities.
        levels: number of levels, the positions themselves included.
    """

    top: NDArray[np.int64]
    sub: NDArray[np.int64]
    codelength: float
    one_level: float
    levels: int


@dataclass(frozen=True)
class Family:
    """The games of one community.

    Attributes:
        number: 1 for the family with most games.
        games: number of games.
        score: Red's points per game over the games with a result; None without any.
        line: the moves that most of its games play; it ends where fewer than a quarter of the family follows it.
        ecco: the most frequent ECCO code of its games, "" if none has any.
        ecco_share: share of that code among its games with a code, 0 to 1.
        name: the most frequent name of that code in the games, "" if none has any.
        opening: what the moves of *line* are called, None if they have no name.
        variations: number of games in each community one level below, the largest first.
    """

    number: int
    games: int
    score: float | None
    line: tuple[Move, ...]
    ecco: str
    ecco_share: float
    name: str
    opening: OpeningName | None
    variations: tuple[int, ...]


@dataclass(frozen=True)
class Families:
    """What `find_families` has found.

    Attributes:
        graph: the graph.
        hierarchy: its hierarchical communities; the families are its top level.
        two_level: the best communities with one level only.
        of_game: int64 (G,), the index in `families` of the family of each game.
        two_level_of_game: int64 (G,), the same for the communities of `two_level`, in any order.
        families: the families, the one with most games first.
        agreement: adjusted mutual information between the families and the ECCO codes of the games that carry one, by
            the number of characters of the code that count (1, 2 and 3), and the same for `two_level`; None with fewer
            than two codes.
        coded: number of games that carry a code.
    """

    graph: OpeningGraph
    hierarchy: Communities
    two_level: Communities
    of_game: NDArray[np.int64]
    two_level_of_game: NDArray[np.int64]
    families: tuple[Family, ...]
    agreement: dict[str, tuple[float, float, float]] | None
    coded: int


def find_families(graph: OpeningGraph, *, seed: int = 1, trials: int = 5) -> Families:
    """The families of the games of a graph.

    Args:
        graph: positions of openings.
        seed: random seed of Infomap.
        trials: how often Infomap begins anew; the best result is kept.

    Raises:
        ConfigError: Infomap or scikit-learn is not installed, or all games end at the start position.
    """
    check_libraries()
    if not len(graph.edges):
        raise ConfigError(
            "no position is reached by enough games: take more games, or lower the number of games per position"
        )
    hierarchy = communities(graph.edges, graph.weights, graph.positions, seed=seed, trials=trials)
    two_level = communities(
        graph.edges, graph.weights, graph.positions, seed=seed, trials=trials, two_level=True
    )
    labels = community_of_games(graph.nodes, hierarchy.top)
    order = np.argsort(-np.bincount(labels), kind="stable")
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    of_game = rank[labels]
    variation = community_of_games(graph.nodes, hierarchy.sub)
    two_level_of_game = community_of_games(graph.nodes, two_level.top)
    by_family = np.split(np.argsort(of_game, kind="stable"), np.cumsum(np.bincount(of_game))[:-1])
    families = tuple(
        _family(number, graph, members, variation[members])
        for number, members in enumerate(by_family, 1)
        if len(members)
    )
    coded = np.flatnonzero(np.array(graph.eccos) != "")
    return Families(
        graph,
        hierarchy,
        two_level,
        of_game,
        two_level_of_game,
        families,
        _agreement(graph, coded, {"families": of_game, "two_level": two_level_of_game}),
        len(coded),
    )


def check_libraries() -> None:
    """ConfigError unless the libraries of the extra `explore` are installed."""
    try:
        import infomap  # noqa: F401
        import sklearn  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            f"Opening families need {error.name}. Install it with: pip install 'xiangqi-gpt[explore]'"
        ) from None


def communities(
    edges: NDArray[np.int64],
    weights: NDArray[np.int64],
    nodes: int,
    *,
    seed: int = 1,
    trials: int = 1,
    two_level: bool = False,
) -> Communities:
    """The communities of a directed graph (E, 2) whose weights (E,) are flows: what enters a node also leaves it."""
    import infomap

    # The weights are the flow itself, so the walker never jumps at random.
    options = infomap.Options(flow_model="rawdir", seed=seed, num_trials=trials, two_level=two_level)
    links = [(*edge, float(weight)) for edge, weight in zip(edges.tolist(), weights.tolist(), strict=True)]
    result = infomap.run(links, options=options)
    found: dict[int, tuple[int, ...]] = result.multilevel_modules()
    top, sub = (
        _numbered([found.get(node, (0,))[: level + 1] for node in range(nodes)]) for level in range(2)
    )
    return Communities(
        top, sub, float(result.codelength), float(result.one_level_codelength), int(result.num_levels)
    )


def _numbered(labels: list[Any]) -> NDArray[np.int64]:
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(label, len(numbers)) for label in labels], dtype=np.int64)


def community_of_games(nodes: NDArray[np.int64], community: NDArray[np.int64]) -> NDArray[np.int64]:
    """The community in which each game (G, D + 1) spends most plies, the later one of two equal ones, as (G,)."""
    found = np.empty(len(nodes), dtype=np.int64)
    for game, row in enumerate(nodes.tolist()):
        passed = [int(community[node]) for node in row if node != NO_NODE]
        counts = Counter(passed)
        most = max(counts.values())
        found[game] = next(label for label in reversed(passed) if counts[label] == most)
    return np.unique(found, return_inverse=True)[1].astype(np.int64)


def _family(
    number: int, graph: OpeningGraph, members: NDArray[np.int64], variations: NDArray[np.int64]
) -> Family:
    results = graph.results[members]
    red_wins, black_wins, draws = (int(np.sum(results == index)) for index in range(_NO_RESULT))
    known = red_wins + black_wins + draws
    codes = Counter(code for game in members.tolist() if (code := graph.eccos[game]))
    ecco, count = codes.most_common(1)[0] if codes else ("", 0)
    names = Counter(
        name
        for game in members.tolist()
        if ecco and graph.eccos[game] == ecco and (name := _name(graph.openings[game], ecco))
    )
    line = _typical_line(graph, members)
    return Family(
        number=number,
        games=len(members),
        score=(red_wins + draws / 2) / known if known else None,
        line=line,
        ecco=ecco,
        ecco_share=count / codes.total() if codes else 0.0,
        name=names.most_common(1)[0][0] if names else "",
        opening=name_opening(line),
        variations=tuple(sorted(np.unique(variations, return_counts=True)[1].tolist(), reverse=True)),
    )


def _name(opening: str, ecco: str) -> str:
    """The name beside a code: ``C45 五七炮 红先上仕`` is ``五七炮``."""
    words = opening.removeprefix(ecco).split()
    return words[0] if words and words[0] != "..." else ""


def _typical_line(graph: OpeningGraph, members: NDArray[np.int64]) -> tuple[Move, ...]:
    """The most frequent continuation, ply by ply, while enough of the games follow it."""
    followers = members
    plies = 0
    for ply in range(1, graph.nodes.shape[1]):
        nodes = graph.nodes[followers, ply]
        nodes, counts = np.unique(nodes[nodes != NO_NODE], return_counts=True)
        if not len(nodes) or counts.max() < max(1, _LINE_SHARE * len(members)):
            break
        followers = followers[graph.nodes[followers, ply] == nodes[counts.argmax()]]
        plies = ply
    # The followers may differ in the order of their moves and by left and right.
    lines = Counter(map(tuple, graph.moves[followers, :plies].tolist()))
    return tuple(MOVES[move] for move in lines.most_common(1)[0][0])


def _agreement(
    graph: OpeningGraph, coded: NDArray[np.int64], labels: dict[str, NDArray[np.int64]]
) -> dict[str, tuple[float, float, float]] | None:
    from sklearn.metrics import adjusted_mutual_info_score

    codes = [graph.eccos[game] for game in coded.tolist()]
    if len(set(codes)) < 2:
        return None
    found = {}
    for name, families in labels.items():
        scores = [
            float(adjusted_mutual_info_score([code[:size] for code in codes], families[coded]))
            for size in (1, 2, 3)
        ]
        found[name] = (scores[0], scores[1], scores[2])
    return found
