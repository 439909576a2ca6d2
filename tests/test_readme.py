"""The READMEs and the pages of docs/ stay true: their marked blocks are run, their commands and links checked.

A fence after one of these comments is run, in order, in a folder a page that holds a copy of `data/` and nothing else:

    <!-- run -->                  the output is the one shown; `…` stands for anything in a line, or for any lines
    <!-- run: numbers vary -->    the same, but any number may be another one
    <!-- run: example -->         must succeed and say something
    <!-- run: model -->           the same, with the model of the package

In a `console` fence lines that begin with `$ ` are commands, and what was typed at a prompt of the terminal board is
typed again. In a `python` fence the comments at the beginning of a line are the output. What two pages share is run
once.

    python tests/test_readme.py

writes what the blocks print today into the pages: always in examples, elsewhere where it is not what they show.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools import site_hooks
from xiangqi_gpt.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "README.zh-CN.md", *sorted((ROOT / "docs").rglob("*.md"))]
READMES = PAGES[:2]
TOURS = [ROOT / "docs" / "tour.md", ROOT / "docs" / "tour.zh-CN.md"]
PAPERS = [ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")]
GENERATED = {ROOT / "docs" / name for name in site_hooks.PAGES}
HAS_MODEL = (ROOT / "assets" / "model").is_dir()

BLOCK = re.compile(
    r"<!-- run(?:: (?P<how>numbers vary|example|model))? -->\n+```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.M | re.S,
)
NAMED = r"<!-- {name} -->\n+```\w+\n(.*?)^```$"
TYPED = re.compile(r"^(?:Red|Black|红方|黑方)> (.*)$", re.M)
NUMBER = re.compile(r"[+-]?\d[\d,]*(?:\.\d+)?|(?<=│ )-(?= )")
FEED = re.compile(r"printf '(?P<text>[^']*)' \| (?P<command>.*)")


@dataclass(frozen=True)
class Block:
    """A marked fence of a page."""

    page: Path
    line: int
    how: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"

    @property
    def needs_model(self) -> bool:
        return self.how == "model"

    @property
    def is_example(self) -> bool:
        return self.how in ("example", "model")

    def expected(self) -> list[str]:
        """The output that the page shows, a text a command."""
        if self.language == "python":
            return ["".join(f"{line[2:]}\n" for line in self.text.splitlines() if line.startswith("# "))]
        return [output for _, output in self.commands()]

    def commands(self) -> list[tuple[str, str]]:
        """Commands of a console fence, each with the output shown."""
        parts = re.split(r"^\$ (.*)\n", self.text, flags=re.M)
        return list(zip(parts[1::2], parts[2::2], strict=True))

    def source(self) -> str:
        """What decides the output: commands and typed lines, or code."""
        typed = "".join(f"> {line}\n" for line in TYPED.findall(self.text))
        return typed + self.rewritten([""] * len(self.expected()))

    def run(self, folder: Path) -> list[str]:
        """The output of today, a text a command."""
        if self.language == "python":
            return [call([sys.executable, "-c", self.text], folder, "")]
        return [run_command(command, output, folder) for command, output in self.commands()]

    def accepts(self, actual: str, expected: str) -> bool:
        """Whether an output is the one shown."""
        if self.is_example:
            return bool(actual.strip())
        if self.how == "numbers vary":
            actual, expected = NUMBER.sub("0", actual), NUMBER.sub("0", expected)
        pattern = re.escape(expected).replace(re.escape("…\n"), "(?:.*\n)*?").replace("…", ".*")
        return re.fullmatch(pattern, actual) is not None

    def rewritten(self, outputs: list[str]) -> str:
        """The text of the fence with other outputs."""
        if self.language == "python":
            code = [line for line in self.text.splitlines() if not line.startswith("# ")]
            return "\n".join([*code, *(f"# {line}" for line in outputs[0].splitlines())]) + "\n"
        commands = [command for command, _ in self.commands()]
        return "".join(f"$ {command}\n{output}" for command, output in zip(commands, outputs, strict=True))


def run_command(command: str, shown: str, folder: Path) -> str:
    """What `xiangqi-gpt ...` prints; typed lines come from `shown` or from `printf '...' |`."""
    fed = FEED.fullmatch(command)
    typed = fed["text"].replace("\\n", "\n") if fed else "".join(f"{line}\n" for line in TYPED.findall(shown))
    words = shlex.split(fed["command"] if fed else command)
    assert words[0] == "xiangqi-gpt", f"a block runs {command!r}"
    return call([sys.executable, "-m", "xiangqi_gpt.cli.main", *words[1:]], folder, typed)


def call(command: list[str], folder: Path, typed: str) -> str:
    """Standard output and standard error of a command, as a terminal shows them."""
    environment = os.environ | {
        "COLUMNS": "80",
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
        # Settings that `play` remembers go here and come from here.
        "HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "APPDATA": str(folder / "config"),
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        input=typed,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    assert done.returncode == 0, f"{shlex.join(command)} exits {done.returncode}:\n{done.stdout}"
    lines = (line.rstrip() for line in done.stdout.replace("run\\", "run/").lstrip("\n").splitlines())
    return "".join(f"{line}\n" for line in lines)


def blocks_of(page: Path) -> list[Block]:
    """The marked fences of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            page, text.count("\n", 0, found.start()) + 1, found["how"] or "", found["language"], found["text"]
        )
        for found in BLOCK.finditer(text)
    ]


