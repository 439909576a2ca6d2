"""Opening families on paper: JSON and a picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from xiangqi_gpt.library.families import Communities, Families, Family
from xiangqi_gpt.library.opening_graph import NO_NODE
from xiangqi_gpt.notation import chinese
from xiangqi_gpt.plotting import palette, save_plot, subplots
from xiangqi_gpt.rules.board import Board
from xiangqi_gpt.rules.move import Move
from xiangqi_gpt.texts import in_all_languages

_ROWS = 2000
_COLOURS = [index for index in range(20) if index not in (14, 15)]  # of the palette tab20, without its greys
_COLOURED = len(_COLOURS)
_GREY = (0.85, 0.85, 0.85)
_WHITE = (1.0, 1.0, 1.0)


def as_json(found: Families) -> dict[str, Any]:
    """All of a result that is no array over games or positions."""
    return {
        "games": found.graph.games,
        "positions": found.graph.positions,
        "edges": len(found.graph.edges),
        "depth": found.graph.nodes.shape[1] - 1,
        "hierarchy": _communities(found.hierarchy),
        "two_level": _communities(found.two_level),
        "coded_games": found.coded,
        "ami_with_ecco": found.agreement,
        "families": [_family(family) for family in found.families],
    }


def _communities(found: Communities) -> dict[str, Any]:
    return {
        "communities": int(found.top.max()) + 1,
        "levels": found.levels,
        "codelength": found.codelength,
        "one_level_codelength": found.one_level,
    }


def _family(family: Family) -> dict[str, Any]:
    return {
        "number": family.number,
        "games": family.games,
        "red_score": family.score,
        "ecco": family.ecco,
        "ecco_share": family.ecco_share,
        "name": family.name,
        "opening": None if family.opening is None else in_all_languages(family.opening.message),
        "moves": [move.iccs for move in family.line],
        "chinese": line_in_chinese(family.line),
        "variations": list(family.variations),
    }


def line_in_chinese(line: tuple[Move, ...]) -> str:
    """A line from the standard start in Chinese notation, with a space between moves."""
    board = Board()
    words = []
    for move in line:
        words.append(chinese.render(board, move))
        board.push(move)
    return " ".join(words)


def draw_families(found: Families, path: Path) -> None:
    """Draw the games as rows and the plies as columns, coloured by family, as a PNG.

    Raises:
        ConfigError: matplotlib is not installed.
        FileError: the disk refuses it.
    """
    graph = found.graph
    games = np.lexsort(_columns(graph.nodes)[::-1])
    if len(games) > _ROWS:
        games = games[np.linspace(0, len(games) - 1, _ROWS).astype(np.int64)]
    top = found.hierarchy.top
    # The family of a community is the one that most of the games there belong to.
    family_of = np.full(int(top.max()) + 1, len(found.families), dtype=np.int64)
    for index in range(min(_COLOURED, len(found.families)) - 1, -1, -1):
        members = graph.nodes[found.of_game == index]
        family_of[np.bincount(top[members[members != NO_NODE]]).argmax()] = index
    twenty = palette()
    colours = [twenty[index][:3] for index in _COLOURS]
    paints = np.array([*colours, _GREY, _WHITE])
    shown = graph.nodes[games]
    painted = np.minimum(family_of[top[np.maximum(shown, 0)]], _COLOURED)
    painted[shown == NO_NODE] = _COLOURED + 1
    figure, axes = subplots(size=(11, 8))
    from matplotlib.patches import Rectangle

    axes.imshow(paints[painted], aspect="auto", interpolation="nearest")
    axes.set_xticks(range(0, shown.shape[1], 2))
    axes.set_xlabel("plies played")
    axes.set_ylabel("games, sorted by their moves")
    axes.set_yticks([])
    axes.set_title(f"Opening families of {graph.games:,} games: {len(found.families):,}")
    handles = [
        Rectangle((0, 0), 1, 1, color=colours[index], label=_label(family))
        for index, family in enumerate(found.families[:_COLOURED])
    ]
    handles.append(Rectangle((0, 0), 1, 1, color=_GREY, label="other families"))
    axes.legend(handles=handles, loc="center left", bbox_to_anchor=(1, 0.5), fontsize=8, frameon=False)
    save_plot(figure, path)


def _columns(nodes: np.ndarray[Any, np.dtype[np.int64]]) -> list[np.ndarray[Any, np.dtype[np.int64]]]:
    """Each ply's positions as ranks by their number of games, so that the most frequent ones come first."""
    counts = np.bincount(nodes[nodes != NO_NODE])
    rank = np.empty(len(counts) + 1, dtype=np.int64)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    rank[NO_NODE] = len(counts)
    return [rank[nodes[:, ply]] for ply in range(nodes.shape[1])]


def _label(family: Family) -> str:
    # The fonts of matplotlib have no Chinese characters.
    line = " ".join(move.iccs for move in family.line[:4])
    return f"{family.number}. {family.ecco + '  ' if family.ecco else ''}{line}  ({family.games:,})"
