"""What the examples share: options, progress, log, plot and verdict.  Data, model and loop are each one's own."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

import nanograd as torch
from nanograd import nn
from nanograd.utils.tensorboard import SummaryWriter

__all__ = ["Aim", "Example", "Run", "data", "listing", "main"]

MISSED, USAGE, INCAPABLE, INTERRUPTED = 1, 2, 8, 130  # exit codes
SAVED_AS = (".pt", ".pth", ".safetensors")
PLOTTED_AS = (".png", ".svg", ".pdf")
ModelT = TypeVar("ModelT", bound=nn.Module)


@dataclass(frozen=True)
class Aim:
    """The result that an example promises: ``Aim("R²", at_least=0.9)`` or ``Aim("error", at_most=0.1)``."""

    what: str
    at_least: float | None = None
    at_most: float | None = None
    form: str = "{:.2f}"

    def is_reached(self, result: float) -> bool:
        """Whether ``result`` keeps the promise; nan does not."""
        return (self.at_least is None or result >= self.at_least) and (self.at_most is None or result <= self.at_most)

    @property
    def bound(self) -> str:
        """``"at least 0.90"``."""
        words, bound = ("at least", self.at_least) if self.at_most is None else ("at most", self.at_most)
        return f"{words} {self.form.format(bound)}"

    def verdict(self, result: float) -> str:
        """The last line that an example prints."""
        ended = "reached" if self.is_reached(result) else "missed"
        return f"{self.what}: {self.form.format(result)}. The aim, {self.bound}, is {ended}."


@dataclass(frozen=True)
class Example:
    """What there is to know of an example before it runs.

    ``aims`` holds the aim of each value of ``--option``, the default first; one without option names its aim "".
    """

    name: str
    about: str
    lasts: str
    epochs: int
    aims: Mapping[str, Aim]
    option: str = ""
    option_help: str = ""


class Run:
    """One run of an example: its settings, and where its numbers go."""

    def __init__(self, example: Example, options: argparse.Namespace) -> None:
        self.example = example
        self.choice: str = getattr(options, example.option) if example.option else ""
        self.aim = example.aims[self.choice]
        self.device: str = options.device
        self.last_epoch: int = options.epochs
        self.epoch = 0
        self._save: Path | None = options.save
        self._plot: Path | None = options.plot
        self._log = options.log and SummaryWriter(options.log)
        self._model: nn.Module | None = None
        self._curves: dict[str, list[tuple[int, float]]] = {}

    def keep(self, model: ModelT) -> ModelT:
        """The model on the device of this run; ``--save`` writes its state, also after an interruption."""
        self._model = model.to(self.device)
        return model

    def epochs(self) -> Iterator[int]:
        """1, 2, … as many as there are to be, with a bar on a terminal."""
        from tqdm import tqdm  # type: ignore[import-untyped]

        numbers = range(1, self.last_epoch + 1)
        with tqdm(numbers, desc=self.example.name, unit="epoch", disable=None, leave=False) as bar:
            for self.epoch in bar:
                yield self.epoch

    def report(self, **numbers: float) -> None:
        """Print the numbers of this epoch, and keep them for ``--log`` and ``--plot``."""
        named = {name.replace("_", " "): number for name, number in numbers.items()}
        self.say(f"epoch {self.epoch:3}" + "".join(f"   {name} {number:.4f}" for name, number in named.items()))
        for name, number in named.items():
            self._curves.setdefault(name, []).append((self.epoch, number))
            if self._log:
                self._log.add_scalar(name, number, self.epoch)

    def say(self, text: str) -> None:
        """Print a text above the bar."""
        from tqdm import tqdm

        tqdm.write(text)
        sys.stdout.flush()

    def finish(self) -> None:
        """Write what was asked for."""
        if self._log:
            self._log.close()
            print(f"log in {self._log.log_dir}")
        if self._save and self._model is not None:
            torch.save(self._model.state_dict(), self._save)
            print(f"state of the model in {self._save}")
        if self._plot and self._curves:
            plot(self._curves, self.example.name, self._plot)
            print(f"plot in {self._plot}")


def main(example: Example, train: Callable[[Run], float], argv: Sequence[str] | None) -> int:
    """Run an example: ``train`` gives its result.

    The exit status is 0, or 1 if the aim was missed though no fewer epochs than usual were asked for; 2 and 8 for
    options that are wrong or cannot be met here, 130 after Ctrl-C.
    """
    parser = _parser(example)
    options = _checked(parser, parser.parse_args(argv))
    try:
        run = Run(example, options)
    except OSError as error:
        parser.error(f"--log: {error}")
    torch.manual_seed(options.seed)
    try:
        start = time.perf_counter()
        result = train(run)
        seconds = time.perf_counter() - start
    except KeyboardInterrupt:
        with _undisturbed():
            print(f"\ninterrupted in epoch {run.epoch}" if run.epoch else "\ninterrupted", file=sys.stderr)
            return _finished(parser, run) or INTERRUPTED
    with _undisturbed():
        status = _finished(parser, run)
    print(f"{run.epoch} {'epoch' if run.epoch == 1 else 'epochs'} in {seconds:.1f} s")
    print(run.aim.verdict(result))
    excused = run.last_epoch < example.epochs or run.aim.is_reached(result)
    return status if excused else MISSED


def _finished(parser: argparse.ArgumentParser, run: Run) -> int:
    try:
        run.finish()
    except OSError as error:
        print(f"{parser.prog}: could not write: {error}", file=sys.stderr)
        return MISSED
    return 0


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without Ctrl-C: what was asked for is written."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)


# options


def _parser(example: Example) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"nanograd train {example.name}",
        description=example.about,
        epilog="Exit status: 0, or 1 if the aim was missed (not with fewer epochs than usual), 130 after Ctrl-C.",
    )
    if example.option:
        kinds = list(example.aims)
        help = f"{example.option_help} (default: {kinds[0]})"
        parser.add_argument(f"--{example.option}", choices=kinds, default=kinds[0], help=help)
    parser.add_argument("--epochs", type=int, default=example.epochs, help=f"default: {example.epochs}")
    parser.add_argument("--seed", type=int, default=0, help="of weights and order; the same gives the same numbers")
    parser.add_argument("--device", default="cpu", help="where to train (default: cpu)")
    parser.add_argument("--save", type=Path, metavar="PATH", help=f"write the state_dict: {', '.join(SAVED_AS)}")
    parser.add_argument("--log", type=Path, metavar="DIR", help="write the numbers for TensorBoard")
    parser.add_argument("--plot", type=Path, metavar="FILE", help=f"draw the numbers: {', '.join(PLOTTED_AS)}")
    return parser


def _checked(parser: argparse.ArgumentParser, options: argparse.Namespace) -> argparse.Namespace:
    if options.epochs < 1:
        parser.error(f"--epochs must be at least 1, got {options.epochs}")
    if not 0 <= options.seed < 2**63:
        parser.error(f"--seed must be 0 or more and below 2**63, got {options.seed}")
    _check_file(parser, "--save", options.save, SAVED_AS)
    _check_file(parser, "--plot", options.plot, PLOTTED_AS)
    try:
        torch.zeros(1, device=options.device)
    except RuntimeError as error:
        known = options.device.partition(":")[0] == "cuda"
        parser.exit(INCAPABLE if known else USAGE, f"{parser.prog}: error: --device {options.device}: {error}\n")
    if options.plot and not find_spec("matplotlib"):
        how = "install the plot extra, in the checkout: pip install -e '.[plot]'"
        parser.exit(INCAPABLE, f"{parser.prog}: error: --plot needs matplotlib: {how}\n")
    return options


def _check_file(parser: argparse.ArgumentParser, option: str, path: Path | None, endings: Sequence[str]) -> None:
    """Find out before an hour of training that its result has no place to go."""
    if path is None:
        return
    if path.suffix not in endings:
        parser.error(f"{option}: the name must end in {', '.join(endings)}; got {str(path)!r}")
    if path.is_dir() or not path.parent.is_dir():
        why = "is a directory" if path.is_dir() else f"has no directory: make {str(path.parent)!r} first"
        parser.error(f"{option}: {str(path)!r} {why}")
    if not os.access(path.parent, os.W_OK):
        parser.error(f"{option}: cannot write in {str(path.parent)!r}")


# data, plots and the list of examples


def data(name: str) -> str:
    """A text that ships with the examples."""
    return (resources.files("nanograd.examples") / "data" / name).read_text(encoding="utf-8")


def plot(curves: Mapping[str, Sequence[tuple[int, float]]], title: str, path: Path) -> None:
    """Draw each quantity over the epochs, one below the other: their units differ."""
    from matplotlib.figure import Figure  # type: ignore[import-not-found, unused-ignore]
    from matplotlib.ticker import MaxNLocator  # type: ignore[import-not-found, unused-ignore]

    figure = Figure(figsize=(7, 2.4 * len(curves)), layout="constrained")
    all_axes = figure.subplots(len(curves), squeeze=False, sharex=True)[:, 0]
    for axes, (name, points) in zip(all_axes, curves.items(), strict=True):
        axes.plot(*zip(*points, strict=True), marker=".")
        axes.set_ylabel(name)
        axes.grid(alpha=0.3)
    all_axes[0].set_title(title)
    all_axes[-1].set_xlabel("epoch")
    all_axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.savefig(path)


def listing(names: Sequence[str]) -> str:
    """What ``nanograd train --list`` prints."""
    lines = []
    for name in names:
        example: Example = importlib.import_module(f"nanograd.examples.{name}").EXAMPLE
        lines.append(f"{name:<12} {example.about}")
        for choice, aim in example.aims.items():
            option = f"--{example.option} {choice}: " if choice else ""
            lines.append(f"{'':<12}   {option}{aim.what}: {aim.bound}")
        lines.append(f"{'':<12}   takes {example.lasts}")
    return "\n".join(lines)
