from __future__ import annotations

import os

import pytest


@pytest.fixture(autouse=True, scope="session")
def _no_display() -> None:
    """Windows of these tests open nowhere."""
    os.environ["SDL_VIDEODRIVER"] = "dummy"
