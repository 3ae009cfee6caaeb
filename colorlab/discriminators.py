"""The discriminator: a photograph in, one logit out, or one for each of its patches; above 0 it says "real".

Mu & Lee, *Improving Parametric Colorization Methods Using Discriminators*, section 2.2 and Figure 3; Isola, Zhu, Zhou &
Efros, *Image-to-Image Translation with Conditional Adversarial Networks* (CVPR 2017), section 3.2.2: the patches.
"""

import torch
from torch import Tensor, nn

from .color import _check_range, _image

SIZE = 150  # the side of the photographs it looks at


class Discriminator(nn.Module):
    """The paper's CNN: three 3x3 convolutions without padding, each with ReLU and 2x2 max pooling, then two dense layers.

    1,212,513 parameters. Weights start as in Keras, which the authors used: Glorot uniform, biases at zero.
    """

    def __init__(self):
        super().__init__()
        stages, before = [], 3
        for channels in (32, 32, 64):
            stages += [nn.Conv2d(before, channels, 3), nn.ReLU(), nn.MaxPool2d(2)]  # 150 -> 74 -> 36 -> 17
            before = channels
        self.features = nn.Sequential(*stages)
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(64 * 17 * 17, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 1))
        self.apply(_initialise)

    def forward(self, rgb: Tensor, check: bool = True) -> Tensor:
        """rgb ``(N, 3, 150, 150)`` floating in [0, 1] -> logits ``(N,)``: log-odds that each photograph is real.

        ``check=False`` leaves out the look at the range, which makes a GPU wait.
        """
        if isinstance(rgb, Tensor) and not rgb.is_floating_point():
            raise TypeError(f"rgb has dtype {rgb.dtype}; expected floating values in [0, 1]: divide by 255")
        if _image(rgb, "rgb", 3).ndim != 4 or rgb.shape[1:] != (3, SIZE, SIZE):
            raise ValueError(f"rgb has shape {tuple(rgb.shape)}; expected (N, 3, {SIZE}, {SIZE}): photos.to_square, resize")
        if check:
            _check_range(rgb, "rgb", 0.0, 1.0)
        return self.head(self.features(rgb)).squeeze(1)


class PatchDiscriminator(nn.Module):
    """A small PatchGAN: each logit sees 34x34 pixels, 4 apart, and knows nothing of the rest of the photograph.

    4x4 convolutions with LeakyReLU, two of them with stride 2, then two without: 3 -> 32 -> 64 -> 128 -> 1 channels, 167,649
    parameters. Isola et al. have BatchNorm after the inner ones; there is none here, so that a photograph's logits do not
    depend on the batch. Weights start as theirs, Gaussian with 0.02. At the border a patch reaches over the edge, into zeros.
    """

    def __init__(self):
        super().__init__()
        stages, before = [], 3
        for channels, stride in ((32, 2), (64, 2), (128, 1)):
            stages += [nn.Conv2d(before, channels, 4, stride, padding=1), nn.LeakyReLU(0.2)]  # H -> H/2 -> H/4 -> H/4 - 1
            before = channels
        self.layers = nn.Sequential(*stages, nn.Conv2d(before, 1, 4, padding=1))  # -> H/4 - 2
        self.apply(_initialise_small)

    def forward(self, rgb: Tensor, check: bool = True) -> Tensor:
        """rgb ``(N, 3, H, W)`` floating in [0, 1], H and W at least 12 -> logits ``(N, 1, H // 4 - 2, W // 4 - 2)``, one a patch.

        ``check=False`` leaves out the look at the range, which makes a GPU wait.
        """
        if isinstance(rgb, Tensor) and not rgb.is_floating_point():
            raise TypeError(f"rgb has dtype {rgb.dtype}; expected floating values in [0, 1]: divide by 255")
        if _image(rgb, "rgb", 3).ndim != 4 or min(rgb.shape[-2:]) < 12:
            raise ValueError(f"rgb has shape {tuple(rgb.shape)}; expected (N, 3, H, W) with H and W at least 12")
        if check:
            _check_range(rgb, "rgb", 0.0, 1.0)
        return self.layers(2 * rgb - 1)


@torch.no_grad()
def _initialise_small(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d):
        nn.init.normal_(layer.weight, std=0.02)
        nn.init.zeros_(layer.bias)


@torch.no_grad()
def _initialise(layer: nn.Module) -> None:
    if isinstance(layer, (nn.Conv2d, nn.Linear)):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)


def load(name: str = "pocket") -> Discriminator:
    """A trained discriminator, in eval mode on the CPU: "pocket" (ships; it judges what the generator of that name makes), or the
    path of a saved one.

    Raises:
        checkpoints.WeightsError (a ValueError): nothing of that name; the message lists what there is.
    """
    from . import checkpoints

    return checkpoints.load_discriminator(name)
