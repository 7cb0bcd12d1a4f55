"""Reproducible random numbers that follow from a key and a position alone.

numpy's generators may give other numbers in another version, and have to be run from their start. A hash
(the finaliser of splitmix64) gives row ten million without the rows before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

UInt64Array = npt.NDArray[np.uint64]
Int64Array = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


def hash_key(*words: object) -> int:
    """A 64-bit key derived from words."""
    text = "\x1f".join(map(str, words)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def random_bits(key: int | UInt64Array, *positions: npt.NDArray[np.generic]) -> UInt64Array:
    """64 random bits for each position; a position of several parts is given as one array per part.

    The key may differ by position.
    """
    mixed = np.full(positions[0].shape, key, dtype=np.uint64)
    for part in positions:
        mixed ^= part.astype(np.uint64)
        mixed += _GOLDEN
        mixed ^= mixed >> _S30
        mixed *= _FIRST
        mixed ^= mixed >> _S27
        mixed *= _SECOND
        mixed ^= mixed >> _S31
    return mixed


def to_fraction(bits: UInt64Array) -> FloatArray:
    """Numbers from 0 to 1, excluding 1."""
    return (bits >> _S11).astype(np.float64) * 2.0**-53


def uniform(key: int, *positions: npt.NDArray[np.generic]) -> FloatArray:
    """A number from 0 to 1, excluding 1, for each position."""
    return to_fraction(random_bits(key, *positions))


def weighted_choice(numbers: FloatArray, weights: Sequence[float]) -> Int64Array:
    """Indices of choices with these weights, selected by numbers from 0 to 1."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(edges / edges[-1], numbers, side="right").astype(np.int64)
