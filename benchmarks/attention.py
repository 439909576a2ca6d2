"""Time, memory and state of every attention variant by sequence length, and where one overtakes another.

    python benchmarks/attention.py --lengths 64,128,256,512,1024 --only forward,training,step

Only the mixing is timed: no projections. One thread of a CPU is timed by the CPU seconds it spent, variants take
turns in one process, and the fastest round of each counts. Memory is the most that a forward and a backward pass
allocate beside their inputs, state what one token leaves behind for the next; both are counted, not estimated.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from xiangqi_gpt.model.attention import Attention, Context, build_attention, parse_attention

VARIANTS = (
    "full",
    "prefix_lm(prefix=16)",
    "local(window=8)",
    "local(window=64)",
    "atrous(rate=3)",
    "sparse(rate=8)",
    "linear",
    "linear_exp",
    "efficient",
    "cosine",
    "performer(features=64)",
    "performer",
    "taylor(order=2)",
    "power(order=2)",
)
ROUND_BUDGET = 1.0  # seconds: slower variants get fewer rounds


class Bench:
    """One set of inputs, and the clock for them."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.device = args.device
        self.one_thread = args.device == "cpu" and args.threads == 1

    def seconds(self, call: Callable[[], object]) -> float:
        if self.device == "cuda":
            torch.cuda.synchronize()
        clock = time.process_time if self.one_thread else time.perf_counter
        began = clock()
        call()
        if self.device == "cuda":
            torch.cuda.synchronize()
        return clock() - began

    def best(self, calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
        """The least seconds of each call; calls take turns."""
        first = {name: min(self.seconds(call), self.seconds(call)) for name, call in calls.items()}
        rounds = {name: max(3, min(self.args.rounds, int(ROUND_BUDGET / first[name]))) for name in calls}
        best = dict(first)
        for turn in range(max(rounds.values())):
            for name, call in calls.items():
                if turn < rounds[name]:
                    best[name] = min(best[name], self.seconds(call))
        return best

    def inputs(self, length: int, grad: bool = False) -> tuple[list[Tensor], Tensor]:
        shape = (self.args.batch, self.args.heads, length, self.args.head_size)
        tensors = [torch.randn(shape, device=self.device, requires_grad=grad) for _ in range(3)]
        return tensors, torch.arange(length, device=self.device).expand(self.args.batch, -1)

    def build(self, spec: str) -> Attention:
        ((name, config),) = parse_attention(spec, 1)
        return build_attention(name, config, self.args.heads, self.args.head_size).to(self.device)


def by_length(
    bench: Bench, title: str, make: Callable[[str, int], Callable[[], object]]
) -> dict[str, list[float]]:
    """Print a table of milliseconds and return it: a row a variant, a column a length."""
    lengths, specs = bench.args.lengths, bench.args.variants
    table: dict[str, list[float]] = {spec: [] for spec in specs}
    for length in lengths:
        found = bench.best({spec: make(spec, length) for spec in specs})
        for spec in specs:
            table[spec].append(1000 * found[spec])
    print(f"\n{title}: ms (times as fast as full)")
    print(f"| {'variant':<24} |" + "".join(f" {n:>16} |" for n in lengths))
    print(f"|{'-' * 26}|" + f"{'-' * 17}:|" * len(lengths))
    for spec in specs:
        cells = (
            f"{ms:8.2f} ({full / ms:4.2f}x)" for ms, full in zip(table[spec], table["full"], strict=True)
        )
        print(f"| {spec:<24} |" + "".join(f" {cell:>16} |" for cell in cells))
    return table


def forward(bench: Bench) -> None:
    def make(spec: str, length: int) -> Callable[[], object]:
        module = bench.build(spec)
        (q, k, v), positions = bench.inputs(length)

        def call() -> object:
            with torch.inference_mode():
                return module(q, k, v, positions, context=Context(consecutive=True))

        return call

    overtaking(bench, by_length(bench, "forward", make))


def overtaking(bench: Bench, table: dict[str, list[float]]) -> None:
    size = bench.args.head_size
    print(
        f"by multiplications linear passes full at {size} tokens, performer with 4 x {size} features at {16 * size}:"
    )
    for spec in table:
        if spec != "full":
            where = crossover(bench.args.lengths, table[spec], table["full"])
            print(f"- {spec} is faster than full from {where}")


def training_call(bench: Bench, spec: str, length: int) -> Callable[[], object]:
    module = bench.build(spec)
    inputs, positions = bench.inputs(length, grad=True)

    def call() -> object:
        y, _ = module(*inputs, positions, context=Context(consecutive=True))
        return torch.autograd.grad(y, inputs, y.detach())

    return call


def training(bench: Bench) -> None:
    table = by_length(bench, "forward and backward", lambda spec, length: training_call(bench, spec, length))
    overtaking(bench, table)


def memory(bench: Bench) -> None:
    def peak(spec: str, length: int) -> float:
        call = training_call(bench, spec, length)
        call()  # tables are made on first use
        return (peak_on_cuda if bench.device == "cuda" else peak_on_cpu)(call) / 2**20

    print_sizes(bench, "peak of forward and backward: MiB", peak)


def peak_on_cuda(call: Callable[[], object]) -> float:
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call()
    return torch.cuda.max_memory_allocated() - before


def peak_on_cpu(call: Callable[[], object]) -> float:
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiled:
        call()
    assert profiled.profiler is not None
    events = [e for e in profiled.profiler.kineto_results.events() if e.name() == "[memory]"]
    held = peak = 0
    for event in sorted(events, key=lambda e: e.start_ns()):
        held += event.nbytes()
        peak = max(peak, held)
    return peak


def step(bench: Bench) -> None:
    def make(spec: str, length: int) -> Callable[[], object]:
        module = bench.build(spec)
        (q, k, v), positions = bench.inputs(length)
        with torch.inference_mode():
            _, state = module(q, k, v, positions, None, module.init_state(len(q), q))
        one = [x[:, :, -1:].clone() for x in (q, k, v)]
        at = positions[:, -1:] + 1

        def call() -> object:
            with torch.inference_mode():
                for _ in range(20):  # a single one is too short for the clock
                    module(*one, at, None, state)
            return None

        return call

    by_length(bench, "20 decoding steps behind as many tokens", make)


def state_sizes(bench: Bench) -> None:
    def size(spec: str, length: int) -> float:
        module = bench.build(spec)
        (q, k, v), positions = bench.inputs(length)
        with torch.inference_mode():
            _, state = module(q, k, v, positions, None, module.init_state(len(q), q))
        held = sum(x.numel() * x.element_size() for x in vars(state).values() if isinstance(x, Tensor))
        return held / 1024 / len(q)

    print_sizes(bench, "state of a layer and row behind as many tokens: KiB in float32", size)


def print_sizes(bench: Bench, title: str, size: Callable[[str, int], float]) -> None:
    print(f"\n{title}")
    print(f"| {'variant':<24} |" + "".join(f" {n:>9} |" for n in bench.args.lengths))
    print(f"|{'-' * 26}|" + f"{'-' * 10}:|" * len(bench.args.lengths))
    for spec in bench.args.variants:
        cells = (f" {size(spec, length):9.1f} |" for length in bench.args.lengths)
        print(f"| {spec:<24} |" + "".join(cells))


def share(bench: Bench) -> None:
    """Where attention passes the feed-forward part, and its quadratic term everything linear.

    By multiplications, with D the width: attention 4 n D^2 + 2 n^2 D, the feed-forward part 8 n D^2. Measured with the
    whole square of scores, which is what was counted, and with a causal kernel, which need compute only half of it.
    """
    heads, size = bench.args.share_heads, bench.args.head_size
    width = heads * size
    up = torch.randn(4 * width, width, device=bench.device)
    down = torch.randn(width, 4 * width, device=bench.device)
    qkv = torch.randn(3 * width, width, device=bench.device)
    out = torch.randn(width, width, device=bench.device)
    lengths = [width * multiple for multiple in (1, 2, 3, 4, 6, 8, 12, 16)]
    rows: dict[str, list[float]] = {}
    for length in lengths:
        x = torch.randn(1, length, width, device=bench.device)
        qkv_heads = torch.randn(3, 1, heads, length, size, device=bench.device)

        def projections(x: Tensor = x) -> None:
            F.linear(x, qkv)
            F.linear(x, out)

        def feed_forward(x: Tensor = x) -> None:
            F.linear(F.gelu(F.linear(x, up)), down)

        def square(x: Tensor = qkv_heads) -> None:
            F.scaled_dot_product_attention(*x)

        def causal(x: Tensor = qkv_heads) -> None:
            F.scaled_dot_product_attention(*x, is_causal=True)

        calls = {
            "projections": projections,
            "feed-forward": feed_forward,
            "square": square,
            "causal": causal,
        }
        with torch.inference_mode():
            for name, seconds in bench.best(calls).items():
                rows.setdefault(name, []).append(1000 * seconds)
    print(f"\nforward of one layer of width D = {width}, {heads} heads: ms")
    print(f"| {'tokens':<12} |" + "".join(f" {n:>7} |" for n in lengths))
    print(f"|{'-' * 14}|" + f"{'-' * 8}:|" * len(lengths))
    for name, values in rows.items():
        print(f"| {name:<12} |" + "".join(f" {ms:7.2f} |" for ms in values))
    linear = [a + b for a, b in zip(rows["projections"], rows["feed-forward"], strict=True)]
    for name, factor in (("square", 2), ("causal", 4)):
        attention = [a + b for a, b in zip(rows["projections"], rows[name], strict=True)]
        passes = crossover(lengths, rows["feed-forward"], attention)
        quadratic = crossover(lengths, linear, rows[name])
        print(
            f"{name}: attention passes the feed-forward part at {passes}, by multiplications at {factor * width}"
        )
        print(
            f"{name}: the quadratic term passes the linear ones at {quadratic}, by them at {3 * factor * width}"
        )


def crossover(lengths: list[int], ours: list[float], full: list[float]) -> str:
    """The length at which *ours* becomes faster for good, between the lengths measured by straight lines."""
    slower = [i for i, (a, b) in enumerate(zip(ours, full, strict=True)) if a > b]
    if not slower:
        return f"less than {lengths[0]} tokens"
    last = slower[-1]
    if last + 1 == len(lengths):
        return f"more than {lengths[-1]} tokens"
    before, after = full[last] - ours[last], full[last + 1] - ours[last + 1]
    tokens = lengths[last] + (lengths[last + 1] - lengths[last]) * before / (before - after)
    return f"about {tokens:.0f} tokens"


PARTS = {
    "forward": forward,
    "training": training,
    "memory": memory,
    "step": step,
    "state": state_sizes,
    "share": share,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lengths", default="64,128,256,512,1024", help="tokens, separated by commas")
    parser.add_argument("--variants", default=";".join(VARIANTS), help="separated by semicolons")
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--heads", type=int, default=8)
    parser.add_argument("--head-size", type=int, default=64)
    parser.add_argument("--share-heads", type=int, default=4, help="for the share of attention in a layer")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=30, help="at most so many; slow calls get fewer")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    args = parser.parse_args()
    args.lengths = [int(n) for n in args.lengths.split(",")]
    args.variants = args.variants.split(";")
    if "full" not in args.variants:
        args.variants.insert(0, "full")
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    print(
        f"batch {args.batch}, {args.heads} heads of {args.head_size}, float32, {args.device}, "
        f"{args.threads} thread(s), torch {torch.__version__}"
    )
    for name in args.only.split(","):
        PARTS[name](Bench(args))


if __name__ == "__main__":
    main()
