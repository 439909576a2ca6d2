"""`xiangqi-gpt evaluate`: accuracy, legality and calibration on held-out games; puzzles."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from xiangqi_gpt.cli.output import pairs, print_json, progress, report_refused, table
from xiangqi_gpt.cli.shared_options import (
    data_option,
    force_option,
    json_option,
    model_option,
    options,
    threads_option,
)
from xiangqi_gpt.errors import ConfigError, RecordError
from xiangqi_gpt.safe_json import format_json

_PRECISION = "xiangqi_gpt.precision"  # where the context of the command keeps it
_KEPT = "xiangqi_gpt.kept"  # the same for results that are kept until all is written


def _keep_precision(context: click.Context, _: click.Parameter, precision: str) -> None:
    context.meta[_PRECISION] = precision


def _precision() -> str:
    """The precision that --precision asks for."""
    wanted: str = click.get_current_context().meta[_PRECISION]
    return wanted


def _report_precision() -> None:
    """Print the precision of the figures, since they depend on it."""
    import torch

    from xiangqi_gpt.decoding.network import has_fast_bfloat16

    wanted = _precision()
    auto = "bfloat16" if has_fast_bfloat16(torch.device("cpu")) else "float32"
    click.echo(f"measured in {auto if wanted == 'auto' else wanted}", err=True)


_games_options = (
    click.option("--split", default="test", show_default=True, help="train, valid, test or extra."),
    click.option(
        "--games", type=click.IntRange(1), help="Number of games, chosen at random.  [default: all]"
    ),
    click.option("--seed", default=0, show_default=True, help="Random seed."),
    click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes."),
)
_model_options = (
    data_option("Records to measure on", required=False),
    model_option,
    click.option("--style", help="human or teacher, for a model that learned both.  [default: both]"),
    *_games_options,
    threads_option,
    click.option("--device", default="cpu", show_default=True, help="cpu or cuda."),
    click.option(
        "--precision",
        type=click.Choice(["auto", "float32", "bfloat16"]),
        default="auto",
        show_default=True,
        expose_value=False,
        callback=_keep_precision,
        help="Precision of matrix products; auto: bfloat16 if the processor is fast at it.",
    ),
)


@click.group("evaluate")
def command() -> None:
    """Measure a model on games it has never seen.

    An evaluation that was killed resumes where it was with the same command.
    """


@command.result_callback()
def _forget(*_: object, **__: object) -> None:
    """All is printed and written: what was kept to resume from is not needed any more."""
    for kept in click.get_current_context().meta.get(_KEPT, ()):
        kept.remove()


_plain = click.option(
    "--plain",
    is_flag=True,
    help="Do not average over the mirrored board, even if players with this model do.",
)


@command.command()
@options(*_model_options, _plain, json_option)
def accuracy(
    data: tuple[str, ...], model_dir: Path | None, style: str | None, split: str, games: int | None, seed: int,
    jobs: int, threads: int | None, device: str, plain: bool, as_json: bool,
) -> None:  # fmt: skip
    """Agreement with the moves played and with the teacher's moves; likelihood; value of positions.

    Figures come with 95 % intervals, from a bootstrap over games, and by phase, ply, check, result and rating where
    known. A model with styles is measured in each, unless --style names one.
    """
    from xiangqi_gpt.cli.evaluate_work import accuracy_work
    from xiangqi_gpt.evaluation.accuracy import summarise_accuracy

    records = _games(data, split, games, seed)
    found: dict[str | None, Any] = {}
    for name in _styles(model_dir, style):
        work = partial(accuracy_work, model_dir, device, _threads(threads, jobs), _precision(), name, plain)
        found[name] = summarise_accuracy(_run(work, records, jobs, "games"), seed=seed)
    _report_precision()
    if as_json:
        print_json(next(iter(found.values())) if len(found) == 1 else found)
        return
    for name, result in found.items():
        if len(found) > 1:
            click.echo(f"style {name}")
        _print_accuracy(result)


def _print_accuracy(result: Any) -> None:
    from xiangqi_gpt.evaluation.intervals import estimate_text

    shown = dataclasses.asdict(result)
    for key in ("intervals", "groups"):
        del shown[key]
    for key, found in result.intervals.items():
        percent = not key.endswith(("nll", "brier", "nats", "nats_per_ply"))
        shown[key] = estimate_text(found, percent=percent)
    pairs(shown)
    rows = [
        (
            group.name,
            f"{max(found.count for found in (group.top1, group.teacher_top1) if found is not None):,}",
            estimate_text(group.top1),
            estimate_text(group.nats_per_ply, percent=False),
            estimate_text(group.teacher_top1),
            estimate_text(group.teacher_nats, percent=False),
        )
        for group in result.groups
    ]
    table(("positions", "count", "top1", "nats/ply", "teacher top1", "teacher nats"), rows)


@command.command()
@options(*_model_options)
@click.option(
    "--random-plies",
    type=click.IntRange(0),
    help="Measure on --games positions (1,000) after this many random plies, instead of records.",
)
@click.option(
    "--why", is_flag=True, help="Also count by piece, and the rules that illegal texts break; takes longer."
)
@click.option(
    "--off-book",
    type=click.IntRange(0),
    default=1,
    show_default=True,
    help="Positions per game that are reached by four random moves.",
)
@click.option(
    "--free-running",
    type=click.IntRange(1),
    help="Also play this many games of the model against itself at temperature 1, until a text is illegal.",
)
@click.option(
    "--tree",
    type=click.IntRange(1),
    help="Only draw this many moves from the prefix tree of legal moves, and check each against the rules.",
)
@click.option("--plot", type=click.Path(path_type=Path), help="Also plot it to this PNG file.")
@json_option
def legality(
    data: tuple[str, ...], model_dir: Path | None, style: str | None, split: str, games: int | None, seed: int,
    jobs: int, threads: int | None, device: str, random_plies: int | None, why: bool, off_book: int,
    free_running: int | None, tree: int | None, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """How often the model's own texts, without any mask, are legal moves.

    In total, by ply, in check and off book, with 95 % intervals from a bootstrap over games. A model with
    styles uses its default style, unless --style names one.
    """
    from xiangqi_gpt.cli import evaluate_work
    from xiangqi_gpt.evaluation.games import random_boards
    from xiangqi_gpt.evaluation.legality import summarise_free_runs, summarise_legality
    from xiangqi_gpt.evaluation.legality_plot import plot_legality
    from xiangqi_gpt.plotting import check_plot

    if tree is not None:
        _tree(model_dir, tree, seed, as_json)
        return
    if plot is not None:
        check_plot(plot)
    settings = (model_dir, device, _threads(threads, jobs), _precision(), style)
    if random_plies is not None:
        if data:
            raise ConfigError("Give either --random-plies or --data, not both.")
        boards = list(enumerate(random_boards(games or 1000, random_plies, seed)))
        work = partial(evaluate_work.board_work, *settings, why, seed)
        result = summarise_legality(_run(work, boards, jobs, "positions"), seed=seed)
    else:
        records = list(enumerate(_games(data, split, games, seed)))
        work = partial(evaluate_work.legality_work, *settings, why, off_book, seed)
        result = summarise_legality(_run(work, records, jobs, "games"), seed=seed)
    free = None
    if free_running is not None:
        work = partial(evaluate_work.free_run_work, *settings, seed)
        free = summarise_free_runs(_run(work, list(range(free_running)), jobs, "free games"), seed=seed)
    _report_precision()
    if plot is not None:
        plot_legality(result, plot)
    if as_json:
        print_json(
            {**dataclasses.asdict(result), "free_running": None if free is None else dataclasses.asdict(free)}
        )
        return
    _print_legality(result, why, free)


def _tree(model_dir: Path | None, moves: int, seed: int, as_json: bool) -> None:
    from xiangqi_gpt.evaluation.legality import illegal_tree_moves
    from xiangqi_gpt.players.gpt_player import open_model

    with progress("moves", moves) as on_moves:
        illegal = illegal_tree_moves(open_model(model_dir).tokenizer, moves, seed=seed, on_moves=on_moves)
    if as_json:
        print_json({"moves": moves, "illegal": illegal})
    else:
        click.echo(f"{illegal:,} of {moves:,} moves drawn from the tree are illegal")


def _print_legality(result: Any, why: bool, free: Any) -> None:
    from xiangqi_gpt.evaluation.intervals import estimate_text
    from xiangqi_gpt.evaluation.legality import GROUP_PLIES

    hidden = ("by_ply", "broken", "intervals", "groups", "pieces")
    shown = {key: value for key, value in dataclasses.asdict(result).items() if key not in hidden}
    shown.update({key: estimate_text(found) for key, found in result.intervals.items()})
    if free is not None:
        shown["free_running_plies"] = estimate_text(free.plies, percent=False)
        shown["free_running_finished"] = estimate_text(free.finished)
    pairs(shown)
    titles = ("positions", "count", "argmax_legal", "sampled_legal", "leak")
    parts = [
        (
            group.name,
            f"{group.leak.count:,}",
            *(estimate_text(getattr(group, key)) for key in ("argmax_legal", "sampled_legal", "leak")),
        )
        for group in result.groups
    ]
    table(titles, parts)
    rows = [
        (
            f"{part.first}-{part.first + GROUP_PLIES - 1}",
            f"{part.plies:,}",
            f"{part.argmax_legal:.4f}",
            f"{part.leak:.4f}",
        )
        for part in result.by_ply
    ]
    table(("ply", "positions", "argmax_legal", "leak"), rows)
    if why:
        pieces = [(part.piece, f"{part.texts:,}", estimate_text(part.legal)) for part in result.pieces]
        table(("piece of the text", "texts", "legal"), pieces)
        table(("broken rule", "texts"), [(rule, f"{count:,}") for rule, count in result.broken.items()])


@command.command()
@options(*_model_options, _plain)
@click.option("--plot", type=click.Path(path_type=Path), help="Also plot it to this PNG file.")
@json_option
def calibration(
    data: tuple[str, ...], model_dir: Path | None, style: str | None, split: str, games: int | None, seed: int,
    jobs: int, threads: int | None, device: str, plain: bool, plot: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Whether results and moves occur as often as the model expects.

    A model with styles uses its default style, unless --style names one.
    """
    from xiangqi_gpt.cli.evaluate_work import calibration_work
    from xiangqi_gpt.evaluation import calibration as measure
    from xiangqi_gpt.plotting import check_plot

    if plot is not None:
        check_plot(plot)
    records = _games(data, split, games, seed)
    work = partial(calibration_work, model_dir, device, _threads(threads, jobs), _precision(), style, plain)
    result = measure.summarise_calibration(_run(work, records, jobs, "games"))
    _report_precision()
    if plot is not None:
        measure.plot(result, plot)
    if as_json:
        print_json(result)
        return
    for title, reliability in (
        ("value: expected score", result.value),
        ("policy: likeliest move", result.policy),
    ):
        if reliability is not None:
            rows = [(f"{b.count:,}", f"{b.expected:.3f}", f"{b.found:.3f}") for b in reliability.bins]
            table((title, "expected", "observed"), rows)
            click.echo(f"calibration error {reliability.error:.4f}")


