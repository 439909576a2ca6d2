"""The figures of the bundled model have one home, assets/figures.json; this writes them into the pages that show them.
The levels come from `players/levels.py`, their ladder from docs/ladder.json, the matches from docs/strength.json.

python tools/figures.py           write the tables between `<!-- figures: NAME -->` and `<!-- /figures -->`
python tools/figures.py --check   name the pages that show something else, and exit with 1
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np

from xiangqi_gpt.arena.ratings import Rating, bradley_terry
from xiangqi_gpt.players.levels import LEVELS
from xiangqi_gpt.players.player_spec import PlayerSpec

ROOT = Path(__file__).parents[1]
HOME = ROOT / "assets" / "figures.json"
LADDER = ROOT / "docs" / "ladder.json"
STRENGTH = ROOT / "docs" / "strength.json"
PAGES = ("README.md", "README.zh-CN.md", "assets/README.md", "docs/strength.md")
BLOCK = re.compile(r"(?P<begin><!-- figures: (?P<name>[\w-]+) -->\n).*?(?P<end><!-- /figures -->)", re.S)

WIDE = 60
"""Half of an interval, in Elo, above which a link is provisional."""

MIDDLE = "engine:fairy-stockfish,nodes=100,Hash=1"
"""The player of the ladder from which distances are measured."""

SHOWN = ("human_top1", "legality", "match_fairy_100", "match_fairy_1000", "latency")
"""What the front pages show."""
CHINESE = {
    "human_top1": "最可能的一着就是棋手实际走的着法",
    "legality": "不加任何限制时，模型写出的是合法着法",
    "match_fairy_100": "对 Fairy-Stockfish 11.1（每步 100 个节点）的得分率",
    "match_fairy_1000": "对 Fairy-Stockfish 11.1（每步 1,000 个节点）的得分率",
    "latency": "单核每步用时（中位数）",
}


def value_of(row: dict[str, Any], to: str = "to") -> str:
    """A figure with its unit and its interval; *to* stands between the ends of that."""
    text = f"{row['value']:,} {row['unit']}".rstrip()
    if "interval" in row:
        low, high = row["interval"]
        text += f" ({low:,} {to} {high:,})"
    return text


def text_of(row: dict[str, Any]) -> str:
    """A figure with its unit, its interval and what belongs to it."""
    return "; ".join([value_of(row), *([row["detail"]] if "detail" in row else [])])


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def levels() -> str:
    """The levels, each stated by what it is."""
    rows = [
        [
            str(level.number),
            f"`{level.key}`",
            level.message.text("zh"),
            f"{level.elo:,}",
            str(level.descents or "—"),
            level.style,
            f"{level.temperature:g}",
            f"{level.top_p:g}",
            "—" if level.descents else f"{level.care:g}",
        ]
        for level in LEVELS
    ]
    return table(["level", "name", "", "Elo", "descents", "style", "temperature", "top_p", "care"], rows)


def counts_of(match: dict[str, Any]) -> str:
    """Games won, drawn and lost."""
    return f"+{match['wins']} ={match['draws']} -{match['losses']}"


def elo_of(match: dict[str, Any]) -> str:
    """The difference in Elo with its interval."""
    low, high = match["elo_ci"]
    return f"{match['elo']:+,.0f} ({low:+,.0f} to {high:+,.0f})"


def ladder(links: list[dict[str, Any]]) -> str:
    """Links between neighbours of the ladder, each with its games."""
    if not links:
        return "No link of these levels has been measured yet.\n"
    rows = []
    for link in links:
        low, high = link["elo_ci"]
        wide = "yes" if max(high - link["elo"], link["elo"] - low) > WIDE else ""
        row = [shown(link["stronger"]), shown(link["weaker"]), str(len(link["points"])), counts_of(link)]
        rows.append([*row, elo_of(link), wide])
    return table(["player", "against", "games", "+ = -", "Elo (95 % interval)", "provisional"], rows)


def ladder_ratings(links: list[dict[str, Any]]) -> list[tuple[str, Rating]]:
    """The players of the ladder, strongest first, by all links together.

    `random` has 0, and the intervals are those of the distance to `MIDDLE`.
    """
    names = sorted({link[side] for link in links for side in ("weaker", "stronger")})
    points = np.zeros((len(names), len(names)))
    for link in links:
        weaker, stronger, won = (
            names.index(link["weaker"]),
            names.index(link["stronger"]),
            sum(link["points"]),
        )
        points[stronger, weaker] += won
        points[weaker, stronger] += len(link["points"]) - won
    found = bradley_terry(points, {names.index(MIDDLE): 0.0})
    zero = found[names.index("random")].elo
    ratings = [
        (name, Rating(rating.elo - zero, rating.low - zero, rating.high - zero))
        for name, rating in zip(names, found, strict=True)
    ]
    return sorted(ratings, key=lambda rated: -rated[1].elo)


def ratings_table(links: list[dict[str, Any]]) -> str:
    """The ratings of the ladder."""
    rows = [
        [
            shown(name),
            f"{rating.elo:,.0f}" + ("" if name == MIDDLE else f" ({rating.low:,.0f} to {rating.high:,.0f})"),
        ]
        for name, rating in ladder_ratings(links)
    ]
    return table(["player", "Elo (95 % interval)"], rows)


def nodes_of(spec: str) -> int | None:
    """The nodes of an engine; None for other players."""
    nodes = PlayerSpec.parse(spec).settings.get("nodes")
    return None if nodes is None else int(nodes)


def shown(spec: str) -> str:
    """A player as the tables name it."""
    parsed, nodes = PlayerSpec.parse(spec), nodes_of(spec)
    if not parsed.command:
        return f"`{spec}`"
    program = os.path.basename(parsed.command).replace("fairy-stockfish", "Fairy-Stockfish")
    limit = f"depth {parsed.settings['depth']}" if nodes is None else f"{nodes:,} node{'s' * (nodes > 1)}"
    return f"{program}, {limit}"


def strength_row(match: dict[str, Any]) -> list[str]:
    """A match of docs/strength.json."""
    return [
        shown(match["player"]),
        shown(match["opponent"]),
        str(match["games"]),
        counts_of(match),
        f"{100 * match['score']:.1f} %",
        elo_of(match),
    ]


def strength(matches: dict[str, dict[str, Any]]) -> str:
    """The matches of the policy and of the lookahead."""
    head = ["player", "opponent", "games", "+ = -", "score", "Elo (95 % interval)"]
    return table(head, [strength_row(match) for match in matches.values()])


def rendered(name: str, figures: dict[str, Any]) -> str:
    """The block called *name*; KeyError where there is none."""
    rows = {row["key"]: row for row in figures["measured"]}

    def measured() -> str:
        lines = [
            [row["what"], row["data"], text_of(row), f"{row['before']:,} {row['unit']}".rstrip()]
            if "before" in row
            else [row["what"], row["data"], text_of(row), ""]
            for row in rows.values()
        ]
        return table(["what", "data", "measured", "weights before"], lines)

    def aims() -> str:
        return table(
            ["aim", "measured", ""],
            [[each["aim"], each["measured"], "met" if each["met"] else "missed"] for each in figures["aims"]],
        )

    def summary() -> str:
        lines = [[rows[key]["what"], text_of(rows[key])] for key in SHOWN]
        return table(["the bundled model", f"weights of {figures['weights']}"], lines)

    def summary_zh() -> str:
        lines = [[CHINESE[key], value_of(rows[key], to="至")] for key in SHOWN]
        return table(["自带的模型", f"{figures['weights']} 的权重"], lines)

    blocks = {
        "measured": measured,
        "aims": aims,
        "limits": lambda: "".join(f"- {text}\n" for text in figures["limits"]),
        "summary": summary,
        "summary-zh": summary_zh,
        "levels": levels,
        "ladder": lambda: ladder(json.loads(LADDER.read_text(encoding="utf-8"))),
        "ladder-ratings": lambda: ratings_table(json.loads(LADDER.read_text(encoding="utf-8"))),
        "strength": lambda: strength(json.loads(STRENGTH.read_text(encoding="utf-8"))),
    }
    return blocks[name]()


def updated(text: str, figures: dict[str, Any]) -> str:
    """*text* with all blocks as the figures have them."""
    return BLOCK.sub(
        lambda found: f"{found['begin']}\n{rendered(found['name'], figures)}\n{found['end']}", text
    )


def main(arguments: list[str]) -> int:
    """Write or check all pages."""
    figures = json.loads(HOME.read_text(encoding="utf-8"))
    stale = []
    for name in PAGES:
        page = ROOT / name
        text = page.read_text(encoding="utf-8")
        new = updated(text, figures)
        if new != text:
            stale.append(name)
            if "--check" not in arguments:
                page.write_text(new, encoding="utf-8")
                print(f"{name}: written")
    if stale and "--check" in arguments:
        print(f"Run python tools/figures.py: figures differ from {HOME.name} in {', '.join(stale)}")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
