"""Makes transformers know the package's models, whichever of the two is imported first.

Importing transformers takes seconds, so nothing here does. When somebody else's import of it has run the module that
keeps the table of configurations, the package's own is added. What is registered with it, the model and the tokenizer,
follows when a configuration is made: by then transformers is whole.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module, util
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_TABLE = "transformers.models.auto.configuration_auto"
_OURS = "xiangqi_gpt.model.hf.configuration"


class _Afterwards(Loader):
    """A loader that registers the package's configuration after the module."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        import_module(_OURS)


class _Watcher(MetaPathFinder):
    """Finds one module, by way of the finders behind this one, and only once."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != _TABLE:
            return None
        sys.meta_path.remove(self)
        spec = util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Afterwards(spec.loader)
        return spec


def install() -> None:
    """Register the configuration now, if transformers is there already, or else when it comes."""
    if _TABLE in sys.modules:
        import_module(_OURS)
    elif not any(type(finder).__name__ == _Watcher.__name__ for finder in sys.meta_path):
        sys.meta_path.insert(0, _Watcher())
