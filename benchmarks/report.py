"""The tables of docs/performance.md, from measurements that ``measure.beside`` makes."""

from __future__ import annotations

import ctypes
import datetime as dt
import importlib.util
import os
import platform
import statistics
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.measure import BUSY, ROOT, Figures, beside, in_a_fresh_process
from benchmarks.peers import PEERS
from benchmarks.workloads import WORKLOADS

__all__ = ["Plan", "Report"]

TEMPLATE = Path(__file__).with_name("performance.md")
PAGE = ROOT / "docs" / "performance.md"
GROUPS = (
    "add", "mul", "exp", "log, ", "tanh", "sigmoid", "relu", "gelu", "dropout", "transpose", "sum", "max of", "softmax",
    "log_softmax", "layer_norm", "cross_entropy", "matmul", "linear", "embedding", "conv2d", "max_pool2d", "batch_norm",
    "attention", "SGD", "Adam", "(a·b", "nn.",
)  # fmt: skip
PARITY = 0.95  # what is below is said to be behind

REASONS = {
    "conv2d": "torch calls oneDNN, whose convolutions are tuned for each processor in assembler",
    "matmul": "both call a tuned BLAS; torch's is oneMKL, ours the OpenBLAS that comes with NumPy",
    "linear": "both call a tuned BLAS; torch's is oneMKL, ours the OpenBLAS that comes with NumPy",
    "attention": "its products are too small for BLAS to thread, and torch has a kernel of its own for all of it",
    "add, 10": "of so small a tensor only the call counts: torch's is C++, ours is Python",
    "(a·b": "of so small a tensor only the call counts: torch's is C++, ours is Python",
    "nn.Linear(10": "of so small a tensor only the call counts: torch's is C++, ours is Python",
    "add": "the memory is the limit, and torch's allocator gives back memory that is still in the cache",
    "mul": "the memory is the limit, and torch's allocator gives back memory that is still in the cache",
    "relu": "the memory is the limit, and torch divides it between its threads",
    "transpose": "torch copies in blocks that fit the cache",
    "w4": "convolutions and large products, which torch divides between its threads",
    "w5": "convolutions with many channels are oneDNN's home; torch divides them between its threads",
    "w6": "the steps of a recurrent layer wait for one another: each product is small",
    "w7": "nearly all of it is matrix products, where both call a tuned BLAS",
}
"""The beginning of a name -> why torch is faster there, where it is."""
UNEXPLAINED = "torch's kernel makes better use of the processor"


@dataclass(frozen=True)
class Plan:
    """How long to measure: ``rounds`` processes for each subject, ``seconds`` in each, for each number of threads."""

    rounds: int = 5
    seconds: float = 2.0
    threads: tuple[int, ...] = (1, 2)
    only: str = ""


def is_there(package: str) -> bool:
    """Whether a package can be imported."""
    return importlib.util.find_spec(package) is not None


