"""How many small faults the tests find: a random sample of mutants for each package, made and run by Cosmic Ray.

    python tools/mutation_score.py rules notation --sample 60 --seed 1 --out mutants

A mutant is a copy of the code with one change: another operator, another constant, a loop that never runs. Cosmic Ray
changes one file at a time and runs the tests of its package until the first failure. Sampling keeps an hour's work
from becoming a week's: the six packages have some 26,000 mutants. The tool works on a copy of the last commit, so
the working tree stays as it is. The same seed and commit give the same mutants; a run that was stopped is resumed by
the same command.

Mutants in annotations are left out, since annotations are never evaluated here, and so are those in
docstrings and in code for the type checker only.
"""

from __future__ import annotations

import argparse
import ast
import io
import math
import os
import random
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PACKAGES = {
    "rules": "tests/rules",
    "notation": "tests/notation",
    "tokens": "tests/tokens",
    "decoding": "tests/decoding",
    "play": "tests/play tests/terminal",
    "records": "tests/records",
}
"""Packages that are measured, and the tests that have to find their mutants."""

TIMEOUT = 300.0
"""Seconds after which the tests of a mutant count as failed: it may run in circles."""


def main() -> None:
    """Measure the packages named on the command line and print their scores and what survived."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("packages", nargs="*", choices=[*PACKAGES, []], help="default: all six")
    parser.add_argument("--sample", type=int, default=60, help="mutants for each package (default 60)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("mutants"), help="folder for sessions and the copy")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    killed = total = 0
    for package in options.packages or PACKAGES:
        results = measure(package, options.out, options.sample, options.seed)
        survivors = [diff for survived, diff in results if survived]
        killed, total = killed + len(results) - len(survivors), total + len(results)
        print(f"{package}: {score(len(results) - len(survivors), len(results))}", flush=True)
        (options.out / f"{package}.survivors.diff").write_text("\n\n".join(survivors), encoding="utf-8")
    print(f"all: {score(killed, total)}")


def score(killed: int, total: int) -> str:
    """The share of mutants that the tests found, with its 95 % interval."""
    z, n, share = 1.96, total, killed / total
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)  # Wilson's interval
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return f"{killed} of {total} mutants found, {share:.0%} ({middle - half:.0%} to {middle + half:.0%})"


def measure(package: str, out: Path, sample: int, seed: int) -> list[tuple[bool, str]]:
    """Run the sampled mutants of a package; whether each survived, and its diff."""
    from cosmic_ray.work_db import use_db
    from cosmic_ray.work_item import TestOutcome

    copy = _copy_of_head(out / "checkout")
    session, config = out.resolve() / f"{package}.sqlite", out.resolve() / f"{package}.toml"
    tests = shlex.join([sys.executable, "-m", "pytest", "-n", "0", "-q", "-x", "-p", "no:cacheprovider"])
    config.write_text(
        f'[cosmic-ray]\nmodule-path = "xiangqi_gpt/{package}"\ntimeout = {TIMEOUT}\nexcluded-modules = []\n'
        f'test-command = "{tests} {PACKAGES[package]}"\n[cosmic-ray.distributor]\nname = "local"\n',
        encoding="utf-8",
    )
    if not session.exists():
        _cosmic_ray("init", config, session, copy)
        _skip_all_but(session, copy, sample, seed)
    _cosmic_ray("exec", config, session, copy)
    with use_db(session) as db:
        done = [result for _, result in db.results if result.test_outcome is not None]
    return [(r.test_outcome is TestOutcome.SURVIVED, r.diff or "") for r in done]


def _copy_of_head(folder: Path) -> Path:
    """The files of the last commit in a folder of their own, fresh for each package."""
    archive = subprocess.run(["git", "archive", "HEAD"], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    return folder


def _cosmic_ray(command: str, config: Path, session: Path, folder: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(folder.resolve()), "OMP_NUM_THREADS": "1"}
    arguments = [sys.executable, "-m", "cosmic_ray.cli", command, str(config), str(session)]
    subprocess.run(arguments, check=True, cwd=folder, env=environment)


def _skip_all_but(session: Path, folder: Path, sample: int, seed: int) -> None:
    """Mark as skipped what was not drawn."""
    from cosmic_ray.work_db import WorkDB, use_db
    from cosmic_ray.work_item import WorkerOutcome, WorkResult

    with use_db(session, WorkDB.Mode.open) as db:
        idle = {path: list(_idle_spans(folder / path)) for path in {m.module_path for m in _mutations(db)}}
        keyed = {
            (str(m.module_path), m.operator_name, m.occurrence): item.job_id
            for item in db.work_items
            for m in item.mutations
            if not any(a <= m.start_pos < b for a, b in idle[m.module_path])
        }
        drawn = random.Random(seed).sample(sorted(keyed), min(sample, len(keyed)))
        kept = {keyed[key] for key in drawn}
        skipped = [item.job_id for item in db.work_items if item.job_id not in kept]
        db.set_multiple_results(skipped, WorkResult(worker_outcome=WorkerOutcome.SKIPPED))


def _mutations(db: Any) -> Iterator[Any]:
    for item in db.work_items:
        yield from item.mutations


def _idle_spans(path: Path) -> Iterator[tuple[tuple[int, int], tuple[float, float]]]:
    """Where a change cannot be seen at run time: (line, column) of the first and after the last character.

    Lines are 1-based, columns count characters from 0, as in Cosmic Ray.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        spans: list[ast.AST | None] = []
        if isinstance(node, ast.FunctionDef):
            spans = [node.returns]
        elif isinstance(node, (ast.arg, ast.AnnAssign)):
            spans = [node.annotation]
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            yield (node.lineno, 0), (node.body[-1].end_lineno or node.lineno, math.inf)
        for span in spans:
            if isinstance(span, ast.expr):
                yield (
                    (span.lineno, span.col_offset),
                    (span.end_lineno or span.lineno, span.end_col_offset or math.inf),
                )


if __name__ == "__main__":
    main()
