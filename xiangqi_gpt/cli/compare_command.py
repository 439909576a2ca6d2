"""`xiangqi-gpt compare`: trains models that differ in one choice, with several seeds, and compares them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from xiangqi_gpt.cli.output import report_refused, table
from xiangqi_gpt.cli.shared_options import data_option
from xiangqi_gpt.errors import ConfigError, RecordError


@click.command("compare")
@click.argument("axis")
@data_option("Records: split train to learn from, split valid to measure on")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the runs and results.")
@click.option("--steps", type=click.IntRange(1), help="Optimizer steps per run.  [default: 1000]")
@click.option("--seeds", type=click.IntRange(1), default=3, show_default=True, help="Runs per choice.")
@click.option("--choices", help="Only these choices, separated by commas.")
@click.option(
    "--try",
    "tries",
    multiple=True,
    metavar="SETTINGS",
    help='A choice of your own, such as "plies=4 batch_windows=64"; AXIS can then be any name.',
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change one setting of all runs.")
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=2,
    show_default=True,
    help="Runs at the same time, with one thread each.",
)
@click.option("--games", type=click.IntRange(1), default=60, show_default=True, help="Games to measure on.")
def command(
    axis: str,
    data: tuple[str, ...],
    out: Path,
    steps: int | None,
    seeds: int,
    choices: str | None,
    tries: tuple[str, ...],
    settings: tuple[str, ...],
    jobs: int,
    games: int,
) -> None:
    """Train every choice of AXIS (attention, tokenizer, board, position or activation) and compare the results.

    Data, steps and seeds are the same for all. The same command resumes after an interruption and keeps finished
    runs, so you can add choices or seeds later. OUT gets table.md, results.json and plot.png. With --try you can
    compare any settings.
    """
    from xiangqi_gpt.experiments import compare_report as report
    from xiangqi_gpt.experiments.compare import (
        DATA_FILE,
        compare,
        finished,
        held_out,
        plan,
        read_data,
        write_data,
    )
    from xiangqi_gpt.files import atomic_path

    picked = None if choices is None else [name.strip() for name in choices.split(",")]
    runs = plan(axis, out, steps=steps, seeds=seeds, choices=picked, settings=settings, tries=tries)
    for run in runs:
        finished(run)  # refuses a folder of other settings before anything is read
    packed, measured_on = _read(data, games, runs[0].config)
    if (out / DATA_FILE).is_file():
        if not _same(read_data(out), packed):
            raise ConfigError(
                f"{out}: the runs there began with other games; give the same data, or another --out"
            )
    else:
        write_data(packed, out)
    try:
        results = compare(runs, out, held_out(measured_on, games), jobs=jobs, on_run=_print_result)
    except KeyboardInterrupt:
        click.echo("interrupted; the same command resumes", err=True)
        raise click.exceptions.Exit(130) from None
    everything = plan(axis, out, steps=steps, seeds=_most_seeds(out), settings=settings, tries=tries)
    names = {(r.choice, r.seed) for r in results}
    results += [
        m for run in everything if (run.choice, run.seed) not in names and (m := finished(run)) is not None
    ]
    title = f"compare {axis}: {runs[0].config.max_steps} steps"
    for name, text in (
        ("table.md", report.markdown(title, results)),
        ("results.json", report.as_json(results)),
    ):
        with atomic_path(out / name, overwrite=True) as draft:
            draft.write_text(text, encoding="utf-8")
    titles, *rows = report.rows(results)
    table(titles, rows)
    click.echo(report.interpretation(results))
    try:
        report.plot(title, results, out / "plot.png")
    except ConfigError as error:
        click.echo(f"no plot: {error}", err=True)


def _read(data: tuple[str, ...], games: int, config: Any) -> tuple[Any, Any]:
    """The games that all runs learn from, and those that they are measured on."""
    from xiangqi_gpt.dataset.packed import pack
    from xiangqi_gpt.evaluation.games import chosen_games
    from xiangqi_gpt.records import read_games

    refused: list[RecordError] = []
    splits = ("train", "extra") if config.extra else ("train",)
    packed, summary = pack(
        read_games(data, on_error=refused.append, splits=set(splits)),
        splits,
        human=config.targets != "teacher",
        teacher=config.targets != "human",
    )
    report_refused(refused)
    click.echo(str(summary), err=True)
    # More than wanted: some of them do not begin at the standard start, or are too short.
    return packed, chosen_games(data, split="valid", games=20 * games, on_error=refused.append)


def _same(one: Any, other: Any) -> bool:
    from xiangqi_gpt.dataset.packed import fingerprint

    return fingerprint(one) == fingerprint(other)


def _most_seeds(out: Path) -> int:
    """How many seeds some choice in the folder has been run with."""
    numbers = [int(p.name[5:]) for p in out.glob("*/seed-*") if p.name[5:].isdecimal()]
    return max(numbers, default=0) + 1


def _print_result(run: Any, measured: Any) -> None:
    click.echo(
        f"{run.choice} seed {run.seed}: loss {measured.loss:.3f} nats/ply, top-1 {100 * measured.top1:.1f} %, "
        f"{measured.plies_per_second:.0f} plies/s, {measured.train_seconds:.0f} s",
        err=True,
    )
