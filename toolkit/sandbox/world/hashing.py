"""Chance that never changes: numbers that follow from a key and a position alone.

numpy's generators may give other numbers in another version, and can only be walked from their
start. A hash (the finaliser of splitmix64) gives row ten million without the rows before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


def key_of(*words: object) -> int:
    """A 64-bit key made of words."""
    text = "\x1f".join(map(str, words)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def chance(key: int, *positions: npt.NDArray[np.generic]) -> U64:
    """64 random bits for each position; positions of several parts are given part by part."""
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


def unit(bits: U64) -> F64:
    """Numbers from 0 up to, not including, 1."""
    return (bits >> _S11).astype(np.float64) * 2.0**-53


def uniform(key: int, *positions: npt.NDArray[np.generic]) -> F64:
    """A number from 0 up to 1 for each position."""
    return unit(chance(key, *positions))


def pick(numbers: F64, weights: Sequence[float]) -> I64:
    """Numbers of choices with these weights, from numbers between 0 and 1."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(edges / edges[-1], numbers, side="right").astype(np.int64)
