"""Settings of a run in a TOML file.

```toml
preset = "laptop"       # the base of the following settings; optional

[run]
max_steps = 50_000
schedule = "cooldown"

[model]
width = 128
```
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from xiangqi_gpt.errors import ConfigError, FileError
from xiangqi_gpt.files import read_limited
from xiangqi_gpt.training.train_config import TrainConfig, model_keys, preset, typed

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_SECTIONS = ("preset", "run", "model")
_LARGEST = 65_536  # bytes
_LONGEST = 1_000  # characters of a line: the reader of TOML needs memory by the square of the parts of a key


def read_config(path: Path, preset_name: str | None = None, default: str = "laptop") -> TrainConfig:
    """The settings in *path* on top of the preset *preset_name*, or else of the file's own preset, or else of
    *default*.

    Raises:
        ConfigError: invalid TOML, an unknown section or key, a value of the wrong type.
    """
    try:
        text = read_limited(path, _LARGEST).decode()
        longest = max(map(len, text.splitlines()), default=0)
        if longest > _LONGEST:
            raise ConfigError(
                f"{path}: expected lines of at most {_LONGEST:,} characters, found one of {longest:,}"
            )
        data = tomllib.loads(text)
    except FileError as error:
        why = error.__cause__.strerror if isinstance(error.__cause__, OSError) else error.reason
        raise ConfigError(f"{path}: the file of settings cannot be read: {why}") from None
    except RecursionError:
        raise ConfigError(f"{path}: the TOML is nested too deeply") from None
    except ValueError as error:  # of the encoding, the TOML, or a number of thousands of digits
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    for key in data:
        if key not in _SECTIONS:
            raise ConfigError(f"{path}: expected preset, [run] and [model], found {key!r}")
    name = preset_name or data.get("preset", default)
    base = preset(str(name))
    run, model = (_section(path, data, section) for section in ("run", "model"))
    run_keys = {f.name for f in dataclasses.fields(TrainConfig)} - {"model"}
    for section, found, known in (("run", run, run_keys), ("model", model, model_keys())):
        for key in found:
            if key not in known:
                raise ConfigError(
                    f"{path}: [{section}]: expected one of {', '.join(sorted(known))}; found {key!r}"
                )
    try:
        settings: dict[str, Any] = {key: typed(key, getattr(base, key), value) for key, value in run.items()}
        return dataclasses.replace(base, model={**base.model, **model}, **settings)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _section(path: Path, data: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = data.get(name, {})
    if not isinstance(section, dict):
        raise ConfigError(f"{path}: expected a section [{name}], found {section!r}")
    return section
