"""`xiangqi-gpt export`: writes a trained model in the form of the package, or for other programs."""

from __future__ import annotations

from pathlib import Path

import click

from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.resources import resource_path


@click.command("export")
@click.argument("model", required=False)
@click.option("--model", "model_dir", help="The same as MODEL.")
@click.option(
    "--out", type=click.Path(path_type=Path), help="New folder to write: a model directory of half the size."
)
@click.option(
    "--onnx", type=click.Path(path_type=Path), help="New file to write: the model for ONNX runtimes."
)
@click.option(
    "--int8",
    is_flag=True,
    help="Write weights of eight bits: smaller and faster, with slightly different moves.",
)
@click.option("--hub", type=click.Path(path_type=Path), help="New folder to write: a model repository.")
@click.option(
    "--figures",
    type=click.Path(path_type=Path),
    help="With --hub: what was measured, a file like assets/figures.json.",
)
def command(
    model: str | None,
    model_dir: str | None,
    out: Path | None,
    onnx: Path | None,
    hub: Path | None,
    figures: Path | None,
    int8: bool,
) -> None:
    """Write MODEL (a model or checkpoint directory, or the word "bundled") in another form.

    --out writes a model directory with float16 weights in shards of at most 15 MB: half the size of a checkpoint,
    or a quarter with --int8. Every command reads it. --onnx writes one file for programs without Python;
    docs/compression.md describes its inputs. --hub writes a folder for a model hub, which loads where only torch
    and transformers are installed.
    """
    from xiangqi_gpt.model.checkpoint import export_model, load_model
    from xiangqi_gpt.players.gpt_player import bundled_model

    chosen = model or model_dir
    if chosen is None or (model and model_dir):
        raise ConfigError(
            f"Give exactly one model, as MODEL or by --model ({'none' if chosen is None else 'two'} given)."
        )
    if out is None and onnx is None and hub is None:
        raise ConfigError("Give --out FOLDER, --onnx FILE or --hub FOLDER.")
    if figures is not None and hub is None:
        raise ConfigError("--figures belongs to the model card: give --hub FOLDER with it.")
    loaded = load_model(bundled_model() if chosen == "bundled" else chosen)
    if out is not None:
        size = export_model(loaded, out, int8=int8)
        click.echo(f"{out}: {size / 1e6:.1f} MB of weights")
    if onnx is not None:
        from xiangqi_gpt.model.onnx import export_onnx

        click.echo(f"{onnx}: {export_onnx(loaded, onnx, int8=int8) / 1e6:.1f} MB")
    if hub is not None:
        from xiangqi_gpt.model.hub_export import export_hub, read_figures

        if figures is None and chosen == "bundled":
            figures = resource_path("assets/figures.json")
        about = None if figures is None else read_figures(figures)
        click.echo(f"{hub}: {export_hub(loaded, hub, figures=about) / 1e6:.1f} MB of weights")
