"""The family on an accelerator, against the same on the CPU: run with ``-m gpu``."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tests.model.attention.cases import SOFTMAX, VARIANTS, Case, causal, inputs, pairs
from tests.model.attention.test_model import logits, model, tokens
from tests.model.test_gpt import windows
from tests.model.tiny import MODES, tiny
from xiangqi_gpt.training.batches import collate

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture(autouse=True)
def _exact_products() -> Iterator[None]:
    """float32 products in float32: TF32 alone would use up the tolerance."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cuda.matmul.allow_tf32 = before


def on_gpu(case: Case) -> Case:
    return dataclasses.replace(
        case, module=copy.deepcopy(case.module).cuda(), position=copy.deepcopy(case.position).cuda()
    )


@pytest.mark.parametrize("form", ["plain", "consecutive", "visible", "state"])
@pytest.mark.parametrize(("spec", "position"), pairs())
def test_outputs_and_gradients_as_on_the_cpu(spec: str, position: str, form: str) -> None:
    here = Case.of(spec, position)
    there = on_gpu(here)
    results = []
    for case, device in ((here, "cpu"), (there, "cuda")):
        q, k, v = (x.to(device).requires_grad_() for x in inputs(131, dtype=torch.float32))
        if form == "state":
            y, _ = case.in_parts(q, k, v, [64, 65, 131])
        else:
            visible = causal(131).to(device) if form == "visible" else None
            y, _ = case(q, k, v, visible=visible, consecutive=form == "consecutive")
        grads = torch.autograd.grad(y.sin().sum(), (q, k, v))
        results.append([y.detach().cpu(), *(g.cpu() for g in grads)])
    for ours, expected in zip(results[1], results[0], strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("position", ["none", "rope", "alibi", "t5"])
@pytest.mark.parametrize("spec", SOFTMAX)
def test_flex_attention_trains(spec: str, position: str) -> None:
    here = Case.of(spec, position, head_size=16)
    there = on_gpu(here)
    draw = torch.Generator().manual_seed(0)
    base = [torch.randn(2, 3, 200, 16, generator=draw) for _ in range(3)]
    results: list[list[Tensor]] = []
    for case, device, backend in ((here, "cpu", "sdpa"), (there, "cuda", "flex_attention")):
        q, k, v = (x.to(device).requires_grad_() for x in base)
        y, _ = case(q, k, v, backend=backend)
        grads = torch.autograd.grad(y.sin().sum(), (q, k, v))
        results.append([y.detach().cpu(), *(g.cpu() for g in grads)])
    for ours, expected in zip(results[1], results[0], strict=True):
        torch.testing.assert_close(ours, expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("spec", VARIANTS)
def test_half_precision_training_is_finite(spec: str) -> None:
    case = on_gpu(Case.of(spec, "rope"))
    q, k, v = (x.cuda().requires_grad_() for x in inputs(600, dtype=torch.bfloat16))
    with torch.autocast("cuda", torch.bfloat16):
        y, _ = case(q, k, v, consecutive=True)
    grads = torch.autograd.grad(y.float().sin().sum(), (q, k, v))
    assert y.isfinite().all()
    assert all(g.isfinite().all() for g in grads)


@pytest.mark.parametrize("spec", VARIANTS)
def test_nobody_waits_for_the_device(spec: str) -> None:
    """A forward pass reads nothing back: the host stays ahead of the accelerator."""
    gpt = model(attention=spec, position="rope").cuda()
    row = {key: value.cuda() for key, value in tokens(40).items()}
    row.pop("positions")
    logits(gpt, **row)  # tables are made on first use
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        logits(gpt, **row)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize(
    ("spec", "position"), [("full", "rope"), ("local(window=3)", "alibi"), ("linear_exp", "rope")]
)
def test_a_model_as_on_the_cpu(spec: str, position: str) -> None:
    gpt = model(attention=spec, position=position)
    row = tokens(60)
    expected = logits(gpt, **row)
    found = logits(gpt.cuda(), **{key: value.cuda() for key, value in row.items()})
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("mode", MODES)
def test_boards_are_read_as_on_the_cpu(mode: str) -> None:
    gpt = tiny(**MODES[mode], legal_head=True)
    batch = collate(windows(), gpt.tokenizer, gpt.config.board != "none")
    results = []
    for device in ("cpu", "cuda"):
        there = batch.to(torch.device(device))
        with torch.inference_mode():
            output = gpt.to(device)(**there.model_inputs(), legal_index=there.value_index)
        assert output.logits is not None
        assert output.value_logits is not None
        assert output.legal_logits is not None
        results.append([x.cpu() for x in (output.logits, output.value_logits, output.legal_logits)])
    for ours, expected in zip(results[1], results[0], strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)
