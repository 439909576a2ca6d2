"""The model as two small ONNX files, for programs that keep the boards that they have encoded.

``encoder.onnx`` turns boards into vectors; ``gpt.onnx`` takes what a context has of them and gives the
log-probabilities of whole moves. Weights are of eight bits with one scale per output, and are turned back into float32
when a file is loaded.

Letters in shapes: N boards, T tokens, C channels of the encoder, W width, M the 2,086 possible moves.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.model.attention import Context
from xiangqi_gpt.model.encoder import SQUARES
from xiangqi_gpt.model.gpt import XiangqiGPT
from xiangqi_gpt.model.move_table import MOVES, MoveTable
from xiangqi_gpt.model.onnx import need_packages, quiet_export
from xiangqi_gpt.model.positions import Rope

_SMALLEST = 4_096  # numbers: smaller weights stay float32
_OPSET = 18


class _Encoder(nn.Module):
    """boards (N, 90), counters (N, 2) -> summary (N, W), vectors (N, 90, C)."""

    def __init__(self, model: XiangqiGPT) -> None:
        super().__init__()
        self.model = model

    def forward(self, boards: Tensor, counters: Tensor) -> tuple[Tensor, Tensor]:
        encoded = self.model.encode_boards(boards[None], counters[None])
        assert encoded.vectors is not None
        return encoded.summary[0], encoded.vectors[0]


class _Rest(nn.Module):
    """A context (1, T) -> move_logprobs (1, 3 + M) and value (1, 3) behind its last token."""

    def __init__(self, model: XiangqiGPT) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        input_ids: Tensor,
        slots: Tensor,
        positions: Tensor,
        summary: Tensor,
        origin: Tensor,
        vectors: Tensor,
    ) -> tuple[Tensor, Tensor]:
        model = self.model
        x = model.tokens(input_ids) + model.slots(slots) + summary + model.from_square(origin)
        context = Context(
            consecutive=False, rotation=model.position.rotation(positions), bias=None, backend="sdpa"
        )
        for layer in model.layers:
            x, _ = layer(x, positions, None, None, context)
        x = model.norm(x)[:, -1]
        assert model.move_table is not None
        scores = model.move_table(x, vectors)[:, 0]
        special = F.linear(x, model.lm_head.weight[: model.specials])
        value = model.value_head(F.relu(model.value_hidden(x))).softmax(-1)
        return torch.cat([special, scores], -1).log_softmax(-1), value


def export_split(model: XiangqiGPT, folder: Path, *, style: str | None = None) -> dict[str, int]:
    """Write ``encoder.onnx`` and ``gpt.onnx`` to the existing *folder*; returns the sizes that a program needs.

    Only the table of *style* is kept, by default the one that the model speaks.

    Raises:
        ModelError: the extra `onnx` is missing, or the model has no table of moves in two tokens.
    """
    need_packages("onnx", "onnxscript")
    config = model.config
    if config.move_head != "table" or config.tokenizer != "square" or config.attention != "full":
        raise ModelError(
            "Two ONNX files need tokenizer='square', move_head='table' and attention='full'; this model has "
            f"{config.tokenizer!r}, {config.move_head!r} and {config.attention!r}."
        )
    made = copy.deepcopy(model).float().cpu()
    made.eval()
    if isinstance(made.position, Rope):
        made.position.in_pairs = True
    assert made.move_table is not None
    made.move_table = _one_style(made.move_table, config.style_number(style))
    boards, tokens = torch.export.Dim("boards"), torch.export.Dim("tokens", max=4 * config.context_plies)
    squares = torch.arange(3 * SQUARES).view(3, SQUARES) % 15
    line = torch.arange(5)[None]
    parts: list[tuple[str, nn.Module, dict[str, Tensor], list[str], dict[str, Any]]] = [
        (
            "encoder.onnx",
            _Encoder(made),
            {"boards": squares, "counters": torch.rand(3, 2)},
            ["summary", "vectors"],
            {"boards": {0: boards}, "counters": {0: boards}},
        ),
        (
            "gpt.onnx",
            _Rest(made),
            {
                "input_ids": line + 3,
                "slots": line % 2,
                "positions": line,
                "summary": torch.rand(1, 5, config.width),
                "origin": torch.rand(1, 5, config.encoder_width),
                "vectors": torch.rand(1, SQUARES, config.encoder_width),
            },
            ["move_logprobs", "value"],
            {
                **{key: {1: tokens} for key in ("input_ids", "slots", "positions", "summary", "origin")},
                "vectors": {},
            },
        ),
    ]
    for name, module, example, outputs, shapes in parts:
        with quiet_export(), torch.no_grad():
            module(
                *example.values()
            )  # tables are kept when first used: made while tracing they hold no numbers
            program = torch.onnx.export(
                module.eval(),
                tuple(example.values()),
                input_names=list(example),
                output_names=outputs,
                dynamo=True,
                dynamic_shapes=shapes,
                opset_version=_OPSET,
                verbose=False,
            )
        assert program is not None
        program.save(folder / name, external_data=False)
        _store_in_eight_bits(folder / name)
    return {"width": config.width, "channels": config.encoder_width, "context_plies": config.context_plies}


def _one_style(table: MoveTable, style: int) -> MoveTable:
    """*table* with the queries of one style alone."""
    size = 3 * table.size
    table.styles = 1
    for layer, rows in ((table.queries, size), (table.bias, MOVES)):
        part = slice(style * rows, (style + 1) * rows)
        layer.weight = nn.Parameter(layer.weight[part].detach().clone())
        if layer.bias is not None:
            layer.bias = nn.Parameter(layer.bias[part].detach().clone())
    return table


def _store_in_eight_bits(file: Path) -> None:
    """Replace large weights by integers and a DequantizeLinear, in place."""
    import onnx
    from onnx import helper, numpy_helper

    whole = onnx.load(file)
    graph = whole.graph
    transposed = {
        node.input[1] for node in graph.node if node.op_type == "MatMul" and len(node.input) == 2
    }  # their outputs are columns
    kept, nodes = [], []
    for weight in graph.initializer:
        array = numpy_helper.to_array(weight)
        if array.dtype != np.float32 or array.ndim < 2 or array.size < _SMALLEST:
            kept.append(weight)
            continue
        axis = array.ndim - 1 if weight.name in transposed else 0
        others = tuple(i for i in range(array.ndim) if i != axis)
        scale = np.maximum(np.abs(array).max(others), 1e-12) / 127
        shape = [-1 if i == axis else 1 for i in range(array.ndim)]
        whole_numbers = np.rint(array / scale.reshape(shape)).astype(np.int8)
        kept.append(numpy_helper.from_array(whole_numbers, f"{weight.name}.int8"))
        kept.append(numpy_helper.from_array(scale.astype(np.float32), f"{weight.name}.scale"))
        nodes.append(
            helper.make_node(
                "DequantizeLinear",
                [f"{weight.name}.int8", f"{weight.name}.scale"],
                [weight.name],
                axis=axis,
            )
        )
    nodes.extend(graph.node)
    del graph.initializer[:], graph.node[:], graph.value_info[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    onnx.checker.check_model(whole)
    onnx.save(whole, file)
