"""`xiangqi-gpt evaluate`: accuracy, legality and calibration on held-out games; puzzles."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from xiangqi_gpt.errors import ConfigError, RecordError

_PRECISION = "xiangqi_gpt.precision"  # where the context of the command keeps it


def _keep_precision(context: click.Context, _: click.Parameter, precision: str) -> None:
    context.meta[_PRECISION] = precision


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(
        (
            click.option(
                "--data", "data", multiple=True, help="Records to measure on; may be given several times."
            ),
            click.option(
                "--model",
                "model_dir",
                type=click.Path(path_type=Path),
                help="Model directory; the bundled one by default.",
            ),
            click.option(
                "--style", help="human or teacher, of a model that learned both; its own by default."
            ),
            click.option("--split", default="test", show_default=True, help="train, valid, test or extra."),
            click.option(
                "--games", type=click.IntRange(1), help="How many games, drawn by the seed; all by default."
            ),
            click.option("--seed", default=0, show_default=True, help="Seed of the draw."),
            click.option(
                "--threads", type=click.IntRange(1), help="Processor threads; all cores by default."
            ),
            click.option("--device", default="cpu", show_default=True, help="cpu or cuda."),
            click.option(
                "--precision",
                type=click.Choice(["auto", "float32", "bfloat16"]),
                default="auto",
                show_default=True,
                expose_value=False,
                callback=_keep_precision,
                help="Of the products; auto: bfloat16 where the processor is fast at it.",
            ),
            click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output."),
        )
    ):
        function = option(function)
    return function


@click.group("evaluate")
def command() -> None:
    """Measure a model on games it has never seen."""


_plain = click.option(
    "--plain", is_flag=True, help="One look at a board, also where a model looks at its mirror image as well."
)


@command.command()
@_options
@_plain
def accuracy(
    data: tuple[str, ...], model_dir: Path | None, style: str | None, split: str, games: int | None, seed: int,
    threads: int | None, device: str, as_json: bool, plain: bool,
) -> None:  # fmt: skip
    """Agreement with the moves played and with the teacher's moves; likelihood; value of positions.

    A model with styles is measured in each, unless --style names one.
    """
    from xiangqi_gpt.evaluation.accuracy import measure_accuracy

    records = _games(data, split, games, seed)
    found = {}
    for name in _styles(model_dir, style):
        with _progress(len(records)) as on_game:
            scorer = _as_played(_scorer(model_dir, device, threads, seed, name), plain)
            found[name] = dataclasses.asdict(measure_accuracy(scorer, records, on_game))
    if len(found) == 1:
        _print(next(iter(found.values())), as_json)
    elif as_json:
        click.echo(json.dumps(found))
    else:
        for name, result in found.items():
            click.echo(f"style {name}")
            _print(result, as_json)


@command.command()
@_options
@click.option(
    "--random-plies",
    type=click.IntRange(0),
    help="Instead of records: positions after this many random plies.",
)
@click.option("--why", is_flag=True, help="Also say which rules illegal texts break; takes longer.")
def legality(
    data: tuple[str, ...], model_dir: Path | None, style: str | None, split: str, games: int | None, seed: int,
    threads: int | None, device: str, as_json: bool, random_plies: int | None, why: bool,
) -> None:  # fmt: skip
    """How often the model's own words, with nothing masked, are legal moves: in all, and by the ply of the game."""
    from xiangqi_gpt.evaluation.games import random_boards
    from xiangqi_gpt.evaluation.legality import GROUP_PLIES, measure_legality, measure_legality_of_boards

    if random_plies is not None:
        if data:
            raise ConfigError("--random-plies: expected no --data with it, found both")
        boards = list(random_boards(games or 1000, random_plies, seed))
        with _progress(len(boards)) as on_game:
            scorer = _scorer(model_dir, device, threads, seed, style)
            result = measure_legality_of_boards(scorer, boards, on_game, why=why)
    else:
        records = _games(data, split, games, seed)
        with _progress(len(records)) as on_game:
            scorer = _scorer(model_dir, device, threads, seed, style)
            result = measure_legality(scorer, records, on_game, why=why)
    found = dataclasses.asdict(result)
    if as_json:
        _print(found, as_json)
        return
    _print({key: value for key, value in found.items() if key not in ("by_ply", "broken")}, as_json)
    rows = [
        (
            f"{part.first}-{part.first + GROUP_PLIES - 1}",
            f"{part.plies:,}",
            f"{part.argmax_legal:.4f}",
            f"{part.leak:.4f}",
        )
        for part in result.by_ply
    ]
    _table(("ply", "positions", "argmax_legal", "leak"), rows)
    if why:
        _table(("broken rule", "texts"), [(rule, f"{count:,}") for rule, count in result.broken.items()])


