"""`xiangqi-gpt probe`: which board a model believes in, read off its residual stream."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from xiangqi_gpt.cli.output import print_json, progress, report_refused, table
from xiangqi_gpt.cli.shared_options import PATH, force_option, json_option, model_option, threads_option
from xiangqi_gpt.errors import ConfigError, RecordError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xiangqi_gpt.decoding import Scorer
    from xiangqi_gpt.evaluation.probe import BeliefAndLegality, BoardAccuracy, ProbeResult
    from xiangqi_gpt.records import GameRecord

_CHOOSING = 8  # of so many games to learn from, one chooses the layer


@click.command("probe")
@click.argument("records", nargs=-1, required=True)
@click.option("--out", required=True, type=PATH, help="New folder for results, pictures and the probe.")
@model_option
@click.option("--train-split", default="train", show_default=True, help="Split of the games to learn from.")
@click.option("--split", default="valid", show_default=True, help="Split of the games to measure on.")
@click.option(
    "--train-games", type=click.IntRange(8), default=400, show_default=True, help="Games to learn from."
)
@click.option("--games", type=click.IntRange(1), default=200, show_default=True, help="Games to measure on.")
@click.option("--plies", type=click.IntRange(1), help="Most plies of each game.  [default: all]")
@click.option(
    "--ridge", type=click.FloatRange(0), default=1e-3, show_default=True, help="Weight of the ridge penalty."
)
@click.option(
    "--suggestions/--no-suggestions",
    default=True,
    show_default=True,
    help="Also relate wrong beliefs to illegal moves; takes longer.",
)
@click.option("--seed", default=0, show_default=True, help="Random seed.")
@threads_option
@force_option("Overwrite the folder of --out.")
@json_option
def command(
    records: tuple[str, ...],
    out: Path,
    model_dir: Path | None,
    train_split: str,
    split: str,
    train_games: int,
    games: int,
    plies: int | None,
    ridge: float,
    suggestions: bool,
    seed: int,
    threads: int | None,
    force: bool,
    as_json: bool,
) -> None:
    """Measure how much of the board can be read off a model's residual stream, layer by layer.

    One linear probe per layer learns the content of all squares on games of RECORDS from --train-split. Some of those
    games choose the layer; games of --split measure it. OUT gets probe.json, three pictures, and probe.safetensors,
    which the board shows with --player gpt:probe=OUT/probe.safetensors.
    """
    import torch

    from xiangqi_gpt.decoding import Scorer
    from xiangqi_gpt.evaluation.probe_plots import (
        LAYERS_PICTURE,
        PLIES_PICTURE,
        SQUARES_PICTURE,
        plot_layers,
        plot_plies,
        plot_squares,
    )
    from xiangqi_gpt.files import atomic_path, check_free
    from xiangqi_gpt.players.gpt_player import open_model
    from xiangqi_gpt.plotting import check_matplotlib
    from xiangqi_gpt.safe_json import format_json

    if train_split == split:
        raise ConfigError(f"--split {split}: a probe is measured on other games than it learned from.")
    check_matplotlib()
    check_free(out, folder=True, overwrite=force)
    if threads is not None:
        torch.set_num_threads(threads)
    scorer = Scorer(open_model(model_dir), seed=seed)
    learned = _games(scorer, records, train_split, train_games, seed)
    measured = _games(scorer, records, split, games, seed)
    result, probe = _measure(scorer, learned, measured, plies, ridge, suggestions, seed)
    report = {
        "model": "bundled" if model_dir is None else model_dir.name,
        "board": scorer.model.config.board,
        "train_games": len(learned),
        "train_split": train_split,
        "split": split,
        "most_plies": plies,
        "ridge": ridge,
        "seed": seed,
        **dataclasses.asdict(result),
    }
    with atomic_path(out, folder=True, overwrite=force, parents=True) as draft:
        (draft / "probe.json").write_text(format_json(report, indent=1) + "\n", encoding="utf-8")
        probe.save(draft / "probe.safetensors")
        plot_layers(result, draft / LAYERS_PICTURE)
        plot_squares(result, draft / SQUARES_PICTURE)
        plot_plies(result, draft / PLIES_PICTURE)
    if as_json:
        print_json(report)
        return
    _print(result)
    click.echo(f"Results, pictures and the probe of layer {result.best_layer} are in {out}.")


def _games(scorer: Scorer, records: tuple[str, ...], split: str, games: int, seed: int) -> list[GameRecord]:
    from xiangqi_gpt.evaluation.games import chosen_games
    from xiangqi_gpt.evaluation.probe_data import can_read

    refused: list[RecordError] = []
    found = chosen_games(records, split=split, games=games, seed=seed, on_error=refused.append)
    report_refused(refused)
    readable = [game for game in found if can_read(scorer.model.config, game)]
    if not readable:
        raise ConfigError(
            f"No game of split {split!r} begins at the standard start, which a model with board='none' needs."
        )
    if len(readable) < len(found):
        click.echo(
            f"left out {len(found) - len(readable)} games that do not begin at the standard start", err=True
        )
    return readable


def _measure(
    scorer: Scorer,
    learned: Sequence[GameRecord],
    measured: Sequence[GameRecord],
    plies: int | None,
    ridge: float,
    suggestions: bool,
    seed: int,
) -> tuple[ProbeResult, Any]:
    from xiangqi_gpt.evaluation.probe import (
        PlyPrior,
        best_probe,
        fit_layers,
        game_suggestions,
        measure_probes,
    )
    from xiangqi_gpt.evaluation.probe_data import ProbeData, game_data
    from xiangqi_gpt.model.board_probe import fingerprint
    from xiangqi_gpt.rules.fen import parse_fen

    def data_of(games: Sequence[GameRecord], what: str) -> ProbeData:
        parts = []
        with progress(what, len(games)) as on_done:
            for number, game in enumerate(games):
                parts.append(game_data(scorer, game, plies=plies, number=number))
                on_done(number + 1)
        return ProbeData.joined(parts)

    choosing = max(1, len(learned) // _CHOOSING)
    if len(learned) < 2:
        raise ConfigError(
            f"Too few games to learn from: {len(learned)}. Give at least 2 of the split to learn from."
        )
    fitted = data_of(learned[choosing:], "games to learn from")
    with progress("layers", len(fitted.streams)) as on_layer:
        probes = fit_layers(fitted, model=fingerprint(scorer.model), ridge=ridge, on_done=on_layer)
    best = best_probe(probes, data_of(learned[:choosing], "games to choose the layer"))
    data = data_of(measured, "games to measure on")
    said = None
    if suggestions:
        said = []
        with progress("suggestions", len(measured)) as on_done:
            for number, game in enumerate(measured):
                said += game_suggestions(scorer, game, plies=plies)
                on_done(number + 1)
    result = measure_probes(
        probes,
        best,
        PlyPrior(fitted),
        data,
        config=scorer.model.config,
        first_turns=[int(parse_fen(game.start_fen, strict=False).turn) for game in measured],
        suggestions=said,
        seed=seed,
    )
    return result, best


def _print(result: ProbeResult) -> None:
    from xiangqi_gpt.evaluation.intervals import estimate_text

    def row(name: str, found: BoardAccuracy) -> tuple[str, ...]:
        shares = [estimate_text(getattr(found, key)) for key in ("squares", "pieces", "changed")]
        return (name, *shares, estimate_text(found.wrong, percent=False), estimate_text(found.boards))

    rows = [row("prior by square", result.prior), row("prior by ply", result.ply_prior)]
    for layer, found in enumerate(result.layers):
        rows.append(row(f"layer {layer}{' (best)' if layer == result.best_layer else ''}", found))
    titles = ("read from", "squares", "pieces", "changed squares", "wrong squares", "whole boards")
    table(titles, rows, title=f"{result.positions:,} positions of {result.games:,} games")
    parts = [
        (
            f"{part.first}-{part.first + 9}",
            f"{part.positions:,}",
            f"{100 * part.probe:.1f} %",
            f"{100 * part.ply_prior:.1f} %",
            "-" if part.changed is None else f"{100 * part.changed:.1f} %",
        )
        for part in result.by_ply
    ]
    table(("ply", "positions", "probe", "prior by ply", "probe, changed squares"), parts)
    if result.suggestions is not None:
        table(("belief and legality", "value"), _suggestion_rows(result.suggestions))


def _suggestion_rows(found: BeliefAndLegality) -> list[tuple[str, str]]:
    from xiangqi_gpt.evaluation.intervals import estimate_text

    areas = (
        ("AUC: wrong squares", found.wrong_squares),
        ("AUC: ply alone", found.ply),
        ("AUC: wrong squares, same ply", found.same_ply),
        ("AUC: doubt about the move's squares, same ply", found.move_same_ply),
    )
    shares = (
        ("suggestions that are legal", found.legal),
        ("illegal suggestions that are legal on the believed board", found.illegal_on_belief),
        ("illegal suggestions that are legal on the prior by ply", found.illegal_on_prior),
        ("legal suggestions that are legal on the believed board", found.legal_on_belief),
    )
    return [
        *((name, estimate_text(value)) for name, value in shares),
        *((name, estimate_text(value, percent=False)) for name, value in areas),
    ]
