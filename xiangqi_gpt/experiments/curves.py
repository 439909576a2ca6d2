"""The course of a run as a PNG, drawn with numpy alone: a machine that trains need not have a plotting library."""

from __future__ import annotations

import json
import math
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.training.run_state import EVALUATIONS_FILE, LOG_FILE, disk_full_as_error

# Columns of 5x7 letters, top row in the lowest bit.
_GLYPHS: dict[str, str] = {
    "0": "3e5149453e", "1": "00427f4000", "2": "4261514946", "3": "2141454b31", "4": "1814127f10",
    "5": "2745454539", "6": "3c4a494930", "7": "0171090503", "8": "3649494936", "9": "064949291e",
    "a": "2054545478", "b": "7f48444438", "c": "3844444420", "d": "384444487f", "e": "3854545418",
    "f": "087e090102", "g": "0c5252523e", "h": "7f08040478", "i": "00447d4000", "j": "2040443d00",
    "k": "7f10284400", "l": "00417f4000", "m": "7c04180478", "n": "7c08040478", "o": "3844444438",
    "p": "7c14141408", "q": "081414187c", "r": "7c08040408", "s": "4854545420", "t": "043f444020",
    "u": "3c4040207c", "v": "1c2040201c", "w": "3c4030403c", "x": "4428102844", "y": "0c5050503c",
    "z": "4464544c44", ".": "0060600000", ",": "0050300000", "-": "0808080808", "+": "08083e0808",
    "/": "2010080402", ":": "0036360000", "%": "2313086462", "(": "001c224100", ")": "0041221c00",
    "=": "1414141414", " ": "0000000000",
}  # fmt: skip

