"""One measurement in a process of its own: ``python -m benchmarks.measure step w3 --subject nanograd``.

``beside`` runs such processes in turn, for several subjects, and takes medians: what else the machine does meets all.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Figures", "beside", "in_a_fresh_process"]

ROOT = Path(__file__).parents[1]
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "NUM_CPU_THREADS")
BUSY = 0.15  # cores that others used, from which on a measurement is not one


# In the process


def median_ms(call: Callable[[], Any], seconds: float) -> float:
    """Median milliseconds of a call, after warming up; of blocks of calls where one is short."""
    call()
    began, count = time.perf_counter(), 0
    while count < 3 or time.perf_counter() - began < min(0.5, seconds / 2):
        call()
        count += 1
    block = max(1, int(0.002 / ((time.perf_counter() - began) / count)))
    times: list[float] = []
    began = time.perf_counter()
    while len(times) < 5 or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        for _ in range(block):
            call()
        times.append((time.perf_counter() - start) / block)
    return 1e3 * statistics.median(times)


def step(name: str, subject: str, seconds: float, threads: int) -> dict[str, Any]:
    """A training step of a workload."""
    from benchmarks.peers import PEERS, scalar
    from benchmarks.workloads import WORKLOADS

    if name == "w1":
        return {"ms": median_ms(scalar(subject), seconds)}
    if subject in PEERS:
        return {"ms": median_ms(PEERS[subject](), seconds)}
    return {"ms": median_ms(WORKLOADS[name](_subject(subject, threads)), seconds)}


def operations(name: str, subject: str, seconds: float, threads: int) -> dict[str, Any]:
    """Every operation whose name begins so: forward, and with the way back."""
    from benchmarks.operations import OPERATIONS, STEPS

    torch = _subject(subject, threads)
    found: dict[str, Any] = {}
    for title, case in OPERATIONS(torch).items():
        if title.startswith(name):
            found[title] = _forward_and_back(torch, case.run, case.tensors, seconds)
    for title, call in STEPS(torch).items():
        if title.startswith(name):
            found[title] = {"ms": median_ms(call, seconds)}
    return found


def _forward_and_back(torch: Any, run: Callable[..., Any], tensors: list[Any], seconds: float) -> dict[str, float]:
    with torch.no_grad():
        y = run(*tensors)
        forward = median_ms(lambda: run(*tensors), seconds)
    g = torch.ones(tuple(y.shape))
    leaves = [x for x in tensors if x.requires_grad]

    def both() -> None:
        for x in leaves:
            x.grad = None
        run(*tensors).backward(g)

    return {"forward": forward, "both": median_ms(both, seconds)}


def loader(name: str, subject: str, seconds: float, threads: int) -> dict[str, Any]:
    """An epoch of 60,000 small images in shuffled batches of 64, with ``name`` workers."""
    import numpy as np

    torch, data = _subject(subject, threads), importlib.import_module(f"{subject}.utils.data")
    rng = np.random.default_rng(0)
    images = torch.from_numpy(rng.integers(0, 256, (60000, 1, 28, 28)).astype(np.uint8))
    labels = torch.from_numpy(rng.integers(0, 10, 60000))
    batches = data.DataLoader(data.TensorDataset(images, labels), batch_size=64, shuffle=True, num_workers=int(name))
    times: list[float] = []
    for _ in range(3):
        start = time.perf_counter()
        for _ in batches:
            pass
        times.append(time.perf_counter() - start)
    return {"ms": 1e3 * statistics.median(times)}


def cold(name: str, subject: str, seconds: float, threads: int) -> dict[str, Any]:
    """The first training step, as ``beside`` sees it from outside, and the memory it took at most."""
    from benchmarks.workloads import WORKLOADS

    WORKLOADS[name](_subject(subject, threads))().item()
    return {"until": time.time(), "megabytes": _peak_megabytes()}


def _peak_megabytes() -> float | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def _subject(name: str, threads: int) -> Any:
    torch = importlib.import_module(name)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    return torch


KINDS = {"step": step, "operations": operations, "loader": loader, "cold": cold}


def main() -> None:
    """Measure once; print the figures as JSON, with how many cores others kept busy meanwhile."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("name")
    parser.add_argument("--subject", default="nanograd")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    began, before, own = time.perf_counter(), _cpu_seconds(), _own_seconds()
    figures = KINDS[given.kind](given.name, given.subject, given.seconds, given.threads)
    others = (_cpu_seconds() - before) - (_own_seconds() - own)
    print(json.dumps({"figures": figures, "busy": max(0.0, others / (time.perf_counter() - began))}))


def _cpu_seconds() -> float:
    """Of all processes, where the system tells."""
    try:
        numbers = [int(n) for n in Path("/proc/stat").read_text().splitlines()[0].split()[1:]]
    except OSError:
        return _own_seconds()
    return (sum(numbers[:3]) + sum(numbers[5:7])) / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


# Beside one another


@dataclass
class Figures:
    """What several processes measured for one subject; ``values[key]`` has one number of each."""

    values: dict[str, list[float]] = field(default_factory=dict)
    busy: float = 0.0
    failed: str = ""

    def __getitem__(self, key: str) -> float:
        return statistics.median(self.values[key])

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def add(self, found: dict[str, Any]) -> None:
        """Take in one process."""
        self.busy = max(self.busy, found.get("busy", 0.0))
        self.failed = self.failed or found.get("failed", "")
        for key, value in _flat(found.get("figures", {})).items():
            self.values.setdefault(key, []).append(value)


def _flat(figures: dict[str, Any], before: str = "") -> dict[str, float]:
    flat: dict[str, float] = {}
    for key, value in figures.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{before}{key}|")
        elif value is not None:
            flat[before + key] = value
    return flat


def beside(kind: str, name: str, subjects: Sequence[str], rounds: int, **options: Any) -> dict[str, Figures]:
    """Measure each subject in turn, as often as there are rounds."""
    found = {subject: Figures() for subject in subjects}
    for _ in range(rounds):
        for subject in subjects:
            found[subject].add(in_a_fresh_process(kind, name, subject, **options))
    return found


def in_a_fresh_process(
    kind: str, name: str, subject: str, seconds: float = 1.0, threads: int = 1, **variables: str
) -> dict[str, Any]:
    """What one process measured, or why it did not; for "cold", how long it took since it was started."""
    command = [sys.executable, "-m", "benchmarks.measure", kind, name, "--subject", subject]
    command += ["--seconds", str(seconds), "--threads", str(threads)]
    environment = os.environ | dict.fromkeys(THREADS, str(threads)) | variables
    started = time.time()
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if "until" in found["figures"]:
        found["figures"]["ms"] = 1e3 * (found["figures"].pop("until") - started)
    return found


if __name__ == "__main__":
    main()
