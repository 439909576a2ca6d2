"""A model as the folder of a model repository: it loads where only torch and transformers are installed.

The code that travels with it is that of :mod:`xiangqi_gpt.model.hf.hub`.
"""

from __future__ import annotations

import copy
import importlib.util
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from xiangqi_gpt.errors import ModelError
from xiangqi_gpt.files import atomic_path, read_limited
from xiangqi_gpt.model.gpt import XiangqiGPT
from xiangqi_gpt.model.onnx import ONNX_PACKAGES, export_onnx
from xiangqi_gpt.model.weights import (
    CODE_FILE,
    CONFIG_FILE,
    GENERATION_FILE,
    LARGEST_JSON,
    TOKENIZER_FILE,
    check_finite,
    write_model_folder,
)
from xiangqi_gpt.safe_json import format_json, parse_json_object

_CODE: Final = Path(__file__).parent / "hf" / "hub"
CODE_FILES: Final = (
    "configuration_xiangqi_gpt.py",
    "modeling_xiangqi_gpt.py",
    "position_xiangqi_gpt.py",
    "tokenization_xiangqi_gpt.py",
)
_AUTO_MAP: Final = {
    "AutoConfig": "configuration_xiangqi_gpt.XiangqiGPTConfig",
    "AutoModelForCausalLM": "modeling_xiangqi_gpt.XiangqiGPTForCausalLM",
}
_COVERED: Final[Mapping[str, tuple[Any, ...]]] = {  # what the code in the folder can run
    "tokenizer": ("square",),
    "view": ("mover",),
    "condition": ("none",),
    "board": ("spatial",),
    "move_head": ("table",),
    "attention": ("full", ["full"]),
    "position": ("rope",),
    "activation": ("gelu",),
    "legal_head": (False,),
    "tie_word_embeddings": (False,),
    "quantization": ("none",),
}
_NO_LICENCE: Final = {
    "id": "other",
    "name": "unknown",
    "text": "Nobody has stated the licence of these weights.",
}

_EXAMPLE: Final = """from transformers import AutoModelForCausalLM, AutoTokenizer

name = "."  # this folder, or the name of this repository
tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=True)
model = AutoModelForCausalLM.from_pretrained(name, trust_remote_code=True, dtype="float32")

for move, probability in model.move_probabilities("h2e2 h9g7")[:3]:
    print(f"{move} {probability:.1%}")

game = tokenizer("h2e2 h9g7", return_tensors="pt")
line = model.generate(**game, max_new_tokens=8, logits_processor=model.legal_moves())
print(tokenizer.decode(line[0], skip_special_tokens=True))  # four more plies, all of them legal
"""


def read_figures(file: Path) -> dict[str, Any]:
    """The figures of a model, as assets/figures.json has them; ModelError where the file is none of that kind."""
    found = parse_json_object(
        read_limited(file, LARGEST_JSON, error=ModelError), file=str(file), error=ModelError
    )
    rows = found.get("measured")
    if not isinstance(rows, list) or not all(
        isinstance(row, dict) and {"key", "what", "data", "value", "unit"} <= row.keys() for row in rows
    ):
        raise ModelError(
            "expected figures as in assets/figures.json: a list 'measured' of objects with key, what, data, value and "
            "unit",
            file=str(file),
        )
    return found


def export_hub(
    model: XiangqiGPT, out: Path, *, figures: Mapping[str, Any] | None = None, with_onnx: bool | None = None
) -> int:
    """Write *model* to the new folder *out* as a model repository; returns the bytes of its weights.

    Weights are float16. *figures*, as in assets/figures.json, go into the model card. *with_onnx* adds an ONNX file, by
    default where the packages of the extra `onnx` are installed.

    Raises:
        ModelError: *out* exists, or the code that travels with the model does not cover it.
    """
    for key, covered in _COVERED.items():
        found = getattr(model.config, key)
        if found not in covered:
            raise ModelError(
                f"--hub: the code that travels with a model needs {key}={covered[0]!r}; this one has {found!r}"
            )
    halved = copy.deepcopy(model).half()
    check_finite(halved.state_dict(), "float16")
    figures = figures or {}
    about = {
        "format": "pt",
        "model_type": model.config.model_type,
        "parameters": str(sum(value.numel() for value in model.parameters())),
        "licence": str(_licence(figures)["text"]),
        "weights": str(figures.get("weights", "")),
    }
    with atomic_path(out, folder=True, parents=True, error=ModelError) as draft:
        write_model_folder(draft, model.config, halved.state_dict(), metadata=about)
        (draft / CODE_FILE).unlink()
        for name in CODE_FILES:
            shutil.copyfile(_CODE / name, draft / name)
        _change(draft / CONFIG_FILE, auto_map=_AUTO_MAP)
        _write(
            draft / TOKENIZER_FILE,
            {
                "tokenizer_class": "XiangqiTokenizer",
                "auto_map": {"AutoTokenizer": ["tokenization_xiangqi_gpt.XiangqiTokenizer", None]},
                "tokenizer": model.config.tokenizer,
                "view": model.config.view,
                "condition": model.config.condition,
            },
        )
        ids = model.config.special_token_ids()
        _write(
            draft / GENERATION_FILE,
            {
                "bos_token_id": ids["bos_token_id"],
                "eos_token_id": ids["pad_token_id"],  # generate writes PAD behind the end of a game
                "pad_token_id": ids["pad_token_id"],
                "use_cache": False,
                "max_new_tokens": model.tokenizer.slots,
            },
        )
        if with_onnx is None:
            with_onnx = all(importlib.util.find_spec(name) is not None for name in ONNX_PACKAGES)
        if with_onnx:
            export_onnx(model, draft / "model.onnx")
        (draft / "example.py").write_text(_EXAMPLE, encoding="utf-8")
        (draft / "README.md").write_text(model_card(model, figures, with_onnx), encoding="utf-8")
    return sum(file.stat().st_size for file in out.glob("*.safetensors"))


