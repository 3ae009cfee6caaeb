"""What a training step sees: which photographs, which crops of them, and which labels.

Everything is drawn from a seed and a step alone, so that an interrupted run can be taken up where it stopped.
"""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor


def batch_at(step: int, n: int, batch: int, seed: int) -> Tensor:
    """Which of n photographs step ``step`` sees: int64 ``(batch,)``. Each epoch is a new order of all n."""
    position = torch.arange(step * batch, (step + 1) * batch)
    return torch.stack([_order(n, int(p) // n, seed)[int(p) % n] for p in position])


@lru_cache(maxsize=4)
def _order(n: int, epoch: int, seed: int) -> Tensor:
    return torch.randperm(n, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))


def random_crops(images: Tensor | list[Tensor], crop: int, zoom: bool, seed: int, first: int = 0) -> Tensor:
    """uint8 ``(N, 3, S, S)`` -> uint8 ``(N, 3, crop, crop)`` on their device: each from a random place, of a random size, mirrored or not.

    Args:
        images: square; also a list of N, rows of a mapped file: no more of each is read than its crop.
        crop: pixels a side, at most S. zoom: shrink squares of crop to S pixels; False cuts squares of crop pixels.
        seed: of what is drawn. first: the place of these images in a batch of which others take the rest; what is drawn
            belongs to the place.
    """
    draw = torch.rand(first + len(images), 4, generator=torch.Generator().manual_seed(seed))[first:].tolist()
    full = images[0].shape[-1]
    crops = torch.empty(len(images), 3, crop, crop, dtype=torch.uint8, device=images[0].device)
    for image, out, (size, top, left, mirror) in zip(images, crops, draw):
        side = round(crop * (full / crop) ** size) if zoom else crop
        y, x = round(top * (full - side)), round(left * (full - side))
        one = image[None, :, y:y + side, x:x + side]
        one = _shrunk(one, crop) if side != crop else one
        out.copy_(one[0].flip(-1) if mirror < 0.5 else one[0])
    return crops


def _shrunk(image: Tensor, size: int) -> Tensor:
    """uint8 (1, 3, S, S) -> (1, 3, size, size), antialiased."""
    if image.device.type == "cpu":  # bytes to bytes, and twice as fast with the channels last
        return F.interpolate(image.contiguous(memory_format=torch.channels_last), (size, size), mode="bilinear", antialias=True)
    return F.interpolate(image.float(), (size, size), mode="bilinear", antialias=True).round_().clamp_(0, 255).byte()


def bend(L: Tensor, gamma: float, seed: int, first: int = 0) -> Tensor:
    """Another exposure for each photograph: L ``(N, 1, H, W)`` -> 100 (L/100)^p, p from e^-gamma to e^gamma, by chance.

    first: as in `random_crops`.
    """
    draw = torch.rand(first + len(L), generator=torch.Generator().manual_seed(seed))[first:].to(L)
    return 100 * (L / 100).clamp(min=0) ** (gamma * (2 * draw - 1)).exp()[:, None, None, None]


def at_a_quarter(ab: Tensor, labels: str = "average") -> Tensor:
    """The truth at the network's output size: ab ``(N, 2, H, W)``, H and W multiples of 4 -> ``(N, 2, H/4, W/4)``.

    labels: "average" over 4 x 4 pixels, or "sample" every fourth, as Zhang et al. did.
    """
    if labels not in ("average", "sample"):
        raise ValueError(f"labels is {labels!r}; expected 'average' or 'sample'")
    return F.avg_pool2d(ab, 4) if labels == "average" else ab[..., ::4, ::4]


class Ahead:
    """The batches of a run, each drawn in a thread of its own while the one before it is trained on.

        with Ahead(draw, steps, parts) as batch:
            batch(step, part)                   # what draw(step, part) returns

    ``steps``: how many there are to draw ahead; with 0 each is drawn when it is asked for.
    """

    def __init__(self, draw: Callable[[int, int], Tensor], steps: int, parts: int = 1):
        self.draw, self.steps, self.parts = draw, steps, parts
        self.pool, self.waiting = ThreadPoolExecutor(1, "batches"), (None, None)

    def __call__(self, step: int, part: int = 0) -> Tensor:
        place, drawn = self.waiting
        found = drawn.result() if place == (step, part) else self.draw(step, part)
        place = divmod(step * self.parts + part + 1, self.parts)
        self.waiting = (place, self.pool.submit(self.draw, *place)) if place[0] < self.steps else (None, None)
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pool.shutdown()


def fingerprint(*tensors: Tensor) -> str:
    """A short hash of tensors' bytes: two runs on the same data have the same."""
    digest = hashlib.blake2b(digest_size=8)
    for tensor in tensors:
        digest.update(str(tuple(tensor.shape)).encode())
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
