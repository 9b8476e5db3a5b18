"""Settings for all tests, made before NumPy is loaded."""

from __future__ import annotations

import os

if "PYTEST_XDIST_WORKER" in os.environ:  # the processes have the cores; threads of theirs would wait for one another
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
