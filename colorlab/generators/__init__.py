"""The generators: gray in, a distribution over ab bins out.

`ECCV16` is the network of Zhang, Isola & Efros. `Pretrained` has an encoder that learned to recognize things on
ImageNet. Both are a `Generator`, which has what they share. `load` finds trained ones.
"""

from ..bins import AbBins
from .eccv16 import BLOCKS, ECCV16
from .generator import REDUCTION, Generator, evaluating, working_size
from .pretrained import Pretrained, imagenet_weights

__all__ = ["BLOCKS", "ECCV16", "Generator", "Pretrained", "REDUCTION", "at_hand", "evaluating", "imagenet_weights", "load",
           "new", "working_size"]


def new(architecture: str, bins: AbBins | None = ..., width: float = 0.25) -> Generator:
    """A generator to be trained: "eccv16" from random weights, or "pretrained" from an encoder trained on ImageNet.

    Args:
        bins: left out, the 313 bins of the paper; None for a network that outputs ab, for the Euclidean loss.
        width: of "eccv16".
    Raises:
        ModuleNotFoundError: the ImageNet weights are not installed (`imagenet_weights`).
    """
    if architecture == "eccv16":
        return ECCV16(width, bins)
    if architecture == "pretrained":
        return Pretrained(bins, encoder=imagenet_weights())
    raise ValueError(f"architecture is {architecture!r}; expected 'eccv16' or 'pretrained'")


def load(name: str = "pocket", **options) -> Generator:
    """A trained generator, in eval mode on the CPU.

    Args:
        name: "pocket" (ships; `Pretrained`), "eccv16-pocket" (ships; `ECCV16` at width 1/4, trained from scratch on the
            same photographs), "eccv16-released" (fetched once), or the path of a saved one.
        options: of `colorlab.checkpoints.load_generator`.

    Of the released weights the authors take the plain mean, temperature 1; whether the T of their paper was folded into
    the last layer is not known, so look at both.
    """
    from .. import checkpoints

    return checkpoints.load_generator(name, **options)


def at_hand(photographs: int) -> str:
    """The name of the generator that a notebook uses to color so many photographs, for `load`; fetches nothing.

    It is what COLORLAB_GENERATOR says (a name or a path); or "eccv16-released" where it was fetched before, and a GPU is
    there or the photographs are few; or "pocket".
    """
    from .. import checkpoints

    return checkpoints.at_hand(photographs)