def prepare(folder: Path) -> None:
    """The folder that the blocks of a page find: a copy of `data/`, as in a clone."""
    shutil.copytree(ROOT / "data", folder / "data")


def check_blocks(blocks: list[Block], folder: Path) -> None:
    prepare(folder)
    faults = []
    for block in blocks:
        for actual, expected in zip(block.run(folder), block.expected(), strict=True):
            if not block.accepts(actual, expected):
                faults.append(f"{block} shows\n{expected}\nbut this was printed:\n{actual}")
    assert not faults, "\n".join(faults)


def blocks_to_run(page: Path) -> list[Block]:
    """The blocks of a page that no earlier page has."""
    known = {block.source() for other in PAGES[: PAGES.index(page)] for block in blocks_of(other)}
    return [block for block in blocks_of(page) if block.source() not in known]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_marked_blocks_are_true(page: Path, tmp_path: Path) -> None:
    check_blocks([block for block in blocks_to_run(page) if not block.needs_model], tmp_path)


@pytest.mark.skipif(not HAS_MODEL, reason="this clone has no model in assets/model")
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_marked_blocks_that_need_the_model_run(page: Path, tmp_path: Path) -> None:
    check_blocks([block for block in blocks_to_run(page) if block.needs_model], tmp_path)


def test_pages_that_run_the_same_show_the_same() -> None:
    shown: dict[str, Block] = {}
    for block in (block for page in PAGES for block in blocks_of(page)):
        twin = shown.setdefault(block.source(), block)
        assert block.text == twin.text, f"{block} and {twin} show different outputs of the same commands"


@pytest.mark.parametrize(
    ("how", "shown", "printed", "accepted"),
    [
        ("", "nodes: 44\n", "nodes: 44\n", True),
        ("", "nodes: 44\n", "nodes: 45\n", False),
        ("", "a\n…\nz\n", "a\nb\nc\nz\n", True),
        ("", "a\n…\nz\n", "a\nz\n", True),
        ("", "took … s\n", "took 1.5 s\n", True),
        ("", "took … s\n", "took 1.5 min\n", False),
        ("numbers vary", "top1  0.25\n", "top1  0.31\n", True),
        ("numbers vary", "top1  0.25\n", "top3  n/a\n", False),
        ("model", "anything\n", "something\n", True),
        ("example", "anything\n", "\n", False),
    ],
)
def test_outputs_are_compared_as_marked(how: str, shown: str, printed: str, accepted: bool) -> None:
    assert Block(ROOT / "x.md", 1, how, "console", "").accepts(printed, shown) is accepted


