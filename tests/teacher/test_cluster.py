from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.teacher.scripted import scripted
from xiangqi_gpt.errors import ConfigError
from xiangqi_gpt.teacher.playout import PlayOut
from xiangqi_gpt.teacher.run import Generation, Place, generate
from xiangqi_gpt.teacher.starts import StartConfig
from xiangqi_gpt.teacher.work import Worker
from xiangqi_gpt.workers.ray_pool import RayPool

GAMES = 24


def test_ray_that_is_not_installed_is_said_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"pip install 'xiangqi-gpt\[cluster\]'"):
        RayPool(partial(Worker, PlayOut(engine=scripted())), "auto")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's own
def test_two_machines_make_the_file_that_one_makes(tmp_path: Path) -> None:
    ray = pytest.importorskip("ray")
    cluster_utils: Any = pytest.importorskip("ray.cluster_utils")
    settings: dict[str, Any] = {"engine": scripted(), "games": GAMES, "starts": StartConfig(max_plies=12)}
    generate(Generation(out=tmp_path / "local.parquet", **settings), Place(workers=1))
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    machines: list[int] = []
    try:
        others: list[Any] = []

        def come_and_go(summary: Any) -> None:
            if summary.games == 1:
                others.append(cluster.add_node(num_cpus=1))
                cluster.wait_for_nodes()
            elif summary.games == GAMES - 8:
                # Its games are begun again elsewhere.
                cluster.remove_node(others[0])
            machines.append(sum(node["Alive"] for node in ray.nodes()))

        job = Generation(out=tmp_path / "cluster.parquet", **settings)
        summary = generate(job, Place(cluster=cluster.address), come_and_go)
        assert summary.games == GAMES
        assert max(machines) == 2
    finally:
        ray.shutdown()
        cluster.shutdown()
    assert (tmp_path / "cluster.parquet").read_bytes() == (tmp_path / "local.parquet").read_bytes()
    for address in ("127.0.0.1:1", "ray://127.0.0.1:x", "nowhere"):
        with pytest.raises(
            ConfigError, match=f"(No Ray cluster answers at|expected 'auto' or HOST:PORT, found) '{address}'"
        ):
            generate(Generation(out=tmp_path / "none.parquet", **settings), Place(cluster=address))
