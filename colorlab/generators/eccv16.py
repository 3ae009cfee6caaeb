"""The generator of Zhang, Isola & Efros, *Colorful Image Colorization* (ECCV 2016), section 2.3 and the appendix's table.

At any width, with the layer names of the authors' released PyTorch weights.
"""

import torch
from torch import Tensor, nn

from ..bins import AbBins
from .generator import Generator

# Blocks 1-7: (channels at width 1, convolutions, stride of the last, dilation); block 8 decodes at a quarter of the size.
BLOCKS = ((64, 2, 2, 1), (128, 2, 2, 1), (256, 3, 2, 1), (512, 3, 1, 1), (512, 3, 1, 2), (512, 3, 1, 2), (512, 3, 1, 1))


class ECCV16(Generator):
    """The generator of Zhang et al.; 32,236,011 parameters at width 1 with 313 bins.

    Args:
        width: scales every hidden layer's channels; 0.25 has about 2 million parameters.
        bins: the ab bins to classify into (left out: the 313 of the paper); None makes a network that outputs ab directly, for the Euclidean loss.
        work_size: see `Generator`.
    """

    def __init__(self, width: float = 1.0, bins: AbBins | None = ..., work_size: int = 256):
        if not 0 < width <= 4:
            raise ValueError(f"width is {width}; expected a factor of the channels in (0, 4], 1 for the paper's")
        super().__init__(AbBins() if bins is ... else bins, work_size)
        self.width = float(width)
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
        nn.init.normal_(self.output_layer.weight, std=0.01)  # start from all bins alike, a loss of ln Q; or from grey
        if self.bins is not None:
            self.model_out.weight.data.copy_(self.bins.centers.T[:, :, None, None] / 110)

    @property
    def output_layer(self) -> nn.Conv2d:
        return self.model8[-1]

    def outputs(self, L: Tensor) -> Tensor:
        x = (L - 50) / 100
        for number in range(1, 9):
            x = getattr(self, f"model{number}")(x)
        return x

    def features(self, L: Tensor) -> list[Tensor]:
        """The maps of blocks 1 to 7, at 1/2, 1/4 and five times 1/8, from L ``(N, 1, H, W)`` in [0, 100]."""
        maps = [(L - 50) / 100]
        for number in range(1, 8):
            maps.append(getattr(self, f"model{number}")(maps[-1]))
        return maps[1:]

    def settings(self) -> dict:
        return super().settings() | {"width": self.width}

    def unfreeze(self) -> "ECCV16":
        super().unfreeze()
        if self.bins is not None:
            self.model_out.requires_grad_(False)
        return self


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
