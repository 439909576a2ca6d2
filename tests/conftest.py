"""Settings of every test process, made before anything heavy is imported."""

from __future__ import annotations

import os

# Tests run on all cores at once, one process each: threads within a process would only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
