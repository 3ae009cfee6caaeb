"""Where a discriminator looks: which places of an image its logit depends on.

Two instruments with opposite faults. Occlusion changes a place for real and asks again: slow, coarse, and its
answer depends on what is put there instead. A gradient is exact and fine, but speaks of tiny changes.

Sources: Zeiler & Fergus, *Visualizing and Understanding Convolutional Networks* (ECCV 2014), section 4.2;
Simonyan, Vedaldi & Zisserman, *Deep Inside Convolutional Networks* (2013), section 3.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from .color import lab_to_rgb, rgb_to_lab
from .generators import evaluating
from .judging import score


def occlusion_map(discriminator, image: Tensor, instead: Tensor, window: int = 30,
                  stride: int = 10) -> Tensor:
    """What each place adds to the logit: how far it falls when another image shows through a window there.

    Args:
        discriminator: float RGB (n, 3, H, W) in [0, 1] -> logits (n,).
        image: uint8 RGB ``(3, H, W)``.
        instead: uint8 RGB ``(3, H, W)``, what is seen through the window: the same image in grey asks what
            the colours of a place say; its true colours, what the wrong ones say.
        window, stride: side of the square window, and its step, in pixels.
    Returns:
        float32 ``(H, W)``, in logits, the mean over the windows that hold a pixel. Above 0: the place speaks
        for "real".
    Raises:
        TypeError: not uint8. ValueError: images that are not RGB of one size, a window outside 1..H, a stride
        outside 1..window.
    """
    _check(image, instead, window, stride)
    rows, columns = (_starts(side, window, stride) for side in image.shape[1:])
    corners = [(y, x) for y in rows for x in columns]
    covered = image.repeat(len(corners), 1, 1, 1)  # (n, 3, H, W)
    for one, (y, x) in zip(covered, corners):
        one[:, y:y + window, x:x + window] = instead[:, y:y + window, x:x + window]
    fall = score(discriminator, image[None]) - score(discriminator, covered)  # (n,)
    total, visits = torch.zeros(2, *image.shape[1:])
    for value, (y, x) in zip(fall, corners):
        total[y:y + window, x:x + window] += value
        visits[y:y + window, x:x + window] += 1
    return total / visits


def input_gradient(discriminator, image: Tensor) -> Tensor:
    """Gradient of the logit with respect to the image in Lab: how fast it changes with L, a and b of a pixel.

    Args:
        discriminator: float RGB (1, 3, H, W) in [0, 1] -> logit (1,).
        image: uint8 RGB ``(3, H, W)``.
    Returns:
        ``(3, H, W)`` on the CPU, in logits per unit of L, a and b. A Lab unit is about the least difference
        that an eye sees, so the three channels may be compared, as those of RGB may not.
    """
    _check(image, image, 1, 1)
    with evaluating(discriminator) as device, torch.enable_grad():
        lab = rgb_to_lab(image.to(device)).requires_grad_()  # (3, H, W)
        logit = discriminator(lab_to_rgb(lab)[None])[0]
        return torch.autograd.grad(logit, lab)[0].cpu()


def similarity(maps: Tensor, photo: int, row: int, column: int) -> Tensor:
    """How alike one place is to all places, in the eyes of a network: cosine of their features.

    Args:
        maps: features ``(N, C, h, w)`` of N photographs. photo, row, column: the place to start from.
    Returns:
        ``(N, h, w)`` in [-1, 1], 1 at the place itself. The mean feature of all places is subtracted first.
    """
    centered = maps - maps.mean((0, 2, 3), keepdim=True)  # what all places share says nothing
    unit = F.normalize(centered, dim=1)
    return torch.einsum("nchw,c->nhw", unit, unit[photo, :, row, column])


def smooth_map(values: Tensor, width: int = 9) -> Tensor:
    """Mean of ``(H, W)`` over width x width pixels (odd), same size: gradients are ragged."""
    if values.ndim != 2 or width < 1 or width % 2 == 0:
        raise ValueError(f"values has shape {tuple(values.shape)}, width is {width}; expected (H, W) "
                         "and an odd width")
    options = dict(stride=1, padding=width // 2, count_include_pad=False)
    return F.avg_pool2d(values[None, None], width, **options)[0, 0]


def _starts(side: int, window: int, stride: int) -> list[int]:
    """Where windows begin along a side: every stride pixels, and at the far end."""
    return sorted({*range(0, side - window + 1, stride), side - window})


def _check(image: Tensor, instead: Tensor, window: int, stride: int) -> None:
    for name, one in (("image", image), ("instead", instead)):
        if one.dtype != torch.uint8:
            raise TypeError(f"{name} has dtype {one.dtype}; expected uint8, as pairs keeps images")
        if one.ndim != 3 or one.shape[0] != 3 or one.shape != image.shape:
            raise ValueError(f"{name} has shape {tuple(one.shape)}; expected RGB (3, H, W), both of one size")
    if not 1 <= window <= min(image.shape[1:]):
        raise ValueError(f"window is {window}; expected 1 to {min(image.shape[1:])}, the shorter side")
    if not 1 <= stride <= window:
        raise ValueError(f"stride is {stride}; expected 1 to the window's {window}: no pixel is left out")
