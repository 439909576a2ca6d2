"""Where files lie: those that travel with the package (`assets/`, `data/`), and those of the user.

In a clone and in an editable install they are the top-level folders of the repository; a wheel carries copies
of them inside the package. Callers name a file in one way, `resource_path("data/openings.txt")`.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Literal

from xiangqi_gpt.errors import XiangqiError

_PACKAGE = Path(__file__).resolve().parent
_FOLDERS = ("assets", "data")


def resource_roots() -> tuple[Path, ...]:
    """Folders that may hold `assets/` and `data/`, in the order in which they are tried."""
    clone = _PACKAGE.parent
    # In an installed wheel the parent is site-packages, where a stranger's `data` folder may lie.
    in_clone = (clone / "pyproject.toml").is_file()
    return (clone, _PACKAGE / "_resources") if in_clone else (_PACKAGE / "_resources",)


def resource_path(name: str) -> Path:
    """The path of a file or folder of the package.

    Args:
        name: relative, with forward slashes, beginning with "assets" or "data", such as "data/openings.txt".

    Raises:
        XiangqiError: the name is of another shape, or no such file came with this installation.
    """
    parts = PurePosixPath(name).parts
    if not parts or parts[0] not in _FOLDERS or ".." in parts or "\\" in name:
        raise XiangqiError(f"expected a resource below assets/ or data/, found {name!r}")
    tried = [root.joinpath(*parts) for root in resource_roots()]
    for path in tried:
        if path.exists():
            return path
    places = ", ".join(str(path) for path in tried)
    raise XiangqiError(
        f"resource {name!r} is missing from this installation (searched: {places}); install xiangqi-gpt again"
    )


def user_folder(kind: Literal["cache", "config", "data"]) -> Path:
    """This program's folder among the user's files of a kind; it may not exist yet."""
    import platformdirs  # not before it is needed: rules and notations load nothing

    find = {
        "cache": platformdirs.user_cache_path,
        "config": platformdirs.user_config_path,
        "data": platformdirs.user_data_path,
    }
    return find[kind]("xiangqi-gpt", appauthor=False)
