"""A model made ready to be asked: its weights cast once, its encodings of boards kept."""

from __future__ import annotations

import copy
import warnings
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from xiangqi_gpt.errors import ConfigError, ModelError
from xiangqi_gpt.model import EncodedBoards, XiangqiGPT
from xiangqi_gpt.model.attention.softmax import SoftmaxAttention
from xiangqi_gpt.model.encoder_int8 import int8_encoder
from xiangqi_gpt.model.layout import PackedRows

PRECISIONS = ("auto", "float32", "bfloat16", "int8")

_KEPT = 768  # boards whose encodings are kept: 35 MB of a model with 128 channels in float32

Features = tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]  # see board_features


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether products in bfloat16 are faster here than in float32."""
    return device.type == "cpu" and bool(getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)())


def prepared(model: XiangqiGPT, precision: str, device: torch.device) -> tuple[XiangqiGPT, str]:
    """*model* to be asked in *precision*, and that precision.

    In float32 it is the model itself; in bfloat16 a copy, cast once. ``auto`` is bfloat16 where the processor is fast
    at it and the model keeps its accuracy: recurrent variants sum over a whole game, and weights of eight bits stay.
    ``int8`` runs the encoder in eight bits and the rest as ``auto`` does; where it cannot, a warning says why, and it
    is ``auto``.

    Raises:
        ConfigError: no such precision.
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"precision: expected one of {', '.join(PRECISIONS)}, found {precision!r}")
    if precision == "int8":
        rest, used = prepared(model, "auto", device)
        try:
            if device.type != "cpu":
                raise ModelError("int8 runs on the processor only")
            dtype = torch.bfloat16 if used == "bfloat16" else torch.float32
            encoder = int8_encoder(model.encoder, dtype)
        except ModelError as error:
            warnings.warn(f"precision {used} instead of int8: {error}", RuntimeWarning, stacklevel=2)
            return rest, used
        # Shares all but the encoder with the model that it was copied from.
        changed = copy.copy(rest)
        changed._modules = {**rest._modules, "encoder": encoder}
        return changed, "int8"
    castable = model.config.quantization == "none" and all(
        isinstance(layer.attention, SoftmaxAttention) for layer in model.attention_layers()
    )
    if precision == "float32" or not castable or (precision == "auto" and not has_fast_bfloat16(device)):
        return model, "float32"
    with torch.inference_mode(False):
        cast = copy.deepcopy(model)
        whole: nn.Module = cast
        whole.to(torch.bfloat16).requires_grad_(False)
        for module in whole.modules():
            if isinstance(module, nn.Conv2d):  # as oneDNN reads them: otherwise it copies them at every call
                module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last)
    return cast, "bfloat16"


class Network:
    """A model in one precision, with the encodings of recent boards."""

    def __init__(self, model: XiangqiGPT, precision: str, device: torch.device) -> None:
        self.model, self.precision = prepared(model, precision, device)
        self.device = device
        self._boards: OrderedDict[bytes, tuple[Tensor, Tensor | None]] = OrderedDict()

    def forget(self) -> None:
        """Drop all encodings."""
        self._boards.clear()

    def read(self, rows: PackedRows, boards: Sequence[Sequence[Features]], **wanted: Any) -> Any:
        """One pass over *rows* with the boards of each; *wanted* is what the model is asked for besides."""
        return self.model(
            input_ids=rows.ids,
            slots=rows.slots,
            positions=rows.positions,
            encoded=self.encodings(boards),
            board_index=rows.board_index,
            visible=rows.visible,
            **wanted,
        )

    def encodings(self, rows: Sequence[Sequence[Features]]) -> EncodedBoards | None:
        """What the encoder makes of every row's boards, (B, P, ...); short rows end with their last board again.

        Boards that are remembered are not encoded again. None for a model without boards.
        """
        if self.model.encoder is None:
            return None
        keys = [[codes.tobytes() + counts.tobytes() for codes, counts in row] for row in rows]
        missing = {
            key: features
            for row, given in zip(keys, rows, strict=True)
            for key, features in zip(row, given, strict=True)
            if key not in self._boards
        }
        if missing:
            boards, counts = (np.stack(part) for part in zip(*missing.values(), strict=True))
            encoded = self.model.encode_boards(
                torch.from_numpy(boards)[None].to(self.device), torch.from_numpy(counts)[None].to(self.device)
            )
            for i, key in enumerate(missing):
                # Copies: a view would keep the whole batch alive.
                vectors = None if encoded.vectors is None else encoded.vectors[0, i].clone()
                self._boards[key] = (encoded.summary[0, i].clone(), vectors)
        longest = max(len(row) for row in keys)
        found = []
        for row in keys:
            for key in (*row, *[row[-1]] * (longest - len(row))):
                self._boards.move_to_end(key)
                found.append(self._boards[key])
        while len(self._boards) > _KEPT:
            self._boards.popitem(last=False)
        spatial = [vector for _, vector in found if vector is not None]
        stacked = EncodedBoards(torch.stack([s for s, _ in found]), torch.stack(spatial) if spatial else None)
        return stacked.map(lambda tensor: tensor.unflatten(0, (len(keys), longest)))
