"""The command line: ``nanograd start``, ``check``, ``list``, ``hint``, ``tour``, ``run``, ``train``, ``warmup``...

What a command needs is imported when it runs: asking for help loads nothing. Exit codes: 0 pass, 1 fail, 2 usage,
3 not started, 4 stopped, 5 the learner's code is broken, 6 result untrusted, 7 our error, 8 capability missing.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NoReturn

__all__ = ["main"]

FAIL, USAGE, OURS = 1, 2, 7
# How many threads BLAS and numba use. On the small layers of the tour and of the examples, two pools of threads mostly
# wait for each other.
THREADS = ("MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def main(argv: Sequence[str] | None = None) -> int:
    """Carry out one command; the result is the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = _parsed(words)
    except SystemExit as end:
        return int(end.code or 0)
    try:
        return int(arguments.command(arguments))
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _explain(error, trace=getattr(arguments, "trace", False))


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = _parser()
    if not words:
        parser.print_help()
        parser.exit(USAGE)
    arguments, unknown = parser.parse_known_args(words)
    if unknown:
        arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    return arguments


def _explain(error: Exception, *, trace: bool) -> int:
    """Say what went wrong; a traceback of ours only when it was asked for."""
    from nanograd.course.learner import UsageError
    from nanograd.course.lesson import LessonError, UnknownLessonError
    from nanograd.course.workspace import WorkspaceError

    if trace:
        traceback.print_exception(error)
    if isinstance(error, UsageError | UnknownLessonError | WorkspaceError):
        print(f"nanograd: {error}", file=sys.stderr)
        return USAGE
    if isinstance(error, LessonError):
        print(error, file=sys.stderr)
        return FAIL
    again = "" if trace else " `nanograd check --trace` shows where."
    print(
        f"nanograd: {type(error).__name__}: {error}\nThis is a fault of nanograd, not of yours.{again}", file=sys.stderr
    )
    return OURS


# what can be said


class Parser(argparse.ArgumentParser):
    """argparse, with a suggestion for a word it does not know."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and what was meant, and end with status 2."""
        from nanograd.errors import did_you_mean

        if unknown := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message):
            known = [word.strip(" '") for word in unknown[2].split(",")]
            message = f"unknown command {unknown[1]!r}; there are {', '.join(known)}.{did_you_mean(unknown[1], known)}"
        elif unknown := re.search(r"unrecognized arguments: (--?\w\S*)", message):
            options = [option for action in self._actions for option in action.option_strings]
            message += f". It takes {', '.join(options)}.{did_you_mean(unknown[1], options)}"
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


