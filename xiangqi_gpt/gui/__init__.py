"""The window: headless state, actions and layout; pygame begins at the renderer."""

from __future__ import annotations

import os

# pygame greets on standard output when it is imported; the words there are ours.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
