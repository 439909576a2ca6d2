"""A training step of ours against one of nanoGPT's layout: who reads more tokens a second?

The layout (fused qkv, causal SDPA, GELU between two maps, norms before, learned positions, tied output, no biases)
is re-implemented here plainly. Both have equal width, depth, heads, vocabulary, tokens and precision; ours is the
whole model with ``board='none'``: slots, a value a ply and rotary positions included, and again with learned positions.
Steps alternate in one process, so that whatever else runs on the machine slows all alike, and one thread of a CPU is
timed by the CPU seconds it spent. What counts is the ratio of medians; that of the fastest steps stands beside it.

    python benchmarks/nanogpt_layer.py --width 256 --layers 4 --tokens 256 --batch 8 --precision bf16
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from xiangqi_gpt.model import XiangqiGPT, XiangqiGPTConfig


class PlainLayer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first_norm = nn.LayerNorm(width, bias=False)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.second_norm = nn.LayerNorm(width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        q, k, v = self.qkv(self.first_norm(x)).split(width, dim=2)
        q, k, v = (t.view(batch, length, self.heads, width // self.heads).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).contiguous().view(batch, length, width))
        return x + self.down(F.gelu(self.up(self.second_norm(x))))


class PlainGPT(nn.Module):
    def __init__(self, vocabulary: int, tokens: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(tokens, width)
        self.layers = nn.ModuleList(PlainLayer(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width, bias=False)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, ids: Tensor, labels: Tensor) -> Tensor:
        x = self.tokens(ids) + self.positions(torch.arange(ids.shape[1], device=ids.device))
        for layer in self.layers:
            x = layer(x)
        logits = self.head(self.norm(x))
        return F.cross_entropy(logits.flatten(0, 1), labels.flatten())


def training_step(
    model: nn.Module, loss: Callable[[], Tensor], device: str, half: bool, clock: Callable[[], float]
) -> Callable[[], float]:
    """A function that runs one step and returns its seconds."""
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step() -> float:
        synchronize(device)
        began = clock()
        with torch.autocast(device, torch.bfloat16) if half else contextlib.nullcontext():
            value = loss()
        value.backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        synchronize(device)
        return clock() - began

    return step


def synchronize(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--precision", choices=("float32", "bf16"), default="bf16")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    base: dict[str, Any] = {"board": "none", "tokenizer": "iccs", "view": "red", "context_plies": args.tokens}
    size: dict[str, Any] = {"width": args.width, "layers": args.layers, "heads": args.heads}
    ours = {
        f"ours, {position}": XiangqiGPT(XiangqiGPTConfig(**base, **size, position=position))
        for position in ("rope", "learned")
    }
    vocabulary = next(iter(ours.values())).config.vocab_size
    plain = PlainGPT(vocabulary, args.tokens, **size).to(args.device)
    ids = torch.randint(3, vocabulary, (args.batch, args.tokens), device=args.device)
    slots = (torch.arange(args.tokens, device=args.device) - 1) % 4
    slots[0] = 4
    slots = slots.expand(args.batch, -1)
    plies = torch.arange(0, args.tokens, 4, device=args.device)
    half = args.precision == "bf16"
    clock = time.process_time if args.device == "cpu" and args.threads == 1 else time.perf_counter
    steps = {"nanoGPT's layout": training_step(plain, lambda: plain(ids, ids), args.device, half, clock)}
    for name, model in ours.items():
        model.to(args.device)

        def loss(model: XiangqiGPT = model) -> Tensor:
            output = model(input_ids=ids, slots=slots, labels=ids, value_index=plies)
            assert output.loss is not None
            assert output.value_logits is not None
            return output.loss + output.value_logits.float().logsumexp(-1).mean()

        steps[name] = training_step(model, loss, args.device, half, clock)
    for step in steps.values():
        step()
        step()
    times: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(args.rounds):
        for name, step in steps.items():
            times[name].append(step())
    plain_times = times["nanoGPT's layout"]
    print(
        f"width {args.width}, {args.layers} layers, {args.heads} heads, {args.batch} x {args.tokens} tokens, "
        f"{args.precision}, {args.device}, {args.threads} thread(s), {args.rounds} rounds"
    )
    for name, seconds in times.items():
        median = statistics.median(seconds)
        print(
            f"{name:<18} {1000 * median:8.1f} ms {args.batch * args.tokens / median:10,.0f} tokens/s "
            f"{statistics.median(plain_times) / median:6.2f}x (fastest {min(plain_times) / min(seconds):.2f}x)"
        )


if __name__ == "__main__":
    main()
