"""`xiangqi-gpt train`: from game records to a model."""

from __future__ import annotations

import os
from pathlib import Path

import click

from xiangqi_gpt.cli.running import RunProgress, duration, finish, open_games
from xiangqi_gpt.cli.shared_options import data_option, training_options
from xiangqi_gpt.errors import ConfigError


def show_settings(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    """Print what every setting means, and leave."""
    if asked:
        from xiangqi_gpt.training.settings_reference import settings_text

        click.echo(settings_text(), nl=False)
        context.exit()


@click.command("train")
@click.option(
    "--show-settings",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=show_settings,
    help="Print every setting with its default and meaning, and stop.",
)
@data_option("Records or packed data to learn from")
@click.option(
    "--cache",
    type=click.Path(path_type=Path),
    help="Folder for packed records.  [default: the user's cache folder]",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of the run.")
@click.option("--preset", "preset_name", help="tiny, laptop, original, large or slot.  [default: laptop]")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="TOML file of settings: preset, [run] and [model].",
)
@click.option(
    "--init", type=click.Path(path_type=Path), help="Model directory whose weights the run starts from."
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change one setting; overrides the file.",
)
@click.option(
    "--max-steps", type=click.IntRange(1), help="Optimizer steps; the learning-rate schedule ends there."
)
@click.option("--seed", type=int, help="Seed of weights and data order.")
@training_options
@click.option("--tensorboard", is_flag=True, help="Write event files for TensorBoard to OUT/tensorboard.")
def command(
    data: tuple[str, ...],
    cache: Path | None,
    out: Path,
    preset_name: str | None,
    config_file: Path | None,
    init: Path | None,
    settings: tuple[str, ...],
    resume: bool,
    max_steps: int | None,
    time_limit: str | None,
    seed: int | None,
    threads: int | None,
    device: str,
    tensorboard: bool,
) -> None:
    """Train a model on the train split of game records.

    Targets are the moves of the teacher if a record has labels, and the moves played otherwise. The
    run's folder keeps logs, curves and the newest checkpoint; `OUT/model` is the trained model. Ctrl-C
    saves a checkpoint. Under torchrun or accelerate launch all processes train one model.
    """
    import torch

    from xiangqi_gpt.players.gpt_player import bundled_model
    from xiangqi_gpt.training.config_file import read_config
    from xiangqi_gpt.training.loop import Trainer
    from xiangqi_gpt.training.run_checks import check_before_reading
    from xiangqi_gpt.training.train_config import changed, preset

    file = config_file
    config = preset(preset_name or "laptop") if file is None else read_config(file, preset_name)
    config = changed(config, settings)
    extra = [f"max_steps={max_steps}"] if max_steps is not None else []
    extra += [f"seed={seed}"] if seed is not None else []
    config = changed(config, extra)
    limit = duration(time_limit) if time_limit is not None else None
    if config.budget == "time" and limit is None:
        raise ConfigError("budget=time needs --time-limit.")
    if threads is not None:
        torch.set_num_threads(threads)
    is_first = os.environ.get("RANK", "0") == "0"

    def print_line(line: str) -> None:
        if is_first:
            click.echo(line, err=True)

    if init is not None and str(init) == "bundled":
        init = bundled_model()
    check_before_reading(out, config, init=init, resume=resume)
    games = open_games(data, config, print_line, cache)
    trainer = Trainer(
        games.train,
        out,
        config,
        init=init,
        resume=resume,
        device=device,
        valid=games.valid,
        on_note=lambda text: print_line(f"note: {text}"),
    )
    model = out / "model"
    with RunProgress(config.max_steps, is_first, limit if config.budget == "time" else None) as progress:
        result = trainer.run(
            time_limit=limit,
            on_step=progress.step,
            on_evaluation=progress.evaluation,
            export=model,
            tensorboard=tensorboard,
        )
    trainer.processes.leave()
    if not is_first:
        return
    finish(out, model, result)
