"""`xiangqi-gpt legal`: whether moves are legal, why not, and what the model gives them."""

from __future__ import annotations

from pathlib import Path

import click

from xiangqi_gpt.cli.analyse_command import board_of
from xiangqi_gpt.safe_json import format_json


@click.command("legal")
@click.argument("moves", nargs=-1, required=True)
@click.option("--fen", help="The position; the standard start by default.")
@click.option(
    "--model",
    "model_dir",
    type=click.Path(path_type=Path),
    help="Model directory; the bundled one by default.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def command(moves: tuple[str, ...], fen: str | None, model_dir: Path | None, as_json: bool) -> None:
    """Say of each MOVE (h2e2) whether it is legal, why not, and its probability among the legal moves."""
    from xiangqi_gpt.players.gpt_player import GPTPlayer
    from xiangqi_gpt.rules.move import Move

    board = board_of(fen, None)
    asked = [Move.from_iccs(text) for text in moves]
    probs: dict[Move, float] = {}
    if board.legal_moves():
        scores = GPTPlayer(model_dir).scores(board)
        probs = {move: float(p) for move, p in zip(scores.moves, scores.probs, strict=True)}
    rows = []
    for move in asked:
        why = board.explain(move)
        rows.append(
            {
                "move": move.iccs,
                "legal": why is None,
                "reason": None if why is None else why.reason.value,
                "text_en": None if why is None else why.text_en,
                "text_zh": None if why is None else why.text_zh,
                "prob": probs.get(move, 0.0),
            }
        )
    if as_json:
        click.echo(format_json({"fen": board.fen(), "moves": rows}, ensure_ascii=False))
        return
    for row in rows:
        verdict = (
            f"legal, {row['prob']:.1%}" if row["legal"] else f"illegal: {row['text_en']} ({row['text_zh']})"
        )
        click.echo(f"{row['move']}  {verdict}")
