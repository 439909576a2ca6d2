"""The wheel: what is in it, and that it plays from an empty folder without a network.

The wheel goes into a virtual environment of its own. That environment borrows the libraries of the present
one (torch alone would take minutes to install), but not this project: the wheel comes first on its path.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RESOURCES = "xiangqi_gpt/_resources/"
MODEL = ROOT / "assets" / "model"

NO_NETWORK = """\
import sys

def refuse(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "urllib.Request"):
        raise RuntimeError(f"the network was asked for: {event} {args!r}")

sys.addaudithook(refuse)
"""

needs_model = pytest.mark.skipif(not MODEL.is_dir(), reason="this clone has no model in assets/model")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture(scope="module")
def scripts(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of a virtual environment with nothing but the wheel, and no network."""
    base = tmp_path_factory.mktemp("bare")
    venv.create(base, with_pip=False)
    windows = sys.platform == "win32"
    programs = base / ("Scripts" if windows else "bin")
    python = programs / ("python.exe" if windows else "python")
    paths = "import sysconfig; print(sysconfig.get_path('purelib'))"
    found = subprocess.run([python, "-I", "-c", paths], capture_output=True, text=True, check=True)
    site = Path(found.stdout.strip())
    present = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    # A .pth file appends to the path, and those of a folder that it appends are not read: an editable
    # install of this clone stays out.
    (site / "borrowed.pth").write_text("".join(f"{folder}\n" for folder in sorted(present)))
    (site / "no_network.py").write_text(NO_NETWORK)
    (site / "no_network.pth").write_text("import no_network\n")
    install = ["install", "--no-deps", "--no-index", "--quiet", str(wheel)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), *install], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return programs


def run(scripts: Path, folder: Path, *arguments: str, text: str = "") -> str:
    """Standard output of `xiangqi-gpt` in an empty folder."""
    program = scripts / ("xiangqi-gpt.exe" if sys.platform == "win32" else "xiangqi-gpt")
    # Neither this clone nor the settings of whoever runs the tests may help.
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "XDG_"))}
    environment |= {"PYTHONUTF8": "1", "HOME": str(folder)}
    done = subprocess.run(
        [program, *arguments],
        cwd=folder,
        env=environment,
        input=text,
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_wheel_carries_every_resource_of_the_clone(contents: set[str]) -> None:
    carried = {name.removeprefix(RESOURCES) for name in contents if name.startswith(RESOURCES)}
    assert carried >= {"data/openings.txt", "data/sample.parquet", "assets/fonts/OFL.txt"}
    assert any(name.startswith("assets/fonts/") and name.endswith(".otf") for name in carried)
    present = {
        path.relative_to(ROOT).as_posix()
        for folder in ("assets", "data")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.name != ".gitkeep" and "__pycache__" not in path.parts
    }
    assert carried == present


def test_wheel_carries_the_package_and_its_licence_and_nothing_else(contents: set[str]) -> None:
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "xiangqi_gpt").rglob("*.py")}
    assert modules <= contents
    assert any(name.endswith("licenses/LICENSE") for name in contents)
    strangers = {name for name in contents if not name.startswith(("xiangqi_gpt/", "xiangqi_gpt-"))}
    assert strangers == set()
    assert not any(name.endswith((".gitkeep", ".pyc")) for name in contents)


@needs_model
def test_wheel_carries_the_model_within_its_limit(contents: set[str]) -> None:
    carried = {name.removeprefix(RESOURCES + "assets/model/") for name in contents}
    assert "config.json" in carried
    weights = sorted(MODEL.glob("*.safetensors"))
    assert weights
    assert {path.name for path in weights} <= carried
    assert sum(path.stat().st_size for path in weights) <= 24_000_000
    assert max(path.stat().st_size for path in weights) <= 15_000_000


def test_installed_wheel_is_what_runs(scripts: Path, tmp_path: Path) -> None:
    python = scripts / ("python.exe" if sys.platform == "win32" else "python")
    script = "import xiangqi_gpt.resources as r; print(r.resource_path('data/openings.txt'))"
    done = subprocess.run(
        [python, "-I", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert Path(done.stdout.strip()).is_relative_to(scripts.parent)


def test_installed_wheel_plays_a_baseline(scripts: Path, tmp_path: Path) -> None:
    played = run(scripts, tmp_path, "uci", "--player", "greedy", text="position startpos\ngo nodes 1\n")
    assert played.splitlines()[-1].startswith("bestmove ")
    assert json.loads(run(scripts, tmp_path, "perft", "2", "--json")) == {"nodes": 1920}


@needs_model
def test_installed_wheel_plays_a_move_of_the_model(scripts: Path, tmp_path: Path) -> None:
    played = run(scripts, tmp_path, "uci", text="position startpos moves h2e2\ngo nodes 1\n")
    move = played.split()[-1]
    said = json.loads(
        run(scripts, tmp_path, "analyse", "--moves", "h2e2", "--multipv", "all", "--json", text="")
    )
    assert [line["move"] for line in said["moves"]].index(move) == 0
    assert sum(line["prob"] for line in said["moves"]) == pytest.approx(1.0, abs=1e-4)
