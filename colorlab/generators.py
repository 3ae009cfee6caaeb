"""The generator: grey in, a distribution over ab bins out.

ECCV16 is the network of Zhang, Isola & Efros, *Colorful Image Colorization* (ECCV 2016, section 2.3 and its appendix's
table), at any width, with the layer names of the authors' released PyTorch weights. `load` finds trained ones.
"""

from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .bins import AbBins
from .color import _check_range, _image

# Blocks 1-7: (channels at width 1, convolutions, stride of the last, dilation); block 8 decodes at a quarter of the size.
BLOCKS = ((64, 2, 2, 1), (128, 2, 2, 1), (256, 3, 2, 1), (512, 3, 1, 1), (512, 3, 1, 2), (512, 3, 1, 2), (512, 3, 1, 1))
REDUCTION = 8  # how much smaller the innermost feature maps are than the photograph


class ECCV16(nn.Module):
    """The generator of Zhang et al.; 32,236,011 parameters at width 1 with 313 bins.

    Args:
        width: scales every hidden layer's channels; 0.25 has about 2 million parameters.
        bins: the ab bins to classify into (left out: the 313 of the paper); None makes a network that outputs ab directly, for the Euclidean loss.
        work_size: `colorize` shrinks a photograph so that its shorter side is at most this many pixels.
    """

    def __init__(self, width: float = 1.0, bins: AbBins | None = ..., work_size: int = 256):
        super().__init__()
        if not 0 < width <= 4:
            raise ValueError(f"width is {width}; expected a factor of the channels in (0, 4], 1 for the paper's")
        if not work_size >= REDUCTION:
            raise ValueError(f"work_size is {work_size}; expected at least {REDUCTION} pixels")
        self.width, self.work_size = float(width), int(work_size)
        self.bins = AbBins() if bins is ... else bins
        before = 1
        for number, (channels, convolutions, stride, dilation) in enumerate(BLOCKS, start=1):
            channels = max(1, round(channels * width))
            self.add_module(f"model{number}", _block(before, channels, convolutions, stride, dilation))
            before = channels
        half = max(1, round(256 * width))
        self.model8 = nn.Sequential(
            nn.ConvTranspose2d(before, half, 4, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(half, half, 3, padding=1), nn.ReLU(), nn.Conv2d(half, half, 3, padding=1), nn.ReLU(),
            nn.Conv2d(half, 2 if self.bins is None else len(self.bins), 1))
        if self.bins is not None:  # not trained: the bins' centres, kept as the released weights keep them
            self.model_out = nn.Conv2d(len(self.bins), 2, 1, bias=False).requires_grad_(False)
        self.apply(_initialise)
        nn.init.normal_(self.model8[-1].weight, std=0.01)  # start from all bins alike, a loss of ln Q; or from grey
        if self.bins is not None:
            self.model_out.weight.data.copy_(self.bins.centers.T[:, :, None, None] / 110)

    def forward(self, L: Tensor) -> Tensor:
        """L ``(N, 1, H, W)`` in [0, 100], H and W multiples of 8 -> logits ``(N, Q, H/4, W/4)``, or ab without bins."""
        if _image(L, "L", 1).ndim != 4 or L.shape[2] % REDUCTION or L.shape[3] % REDUCTION:
            raise ValueError(f"L has shape {tuple(L.shape)}; expected (N, 1, H, W) with H and W multiples of {REDUCTION}:"
                             " crop or pad it, or call colorize(), which takes any size")
        x = (L - 50) / 100
        for number in range(1, 9):
            x = getattr(self, f"model{number}")(x)
        return x if self.bins is not None else 110 * x

    @torch.no_grad()
    def colorize(self, L: Tensor, temperature: float = 0.38) -> Tensor:
        """Colour grey photographs of any size.

        The network runs at most at ``work_size``, its distribution is decoded there, and only the two channels of ab are
        brought to L's size; L itself is not touched. BatchNorm uses its running statistics, whatever mode the network
        is in.

        Args:
            L: ``(N, 1, H, W)`` in [0, 100].
            temperature: T of the annealed mean; of no effect without bins.
        Returns:
            ab ``(N, 2, H, W)``.
        """
        if _image(L, "L", 1).ndim != 4:
            raise ValueError(f"L has shape {tuple(L.shape)}; expected (N, 1, H, W)")
        _check_range(L, "L", 0.0, 100.0)
        height, width = _working_size(*L.shape[-2:], self.work_size)
        small = L
        if (height, width) != tuple(L.shape[-2:]):
            small = F.interpolate(L, (height, width), mode="bilinear", antialias=True, align_corners=False).clamp(0, 100)
        small = F.pad(small, (0, -width % REDUCTION, 0, -height % REDUCTION), mode="replicate")
        with evaluating(self):
            output = self(small.to(next(self.parameters())))
        ab = (output if self.bins is None else self.bins.annealed_mean(output, temperature)).to(L)
        ab = F.interpolate(ab, small.shape[-2:], mode="bilinear", align_corners=False)[..., :height, :width]
        if (height, width) == tuple(L.shape[-2:]):
            return ab
        return F.interpolate(ab, L.shape[-2:], mode="bilinear", align_corners=False)


def _block(before: int, channels: int, convolutions: int, stride: int, dilation: int) -> nn.Sequential:
    """3x3 convolutions, each with a ReLU; the last may stride; BatchNorm closes the block."""
    layers = []
    for i in range(convolutions):
        last = i == convolutions - 1
        layers += [nn.Conv2d(before if i == 0 else channels, channels, 3, stride if last else 1, dilation, dilation),
                   nn.ReLU()]
    return nn.Sequential(*layers, nn.BatchNorm2d(channels))


@torch.no_grad()
def _initialise(layer: nn.Module) -> None:
    """He et al. (2015) for ReLU networks. (Zhang et al. started from k-means; from scratch this does as well.)"""
    if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d)):
        fan_in = layer.weight[0].numel() if isinstance(layer, nn.Conv2d) else layer.weight.shape[0] * 4
        nn.init.normal_(layer.weight, std=(2 / fan_in) ** 0.5)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _working_size(height: int, width: int, work_size: int) -> tuple[int, int]:
    """The size at which the network sees (height, width): the shorter side at most work_size, the area at most 4 x its
    square (so that a panorama does not take all memory), never enlarged, no side below 1."""
    scale = min(1.0, work_size / min(height, width), (4 * work_size**2 / (height * width)) ** 0.5)
    return max(1, round(height * scale)), max(1, round(width * scale))


@contextmanager
def evaluating(network):
    """A network in evaluation mode, each of its modules put back as it was afterwards; gives the network's device."""
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


def load(name: str = "pocket", **options) -> ECCV16:
    """A trained generator, in eval mode on the CPU: "pocket" (ships), "eccv16-released" (fetched once), or a path.

    See `colorlab.checkpoints`, whose functions read and write the files. Of the released weights the authors take the plain
    mean, temperature 1; whether the T of their paper was folded into the last layer is not known, so look at both.
    """
    from . import checkpoints

    return checkpoints.load_generator(name, **options)


def at_hand(photographs: int) -> str:
    """The name of the generator that a notebook uses to color so many photographs, for `load`; fetches nothing.

    What COLORLAB_GENERATOR says (a name or a path); or "eccv16-released" where it was fetched before, and a GPU is there or the
    photographs are few; or "pocket".
    """
    from . import checkpoints

    return checkpoints.at_hand(photographs)