def named_block(page: Path, name: str) -> str:
    found = re.search(NAMED.format(name=name), page.read_text(encoding="utf-8"), re.M | re.S)
    assert found is not None, f"{page.name}: expected a block after <!-- {name} -->, found none"
    return found[1]


@pytest.mark.parametrize("name", ["play-command", "test-command"])
def test_the_two_commands_are_one_line_and_the_same_everywhere(name: str) -> None:
    command = named_block(READMES[0], name)
    windows = named_block(READMES[0], f"{name}-windows")
    assert command.count("\n") == windows.count("\n") == 1
    assert [named_block(READMES[1], key) for key in (name, f"{name}-windows")] == [command, windows]
    inner = re.fullmatch(r'cmd /c "(.*)"\n', windows)
    assert inner is not None
    translated = inner[1].replace(".venv\\Scripts\\", ".venv/bin/").replace("py -m venv", "python3 -m venv")
    assert translated == command.rstrip("\n").replace("'", "")


@pytest.mark.parametrize("pages", [READMES, TOURS], ids=["README", "tour"])
def test_both_languages_show_the_same_commands(pages: list[Path]) -> None:
    def shown(page: Path) -> list[str]:
        commands = [command for block in blocks_of(page) for command, _ in block.commands()]
        return [re.sub(r" --lang \w+", "", command) for command in commands]

    assert shown(pages[0]) == shown(pages[1])


def test_the_readme_is_short() -> None:
    assert len(READMES[0].read_text(encoding="utf-8").split()) <= 900


@pytest.mark.parametrize("page", TOURS, ids=lambda page: page.name)
def test_the_tour_names_every_command(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"xiangqi-gpt {name}" not in text] == []


def test_the_tree_names_every_folder() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = [path.parent.name for path in (ROOT / "xiangqi_gpt").glob("*/__init__.py")]
    top = ["assets", "benchmarks", "data", "docs", "tests", "tools", "xiangqi_gpt"]
    assert [name for name in sorted({*packages, *top}) if not re.search(rf"^ *{name}/ ", text, re.M)] == []


def links_of(page: Path) -> Iterator[str]:
    for found in re.finditer(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", page.read_text(encoding="utf-8")):
        target = found[1] or found[2]
        if not target.startswith(("http:", "https:", "#")):
            yield target.partition("#")[0]


@pytest.mark.parametrize("page", [*PAGES, *PAPERS], ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    missing = [target for target in links_of(page) if not (page.parent / target).exists()]
    # Pages under reference/ are generated when the site is built.
    missing = [target for target in missing if (page.parent / target).resolve() not in GENERATED]
    if not HAS_MODEL:
        # The page about the model comes with the model.
        missing = [target for target in missing if not target.endswith("assets/README.md")]
    assert missing == []


def refresh(page: Path, known: dict[str, list[str]]) -> None:
    """Write today's outputs into a page: in examples, and where they are not as shown.

    `known` holds what was run before, and is added to.
    """
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name))
        for block in blocks_of(page):
            if block.needs_model and not HAS_MODEL:
                print(f"{block}: left as it is, there is no model in assets/model")
                continue
            if block.source() not in known:
                outputs = block.run(Path(name))
                same = all(block.accepts(a, e) for a, e in zip(outputs, block.expected(), strict=True))
                known[block.source()] = block.expected() if same and not block.is_example else outputs
            new = block.rewritten(known[block.source()])
            if new != block.text:
                text = text.replace(block.text, new)
                page.write_text(text, encoding="utf-8")
                print(f"{block}: written")


if __name__ == "__main__":
    outputs_by_source: dict[str, list[str]] = {}
    for one in PAGES:
        refresh(one, outputs_by_source)
