"""Random state: a seed and how many numbers were drawn.

The numbers themselves are made by kernels/sample.py from (seed, offset) alone, with the counter-based generator
Philox (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), so every device draws the same ones.
"""

from __future__ import annotations

import os

from nanograd.errors import ShapeError

__all__ = ["Generator", "default_generator", "initial_seed", "manual_seed", "seed"]


class Generator:
    """A stream of random numbers: ``seed`` names the stream, ``offset`` the place in it.

    >>> g = Generator().manual_seed(7)
    >>> g.initial_seed()
    7
    """

    __slots__ = ("_seed", "offset")

    def __init__(self, device: object = "cpu") -> None:
        self._seed = 67280421310721  # what torch starts a fresh Generator with
        self.offset = 0

    def manual_seed(self, seed: int) -> Generator:
        """Start stream number ``seed`` (an integer in [-2⁶³, 2⁶⁴)) from its beginning."""
        if not -(2**63) <= int(seed) < 2**64:
            raise ShapeError(f"manual_seed: expected a seed in [-2**63, 2**64), got {seed}.")
        self._seed = int(seed) % 2**64
        self.offset = 0
        return self

    def seed(self) -> int:
        """Start a stream nobody chose and return its number."""
        self.manual_seed(int.from_bytes(os.urandom(8), "little") >> 1)
        return self._seed

    def initial_seed(self) -> int:
        """The number of the stream."""
        return self._seed

    def take(self, count: int) -> tuple[int, int]:
        """(seed, offset) of the next ``count`` blocks of four 32-bit numbers, which are now used up."""
        offset = self.offset
        self.offset += count
        return self._seed, offset

    def get_state(self) -> tuple[int, int]:
        """(seed, offset), for ``set_state``."""
        return self._seed, self.offset

    def set_state(self, state: tuple[int, int]) -> Generator:
        """Go back to a state that ``get_state`` gave."""
        seed, offset = state
        self._seed, self.offset = int(seed), int(offset)
        return self


default_generator = Generator()
default_generator.seed()


def manual_seed(seed: int) -> Generator:
    """Seed the default generator; the same seed gives the same numbers."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generator with a number nobody chose and return it."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed of the default generator."""
    return default_generator.initial_seed()
