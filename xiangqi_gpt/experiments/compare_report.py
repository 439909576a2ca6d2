"""Reports of comparisons: a table, a sentence of interpretation, a plot."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from xiangqi_gpt.experiments.compare import RunResult
from xiangqi_gpt.plotting import palette, save_plot, subplots
from xiangqi_gpt.safe_json import format_json


@dataclass(frozen=True)
class Column:
    """One measure: its heading, and the format of its values."""

    title: str
    key: str
    write: Callable[[float], str]


COLUMNS = (
    Column("loss, nats/ply", "loss", "{:.3f}".format),
    Column("top-1, %", "top1", lambda x: f"{100 * x:.1f}"),
    Column("legal unmasked, %", "legality", lambda x: f"{100 * x:.1f}"),
    Column("plies/s", "plies_per_second", "{:.0f}".format),
    Column("peak MB", "memory_mb", "{:.0f}".format),
    Column("decode ms", "decode_ms", "{:.1f}".format),
    Column("state kB", "state_kb", "{:.0f}".format),
)


def by_choice(results: Sequence[RunResult]) -> dict[str, list[RunResult]]:
    """The results of every choice, lowest mean loss first."""
    groups: dict[str, list[RunResult]] = {}
    for result in results:
        groups.setdefault(result.choice, []).append(result)
    return dict(sorted(groups.items(), key=lambda item: statistics.fmean(r.loss for r in item[1])))


def rows(results: Sequence[RunResult]) -> list[list[str]]:
    """The cells of the table, headings first: means, with the spread (standard deviation) over seeds."""
    table = [["choice", "seeds", *(column.title for column in COLUMNS)]]
    for choice, group in by_choice(results).items():
        cells = [choice, str(len(group))]
        for column in COLUMNS:
            values = [float(getattr(result, column.key)) for result in group]
            text = column.write(statistics.fmean(values))
            if len(values) > 1:
                text += f" ± {column.write(statistics.stdev(values))}"
            cells.append(text)
        table.append(cells)
    return table


def interpretation(results: Sequence[RunResult]) -> str:
    """What the losses show, and what they do not: nothing if the seeds overlap with those of the best choice."""
    groups = by_choice(results)
    (best, top), *others = groups.items()
    if not others:
        return f"{best} alone: nothing to compare."
    if len(top) < 2:
        return f"{best} has the least loss, from one seed: the spread over seeds is not known."
    worst = max(r.loss for r in top)
    alike = [name for name, group in others if len(group) > 1 and min(r.loss for r in group) <= worst]
    single = [name for name, group in others if len(group) < 2]
    behind = [name for name, _ in others if name not in alike and name not in single]
    parts = [f"{best} has the least loss."]
    if alike:
        parts.append(f"The spread over seeds hides the difference from {', '.join(alike)}.")
    if behind:
        parts.append(f"Every seed is worse with {', '.join(behind)}.")
    if single:
        parts.append(f"One seed alone, spread not known: {', '.join(single)}.")
    return " ".join(parts)


def markdown(title: str, results: Sequence[RunResult]) -> str:
    """The table and its interpretation as Markdown."""
    table = rows(results)
    lines = [
        f"# {title}",
        "",
        "| " + " | ".join(table[0]) + " |",
        "|---" + "|---:" * (len(table[0]) - 1) + "|",
    ]
    lines += ["| " + " | ".join(row) + " |" for row in table[1:]]
    return "\n".join([*lines, "", interpretation(results), ""])


def as_json(results: Sequence[RunResult]) -> str:
    """All individual results."""
    return format_json([dataclasses.asdict(result) for result in results], indent=1)


def plot(title: str, results: Sequence[RunResult], path: Path) -> None:
    """Training loss curves and the loss on held-out games, as a PNG.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    groups = by_choice(results)
    figure, (left, right) = subplots(1, 2, size=(11, 4.5))
    colors = palette()
    for number, (choice, group) in enumerate(groups.items()):
        color = colors[number % len(colors)]
        steps = [step for step, _ in group[0].curve]
        curves = list(zip(*([loss for _, loss in r.curve] for r in group), strict=True))
        left.plot(steps, [statistics.fmean(c) for c in curves], label=choice, color=color, linewidth=1.4)
        if len(group) > 1:
            left.fill_between(
                steps, [min(c) for c in curves], [max(c) for c in curves], color=color, alpha=0.15
            )
        losses = [r.loss for r in group]
        right.scatter(losses, [number] * len(losses), color=color, s=24, alpha=0.8)
        right.plot([statistics.fmean(losses)], [number], "|", color="black", markersize=14)
    left.set(xlabel="step", ylabel="training loss, nats/ply", title=title)
    left.legend(fontsize=8)
    right.set(xlabel="loss on other games, nats/ply (a point a seed, bar: mean)", yticks=range(len(groups)))
    right.set_yticklabels(list(groups))
    right.invert_yaxis()
    right.grid(axis="x", alpha=0.3)
    save_plot(figure, path)
