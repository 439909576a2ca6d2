"""The model as one ONNX file, for programs that have neither Python nor torch.

The file takes what the model's forward takes: one row is a context of whole plies with any number of branches, so the
exact scores of all legal moves come out of one call. Inputs and metadata are described in docs/compression.md.
"""

from __future__ import annotations

import copy
import importlib.util
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.model.context import NATURAL_LIMIT
from xiangqi_gpt.model.gpt import XiangqiGPT
from xiangqi_gpt.model.layout import main_line
from xiangqi_gpt.model.positions import Rope
from xiangqi_gpt.safe_json import format_json

TOKEN_INPUTS = ("input_ids", "slots", "positions", "visible")
BOARD_INPUTS = ("board_index", "boards", "counters")
OUTPUTS = ("logits", "value_logits")
ONNX_PACKAGES = ("onnx", "onnxscript")


@contextmanager
def quiet_export() -> Iterator[None]:
    """Without the remarks of the exporter and the quantizer about themselves."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


class _OfTokens(nn.Module):
    """What is exported of a model that reads no boards."""

    def __init__(self, model: XiangqiGPT) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: Tensor, slots: Tensor, positions: Tensor, visible: Tensor
    ) -> tuple[Tensor, Tensor]:
        output = self.model(input_ids=input_ids, slots=slots, positions=positions, visible=visible)
        return output.logits, output.value_logits


class _OfBoards(nn.Module):
    """What is exported of a model that does."""

    def __init__(self, model: XiangqiGPT) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        input_ids: Tensor,
        slots: Tensor,
        positions: Tensor,
        visible: Tensor,
        board_index: Tensor,
        boards: Tensor,
        counters: Tensor,
    ) -> tuple[Tensor, Tensor]:
        output = self.model(
            input_ids=input_ids,
            slots=slots,
            positions=positions,
            visible=visible,
            board_index=board_index,
            boards=boards,
            counters=counters,
        )
        return output.logits, output.value_logits


def export_onnx(model: XiangqiGPT, file: Path, *, int8: bool = False) -> int:
    """Write *model* to *file*, which must be new; returns its bytes.

    Weights are float32; with *int8* those of matrix products are of eight bits, with activations rounded in every call
    (ONNX Runtime's dynamic quantization). ModelError without the packages of the extra `onnx`, and for models that
    cannot be exported.
    """
    need_packages(*ONNX_PACKAGES, *(("onnxruntime",) if int8 else ()))
    if file.exists():
        raise ModelError(f"{file}: the file exists already; choose another name or remove it")
    if not file.parent.is_dir():
        raise ModelError(f"{file}: there is no folder {str(file.parent)!r}; make it first")
    _check(model)
    with atomic_path(file, error=ModelError) as draft, quiet_export():
        program = _program(model)
        program.model.metadata_props.update(metadata(model))
        program.save(draft, external_data=False)
        if int8:
            _round(draft)
    return file.stat().st_size


def metadata(model: XiangqiGPT) -> dict[str, str]:
    """What another program has to know to use the file, beside the shapes of its inputs; values are JSON."""
    config, tokenizer = model.config, model.tokenizer
    facts = {
        "tokens": list(tokenizer.vocab),
        "tokenizer": config.tokenizer,
        "slots": tokenizer.slots,
        "condition": config.condition,
        "condition_tokens": tokenizer.condition.length,
        "view": config.view,
        "board": config.board,
        "context_plies": config.context_plies,
        "clock_unit": NATURAL_LIMIT,
    }
    return {f"xiangqi_gpt.{key}": format_json(value) for key, value in facts.items()}


def need_packages(*packages: str) -> None:
    """ModelError where one of *packages*, of the extra `onnx`, is not installed."""
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ModelError(f"ONNX needs {', '.join(missing)}. Install it with: pip install 'xiangqi-gpt[onnx]'")


def _check(model: XiangqiGPT) -> None:
    config = model.config
    if config.quantization != "none":
        raise ModelError(
            f"ONNX: models with quantization={config.quantization!r} cannot be exported; use the one of full precision"
        )
    turning = [layer.attention for layer in model.attention_layers() if layer.attention.rotates_features]
    if turning and isinstance(model.position, Rope):
        raise ModelError(
            f"ONNX has no complex numbers, which attention={config.attention!r} needs with position='rope'; "
            "use an attention of the softmax family, or other positions"
        )


def _program(model: XiangqiGPT) -> Any:
    made = copy.deepcopy(model).float().cpu()
    made.eval()
    if isinstance(made.position, Rope):
        made.position.in_pairs = True
    with_boards = made.encoder is not None
    names = (*TOKEN_INPUTS, *(BOARD_INPUTS if with_boards else ()))
    example = _example(made)
    batch, tokens, plies = (torch.export.Dim(name) for name in ("batch", "tokens", "plies"))
    shapes = {
        **{key: {0: batch, 1: tokens} for key in ("input_ids", "slots", "positions", "board_index")},
        "visible": {0: batch, 1: tokens, 2: tokens},
        **{key: {0: batch, 1: plies} for key in ("boards", "counters")},
    }
    wrapped = _OfBoards(made) if with_boards else _OfTokens(made)
    with (
        torch.inference_mode()
    ):  # tables are kept when first used: made while tracing they would hold no numbers
        wrapped(*(example[name] for name in names))
    try:
        return torch.onnx.export(
            wrapped.eval(),
            tuple(example[name] for name in names),
            input_names=list(names),
            output_names=list(OUTPUTS),
            dynamo=True,
            dynamic_shapes={name: shapes[name] for name in names},
            verbose=False,
        )
    except (torch.onnx.OnnxExporterError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
        raise ModelError(f"ONNX: this model cannot be exported: {reason}") from error


def _example(model: XiangqiGPT) -> dict[str, Tensor]:
    """Two rows of three plies to trace with; no size is 1 and none is another's, so that none is taken for fixed."""
    k, rows, plies = model.tokenizer.slots, 2, 3
    slots, positions, index = main_line(1 + (plies - 1) * k + 2, k)
    index = index.clamp_max(plies - 1)
    length = len(positions)
    visible = torch.ones(length, length, dtype=torch.bool).tril()
    first = len(model.tokenizer.vocab) - 1
    return {
        "input_ids": torch.full((rows, length), first),
        "slots": slots.repeat(rows, 1),
        "positions": positions.repeat(rows, 1),
        "visible": visible.repeat(rows, 1, 1),
        "board_index": index.repeat(rows, 1),
        "boards": (torch.arange(rows * plies * 90) % 15).view(rows, plies, 90).to(torch.int8),
        "counters": torch.rand(rows, plies, 2),
    }


def _round(file: Path) -> None:
    """Round the weights of matrix products to eight bits, in place."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = onnx.load(file)
    del whole.graph.value_info[
        :
    ]  # the exporter's notes on shapes, in which the quantizer finds contradictions
    quantize_dynamic(
        whole,
        file,
        op_types_to_quantize=["MatMul", "Gemm"],
        per_channel=True,
        weight_type=QuantType.QInt8,
    )