@command.command()
@data_option("Puzzles")
@click.option("--player", default="gpt", show_default=True, help="The player that solves them.")
@click.option(
    "--games",
    "--puzzles",
    "games",
    type=click.IntRange(1),
    help="Number of puzzles, chosen at random.  [default: all]",
)
@click.option("--seed", default=0, show_default=True, help="Random seed.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@json_option
def puzzles(
    data: tuple[str, ...], player: str, games: int | None, seed: int, jobs: int, as_json: bool
) -> None:
    """How often the first move of a puzzle is found, by the length of its solution.

    Puzzles are games that begin at a position of their own, in any format of records, or a Parquet file with
    columns fen and solution. Another move that mates at once counts as well.
    """
    from xiangqi_gpt.cli.evaluate_work import puzzle_work
    from xiangqi_gpt.evaluation.intervals import estimate_text
    from xiangqi_gpt.evaluation.puzzles import drawn, read_puzzles, summarise_puzzles

    refused: list[RecordError] = []
    chosen = drawn(read_puzzles(data, refused.append), games, seed)
    report_refused(refused, "puzzles")
    if not chosen:
        raise ConfigError(f"No puzzles in {', '.join(data)}.")
    solved = _run(partial(puzzle_work, player, seed), chosen, jobs, "puzzles")
    rows = summarise_puzzles(chosen, solved)
    if as_json:
        click.echo(format_json([{**dataclasses.asdict(row), "share": row.share} for row in rows]))
        return
    shown = [(r.length, f"{r.puzzles:,}", f"{r.found:,}", estimate_text(r.interval)) for r in rows]
    table(("moves to solve", "puzzles", "found", "share"), shown)


@command.command("make-puzzles")
@data_option("Games")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="PGN file to write.")
@click.option(
    "--engine",
    help="Player that finds the two best moves of each position, such as engine:fairy-stockfish,nodes=20000; "
    "without it, labels with several moves are used.",
)
@click.option(
    "--margin",
    type=click.FloatRange(0.05, 1.0),
    default=0.35,
    show_default=True,
    help="Expected points by which the solution is better than the next best move.",
)
@options(*_games_options)
@force_option()
def make_puzzles(
    data: tuple[str, ...], out: Path, engine: str | None, margin: float, split: str, games: int | None, seed: int,
    jobs: int, force: bool,
) -> None:  # fmt: skip
    """Make puzzles out of games: positions with one move that is much better than all others."""
    from xiangqi_gpt.cli.evaluate_work import make_puzzles_work
    from xiangqi_gpt.evaluation.puzzle_making import as_records
    from xiangqi_gpt.files import check_writable
    from xiangqi_gpt.records.formats.pgn import pgnwrite

    check_writable(out, overwrite=force)
    records = _games(data, split, games, seed)
    found = _run(partial(make_puzzles_work, engine, seed, margin), records, jobs, "games")
    made = list(as_records([puzzle for part in found for puzzle in part]))
    if not made:
        raise ConfigError(
            f"No position of the {len(records)} games has one best move by {margin:g} points. Use a smaller --margin, "
            "more games, or --engine if the games have no labels with several moves."
        )
    pgnwrite.write(out, made, notation="iccs", force=force)
    click.echo(f"{len(made):,} puzzles of {len(records):,} games written to {out}")


