"""Small pictures that tests train on."""

import torch


def drawn(n: int, size: int = 32, seed: int = 0) -> torch.Tensor:
    """Images of a few flat colours, uint8 (n, 3, size, size)."""
    rng = torch.Generator().manual_seed(seed)
    blocks = torch.randint(0, 256, (n, 3, 4, 4), generator=rng, dtype=torch.uint8)
    return blocks.repeat_interleave(size // 4, 2).repeat_interleave(size // 4, 3)
