"""Processor time until the first reply, next to that of importing torch alone.

    python benchmarks/first_reply.py [--runs 5]

Each run starts a fresh interpreter; the runs of the rows take turns, and the least of each row is shown.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys

ROWS = {
    "import xiangqi_gpt": ["-c", "import xiangqi_gpt"],
    "import torch": ["-c", "import torch"],
    "analyse": ["-m", "xiangqi_gpt.cli.main", "analyse"],
    "import xiangqi_gpt.model.hf": ["-c", "from xiangqi_gpt.model.hf import XiangqiGPTForCausalLM"],
}


def seconds(arguments: list[str]) -> float:
    """User and system time of one fresh interpreter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    least = {name: float("inf") for name in ROWS}
    for _ in range(options.runs):
        for name, arguments in ROWS.items():
            least[name] = min(least[name], seconds(arguments))
    for name, found in least.items():
        print(f"{name:30} {found:6.2f} s  {found / least['import torch']:5.2f}x")


if __name__ == "__main__":
    main()
