"""Random numbers from a counter: Philox4x32-10 (Salmon et al., 2011, section 4), the same on every device.

Block number ``i`` of stream ``seed`` is four 32-bit words that depend on (seed, i) alone.
"""

from __future__ import annotations

import numpy as np

from nanograd.dtypes import DType
from nanograd.kernels.compile import jit
from nanograd.kernels.kernel import Array, kernel

__all__ = ["integers", "normal", "permutation", "poisson", "uniform", "words"]

_M0, _M1 = 0xD2511F53, 0xCD9E8D57  # the multipliers of the round function
_W0, _W1 = 0x9E3779B9, 0xBB67AE85  # Weyl increments of the key: the golden ratio, √3 - 1


@kernel
def words(seed: int, offset: int, blocks: int) -> Array:
    """(blocks, 4) uint32: the blocks number offset, offset + 1, ... of a stream."""
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    counter = np.arange(blocks, dtype=np.uint64) + np.uint64(offset)
    c0, c1 = counter & mask, counter >> half
    c2 = c3 = np.zeros_like(counter)
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = c0 * np.uint64(_M0), c2 * np.uint64(_M1)
        c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ np.uint64(k0), p1 & mask, (p0 >> half) ^ c3 ^ np.uint64(k1), p0 & mask
        k0, k1 = (k0 + _W0) & 0xFFFFFFFF, (k1 + _W1) & 0xFFFFFFFF
    return np.stack([c0, c1, c2, c3], 1).astype(np.uint32)


@jit
def _words(k0, k1, offset, out):  # type: ignore[no-untyped-def]
    mask, half = np.uint64(0xFFFFFFFF), np.uint64(32)
    m0, m1, w0, w1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57), np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
    for i in range(out.shape[0]):
        counter = np.uint64(offset) + np.uint64(i)
        c0, c1, c2, c3 = counter & mask, counter >> half, np.uint64(0), np.uint64(0)
        a, b = np.uint64(k0), np.uint64(k1)
        for _ in range(10):
            p0, p1 = c0 * m0, c2 * m1
            c0, c1, c2, c3 = (p1 >> half) ^ c1 ^ a, p1 & mask, (p0 >> half) ^ c3 ^ b, p0 & mask
            a, b = (a + w0) & mask, (b + w1) & mask
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = c0, c1, c2, c3


def _draw(seed: int, offset: int, count: int) -> Array:
    """At least ``count`` words, flat."""
    blocks = -(-count // 4)
    return _blocks(seed, offset, blocks).reshape(-1)


def _blocks(seed: int, offset: int, blocks: int) -> Array:
    from nanograd.kernels.compile import can_compile

    if blocks < 1024 or not can_compile():
        return words.reference(seed, offset, blocks)
    out = np.empty((blocks, 4), np.uint32)
    _words(seed & 0xFFFFFFFF, seed >> 32, offset, out)
    return out


def _unit(seed: int, offset: int, count: int, dtype: DType) -> Array:
    """``count`` float64 numbers in [0, 1): multiples of 2⁻¹¹ for float16, of 2⁻²⁴ for float32, of 2⁻⁵³ for float64."""
    if dtype.itemsize == 2:
        return (_draw(seed, offset, count)[:count] >> np.uint32(21)) * 2.0**-11
    if dtype.itemsize == 4:
        return (_draw(seed, offset, count)[:count] >> np.uint32(8)) * 2.0**-24
    w = _draw(seed, offset, 2 * count)[: 2 * count].reshape(-1, 2).astype(np.uint64)
    return (((w[:, 0] << np.uint64(32)) | w[:, 1]) >> np.uint64(11)) * 2.0**-53


@kernel
def uniform(shape: tuple[int, ...], seed: int, offset: int, dtype: DType) -> Array:
    """Numbers in [0, 1), each value equally likely; uses ceil(n/4) blocks, float64 ceil(n/2)."""
    return _unit(seed, offset, int(np.prod(shape)), dtype).astype(dtype.numpy).reshape(shape)


@kernel
def normal(shape: tuple[int, ...], seed: int, offset: int, dtype: DType) -> Array:
    """Numbers with mean 0 and standard deviation 1, in pairs √(-2 ln u) (cos, sin) 2πv (Box and Muller, 1958)."""
    n = int(np.prod(shape))
    pairs = (n + 1) // 2
    if dtype.itemsize <= 4:
        u, v = ((_draw(seed, offset, 2 * pairs)[: 2 * pairs].reshape(-1, 2) + 0.5) * 2.0**-32).T
    else:
        u, v = _unit(seed, offset, 2 * pairs, dtype).reshape(-1, 2).T
        u = 1.0 - u  # in (0, 1]: ln 0 is infinite
    radius = np.sqrt(-2.0 * np.log(u))
    both = np.stack([radius * np.cos(2 * np.pi * v), radius * np.sin(2 * np.pi * v)], 1)
    return both.reshape(-1)[:n].astype(dtype.numpy).reshape(shape)


@kernel
def integers(shape: tuple[int, ...], low: int, high: int, seed: int, offset: int, dtype: DType) -> Array:
    """Integers in [low, high), equally likely to within (high - low) / 2⁶⁴; uses ceil(n/2) blocks."""
    n = int(np.prod(shape))
    w = _draw(seed, offset, 2 * n)[: 2 * n].reshape(-1, 2).astype(np.uint64)
    drawn = ((w[:, 0] << np.uint64(32)) | w[:, 1]) % np.uint64(high - low)
    return (drawn.astype(np.int64) + low).astype(dtype.numpy).reshape(shape)


@kernel
def permutation(n: int, seed: int, offset: int, dtype: DType) -> Array:
    """0 ... n-1 in random order, by sorting random 64-bit keys; uses ceil(n/2) blocks."""
    w = _draw(seed, offset, 2 * n)[: 2 * n].reshape(-1, 2).astype(np.uint64)
    return np.argsort((w[:, 0] << np.uint64(32)) | w[:, 1], kind="stable").astype(dtype.numpy)


@kernel
def poisson(rates: Array, seed: int, offset: int) -> Array:
    """Whole numbers with these means, by NumPy's generator of the same kind keyed with (seed, offset)."""
    chance = np.random.Generator(np.random.Philox(key=np.array([seed, offset], np.uint64)))
    return np.asarray(chance.poisson(rates.astype(np.float64)), rates.dtype)
