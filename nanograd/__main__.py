"""``nanograd`` and ``python -m nanograd``: the commands, and scripts written for torch.

nanograd check 02.unbroadcast        one of the commands (see nanograd.course.commands)
python -m nanograd train.py --lr 1   the same as `nanograd run train.py --lr 1`
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, or a script when the first argument is one; the result is the exit status."""
    from nanograd.course.commands import main as commands

    arguments = list(sys.argv[1:] if argv is None else argv)
    return commands(["run", *arguments] if arguments and arguments[0].endswith(".py") else arguments)


if __name__ == "__main__":
    sys.exit(main())
