"""`xiangqi-gpt compress`: makes a smaller model out of a trained one."""

from __future__ import annotations

from pathlib import Path

import click

from xiangqi_gpt.cli.running import RunProgress, duration, finish, open_games
from xiangqi_gpt.cli.shared_options import data_option, training_options
from xiangqi_gpt.errors import ConfigError

# The settings of the run that trained the bundled weights, with a shorter and gentler schedule; --set changes them.
_DEFAULTS = (
    "batch_windows=16",
    "micro_batch_windows=16",
    "learning_rate=6e-4",
    "final_learning_rate=0.0",
    "schedule=linear",
    "warmup_steps=40",
)
BUNDLED = "bundled"


@click.command("compress")
@click.argument("model")
@click.option(
    "--method", type=click.Choice(["theseus"]), default="theseus", show_default=True, help="Method."
)
@click.option("--layers", type=int, required=True, help="Layers of the smaller model.")
@click.option(
    "--encoder-blocks",
    type=int,
    help="Residual blocks of its encoder.  [default: the same share as of the layers]",
)
@click.option("--attention", help="Attention of its layers, such as linear.  [default: as in MODEL]")
@data_option("Records to learn from")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--steps", type=click.IntRange(1), default=3000, show_default=True, help="Optimizer steps.")
@click.option(
    "--rate", default=0.5, show_default=True, help="Probability at the first step that a group is replaced."
)
@click.option(
    "--replacing",
    default=0.5,
    show_default=True,
    help="Share of the steps after which all groups are replaced.",
)
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Change one setting of the run.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of data order and replacements.")
@training_options
def command(
    model: str,
    method: str,
    layers: int,
    encoder_blocks: int | None,
    attention: str | None,
    data: tuple[str, ...],
    out: Path,
    steps: int,
    rate: float,
    replacing: float,
    settings: tuple[str, ...],
    resume: bool,
    time_limit: str | None,
    seed: int,
    threads: int | None,
    device: str,
) -> None:
    """Make a smaller model out of MODEL (a model directory, or the word "bundled").

    Training on the train split of the records replaces groups of layers and encoder blocks by one layer or block
    each, at random at first and always in the end (BERT-of-Theseus). `OUT/model` is an ordinary model. Ctrl-C
    saves a checkpoint; the same command with --resume continues.
    """
    import torch

    from xiangqi_gpt.compress.successor import plan_for, successor_config
    from xiangqi_gpt.compress.theseus import TheseusConfig, TheseusTrainer
    from xiangqi_gpt.model.checkpoint import load_model
    from xiangqi_gpt.players.gpt_player import bundled_model
    from xiangqi_gpt.training.train_config import TrainConfig, changed

    theseus = TheseusConfig(rate=rate, replacing=replacing)
    limit = duration(time_limit) if time_limit is not None else None
    predecessor = load_model(bundled_model() if model == BUNDLED else model)
    plan = plan_for(predecessor.config, layers, encoder_blocks, attention)
    small = successor_config(predecessor.config, plan)
    defaults = (*_DEFAULTS, f"plies={min(100, small.context_plies)}", f"max_steps={steps}", f"seed={seed}")
    config = changed(changed(TrainConfig(), defaults), settings)
    if config.max_steps != steps or config.seed != seed:
        raise ConfigError("Give max_steps and seed by --steps and --seed, not by --set.")
    if threads is not None:
        torch.set_num_threads(threads)
    if config.budget == "time" and limit is None:
        raise ConfigError("budget=time needs --time-limit.")

    def print_line(line: str) -> None:
        click.echo(line, err=True)

    games = open_games(data, config, print_line)
    trainer = TheseusTrainer(
        games.train,
        out,
        config,
        theseus,
        predecessor=predecessor,
        plan=plan,
        resume=resume,
        device=device,
        valid=games.valid,
        on_note=lambda text: print_line(f"note: {text}"),
    )
    print_line(f"{method}: {_size(predecessor)} -> {_size(trainer.model)}")
    with RunProgress(config.max_steps, True, limit if config.budget == "time" else None) as progress:
        result = trainer.run(
            time_limit=limit, on_step=progress.step, on_evaluation=progress.evaluation, export=out / "model"
        )
    finish(out, out / "model", result)


def _size(model: object) -> str:
    """Layers, blocks and parameters of a model, in words."""
    from xiangqi_gpt.model import XiangqiGPT

    assert isinstance(model, XiangqiGPT)
    config = model.config
    blocks = f", {config.encoder_blocks} encoder blocks" if config.board == "spatial" else ""
    return (
        f"{config.layers} layers{blocks}, {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M parameters"
    )
