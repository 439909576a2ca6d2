"""What every setting means, read from where it is defined: the fields of the configurations and their comments."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import io
import tokenize
from dataclasses import dataclass
from typing import Any

from xiangqi_gpt.model.config import XiangqiGPTConfig
from xiangqi_gpt.training.train_config import PRESETS, TrainConfig, model_keys


@dataclass(frozen=True)
class Setting:
    """One setting: its name, its default as Python writes it, and its meaning."""

    name: str
    default: str
    meaning: str


def run_settings() -> list[Setting]:
    """The settings of a run, in the order of the configuration."""
    return [setting for setting in settings_of(TrainConfig) if setting.name != "model"]


def model_settings() -> list[Setting]:
    """The settings of a model, in the order of the configuration."""
    known = model_keys()
    return [setting for setting in settings_of(XiangqiGPTConfig) if setting.name in known]


def settings_of(config: type[Any]) -> list[Setting]:
    """The fields of a dataclass; the meaning of a field is the comment on its lines or above it."""
    source = inspect.getsource(config)
    lines = source.splitlines()
    comments: dict[int, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comments[token.start[0]] = token.string.lstrip("# ")
    body = ast.parse(source).body[0]
    assert isinstance(body, ast.ClassDef)
    places = {
        node.target.id: (node.lineno, node.end_lineno or node.lineno)
        for node in body.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
    }
    found = []
    for field in dataclasses.fields(config):
        first, last = places[field.name]
        above = first
        while lines[above - 2].strip().startswith("#"):
            above -= 1
        meaning = " ".join(comments[line] for line in range(above, last + 1) if line in comments)
        default = field.default
        if default is dataclasses.MISSING:
            assert field.default_factory is not dataclasses.MISSING
            default = field.default_factory()
        found.append(Setting(field.name, repr(default), meaning))
    return found


def preset_changes() -> dict[str, dict[str, Any]]:
    """What each preset changes, of the run and of the model."""
    defaults = TrainConfig()
    return {
        name: {
            **{
                field.name: getattr(preset, field.name)
                for field in dataclasses.fields(TrainConfig)
                if field.name != "model" and getattr(preset, field.name) != getattr(defaults, field.name)
            },
            **preset.model,
        }
        for name, preset in PRESETS.items()
    }


def settings_text() -> str:
    """All settings for a terminal."""
    parts = []
    for title, rows in (("Settings of a run", run_settings()), ("Settings of a model", model_settings())):
        width = max(len(f"{row.name} = {row.default}") for row in rows)
        parts.append(f"{title}:\n")
        parts += [f"  {f'{row.name} = {row.default}':<{width}}  {row.meaning}\n" for row in rows]
    parts.append("Presets:\n")
    for name, changes in preset_changes().items():
        parts.append(f"  {name:<10}{' '.join(f'{key}={value}' for key, value in changes.items())}\n")
    return "".join(parts)