def _parser() -> Parser:
    parser = Parser(
        prog="nanograd",
        description="A deep-learning library small enough to read, and a course in which you build it.",
        epilog="Begin with `nanograd tour`. An ID is 02.unbroadcast or unbroadcast; NN is a lesson, such as 02.",
    )
    parser.add_argument("--version", action=Version, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_learner(commands)
    _add_programs(commands)
    course = commands.add_parser("course", help="for authors: build and verify the lessons")
    _add_course(course.add_subparsers(title="commands", metavar="COMMAND", required=True))
    return parser


class Version(argparse.Action):
    """Prints the version; it is looked up only then."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print it and stop."""
        from nanograd import __version__

        print(f"nanograd {__version__}")
        parser.exit()


Commands = argparse._SubParsersAction


def _add_learner(commands: Commands[Parser]) -> None:
    tour = commands.add_parser("tour", help="half a minute: train on real digits, see a tape, see a graded exercise")
    tour.set_defaults(command=_tour, parser=tour)
    start = commands.add_parser("start", help="make a directory of your own with the lessons in it")
    start.add_argument("directory", nargs="?", metavar="DIR", help="where (default: nanograd-course)")
    start.set_defaults(command=_learner("start"), parser=start)
    check = commands.add_parser("check", help="grade an exercise or a lesson")
    what = check.add_mutually_exclusive_group()
    what.add_argument(
        "ref", nargs="?", metavar="ID|NN", help="default: the lesson you are in, else the next unsolved one"
    )
    what.add_argument("--all", action="store_true", help="grade every lesson")
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    check.add_argument("--trace", action="store_true", help="show full tracebacks")
    check.add_argument("--seed", type=_seed, default=0, help="the seed of the tests' random inputs (default: 0)")
    check.add_argument("--no-color", action="store_true", help="plain text (also: NO_COLOR, or no terminal)")
    check.set_defaults(command=_learner("check"), parser=check)
    listing = commands.add_parser("list", help="the lessons, their exercises and your progress")
    listing.set_defaults(command=_learner("list_lessons"), parser=listing)
    hint = commands.add_parser("hint", help="one more hint for an exercise")
    hint.add_argument("ref", nargs="?", metavar="ID", help="default: the next unsolved exercise")
    hint.set_defaults(command=_learner("hint"), parser=hint)


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number of 0 or more, got {text!r}")
    return int(text)


def _add_programs(commands: Commands[Parser]) -> None:
    run = commands.add_parser("run", help="run a script written for torch, unmodified, on nanograd")
    run.add_argument("script", type=Path)
    run.add_argument("arguments", nargs=argparse.REMAINDER, help="passed to the script")
    run.set_defaults(command=_run, parser=run)
    train = commands.add_parser("train", help="train one of the examples")
    train.add_argument("--list", action="store_true", help="what there is, what each reaches, how long it takes")
    train.add_argument("name", nargs="?", metavar="NAME", help="which one; `train NAME --help` has its options")
    train.add_argument("arguments", nargs=argparse.REMAINDER, help="passed to the example")
    train.set_defaults(command=_train, parser=train)
    warmup = commands.add_parser("warmup", help="compile the kernels of the usual models ahead; where they are kept")
    warmup.set_defaults(command=_warmup, parser=warmup)


def _add_course(commands: Commands[Parser]) -> None:
    build = commands.add_parser("build", help="write exercises/ from solutions/")
    build.add_argument(
        "--check", action="store_true", help="write nothing; fail if exercises/ is not what build writes"
    )
    build.set_defaults(command=_build, parser=build)
    verify = commands.add_parser("verify", help="prove that stubs fail, solutions pass and mistakes are named")
    verify.add_argument("lessons", nargs="*", metavar="NN", help="default: all lessons")
    verify.add_argument("--json", action="store_true", help="print the result as JSON")
    verify.set_defaults(command=_verify, parser=verify)


# programs


def _learner(name: str) -> Callable[[argparse.Namespace], int]:
    def command(arguments: argparse.Namespace) -> int:
        from nanograd.course import learner

        return int(getattr(learner, name)(arguments))

    return command


def _tour(arguments: argparse.Namespace) -> int:
    missing = [name for name in THREADS if name not in os.environ]
    if missing:
        return _again(["tour"], dict.fromkeys(missing, "1"))
    from nanograd.course.tour import tour

    return tour()


def _again(words: list[str], environment: dict[str, str]) -> int:
    """Carry out a command in a new process, for settings that are only read when NumPy and numba are loaded."""
    program = f"import sys; sys.path[:] = {sys.path!r}; from nanograd.__main__ import main; sys.exit(main({words!r}))"
    process = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, **environment})
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # from a terminal the new process hears it too, and ends when all is written
            with suppress(subprocess.TimeoutExpired):
                return process.wait(timeout=3)
            process.send_signal(signal.SIGINT)


def _run(arguments: argparse.Namespace) -> int:
    from nanograd.course.learner import UsageError
    from nanograd.script import run_script

    script: Path = arguments.script
    if not script.is_file():
        raise UsageError(f"run: no file {str(script)!r}. Give the path of a Python script.")
    return run_script(script, arguments.arguments)


def _train(arguments: argparse.Namespace) -> int:
    from nanograd.course.learner import UsageError
    from nanograd.errors import did_you_mean
    from nanograd.examples import NAMES

    if arguments.list or arguments.name is None:
        from nanograd.examples.running import listing

        print(listing(NAMES))
        return 0 if arguments.list else USAGE
    if arguments.name not in NAMES:
        known = f"there are {', '.join(NAMES)}"
        raise UsageError(f"train: no example {arguments.name!r}; {known}.{did_you_mean(arguments.name, NAMES)}")
    missing = [name for name in THREADS if name not in os.environ]
    if missing:
        return _again(["train", arguments.name, *arguments.arguments], dict.fromkeys(missing, "1"))
    program = import_module(f"nanograd.examples.{arguments.name}")
    return int(program.main(arguments.arguments))


def _warmup(arguments: argparse.Namespace) -> int:
    from nanograd.warmup import warmup

    return warmup()


# for authors


def _build(arguments: argparse.Namespace) -> int:
    from nanograd.course.build import build

    built = build(check=arguments.check)
    for path in built.differing:
        print(f"{'differs' if arguments.check else 'written'}: {path}")
    for path in built.stale:
        print(f"{'stale' if arguments.check else 'removed'}: {path}")
    print(f"{_many(built.files, 'file')} in {built.directory}, {len(built.differing) + len(built.stale)} changed")
    if arguments.check and (built.differing or built.stale):
        print("exercises/ is not what the lessons say: run `nanograd course build`.")
        return FAIL
    return 0


def _verify(arguments: argparse.Namespace) -> int:
    from nanograd.course.lesson import find
    from nanograd.course.verify import verify

    report = verify([find(ref)[0] for ref in arguments.lessons] or None)
    print(json.dumps(report.to_json(), indent=1) if arguments.json else report.text(matrix=True))
    return report.exit_code


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
