"""What every generator shares: gray in, a distribution over ab bins out, and `colorize` for photographs of any size."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..bins import AbBins
from ..color import _ab_into_gamut, _check_range, _image

REDUCTION = 8  # a network's input has sides that are multiples of this
ENLARGEMENT = 4  # its output has a quarter of the input's height and width


class Generator(nn.Module):
    """Base class of the generators. A subclass defines `logits` and `output_layer`.

    Args:
        bins: the ab bins to classify into; None makes a network that outputs ab directly, for the Euclidean loss.
        work_size: `colorize` shrinks a photograph so that its shorter side is at most this many pixels.
    """

    def __init__(self, bins: AbBins | None, work_size: int):
        super().__init__()
        if not work_size >= REDUCTION:
            raise ValueError(f"work_size is {work_size}; expected at least {REDUCTION} pixels")
        self.bins, self.work_size = bins, int(work_size)

    @property
    def output_layer(self) -> nn.Conv2d:
        """The last 1x1 convolution; its bias holds one log-odds offset for each bin."""
        raise NotImplementedError

    def outputs(self, L: Tensor) -> Tensor:
        """L ``(N, 1, H, W)`` in [0, 100] -> the last layer's output ``(N, Q or 2, H/4, W/4)``."""
        raise NotImplementedError

    def settings(self) -> dict:
        """What the file's header needs to build the network again; JSON values."""
        return {"work_size": self.work_size, "step": None if self.bins is None else self.bins.step}

    def parameter_groups(self, lr: float) -> list[dict]:
        """The trained parameters, in the groups and with the learning rates that an optimizer takes."""
        return [{"params": [p for p in self.parameters() if p.requires_grad], "lr": lr}]

    def unfreeze(self) -> "Generator":
        """Let gradients reach every weight that training may change; returns the network."""
        return self.requires_grad_(True)

    def forward(self, L: Tensor) -> Tensor:
        """L ``(N, 1, H, W)`` in [0, 100], H and W multiples of 8 -> logits ``(N, Q, H/4, W/4)``, or ab without bins."""
        if _image(L, "L", 1).ndim != 4 or L.shape[2] % REDUCTION or L.shape[3] % REDUCTION:
            raise ValueError(f"L has shape {tuple(L.shape)}; expected (N, 1, H, W) with H and W multiples of "
                             f"{REDUCTION}: crop or pad it, or call colorize(), which takes any size")
        output = self.outputs(L)
        return output if self.bins is not None else 110 * output

    @torch.no_grad()
    def colorize(self, L: Tensor, temperature: float = 0.38) -> Tensor:
        """Color gray photographs of any size.

        The network runs at most at ``work_size``, its distribution is decoded there, and only the two channels of ab
        are enlarged to L's size. Colors that sRGB cannot show are brought into its gamut (`color.into_gamut`), so that
        L stays as it is. BatchNorm uses its running statistics, whatever mode the network is in.

        Args:
            L: ``(N, 1, H, W)`` in [0, 100].
            temperature: T of the annealed mean; without effect if there are no bins.
        Returns:
            ab ``(N, 2, H, W)``.
        """
        output, seen = self.run(L)
        return self.paint(L, output, seen, temperature)

    @torch.no_grad()
    def run(self, L: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """The first half of `colorize`: the network's output on L at the work size, and that size (height, width)."""
        if _image(L, "L", 1).ndim != 4:
            raise ValueError(f"L has shape {tuple(L.shape)}; expected (N, 1, H, W)")
        _check_range(L, "L", 0.0, 100.0)
        seen = working_size(*L.shape[-2:], self.work_size)
        small = L
        if seen != tuple(L.shape[-2:]):
            small = F.interpolate(L, seen, mode="bilinear", antialias=True, align_corners=False).clamp(0, 100)
        small = F.pad(small, (0, -seen[1] % REDUCTION, 0, -seen[0] % REDUCTION), mode="replicate")
        with evaluating(self):
            return self(small.to(next(self.parameters()))), seen

    @torch.no_grad()
    def paint(self, L: Tensor, output: Tensor, seen: tuple[int, int], temperature: float = 0.38) -> Tensor:
        """The second half of `colorize`: decode, enlarge to L's size, bring into the gamut; ab ``(N, 2, H, W)``."""
        ab = (output if self.bins is None else self.bins.annealed_mean(output, temperature)).to(L)
        ab = F.interpolate(ab, scale_factor=ENLARGEMENT, mode="bilinear", align_corners=False)
        ab = ab[..., :seen[0], :seen[1]]
        if seen != tuple(L.shape[-2:]):
            ab = F.interpolate(ab, L.shape[-2:], mode="bilinear", align_corners=False)
        return _ab_into_gamut(L, ab)


def working_size(height: int, width: int, work_size: int) -> tuple[int, int]:
    """The size at which the network sees (height, width).

    The shorter side is at most work_size, and the area at most 4 times its square, so that a panorama does not take
    all memory. Nothing is enlarged, and no side is below 1.
    """
    scale = min(1.0, work_size / min(height, width), (4 * work_size**2 / (height * width)) ** 0.5)
    return max(1, round(height * scale)), max(1, round(width * scale))


@contextmanager
def evaluating(network) -> Iterator[torch.device]:
    """Put a network into evaluation mode, and each of its modules back afterwards; yields the network's device."""
    modules = list(network.modules()) if isinstance(network, nn.Module) else []
    modes = [module.training for module in modules]
    try:
        if modules:
            network.eval()
        tensors = [*network.parameters(), *network.buffers()] if modules else []
        yield tensors[0].device if tensors else torch.device("cpu")
    finally:
        for module, mode in zip(modules, modes):
            module.training = mode
