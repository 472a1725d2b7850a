"""Random numbers that are functions, not sequences: the same arguments give the same draw for ever.

SplitMix64 (Steele, Lea and Flood, 2014), whole arrays at a time. Nothing here knows what is drawn.
"""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_FIRST = np.uint64(0x9E3779B97F4A7C15)
_SECOND = np.uint64(0xBF58476D1CE4E5B9)
_THIRD = np.uint64(0x94D049BB133111EB)
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))
_TO_FRACTION_SHIFT = np.uint64(11)
_TO_FRACTION = 2.0**-53


def origin(seed: int, number: int, purpose: str) -> int:
    """A 64-bit hash of a seed, a number and a word: where a family of draws begins."""
    digest = blake2b(f"{seed}/{number}/{purpose}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def fraction(seed: int, number: int, purpose: str) -> float:
    """One draw in [0, 1)."""
    return (origin(seed, number, purpose) >> 11) * _TO_FRACTION


def keys(start: int, *indexes: Ints) -> Hashes:
    """A hash for every row of `indexes` (arrays of one shape), all different with near certainty."""
    key = np.full(indexes[0].shape, start, dtype=np.uint64)
    for index in indexes:
        key = _mixed(key + index.astype(np.uint64) * _FIRST)
    return key


def fractions(key: Hashes, stream: int) -> Floats:
    """A draw in [0, 1) for every key; another `stream` is another, independent draw."""
    offset = np.uint64((stream + 1) * 0xD1B54A32D192ED03 & 0xFFFF_FFFF_FFFF_FFFF)
    draws: Floats = (_mixed(key + offset) >> _TO_FRACTION_SHIFT).astype(np.float64) * _TO_FRACTION
    return draws


def normals(key: Hashes, stream: int) -> Floats:
    """A standard normal draw for every key (Box and Muller, 1958), from `stream` and the one after it."""
    radius = np.sqrt(-2 * np.log1p(-fractions(key, stream)))
    draws: Floats = radius * np.cos(2 * np.pi * fractions(key, stream + 1))
    return draws


def _mixed(key: Hashes) -> Hashes:
    key = key + _FIRST
    key = (key ^ (key >> _SHIFTS[0])) * _SECOND
    key = (key ^ (key >> _SHIFTS[1])) * _THIRD
    return key ^ (key >> _SHIFTS[2])