_INK = (34, 34, 34)
_GRID = (225, 225, 225)
_COLORS = ((31, 119, 180), (214, 39, 40), (44, 160, 44), (148, 103, 189))
_SMOOTH = 2  # times that the picture is drawn larger than it is

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Line:
    """One curve: its name and its points; those that are not finite are left out."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    marked: bool = False  # a dot at every point


def draw_panels(panels: Mapping[str, Sequence[Line]], *, width: int = 560, height: int = 340) -> Image:
    """Panels side by side, two a row, each with a title, axes and its lines; (H, W, 3)."""
    pictures = [_panel(title, lines, width, height) for title, lines in panels.items()]
    if len(pictures) % 2 and len(pictures) > 1:
        pictures.append(np.full_like(pictures[0], 255))
    rows = [np.concatenate(pictures[i : i + 2], 1) for i in range(0, len(pictures), 2)]
    return np.concatenate(rows, 0)


def png(image: Image) -> bytes:
    """The picture (H, W, 3) in PNG."""
    height, width, _ = image.shape
    raw = np.concatenate([np.zeros((height, 1), np.uint8), image.reshape(height, -1)], 1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


def _panel(title: str, lines: Sequence[Line], width: int, height: int) -> Image:
    image = np.full((height * _SMOOTH, width * _SMOOTH, 3), 255, np.uint8)
    left, right, top, bottom = (_SMOOTH * n for n in (62, width - 18, 34, height - 40))
    points = [(_finite(line.x, line.y)) for line in lines]
    xs = np.concatenate([p[0] for p in points]) if points else np.zeros(0)
    ys = np.concatenate([p[1] for p in points]) if points else np.zeros(0)
    x_low, x_high, x_ticks = _scale(xs, 6)
    # A few wild values at the beginning must not flatten the rest.
    y_low, y_high, y_ticks = _scale(ys[ys <= np.quantile(ys, 0.99)] if len(ys) > 50 else ys, 5)

    def across(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return left + (x - x_low) / (x_high - x_low) * (right - left)

    def down(y: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return bottom - (np.clip(y, y_low, y_high) - y_low) / (y_high - y_low) * (bottom - top)

    for tick in y_ticks:
        at = int(down(np.array([tick]))[0])
        image[at : at + 1, left:right] = _GRID
        _write(image, _number(tick), left - 6 * _SMOOTH, at - 7, align=1)
    for tick in x_ticks:
        at = int(across(np.array([tick]))[0])
        image[top:bottom, at : at + 1] = _GRID
        _write(image, _number(tick), at, bottom + 8 * _SMOOTH, align=0.5)
    image[top : bottom + 1, left - 1 : left + 1] = _INK
    image[bottom : bottom + 2, left:right] = _INK
    _write(image, title, left, 8 * _SMOOTH)
    place = right
    for number, (line, (x, y)) in reversed(list(enumerate(zip(lines, points, strict=True)))):
        color = _COLORS[number % len(_COLORS)]
        if len(x):
            _trace(image, across(x), down(y), color, line.marked)
        if len(lines) > 1:
            place -= _write(image, line.name, place, 8 * _SMOOTH, align=1, color=color) + 14 * _SMOOTH
    small = image.reshape(height, _SMOOTH, width, _SMOOTH, 3).astype(np.uint16).mean((1, 3))
    return small.astype(np.uint8)


def _finite(
    x: Sequence[float], y: Sequence[float]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    xs, ys = np.asarray(x, np.float64), np.asarray(y, np.float64)
    there = np.isfinite(xs) & np.isfinite(ys)
    return xs[there], ys[there]


def _scale(values: npt.NDArray[np.float64], ticks: int) -> tuple[float, float, list[float]]:
    """Ends of an axis that shows *values*, and about *ticks* round numbers on it."""
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    if high - low < 1e-12 * max(abs(low), abs(high), 1e-300):
        low, high = (low - 0.5, high + 0.5) if low == 0 else (low - abs(low) / 2, high + abs(high) / 2)
    rough = (high - low) / ticks
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * n for n in (1, 2, 5, 10) if unit * n >= rough)
    first, last = math.floor(low / step), math.ceil(high / step)
    return first * step, last * step, [n * step for n in range(first, last + 1)]


def _number(value: float) -> str:
    if value and abs(value) < 1e-3:
        return f"{value:.0e}".replace("e-0", "e-")
    return f"{value / 1000:g}k" if abs(value) >= 10_000 else f"{value:.6g}"


def _trace(
    image: Image,
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    color: tuple[int, int, int],
    marked: bool,
) -> None:
    """A line through the points."""
    length = np.maximum(np.abs(np.diff(x)), np.abs(np.diff(y)))
    steps = np.maximum(1, np.ceil(length)).astype(int)
    for i, count in enumerate(steps):
        along = np.linspace(0, 1, count + 1)
        _dots(image, x[i] + along * (x[i + 1] - x[i]), y[i] + along * (y[i + 1] - y[i]), color, 1)
    if marked or len(x) == 1:
        _dots(image, x, y, color, 4)


def _dots(
    image: Image,
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    color: tuple[int, int, int],
    size: int,
) -> None:
    rows, columns = y.astype(int), x.astype(int)
    for dy in range(-size + 1, size + 1):
        for dx in range(-size + 1, size + 1):
            at = np.clip(rows + dy, 0, image.shape[0] - 1), np.clip(columns + dx, 0, image.shape[1] - 1)
            image[at] = color


def _write(
    image: Image, text: str, x: int, y: int, *, align: float = 0, color: tuple[int, int, int] = _INK
) -> int:
    """*text* at x, y (left, middle or right end by *align*); returns its width."""
    columns = b"".join(bytes.fromhex(_GLYPHS.get(c, _GLYPHS[" "])) + b"\0" for c in text.lower())
    bits = (np.frombuffer(columns, np.uint8)[None, :] >> np.arange(8)[:, None]) & 1
    mask = np.repeat(np.repeat(bits, _SMOOTH, 0), _SMOOTH, 1).astype(bool)
    x = max(0, int(x - align * mask.shape[1]))
    part = image[y : y + mask.shape[0], x : x + mask.shape[1]]
    part[mask[: part.shape[0], : part.shape[1]]] = color
    return mask.shape[1]


def smoothed(values: Sequence[float], points: int = 400) -> tuple[list[float], list[float]]:
    """At most *points* means of neighbouring values, and the (1-based) numbers in whose middle they lie."""
    parts = np.array_split(np.asarray(values, np.float64), max(1, min(points, len(values))))
    ends = np.cumsum([len(part) for part in parts])
    centres = [float(end - (len(part) - 1) / 2) for end, part in zip(ends, parts, strict=True)]
    return centres, [float(part.mean()) if len(part) else math.nan for part in parts]


def read_log(file: Path) -> list[dict[str, float]]:
    """The lines of a log of a run; ModelError where one is none, and nothing where there is no file."""
    if not file.is_file():
        return []
    try:
        return [dict(json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    except (ValueError, TypeError) as error:
        raise ModelError(f"{file}: expected a line of JSON a step, found {error}") from None


def curves(log: Sequence[Mapping[str, float]], evaluations: Sequence[Mapping[str, float]]) -> Image:
    """Loss, value loss, learning rate, and what evaluations measured."""

    def train(key: str, name: str) -> Line:
        x, y = smoothed([line[key] for line in log])
        return Line(name, [i - 1 + log[0]["step"] for i in x] if log else [], y)

    def valid(key: str, name: str) -> Line:
        return Line(name, [e["step"] for e in evaluations], [e[key] for e in evaluations], marked=True)

    panels = {
        "loss, nats/ply": [train("loss", "train"), valid("loss", "valid")],
        "value loss, nats": [train("value_loss", "train"), valid("value_loss", "valid")],
        "valid, shares": [valid("top1", "top-1"), valid("legality", "legal unmasked")],
        "learning rate": [train("learning_rate", "")],
    }
    if not evaluations:
        del panels["valid, shares"]
        panels["loss, nats/ply"].pop()
        panels["value loss, nats"].pop()
    return draw_panels(panels)


def write_curves(out: Path, file: Path) -> None:
    """Draw the course of the run in the folder *out*."""
    image = curves(read_log(out / LOG_FILE), read_log(out / EVALUATIONS_FILE))
    with disk_full_as_error(out, "the curves"), atomic_path(file, overwrite=True, error=ModelError) as draft:
        draft.write_bytes(png(image))
