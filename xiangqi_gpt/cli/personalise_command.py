"""`xiangqi-gpt personalise`: an opponent that plays like one person."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import click

from xiangqi_gpt.errors import ConfigError, RecordError


@click.command("personalise")
@click.argument("games", nargs=-1, required=True)
@click.option("--player", required=True, help="Name of the person, as in the records.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="New folder for the adapter.")
@click.option("--init", "base", default="bundled", show_default=True, help="Model directory to adapt.")
@click.option(
    "--epochs", type=click.IntRange(1), default=4, show_default=True, help="Most passes over the games."
)
@click.option(
    "--rank", type=click.IntRange(1, 256), default=8, show_default=True, help="Rank of the LoRA matrices."
)
@click.option("--learning-rate", type=float, default=5e-4, show_default=True, help="Peak learning rate.")
@click.option("--held-out", type=click.IntRange(1), help="Most held-out games to measure on; all by default.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of all that is drawn.")
@click.option("--threads", type=click.IntRange(1), help="Processor threads; all cores by default.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object on standard output.")
def command(
    games: tuple[str, ...],
    player: str,
    out: Path,
    base: str,
    epochs: int,
    rank: int,
    learning_rate: float,
    held_out: int | None,
    seed: int,
    threads: int | None,
    as_json: bool,
) -> None:
    """Train a LoRA adapter on the moves of one person in GAMES, and measure what it gains.

    Games of split test are held out (or a fifth of all games, if there are fewer than five). The adapter predicts
    the person's moves; --player gpt:adapter=OUT plays them. Needs the extra hf.
    """
    import torch

    from xiangqi_gpt.cli.output import print_json
    from xiangqi_gpt.evaluation.intervals import estimate_text
    from xiangqi_gpt.files import atomic_path, check_free
    from xiangqi_gpt.library.all_games import read_all_games
    from xiangqi_gpt.model.checkpoint import load_model
    from xiangqi_gpt.model.weights import need_peft
    from xiangqi_gpt.players.gpt_player import bundled_model
    from xiangqi_gpt.safe_json import format_json
    from xiangqi_gpt.training.personal import (
        EpochReport,
        PersonalSettings,
        PersonalTrainer,
        games_of,
        measure_gain,
        parted,
    )

    settings = PersonalSettings(rank=rank, learning_rate=learning_rate, epochs=epochs, seed=seed)
    need_peft(str(out))
    check_free(out, folder=True)
    folder = bundled_model() if base == "bundled" else Path(base)
    model = load_model(folder)
    if threads is not None:
        torch.set_num_threads(threads)
    skipped: list[RecordError] = []
    found = games_of(list(read_all_games(games, on_error=skipped.append)), player)
    train, held, by_split = parted(found, seed)
    if not held:
        raise ConfigError(
            f"Too few games of {player!r}: {len(found)}. Give at least 5, so that one can be held out."
        )
    what = "of split 'test'" if by_split else "drawn at random"
    click.echo(
        f"{len(found):,} games of {player}: {len(train):,} to train on, {len(held):,} held out ({what}); "
        f"{len(skipped)} unreadable games left out",
        err=True,
    )

    def on_epoch(report: EpochReport) -> None:
        loss = "" if report.loss is None else f"loss {report.loss:.3f}, "
        click.echo(
            f"epoch {report.epoch}/{epochs}: {loss}validation {report.validation_loss:.3f} nats/ply", err=True
        )

    trainer = PersonalTrainer(model, train, settings)
    reports = trainer.run(on_epoch)
    with atomic_path(out, folder=True, parents=True) as draft:
        trainer.save(draft, base if base == "bundled" else str(folder.resolve()))
        gain = measure_gain(load_model(folder), load_model(draft), held[:held_out], seed=seed)
        result = {
            "player": player,
            "base": base,
            "train_games": len(train),
            "epochs": [dataclasses.asdict(report) for report in reports],
            **dataclasses.asdict(gain),
        }
        (draft / "personal.json").write_text(format_json(result, indent=1) + "\n", encoding="utf-8")
    if as_json:
        print_json(result)
        return
    rows = (
        ("top-1", gain.top1_before, gain.top1_after, gain.top1_gain, True),
        ("nats/ply", gain.nats_before, gain.nats_after, gain.nats_gain, False),
    )
    click.echo(
        f"{gain.plies:,} moves of {player} in {gain.games} held-out games (95 % intervals from games):"
    )
    for name, before, after, more, percent in rows:
        texts = [estimate_text(one, percent=percent) for one in (before, after, more)]
        click.echo(f"  {name:<9} before {texts[0]}, with the adapter {texts[1]}, gain {texts[2]}")
    click.echo(f"To play against it: xiangqi-gpt play --player gpt:adapter={out}")
