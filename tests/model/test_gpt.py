"""The model: what may depend on what, and that a directory rebuilds it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoConfig

from tests.model.tiny import MODES, tiny
from xiangqi_gpt.dataset.windows import Windows
from xiangqi_gpt.errors import ConfigError, ModelError
from xiangqi_gpt.model import XiangqiGPT, XiangqiGPTConfig
from xiangqi_gpt.model.checkpoint import export_model, load_model
from xiangqi_gpt.training.batches import collate


def windows(plies: int = 6, rows: int = 3, seed: int = 0) -> Windows:
    """Random boards and moves: what the model may look at does not depend on their making sense."""
    rng = np.random.default_rng(seed)
    return Windows(
        boards=rng.integers(0, 15, (rows, plies, 90)).astype(np.int8),
        turns=np.tile((np.arange(plies) % 2).astype(np.int8), (rows, 1)),
        clocks=rng.integers(0, 120, (rows, plies)).astype(np.int16),
        moves=rng.integers(1, 8100, (rows, plies)).astype(np.uint16),
        targets=rng.integers(1, 8100, (rows, plies)).astype(np.uint16),
        scores=rng.integers(-900, 900, (rows, plies)).astype(np.int16),
        results=rng.integers(-1, 2, rows).astype(np.int8),
    )


def logits(model: XiangqiGPT, data: Windows) -> tuple[torch.Tensor, torch.Tensor]:
    batch = collate(data, model.tokenizer, model.config.board != "none")
    with torch.inference_mode():
        output = model(**batch.model_inputs())
    assert output.logits is not None
    assert output.value_logits is not None
    return output.logits, output.value_logits


@pytest.mark.parametrize("mode", MODES)
def test_nothing_later_moves_what_predicts_a_ply(mode: str) -> None:
    """Changing the last token of ply p, and every later move and board, moves no logit that predicts ply p."""
    model = tiny(**MODES[mode])
    slots, plies = model.tokenizer.slots, 6
    before = windows(plies)
    for p in range(plies):
        after = windows(plies)
        other = windows(plies, seed=1)
        after.boards[:, p + 1 :] = other.boards[:, p + 1 :]
        after.moves[:, p + 1 :] = other.moves[:, p + 1 :]
        # Another to-square: in both tokenizers the last token of the move, and no earlier one.
        for row in range(len(after.moves)):
            move = int(after.moves[row, p])
            shift = 1 if move % 9 and move % 9 < 8 else -1
            rank = (move % 90) // 9
            after.moves[row, p] = move - move % 90 + (move % 9) + 9 * ((rank + 1) % 10)
            assert after.moves[row, p] != move, shift
        (a, va), (b, vb) = logits(model, before), logits(model, after)
        main = slots * p + slots  # the tokens up to and including those that predict the last token of ply p
        assert torch.equal(a[:, :main], b[:, :main])
        assert torch.equal(va[:, :main], vb[:, :main])
        if p + 1 < plies:
            assert not torch.equal(a[:, main : main + 1], b[:, main : main + 1])


@pytest.mark.parametrize("mode", [m for m in MODES if not m.startswith("none")])
def test_every_token_reads_the_board_of_what_it_predicts(mode: str) -> None:
    model = tiny(**MODES[mode])
    slots, plies, p = model.tokenizer.slots, 5, 3
    before, after = windows(plies), windows(plies)
    after.boards[:, p] = windows(plies, seed=7).boards[:, p]
    a, b = logits(model, before)[0], logits(model, after)[0]
    moved = (a != b).any(-1).all(0)
    assert not moved[: slots * p].any()
    assert moved[slots * p : slots * (p + 1)].all()


@pytest.mark.parametrize("mode", MODES)
def test_a_branch_sees_its_own_past_only(mode: str) -> None:
    """The tokens of the move to learn see neither the move played at their ply nor anything after it."""
    model = tiny(**MODES[mode])
    slots, plies, p = model.tokenizer.slots, 6, 2
    before, after = windows(plies), windows(plies)
    other = windows(plies, seed=5)
    after.moves[:, p:] = other.moves[:, p:]
    after.boards[:, p + 1 :] = other.boards[:, p + 1 :]
    a, b = logits(model, before)[0], logits(model, after)[0]
    branch = slots * plies + p * (slots - 1)
    assert torch.equal(a[:, branch : branch + slots - 1], b[:, branch : branch + slots - 1])


def test_saved_and_loaded_in_another_process_bit_equal(tmp_path: Path) -> None:
    for mode, changes in MODES.items():
        model = tiny(**changes)
        model.save_pretrained(tmp_path / mode)
        torch.save(logits(model, windows())[0], tmp_path / f"{mode}.pt")
    script = (
        "import sys, torch\n"
        "from transformers import AutoModelForCausalLM\n"
        "import xiangqi_gpt\n"
        "from tests.model.test_gpt import logits, windows\n"
        "from xiangqi_gpt.model.checkpoint import load_model\n"
        "torch.set_num_threads(int(sys.argv[1]))\n"
        "for folder in sys.argv[2:]:\n"
        "    expected = torch.load(folder + '.pt')\n"
        "    for model in (load_model(folder), AutoModelForCausalLM.from_pretrained(folder).eval()):\n"
        "        assert torch.equal(logits(model, windows())[0], expected), folder\n"
    )
    root = Path(__file__).parents[2]
    folders = [str(tmp_path / mode) for mode in MODES]
    command = [sys.executable, "-c", script, str(torch.get_num_threads()), *folders]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"board": "flat"}, "board: expected one of none, bag, spatial, found 'flat'"),
        ({"heads": 5}, "heads: expected a divisor of the width, 32, found 5"),
        ({"layers": 0}, "layers: expected a positive number, found 0"),
        ({"attention": "fulll"}, r"attention: expected one of .*full.*, found 'fulll'"),
        ({"attention": "full(window=3)"}, "attention 'full': expected options"),
        ({"vocab_size": 7}, "vocab_size: expected 93"),
        ({"board": "bag", "view": "red"}, "needs view='mover'"),
    ],
)
def test_impossible_configurations_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        tiny(**changes)


def test_foreign_and_broken_directories(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no model directory"):
        load_model(tmp_path / "nothing")
    good = tmp_path / "good"
    tiny().save_pretrained(good)

    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match=r"config\.json is missing"):
        load_model(tmp_path / "empty")

    config = good / "config.json"
    text = config.read_text()
    config.write_text(text.replace('"xiangqi_gpt"', '"gpt2"'))
    with pytest.raises(ModelError, match="expected model_type 'xiangqi_gpt', found 'gpt2'"):
        load_model(good)
    config.write_text(text[:-20])
    with pytest.raises(ModelError, match="not JSON"):
        load_model(good)
    config.write_text(text.replace('"width": 32', '"width": 64'))
    with pytest.raises(ModelError, match=r"expected weight 'encoder|expected weight 'from_square"):
        load_model(good)
    config.write_text(text.replace('"width": 32', '"width": "wide"'))
    with pytest.raises(ModelError, match="width: expected a int, found 'wide'"):
        load_model(good)
    config.write_text(text)

    weights = good / "model.safetensors"
    data = weights.read_bytes()
    weights.write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match="not a readable safetensors file"):
        load_model(good)
    weights.unlink()
    with pytest.raises(ModelError, match=r"model\.safetensors is missing"):
        load_model(good)
    weights.write_bytes(data)
    assert load_model(good).config.width == 32


def test_exported_at_half_the_size(tmp_path: Path) -> None:
    model = tiny()
    size = export_model(model, tmp_path / "half")
    assert size < 0.52 * sum(p.numel() * 4 for p in model.parameters()) + 20_000
    loaded = load_model(tmp_path / "half")
    assert {p.dtype for p in loaded.parameters()} == {torch.float32}
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor.half().float())
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    with pytest.raises(ModelError, match="the folder exists already"):
        export_model(model, tmp_path / "half")


def test_default_configuration_is_registered() -> None:
    config: Any = AutoConfig.for_model("xiangqi_gpt")
    assert config.vocab_size == len(config.build_tokenizer().vocab) == XiangqiGPTConfig().vocab_size
    assert (config.hidden_size, config.num_hidden_layers) == (config.width, config.layers)


def test_values_of_some_tokens_are_those_of_all() -> None:
    model = tiny()
    batch = collate(windows(), model.tokenizer, True)
    with torch.inference_mode():
        every = model(**batch.model_inputs()).value_logits
        some = model(**batch.model_inputs(), value_index=batch.value_index).value_logits
    assert every is not None
    assert some is not None
    assert some.shape == (3, 6, 3)
    torch.testing.assert_close(some, every[:, batch.value_index], rtol=1e-5, atol=1e-5)
