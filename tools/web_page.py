"""Build a page that plays the bundled model in a browser: a folder that also works offline, opened as a file.

    python tools/web_page.py --out page

It needs the extra `onnx`, and onnxruntime-web from npm: `npm` fetches it once into the user's cache, or --runtime names
a folder that holds the unpacked package.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import json
import re
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from xiangqi_gpt.files import atomic_path
from xiangqi_gpt.model.checkpoint import load_model
from xiangqi_gpt.model.onnx_split import export_split
from xiangqi_gpt.players.gpt_player import bundled_model
from xiangqi_gpt.resources import resource_path, user_folder

RUNTIME = "1.30.0"
"""The version of onnxruntime-web."""
FILES = ("ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm")
SOURCES = Path(__file__).parent / "web"
MODULES = ("rules.mjs", "policy.mjs", "page.mjs")
FIRST_CHARACTER = 0x3400  # 32,768 characters from here on are neither surrogates nor line ends

MIT = """MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""


def cached_runtime() -> Path:
    """Where the npm package is kept."""
    return user_folder("cache") / f"onnxruntime-web-{RUNTIME}"


def fetch_runtime() -> Path:
    """The unpacked npm package, from the cache or by npm."""
    folder = cached_runtime()
    if not folder.is_dir():
        npm = shutil.which("npm")
        if npm is None:
            raise SystemExit(
                "npm is missing. Install Node.js, or give --runtime FOLDER with onnxruntime-web in it."
            )
        with tempfile.TemporaryDirectory() as name:
            subprocess.run([npm, "pack", "--silent", f"onnxruntime-web@{RUNTIME}"], cwd=name, check=True)
            (archive,) = Path(name).glob("*.tgz")
            with tarfile.open(archive) as tar, atomic_path(folder, folder=True, parents=True) as draft:
                for member in tar:
                    if member.isfile() and Path(member.name).name in FILES:
                        content = tar.extractfile(member)
                        assert content is not None
                        (draft / Path(member.name).name).write_bytes(content.read())
    return folder


def as_characters(content: bytes) -> str:
    """*content* with 15 bits in every character, behind its length and a colon.

    In UTF-16 that is 7 % larger than the bytes, where base64 is 33 % larger.
    """
    data = content + bytes(-len(content) % 15)
    words = []
    for first in range(0, len(data), 15):
        part = int.from_bytes(data[first : first + 15], "big")
        words += [chr(FIRST_CHARACTER + (part >> shift & 0x7FFF)) for shift in range(105, -1, -15)]
    needed = -(-8 * len(content) // 15)
    return f"{len(content)}:{''.join(words[:needed])}"


def page(font: Path) -> str:
    """The page, its code included."""
    code = []
    for name in MODULES:
        text = (SOURCES / name).read_text(encoding="utf-8")
        text = re.sub(r"^import .*;\n", "", text, flags=re.M)
        code.append(re.sub(r"^export ", "", text, flags=re.M))
    template = (SOURCES / "page.html").read_text(encoding="utf-8")
    template = template.replace("@FONT@", base64.b64encode(font.read_bytes()).decode("ascii"))
    return template.replace("@CODE@", "\n".join(code))


def build(out: Path, runtime: Path, model: Path) -> int:
    """Write the page to the new folder *out*; returns its bytes."""
    with atomic_path(out, folder=True, parents=True) as draft:
        with tempfile.TemporaryDirectory() as name:
            facts = export_split(load_model(model), Path(name))
            parts = {part: (Path(name) / f"{part}.onnx").read_bytes() for part in ("encoder", "gpt")}
        parts["wasm"] = (runtime / "ort-wasm-simd-threaded.wasm").read_bytes()
        data = [f"window.XIANGQI_DATA={{facts:{json.dumps(facts)}"]
        data += [f',{part}:"{as_characters(gzip.compress(content, 9))}"' for part, content in parts.items()]
        # The byte order mark decides how a browser reads the file.
        (draft / "data.js").write_bytes(b"\xff\xfe" + ("".join(data) + "};").encode("utf-16-le"))
        glue = (runtime / "ort-wasm-simd-threaded.mjs").read_text(encoding="utf-8")
        library = (runtime / "ort.wasm.min.js").read_text(encoding="utf-8")
        library = re.sub(r"^//# sourceMappingURL.*$", "", library, flags=re.M)
        (draft / "runtime.js").write_text(
            f"{library}\nwindow.XIANGQI_GLUE={json.dumps(glue)};\n", encoding="utf-8"
        )
        font = resource_path("assets/fonts/XiangqiPieces-Bold.otf")
        (draft / "index.html").write_text(page(font), encoding="utf-8")
        shutil.copyfile(resource_path("assets/fonts/OFL.txt"), draft / "OFL.txt")
        (draft / "LICENSES.txt").write_text(
            "The page and the rules: GNU General Public License, version 3 or later.\n"
            "The weights: see assets/README.md of xiangqi_gpt; free for non-commercial use only.\n"
            "The font: SIL Open Font License 1.1, in OFL.txt.\n"
            f"ONNX Runtime Web {RUNTIME} (runtime.js, and the WebAssembly in data.js):\n\n{MIT}",
            encoding="utf-8",
        )
    return sum(file.stat().st_size for file in out.iterdir())


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Build a page that plays the bundled model in a browser.")
    parser.add_argument("--out", type=Path, required=True, help="new folder")
    parser.add_argument("--runtime", type=Path, help="folder with the files of onnxruntime-web")
    parser.add_argument("--model", type=Path, default=bundled_model(), help="model folder (default: bundled)")
    options = parser.parse_args()
    size = build(options.out, options.runtime or fetch_runtime(), options.model)
    print(f"{options.out / 'index.html'}: {size / 1e6:.1f} MB with everything it needs")


if __name__ == "__main__":
    main()
