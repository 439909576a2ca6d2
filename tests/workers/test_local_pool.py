from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SCRIPT = """
    import os, time
    from xiangqi_gpt.workers.local_pool import LocalPool

    class Sleeper:
        def run(self, task):
            if task:
                time.sleep(600)
            return os.getpid()

        def close(self):
            pass

    if __name__ == "__main__":
        for number in LocalPool(Sleeper, 1).results(iter([0, 1])):
            print(number, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no SIGKILL")
def test_a_worker_ends_in_the_middle_of_a_task_when_its_parent_is_killed(tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil")
    script = tmp_path / "script.py"
    script.write_text(textwrap.dedent(SCRIPT), encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        worker = psutil.Process(int(process.stdout.readline()))
        process.kill()
    assert psutil.wait_procs([worker], timeout=20)[1] == []