def _games(data: tuple[str, ...], split: str, games: int | None, seed: int) -> list[Any]:
    from xiangqi_gpt.evaluation.games import chosen_games

    if not data:
        raise ConfigError("Give at least one file of records with --data.")
    refused: list[RecordError] = []
    records = chosen_games(data, split=split, games=games, seed=seed, on_error=refused.append)
    report_refused(refused)
    return records


def _styles(model_dir: Path | None, style: str | None) -> tuple[str | None, ...]:
    """The styles to measure: *style* where one is asked for, else all that the model has."""
    from xiangqi_gpt.players.gpt_player import open_model

    return (style,) if style is not None else open_model(model_dir).config.style_names or (None,)


def _threads(threads: int | None, jobs: int) -> int:
    """Threads of each process."""
    import os

    return threads or max(1, (os.cpu_count() or 1) // jobs)


def _run(work: Callable[[], Callable[[Any], Any]], items: list[Any], jobs: int, what: str) -> list[Any]:
    """The result of every item; those of the same evaluation that was killed are not measured again."""
    from xiangqi_gpt import __version__
    from xiangqi_gpt.evaluation.jobs import run_jobs
    from xiangqi_gpt.evaluation.kept_results import KeptResults
    from xiangqi_gpt.players.gpt_player import bundled_model
    from xiangqi_gpt.players.player_spec import model_stamps

    assert isinstance(work, partial)
    texts = [str(argument) for argument in work.args]
    stamps = [model_stamps(text) for text in (*texts, str(bundled_model()))]
    key = [__version__, work.func.__name__, what, *texts, stamps]
    with KeptResults(key, items) as kept:
        known = kept.read()
        if known:
            click.echo(f"resumed: {len(known)} of {len(items)} {what} were done before", err=True)
        with progress(what, len(items)) as on_done:
            found = run_jobs(work, items, jobs=jobs, on_done=on_done, known=known, on_result=kept.add)
    click.get_current_context().meta.setdefault(_KEPT, []).append(kept)
    if kept.problem:
        click.echo(f"note: this evaluation could not have been resumed: {kept.problem}", err=True)
    return found