class Report:
    """Measures, says each figure as it comes, and keeps them for the page."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.torch = ["torch"] if is_there("torch") else []
        self.behind: dict[str, list[str]] = {}

    def sections(self) -> dict[str, str]:
        """Placeholder of the template -> what stands there."""
        makers = {
            "machine": self.machine, "training": self.training, "peers": self.peers, "scalar": self.scalar,
            "operations": self.operations, "loader": self.loader, "cold": self.cold,
        }  # fmt: skip
        made = {name: make() for name, make in makers.items() if self.plan.only in name}
        return made | {"behind": self.explained()}

    def page(self) -> str:
        """The whole page."""
        text = TEMPLATE.read_text(encoding="utf-8")
        for name, section in self.sections().items():
            text = text.replace(f"{{{name}}}", section)
        return text

    def ratio(self, title: str, found: dict[str, Figures], key: str = "ms", threads: int = 1) -> str:
        """Torch's time over ours, as a cell; a dagger where a neighbor took the cores."""
        ours, theirs = found["nanograd"], found.get("torch")
        for subject, figures in found.items():
            if figures.failed:
                print(f"{title}: {subject} failed: {figures.failed}", flush=True)
        if theirs is None or key not in theirs or key not in ours:
            return "–"
        ratio = theirs[key] / ours[key]
        crowded = max(ours.busy, theirs.busy) > (os.cpu_count() or 1) - threads + BUSY
        cell = f"{ratio:.2f}" + ("†" if crowded else "")
        print(f"{title:<52} {threads} thread{'s' * (threads > 1)}   {cell}", flush=True)
        if ratio < PARITY:
            self.behind.setdefault(_reason(title), []).append(title.partition(" (")[0])
        return cell

    # The sections

    def machine(self) -> str:
        """Where and with what this was measured."""
        packages = ["numpy", "numba", *self.torch]
        versions = ", ".join(f"{name} {version(name)}" for name in packages)
        today = dt.date.today().isoformat()
        plan = self.plan
        return (
            f"Measured on {today}: {_processor()}, {os.cpu_count()} cores, {platform.system()}, Python "
            f"{platform.python_version()}, {versions}{_blas_kernels()}. "
            f"Medians of {plan.rounds} rounds of {plan.seconds:g} s; a † marks figures during which other "
            "programs took more than the cores that were left over."
        )

    def training(self) -> str:
        """A row per workload, a column per number of threads."""
        rows = []
        for name, build in WORKLOADS.items():
            what = (build.__doc__ or "").strip().splitlines()[0].rstrip(".")
            cells = [self._step(name, threads) for threads in self.plan.threads]
            rows.append([name, what, *cells])
        return _table(["", "workload", *map(_threads, self.plan.threads)], rows)

    def _step(self, name: str, threads: int) -> str:
        plan = self.plan
        found = beside("step", name, [*self.torch, "nanograd"], plan.rounds, seconds=plan.seconds, threads=threads)
        return self.ratio(name, found, threads=threads)

    def peers(self) -> str:
        """The time of others over ours, of those that are installed."""
        there = [*self.torch, *(name for name in PEERS if is_there(name))]
        found = beside("step", "w3", [*there, "nanograd"], self.plan.rounds, seconds=self.plan.seconds)
        ours = found["nanograd"]
        rows = []
        for name in there:
            cell = f"{found[name]['ms'] / ours['ms']:.2f}" if "ms" in found[name] else f"failed: {found[name].failed}"
            label = "NumPy, the way back by hand" if name == "numpy" else f"{name} {version(name)}"
            print(f"w3 in {label:<46} {cell}", flush=True)
            rows.append([label, cell])
        rows += [[name, "not installed here"] for name in ("torch", *PEERS) if name not in there]
        return _table(["", "time over nanograd's"], rows)

    def scalar(self) -> str:
        """A sentence about micrograd."""
        if not is_there("micrograd"):
            return "micrograd is not installed here."
        found = beside("step", "w1", ["micrograd", "nanograd"], min(3, self.plan.rounds), seconds=self.plan.seconds)
        ratio = found["micrograd"]["ms"] / found["nanograd"]["ms"]
        print(f"w1: {ratio:.1f} times micrograd", flush=True)
        return f"{ratio:.1f} times as fast as micrograd {version('micrograd')}."

    def operations(self) -> str:
        """A row per operation: forward, and with the way back."""
        if not self.torch:
            return "torch is not installed here."
        plan, cells = self.plan, {}
        for threads in plan.threads:
            for group in GROUPS:
                found = beside(
                    "operations",
                    group,
                    ["torch", "nanograd"],
                    min(3, plan.rounds),
                    seconds=plan.seconds / 8,
                    threads=threads,
                )
                for key in found["nanograd"].values:
                    title, _, kind = key.rpartition("|")
                    words = f"{title} (forward)" if kind == "forward" else title
                    cells[title, kind, threads] = self.ratio(words, found, key, threads)
        rows = []
        for title in dict.fromkeys(title for title, _, _ in cells):
            kinds = ("forward", "both") if (title, "both", plan.threads[0]) in cells else ("", "ms")
            rows.append([title, *(cells.get((title, kind, n), "") for n in plan.threads for kind in kinds)])
        heads = [f"{head}, {_threads(n)}" for n in plan.threads for head in ("forward", "forward and backward")]
        return _table(["", *heads], rows)

    def loader(self) -> str:
        """A row for no workers, one for two."""
        rows = []
        for workers in ("0", "2"):
            found = beside("loader", workers, [*self.torch, "nanograd"], min(3, self.plan.rounds))
            rows.append([f"{workers} workers", self.ratio(f"loader, {workers} workers", found)])
        return _table(["", "ratio"], rows)

    def cold(self) -> str:
        """With an empty cache, with compiled kernels, and the memory."""
        rounds = min(3, self.plan.rounds)
        theirs, first, later = Figures(), Figures(), Figures()
        for _ in range(rounds):
            if self.torch:
                theirs.add(in_a_fresh_process("cold", "w3", "torch"))
            with tempfile.TemporaryDirectory() as directory:
                first.add(in_a_fresh_process("cold", "w3", "nanograd", NANOGRAD_CACHE_DIR=directory))
                later.add(in_a_fresh_process("cold", "w3", "nanograd", NANOGRAD_CACHE_DIR=directory))
        pairs = [
            ("the very first time, compiling", first, "ms"),
            ("with compiled kernels", later, "ms"),
            ("memory", later, "megabytes"),
        ]
        rows = []
        for title, ours, key in pairs:
            found = {"nanograd": ours} | ({"torch": theirs} if self.torch else {})
            rows.append([title, self.ratio(f"starting, {title}", found, key)])
        seconds = statistics.median(first.values["ms"]) / 1e3, statistics.median(later.values["ms"]) / 1e3
        print(f"starting: {seconds[0]:.2f} s the very first time, {seconds[1]:.2f} s later", flush=True)
        return _table(["", "ratio"], rows)

    def explained(self) -> str:
        """Where torch is faster, and why."""
        lines = [f"- {'; '.join(dict.fromkeys(titles))}: {why}." for why, titles in self.behind.items()]
        return "\n".join(lines) or "Nowhere in these tables by more than a twentieth."


def _reason(title: str) -> str:
    return next((why for start, why in REASONS.items() if title.startswith(start)), UNEXPLAINED)


def _threads(count: int) -> str:
    return "1 thread" if count == 1 else f"{count} threads"


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(_lines([head, ["---"] * len(head), *rows]))


def _lines(rows: list[list[str]]) -> Iterator[str]:
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _blas_kernels() -> str:
    """For which processor NumPy's OpenBLAS computes: OPENBLAS_CORETYPE in the environment may name another."""
    library = ctypes.CDLL(np.linalg._umath_linalg.__file__)
    for name in ("scipy_openblas_get_corename64_", "scipy_openblas_get_corename"):
        if hasattr(library, name):
            ask = getattr(library, name)
            ask.restype = ctypes.c_char_p
            return f", NumPy's OpenBLAS with its kernels for {ask().decode()}"
    return ""


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
