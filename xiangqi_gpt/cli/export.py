"""`xiangqi-gpt export`: a trained model as it travels with the package."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("export")
@click.option(
    "--model",
    "model_dir",
    required=True,
    type=click.Path(path_type=Path),
    help="Model or checkpoint directory.",
)
@click.option("--out", required=True, type=click.Path(path_type=Path), help="New folder.")
def command(model_dir: Path, out: Path) -> None:
    """Write a model with float16 weights in shards of at most 15 MB, half the size of a checkpoint's."""
    from xiangqi_gpt.model.checkpoint import export_model, load_model

    size = export_model(load_model(model_dir), out)
    click.echo(f"{out}: {size / 1e6:.1f} MB of weights")
