"""Weights that need not be stored: both sides compute them from a tensor's name."""

import zlib

import numpy as np
import torch


def drawn(shape, seed):
    """Numbers in -1 ..< 1, multiples of 2^-23, by a hash of seed and place (MurmurHash3's last steps)."""
    h = np.arange(np.prod(shape, dtype=int), dtype=np.uint32) + np.uint32(seed * 0x9E3779B9 % 2**32)
    for shift, factor in [(16, 0x85EBCA6B), (13, 0xC2B2AE35)]:
        h = (h ^ (h >> np.uint32(shift))) * np.uint32(factor)
    h ^= h >> np.uint32(16)
    return ((h >> np.uint32(8)).astype(np.float32) / np.float32(2**23) - np.float32(1)).reshape(shape)


def start(network):
    """Weights uniform as ReLUs want them; scales and variances around 1; the rest small."""
    for name, value in network.state_dict().items():
        if not value.is_floating_point():
            continue
        u = drawn(tuple(value.shape), zlib.crc32(name.encode()))
        if value.dim() > 1:
            u *= np.float32(np.sqrt(3 / np.prod(value.shape[1:], dtype=int)))
        elif name.endswith(("weight", "var", "gamma")):
            u = np.float32(1) + np.float32(0.5) * u
        else:
            u *= np.float32(0.25)
        value.copy_(torch.from_numpy(u))
