"""Random state: a seed and how many numbers were drawn.

The numbers themselves are made by kernels/sample.py from (seed, offset) alone, with the counter-based generator
Philox (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011), so every device draws the same ones.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from nanograd.devices import cpu, to_device
from nanograd.dtypes import uint8
from nanograd.errors import DTypeError, ShapeError
from nanograd.kernels import memory
from nanograd.ops.op import wrap

if TYPE_CHECKING:
    from nanograd.tensors import Tensor

__all__ = [
    "Generator", "default_generator", "fork_rng", "get_rng_state", "initial_seed", "manual_seed", "seed",
    "set_rng_state",
]  # fmt: skip


class Generator:
    """A stream of random numbers: ``seed`` names the stream, ``offset`` the place in it.

    >>> g = Generator().manual_seed(7)
    >>> g.initial_seed()
    7
    """

    __slots__ = ("_seed", "device", "offset")

    def __init__(self, device: Any = "cpu") -> None:
        self.device = to_device(device)
        self._seed = 67280421310721  # what torch starts a fresh Generator with
        self.offset = 0

    def manual_seed(self, seed: int) -> Generator:
        """Start stream number ``seed`` (an integer in [-2⁶³, 2⁶⁴)) from its beginning."""
        given: Any = seed
        if not hasattr(seed, "__index__") and not (isinstance(given, float) and given.is_integer()):
            raise DTypeError(f"manual_seed: expected an integer, got {type(seed).__name__} {seed!r:.40}.")
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
        self.offset = (offset + count) % 2**64  # the counter of a stream has 64 bits
        return self._seed, offset

    def get_state(self) -> Tensor:
        """16 bytes that ``set_state`` takes: the seed, the offset."""
        state = self._seed.to_bytes(8, "little") + self.offset.to_bytes(8, "little")
        return wrap(memory.from_host.on(cpu)(list(state), uint8))

    def set_state(self, new_state: Tensor) -> Generator:
        """Go back to a state that ``get_state`` gave.  Raises ShapeError for what is none."""
        kind = getattr(new_state, "dtype", type(new_state).__name__)
        if kind is not uint8:
            raise TypeError(f"set_state: RNG state must be a torch.ByteTensor, got {kind}.")
        state = bytes(new_state.reshape(-1).tolist())
        if len(state) != 16:
            raise ShapeError(
                f"set_state: Expected a state of size 16 but found the input RNG state size to be {len(state)}."
            )
        self._seed, self.offset = int.from_bytes(state[:8], "little"), int.from_bytes(state[8:], "little")
        return self

    def clone_state(self) -> Generator:
        """Another generator at the same place of the same stream."""
        other = Generator(self.device)
        other._seed, other.offset = self._seed, self.offset
        return other

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self._seed, self.offset)


def _restored(seed: int, offset: int) -> Generator:
    made = Generator()
    made._seed, made.offset = seed, offset
    return made


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


def get_rng_state() -> Tensor:
    """The state of the default generator: 16 bytes, for ``set_rng_state``."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Bring the default generator back to a state that ``get_rng_state`` gave."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(
    devices: Any = None, enabled: bool = True, _caller: str = "fork_rng", _devices_kw: str = "devices",
    device_type: str = "cuda",
) -> Iterator[None]:  # fmt: skip
    """What is drawn inside leaves the default generator as it was: ``with torch.random.fork_rng(): ...``"""
    before = default_generator.clone_state()
    try:
        yield
    finally:
        if enabled:
            default_generator._seed, default_generator.offset = before._seed, before.offset
