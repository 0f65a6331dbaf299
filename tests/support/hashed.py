"""Numbers from an integer hash, the same here and in hashed.hpp: fixtures need not hold weights and images."""
import numpy as np


def digest(text):
    """FNV-1a, 64 bits."""
    key = 0xCBF29CE484222325
    for byte in text.encode():
        key = ((key ^ byte) * 0x100000001B3) % 2**64
    return key


def hashed(name, count):
    """count numbers in [-1, 1), multiples of 2^-23: the digest of the name keys a splitmix64 sequence."""
    with np.errstate(over="ignore"):
        z = np.uint64(digest(name)) + (np.arange(count, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) * 2.0**-23 - 1.0
