"""Random walks that can be read anywhere: Brownian motion by midpoint displacement.

Time is divided into blocks of 1,024 minutes (17 hours). The values at their ends are a small table; between
them each minute is the midpoint of an interval, displaced by a number that is hashed from the minute alone.
Any block is made without the others, and any moment by ten steps from the ends of its block.
"""

from __future__ import annotations

import numpy as np

from toolkit.sandbox.hashing import FloatArray, Int64Array, UInt64Array, random_bits

BLOCK = 1024
LEVELS = 10
MINUTE_MS = 60_000
# The numbers of so many moments fit into the processor's cache: more at once take several times as long.
_AT_ONCE = 4096

_LOW = np.uint64(0x0000FFFF0000FFFF)
_S16, _S32, _MASK32 = np.uint64(16), np.uint64(32), np.uint64(0xFFFFFFFF)
# Of the sum of four uniform numbers of 16 bits.
_MEAN, _DEVIATION = 2.0 * 65535, 65536 * (4 / 12) ** 0.5
# A normal number with a share of its cube has fat tails; the variance stays 1.
_LINEAR, _CUBIC = 0.7615, 0.0789


def _displacement_scales() -> FloatArray:
    """The deviation of each minute of a block from the middle of its interval, for a block of deviation 1."""
    scales = np.zeros(BLOCK)
    for level in range(LEVELS):
        length = BLOCK >> level
        scales[length // 2 :: length] = 0.5 * (length / BLOCK) ** 0.5
    return scales


_SCALES = _displacement_scales()
# A row for each level, from the whole block to two minutes.
_SHIFTS = np.arange(LEVELS, 0, -1)[:, None]
_HALVES = 1 << (_SHIFTS - 1)


def fat_normal(bits: UInt64Array) -> FloatArray:
    """Numbers with mean 0, variance 1 and fat tails, from random bits."""
    pairs = (bits & _LOW) + ((bits >> _S16) & _LOW)
    normal = ((pairs & _MASK32) + (pairs >> _S32)).astype(np.float64)
    normal -= _MEAN
    normal *= 1 / _DEVIATION
    cube = normal * normal
    cube *= _CUBIC
    cube += _LINEAR
    normal *= cube
    return normal


class Paths:
    """Several random walks.

    Args:
        keys: A hash key for each walk.
        nodes: Values at the beginnings of blocks: a row for each walk, a column for each block and one more.
        deviations: The standard deviation that a walk gathers within a block: a row for each walk.
        first_block: The block of the first column.
        jumps: Sudden changes: a row for each walk, a column for each block; None for none. They are part
            of the nodes.
        common_key: Hash key of the displacements that all walks have in common.
        common: The share of the common displacements in each walk, from 0 to 1; None for none.
    """

    def __init__(
        self,
        *,
        keys: list[int],
        nodes: FloatArray,
        deviations: FloatArray,
        first_block: int,
        jumps: FloatArray | None = None,
        common_key: int = 0,
        common: FloatArray | None = None,
    ) -> None:
        self._keys = np.array(keys, dtype=np.uint64)
        self._nodes = nodes
        self._deviations = deviations
        self._first = first_block
        self._last = first_block + deviations.shape[1] - 1
        self._jumps = np.zeros_like(deviations) if jumps is None else jumps
        blocks = np.arange(first_block, self._last + 1)
        self._jump_offsets = 1 + (random_bits(common_key, blocks) % np.uint64(BLOCK - 1)).astype(np.int64)
        self._common_key = common_key
        self._common = np.zeros(len(keys)) if common is None else common
        self._own = np.sqrt(1 - self._common * self._common)

    def blocks(self, walks: Int64Array, first: int, count: int) -> FloatArray:
        """The values of some walks at every minute of some blocks.

        The axes are walks, blocks, and minutes with the first one of the next block.
        """
        if first < self._first or first + count - 1 > self._last:
            raise ValueError(
                f"blocks {first} to {first + count - 1} are not within {self._first} to {self._last}"
            )
        columns = slice(first - self._first, first - self._first + count)
        minutes = np.broadcast_to(
            np.arange(first * BLOCK, (first + count) * BLOCK), (walks.size, count * BLOCK)
        )
        values = np.empty((walks.size, count, BLOCK + 1))
        inner = values[:, :, :-1]
        inner[:] = self._numbers(walks[:, None], minutes).reshape(walks.size, count, BLOCK)
        inner *= _SCALES
        inner *= self._deviations[walks, columns, None]
        jumps = self._jumps[walks, columns]
        values[:, :, 0] = self._nodes[walks, columns]
        values[:, :, -1] = self._nodes[walks, columns.start + 1 : columns.stop + 1] - jumps
        for level in range(LEVELS):
            length = BLOCK >> level
            middle = values[:, :, length // 2 :: length]
            ends = values[:, :, :-1:length] + values[:, :, length::length]
            ends *= 0.5
            middle += ends
        for row, block in zip(*np.nonzero(jumps), strict=True):
            values[row, block, self._jump_offsets[columns.start + block] :] += jumps[row, block]
        return values

    def at(self, walks: Int64Array, times: Int64Array) -> FloatArray:
        """The values of these walks at these times in ms; beyond the blocks, the nearest value."""
        if times.size <= _AT_ONCE:
            return self._few(walks.ravel(), times.ravel()).reshape(times.shape)
        every, moments = walks.ravel(), times.ravel()
        parts = [slice(first, first + _AT_ONCE) for first in range(0, times.size, _AT_ONCE)]
        return np.concatenate([self._few(every[part], moments[part]) for part in parts]).reshape(times.shape)

    def _few(self, walks: Int64Array, times: Int64Array) -> FloatArray:
        times = np.clip(times, self._first * BLOCK * MINUTE_MS, (self._last + 1) * BLOCK * MINUTE_MS - 1)
        minutes = times // MINUTE_MS
        offsets = minutes % BLOCK
        column = minutes // BLOCK - self._first
        # The middles follow from the moment alone, so the displacements of all levels are made at once.
        middles = (offsets >> _SHIFTS << _SHIFTS) + _HALVES
        every = np.broadcast_to(walks, middles.shape).ravel()
        displaced = self._numbers(every, (minutes - offsets + middles).ravel()).reshape(middles.shape)
        displaced *= _SCALES[_HALVES]
        displaced *= self._deviations[walks, column]
        jumps = self._jumps[walks, column]
        left, right = self._nodes[walks, column], self._nodes[walks, column + 1] - jumps
        later = offsets >= middles
        for level in range(LEVELS):
            value = displaced[level]
            value += (left + right) * 0.5
            left, right = np.where(later[level], value, left), np.where(later[level], right, value)
        since = self._jump_offsets[column]
        left, right = (
            np.where(offset >= since, value + jumps, value)
            for offset, value in ((offsets, left), (offsets + 1, right))
        )
        values: FloatArray = left + (right - left) * ((times - minutes * MINUTE_MS) / MINUTE_MS)
        return values

    def deviation_of_a_minute(self, walk: int, first: int, count: int) -> FloatArray:
        """The standard deviation of one minute's change, for each of some blocks."""
        column = first - self._first
        deviations: FloatArray = self._deviations[walk, column : column + count] / BLOCK**0.5
        return deviations

    def _numbers(self, walks: Int64Array, minutes: Int64Array) -> FloatArray:
        numbers = fat_normal(random_bits(self._keys[walks], minutes))
        if self._common.any():
            numbers *= self._own[walks]
            # One row of minutes is enough where all rows are the same.
            same = minutes[:1] if minutes.ndim > 1 else minutes
            numbers += fat_normal(random_bits(self._common_key, same)) * self._common[walks]
        return numbers
