"""The encoder in eight bits: equal but for rounding, kept in a cache; where it cannot run, the slower way is used."""

from __future__ import annotations

import copy
import warnings
from pathlib import Path

import pytest
import torch

from tests.model.tiny import tiny
from xiangqi_gpt.decoding import Scorer
from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.model import encoder_int8
from xiangqi_gpt.model.encoder import ConvEncoder
from xiangqi_gpt.model.encoder_int8 import calibration_boards, fingerprint, int8_encoder
from xiangqi_gpt.players.gpt_player import open_model
from xiangqi_gpt.rules.board import Board

for package in encoder_int8.PACKAGES:
    pytest.importorskip(package)


def bundled_encoder() -> ConvEncoder:
    encoder = open_model().encoder
    assert isinstance(encoder, ConvEncoder)
    return encoder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the file of the bundled model."""
    folder = tmp_path_factory.mktemp("cache") / "int8"
    int8_encoder(bundled_encoder(), torch.float32, folder)
    return folder


@pytest.fixture
def in_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_int8, "cache_folder", lambda: cache)


@pytest.fixture
def made(cache: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The files made since; each is a copy of the one in the cache, which saves the time of an export."""
    good = next(cache.iterdir()).read_bytes()
    paths: list[Path] = []

    def write(encoder: ConvEncoder, path: Path) -> None:
        path.write_bytes(good)
        paths.append(path)

    monkeypatch.setattr(encoder_int8, "_write", write)
    return paths


def test_vectors_are_those_of_the_encoder_but_for_rounding(cache: Path, made: list[Path]) -> None:
    boards, counters = calibration_boards()
    assert [path.name for path in cache.iterdir()] == [f"{fingerprint(bundled_encoder())}.onnx"]
    with torch.inference_mode():
        wanted = bundled_encoder()(boards[:9], counters[:9])
        found = int8_encoder(bundled_encoder(), torch.bfloat16, cache)(boards[:9], counters[:9])
    assert not made
    assert found.dtype == torch.bfloat16
    assert 0 < (found.float() - wanted).norm() / wanted.norm() < 0.05


@pytest.mark.usefixtures("in_cache")
def test_moves_chosen_are_the_same_nearly_always() -> None:
    exact, rounded = Scorer(open_model()), Scorer(open_model(), precision="int8")
    assert rounded.network.precision == "int8"
    assert exact.network.model.encoder is open_model().encoder
    board, moves = Board(), []
    for _ in range(60):
        scores = exact.score(board)
        moves.append(scores.moves[scores.ranked()[:2][-1] if len(moves) % 3 == 2 else scores.ranked()[0]])
        board.push(moves[-1])
    pairs = zip(exact.score_line(Board(), moves), rounded.score_line(Board(), moves), strict=True)
    same = [one.ranked()[0] == two.ranked()[0] for one, two in pairs]
    assert sum(same) >= 54


@pytest.mark.parametrize("damage", ["cut short", "noise", "empty", "another model"])
def test_a_file_that_is_not_the_right_one_is_made_anew(
    damage: str, cache: Path, made: list[Path], tmp_path: Path
) -> None:
    encoder = bundled_encoder()
    good = next(cache.iterdir()).read_bytes()
    if damage == "another model":
        encoder = copy.deepcopy(encoder)
        with torch.no_grad():
            encoder.norm.weight.neg_()
    path = tmp_path / f"{fingerprint(encoder)}.onnx"
    content = {"cut short": good[: len(good) // 2], "noise": bytes(range(256)) * 40, "empty": b""}
    path.write_bytes(content.get(damage, good))
    if damage == "another model":  # what is made does not fit either, here
        with pytest.raises(ModelError, match="too much"):
            int8_encoder(encoder, torch.float32, tmp_path)
    else:
        int8_encoder(encoder, torch.float32, tmp_path)
        assert path.read_bytes() == good
    assert made == [path]


def test_a_cache_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(encoder_int8, "cache_folder", lambda: tmp_path / "file" / "int8")
    with pytest.warns(RuntimeWarning, match="instead of int8: "):
        scorer = Scorer(open_model(), precision="int8", leaf_precision="int8")
    assert scorer.network.precision in ("float32", "bfloat16")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert scorer.leaf_network is scorer.network  # said once
    assert scorer.score(Board()).moves


def test_without_onnx_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoder_int8, "missing_packages", lambda: ["onnxruntime"])
    with pytest.warns(RuntimeWarning, match=r"needs onnxruntime.*pip install 'xiangqi-gpt\[fast\]'"):
        assert Scorer(open_model(), precision="int8").network.precision != "int8"


def test_a_model_without_convolutions() -> None:
    with pytest.warns(RuntimeWarning, match="convolutional encoder"):
        assert Scorer(tiny(board="bag"), precision="int8").network.precision != "int8"
