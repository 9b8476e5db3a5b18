"""Training steps of nanograd and, where it is installed, of torch beside it.

    python -m benchmarks.train w2 w3 [--threads 1] [--rounds 3] [--seconds 2]

Each round starts a fresh process for each, in turn; the ratio is torch's median step over nanograd's (above 1: nanograd
is faster).
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time

from benchmarks.workloads import WORKLOADS

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def measure(subject: str, workload: str, seconds: float, threads: int) -> dict[str, float]:
    """Median milliseconds of a step after half a second of warming up."""
    torch = importlib.import_module(subject)
    if hasattr(torch, "set_num_threads"):
        torch.set_num_threads(threads)
    torch.manual_seed(0)
    step = WORKLOADS[workload](torch)
    first = float(step().item())
    for until in (time.perf_counter() + 0.5, time.perf_counter() + 0.5 + seconds):
        times = []
        while time.perf_counter() < until or len(times) < 5:
            start = time.perf_counter()
            loss = step()
            times.append(time.perf_counter() - start)
    return {"ms": 1e3 * statistics.median(times), "first_loss": first, "last_loss": float(loss.item())}


def in_a_fresh_process(subject: str, workload: str, seconds: float, threads: int) -> dict[str, float]:
    """``measure``, where nothing else was imported or compiled before."""
    command = [sys.executable, "-m", "benchmarks.train", "--measure", subject, workload]
    command += ["--seconds", str(seconds), "--threads", str(threads)]
    env = os.environ | dict.fromkeys(THREADS, str(threads))
    done = subprocess.run(command, capture_output=True, text=True, env=env)
    if done.returncode:
        raise SystemExit(f"{subject} {workload} failed:\n{done.stderr}")
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def main() -> None:
    """Print a line per workload."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", default=["w2", "w3"], help=", ".join(WORKLOADS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--measure", metavar="SUBJECT", help=argparse.SUPPRESS)
    given = parser.parse_args()
    unknown = [w for w in given.workloads if w not in WORKLOADS]
    if unknown:
        parser.error(f"unknown workload {unknown[0]!r}; there are: {', '.join(WORKLOADS)}")
    if given.measure:
        print(json.dumps(measure(given.measure, given.workloads[0], given.seconds, given.threads)))
        return
    beside = importlib.util.find_spec("torch") is not None
    if not beside:
        print("torch is not installed: nanograd alone")
    for workload in given.workloads:
        ours, theirs = [], []
        for _ in range(given.rounds):
            if beside:
                theirs.append(in_a_fresh_process("torch", workload, given.seconds, given.threads)["ms"])
            ours.append(in_a_fresh_process("nanograd", workload, given.seconds, given.threads)["ms"])
        line = f"{workload:5s} {given.threads} thread(s)   nanograd {statistics.median(ours):9.4f} ms"
        if beside:
            ratio = statistics.median(theirs) / statistics.median(ours)
            line += f"   torch {statistics.median(theirs):9.4f} ms   ratio {ratio:5.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