@command.command()
@_options
@_plain
@click.option("--plot", type=click.Path(path_type=Path), help="Also draw it, as a PNG.")
def calibration(
    data: tuple[str, ...], model_dir: Path | None, style: str | None, split: str, games: int | None, seed: int,
    threads: int | None, device: str, as_json: bool, plain: bool, plot: Path | None,
) -> None:  # fmt: skip
    """Whether results and moves come about as often as the model expects."""
    from xiangqi_gpt.evaluation import calibration as measure

    records = _games(data, split, games, seed)
    with _progress(len(records)) as on_game:
        scorer = _as_played(_scorer(model_dir, device, threads, seed, style), plain)
        result = measure.measure_calibration(scorer, records, on_game)
    if plot is not None:
        measure.plot(result, plot)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(result)))
        return
    for title, reliability in (
        ("value: expected score", result.value),
        ("policy: likeliest move", result.policy),
    ):
        if reliability is not None:
            rows = [(f"{b.count:,}", f"{b.expected:.3f}", f"{b.found:.3f}") for b in reliability.bins]
            _table((title, "said", "came about"), rows)
            click.echo(f"calibration error {reliability.error:.4f}")


@command.command()
@click.option("--data", multiple=True, required=True, help="Puzzles; may be given several times.")
@click.option("--player", default="gpt", show_default=True, help="Who solves them.")
@click.option("--puzzles", type=click.IntRange(1), help="How many, drawn by the seed; all by default.")
@click.option("--seed", default=0, show_default=True, help="Seed of the draw.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def puzzles(data: tuple[str, ...], player: str, puzzles: int | None, seed: int, as_json: bool) -> None:
    """How often the first move of a puzzle is found, by the length of its solution.

    Puzzles are games that begin at a position of their own, in any format of records, or a Parquet file with
    columns fen and solution. Another move that mates at once counts as well.
    """
    from xiangqi_gpt.evaluation.puzzles import drawn, read_puzzles, solve
    from xiangqi_gpt.players import create_player

    refused: list[RecordError] = []
    chosen = drawn(read_puzzles(data, refused.append), puzzles, seed)
    if refused:
        click.echo(f"left out {len(refused)} puzzles that break the rules; the first: {refused[0]}", err=True)
    if not chosen:
        raise ConfigError(f"expected puzzles, found none in {', '.join(data)}")
    solver = create_player(player, seed=seed)
    try:
        with _progress(len(chosen)) as on_puzzle:
            rows = solve(solver, chosen, on_puzzle=on_puzzle)
    finally:
        solver.close()
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(row) for row in rows]))
        return
    shown = [(r.length, f"{r.puzzles:,}", f"{r.found:,}", f"{100 * r.share:.1f} %") for r in rows]
    _table(("moves to solve", "puzzles", "found", "share"), shown)


def _games(data: tuple[str, ...], split: str, games: int | None, seed: int) -> list[Any]:
    from xiangqi_gpt.evaluation.games import chosen_games

    if not data:
        raise ConfigError("--data: expected at least one file of records, found none")
    refused: list[RecordError] = []
    records = chosen_games(data, split=split, games=games, seed=seed, on_error=refused.append)
    if refused:
        click.echo(f"left out {len(refused)} games that break the rules; the first: {refused[0]}", err=True)
    return records


def _styles(model_dir: Path | None, style: str | None) -> tuple[str | None, ...]:
    """The styles to measure: *style* where one is asked for, else all that the model has."""
    from xiangqi_gpt.players.gpt_player import open_model

    return (style,) if style is not None else open_model(model_dir).config.style_names or (None,)


def _scorer(
    model_dir: Path | None, device: str, threads: int | None, seed: int, style: str | None = None
) -> Any:
    import torch

    from xiangqi_gpt.decoding import Scorer
    from xiangqi_gpt.players.gpt_player import open_model

    if device not in ("cpu", "cuda") or (device == "cuda" and not torch.cuda.is_available()):
        raise ConfigError(f"device: expected cpu, or cuda where there is one, found {device!r}")
    torch.set_num_threads(threads or os.cpu_count() or 1)
    precision = click.get_current_context().meta[_PRECISION]
    scorer = Scorer(open_model(model_dir), device, seed, style=style, precision=precision)
    click.echo(f"measured in {scorer.network.precision}", err=True)
    return scorer


def _as_played(scorer: Any, plain: bool) -> Any:
    """What the player asks by itself: both looks at a board, where the model was trained so."""
    from xiangqi_gpt.decoding import SymmetricScorer

    return SymmetricScorer(scorer) if scorer.model.config.symmetric and not plain else scorer


@contextmanager
def _progress(games: int) -> Iterator[Callable[[int], None]]:
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("games", total=games)
        yield lambda done: bar.update(task, completed=done)


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table()
    for number, title in enumerate(titles):
        table.add_column(title, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def _print(result: dict[str, Any], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False)
    for key, value in result.items():
        table.add_row(
            key, "-" if value is None else f"{value:.4f}" if isinstance(value, float) else f"{value:,}"
        )
    Console().print(table)
