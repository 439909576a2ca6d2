"""The encoder of boards in eight bits, run by ONNX Runtime (extra ``fast``).

The convolutions are nearly all the work of a model. In eight bits, one board takes a fifth of the time that bfloat16
takes. The file is made once per model, which takes some ten seconds, and kept in the user's cache folder. Nothing is
believed of a file that is found there: it has to give nearly the same vectors as the encoder that it stands for.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import tempfile
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.files import atomic_path, read_limited
from xiangqi_gpt.model.context import board_features
from xiangqi_gpt.model.encoder import ConvEncoder
from xiangqi_gpt.model.onnx import quiet_export
from xiangqi_gpt.resources import user_folder
from xiangqi_gpt.rules.board import Board

FORMAT: Final = 1  # of the files; another one where they are made in another way
PACKAGES: Final = ("onnx", "onnxscript", "onnxruntime")
_LARGEST: Final = 64 * 1024 * 1024  # bytes of a file
_TOLERANCE: Final = 0.1  # of the vectors, relative: eight bits cost 0.02
_CALIBRATION, _CHECKED = 96, 4  # positions


class Int8Encoder(nn.Module):
    """Takes the place of a :class:`ConvEncoder`: (N, 90), (N, 2) -> (N, 90, C) of *dtype*."""

    def __init__(self, session: Any, dtype: torch.dtype) -> None:
        super().__init__()
        self._session, self._dtype = session, dtype

    def forward(self, boards: Tensor, counters: Tensor) -> Tensor:
        return torch.from_numpy(_run(self._session, boards, counters)).to(self._dtype)


def cache_folder() -> Path:
    """Where the files are kept."""
    return user_folder("cache") / "int8"


def missing_packages() -> list[str]:
    """The packages of the extra `fast` that are not installed."""
    return [name for name in PACKAGES if importlib.util.find_spec(name) is None]


def int8_encoder(encoder: nn.Module | None, dtype: torch.dtype, folder: Path | None = None) -> Int8Encoder:
    """*encoder* in eight bits, from its file in *folder* (the user's cache); a missing or damaged file is made anew.

    Raises:
        ModelError: another kind of encoder, a missing package, or a cache that cannot be written to.
    """
    if not isinstance(encoder, ConvEncoder):
        raise ModelError("int8 needs a model with a convolutional encoder of the board")
    if missing := missing_packages():
        raise ModelError(f"int8 needs {', '.join(missing)}. Install it with: pip install 'xiangqi-gpt[fast]'")
    path = (folder or cache_folder()) / f"{fingerprint(encoder)}.onnx"
    session = _session_of(path, encoder) if path.exists() else None
    if session is None:
        _write(encoder, path)
        session = _session_of(path, encoder)
    if session is None:
        raise ModelError("int8 changes the vectors of this model too much", file=str(path))
    return Int8Encoder(session, dtype)


def fingerprint(encoder: ConvEncoder) -> str:
    """The name of a file: the checksum of the weights and of how the file is made."""
    digest = hashlib.sha256(f"{FORMAT} {encoder.channels} {len(encoder.blocks)}".encode())
    for name, tensor in sorted(encoder.state_dict().items()):
        digest.update(name.encode() + tensor.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()[:32]


def _run(session: Any, boards: Tensor, counters: Tensor) -> npt.NDArray[np.float32]:
    fed = {"boards": boards.to(torch.int8).cpu().numpy(), "counters": counters.float().cpu().numpy()}
    vectors: npt.NDArray[np.float32] = session.run(None, fed)[0]
    return vectors


def _session_of(path: Path, encoder: ConvEncoder) -> Any:
    """What runs the file at *path*; None where it is not *encoder* in eight bits."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 4
    boards, counters = (tensor[:_CHECKED] for tensor in calibration_boards())
    try:
        # From bytes: a file cannot refer to other files then.
        session = onnxruntime.InferenceSession(
            read_limited(path, _LARGEST, error=ModelError), options, providers=["CPUExecutionProvider"]
        )
        found = torch.from_numpy(_run(session, boards, counters))
    except Exception:  # ONNX Runtime has its own errors for every way in which a file can be damaged
        return None
    with torch.inference_mode():
        wanted = encoder(boards, counters.to(encoder.squares.dtype)).float()
    if found.shape != wanted.shape or not (found - wanted).norm() <= _TOLERANCE * wanted.norm():
        return None
    return session


@lru_cache(maxsize=1)
def calibration_boards() -> tuple[Tensor, Tensor]:
    """96 boards (96, 90) and counters (96, 2) of games between random players that like to capture: all phases."""
    rng, board = Random(96), Board()
    found: list[tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]] = []
    while len(found) < _CALIBRATION:
        moves = board.legal_moves()
        if not moves or board.ply >= 120:
            board = Board()
            continue
        captures = [move for move in moves if board.is_capture(move)]
        board.push(rng.choice(captures if captures and rng.random() < 0.3 else moves))
        if board.ply % 5 == 0:
            found.append(board_features(board))
    boards, counters = (torch.from_numpy(np.stack(part)) for part in zip(*found, strict=True))
    return boards, counters


def _write(encoder: ConvEncoder, path: Path) -> None:
    """Make the file at *path*, in place of what is there."""
    import onnx
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    with atomic_path(path, overwrite=True, parents=True, error=ModelError) as draft:
        draft.touch()  # before the work: a cache that cannot be written to is known at once
        with quiet_export(), tempfile.TemporaryDirectory() as folder:
            whole = Path(folder) / "whole.onnx"
            _export(encoder, whole)
            model = onnx.load(whole)
            del model.graph.value_info[:]  # notes on shapes, in which the quantizer finds contradictions
            quantize_static(
                model,
                draft,
                _Calibration(),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                op_types_to_quantize=["Conv"],
            )


def _export(encoder: ConvEncoder, path: Path) -> None:
    with torch.inference_mode(False), torch.no_grad():
        plain = copy.deepcopy(encoder).float().cpu().eval()
        boards, counters = calibration_boards()
        rows = torch.export.Dim("rows")
        program = torch.onnx.export(
            plain,
            (boards[:3], counters[:3]),
            input_names=["boards", "counters"],
            output_names=["vectors"],
            dynamo=True,
            dynamic_shapes={"boards": {0: rows}, "counters": {0: rows}},
            verbose=False,
        )
    assert program is not None
    program.save(path, external_data=False)


class _Calibration:
    """Hands the calibration boards to the quantizer, eight at a time."""

    def __init__(self) -> None:
        boards, counters = calibration_boards()
        self._parts = iter(zip(boards.split(8), counters.split(8), strict=True))

    def get_next(self) -> dict[str, Any] | None:
        part = next(self._parts, None)
        return None if part is None else {"boards": part[0].numpy(), "counters": part[1].numpy()}