def model_card(model: XiangqiGPT, figures: Mapping[str, Any], with_onnx: bool) -> str:
    """The README.md of a model repository, with its metadata as YAML."""
    licence, rows = _licence(figures), list(figures.get("measured", ()))
    metadata = {
        "license": licence["id"],
        "license_name": licence["name"],
        "language": ["en", "zh"],
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["xiangqi", "chinese-chess", "games", "constrained-decoding"],
        "model-index": [
            {
                "name": "xiangqi_gpt",
                "results": [
                    {
                        "task": {"type": "text-generation", "name": row["what"]},
                        "dataset": {"type": "xiangqi-games", "name": row["data"]},
                        "metrics": [{"type": row["key"], "name": row["what"], "value": row["value"]}],
                    }
                    for row in rows
                ],
            }
        ],
    }
    if not rows:
        del metadata["model-index"]
    # A value in JSON is a value in YAML.
    front = "".join(f"{key}: {format_json(value, ensure_ascii=False)}\n" for key, value in metadata.items())
    count = sum(value.numel() for value in model.parameters()) / 1e6
    config = model.config
    lines = [
        f"---\n{front}---\n",
        "# A GPT that plays Xiangqi (Chinese chess)\n",
        f"A language model of {count:.1f} million parameters over the moves of a game (two tokens per move), which is "
        "also given the board. Its inputs are pieces, squares, the side to move and the plies since the last capture. "
        "Rules are not an input: the model has learned them. `legal_moves()` restricts `generate` to legal moves.\n",
        "## Use\n",
        "You need `torch`, `transformers` and nothing else. This is `example.py`:\n",
        f"```python\n{_EXAMPLE}```\n",
        f"Contexts hold {config.context_plies} plies; longer games are windowed. `fen=` gives another starting "
        "position"
        + (f"; `style=` is one of {', '.join(config.style_names)}" if config.style_names else "")
        + ". Moves are four characters: files a to i from Red's left, ranks 0 to 9 from Red's side.\n",
    ]
    if with_onnx:
        lines.append(
            "`model.onnx` is the same model for ONNX runtimes; the page on compression of xiangqi_gpt describes its "
            "inputs.\n"
        )
    lines.append("## Figures\n")
    if rows:
        lines += [f"{figures.get('protocol', '')}\n", _table(rows)]
    else:
        lines.append("Nothing has been measured with these weights.\n")
    for title, key in (("Training data", "data"), ("Limits", "limits")):
        if figures.get(key):
            lines += [f"## {title}\n", "".join(f"- {text}\n" for text in figures[key])]
    lines += ["## Licence\n", f"{licence['text']}\n"]
    return "\n".join(lines)


def _table(rows: list[Mapping[str, Any]]) -> str:
    lines = ["| what | data | measured | 95 % interval |", "|---|---|---|---|"]
    for row in rows:
        low_high = row.get("interval")
        interval = f"{low_high[0]} to {low_high[1]}" if low_high else str(row.get("detail", "not measured"))
        lines.append(f"| {row['what']} | {row['data']} | {row['value']} {row['unit']} | {interval} |")
    return "\n".join(lines) + "\n"


def _licence(figures: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = figures.get("licence", _NO_LICENCE)
    return found


def _change(file: Path, **values: Any) -> None:
    _write(file, {**parse_json_object(file.read_text(encoding="utf-8"), file=str(file)), **values})


def _write(file: Path, value: Any) -> None:
    file.write_text(format_json(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")
