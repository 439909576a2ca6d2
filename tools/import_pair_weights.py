"""Make a model with a table of moves of one with pointers and, beside it, the table's tensors under plain names.

    python tools/import_pair_weights.py DIR OUT

DIR holds a model directory and `pair.safetensors`: `q.N`, `q_to.N`, `weigh.N`, `table.N` of style N (0 human, 1
teacher), and `key`, `key_to`, `origin`, `goal`, which both share. All weights are kept; the old heads are left out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors.torch import load_file

from xiangqi_gpt.model import XiangqiGPT, XiangqiGPTConfig
from xiangqi_gpt.model.checkpoint import load_model

STYLES = 2


def with_table(model: XiangqiGPT, pair: dict[str, torch.Tensor]) -> XiangqiGPT:
    """*model* with the table of *pair* in the place of its pointers."""
    settings = {**model.config.to_dict(), "move_head": "table", "styles": "human+teacher"}
    made = XiangqiGPT(XiangqiGPTConfig.from_dict(settings))
    table = made.move_table
    assert table is not None
    weights = {name: value for name, value in model.state_dict().items() if not name.startswith("pointer_")}
    weights["move_table.squares.weight"] = torch.cat(
        [pair[f"{name}.weight"] for name in ("key", "key_to", "origin", "goal")]
    )
    weights["move_table.queries.weight"] = torch.cat(
        [pair[f"{name}.{style}.weight"] for style in range(STYLES) for name in ("q", "q_to", "weigh")]
    )
    without = torch.zeros(table.size)
    weights["move_table.queries.bias"] = torch.cat(
        [part for style in range(STYLES) for part in (without, without, pair[f"weigh.{style}.bias"])]
    )
    weights["move_table.bias.weight"] = torch.cat([pair[f"table.{style}.weight"] for style in range(STYLES)])
    made.load_state_dict(weights)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    made = with_table(load_model(options.folder), load_file(options.folder / "pair.safetensors"))
    made.save_pretrained(options.out)


if __name__ == "__main__":
    main()
