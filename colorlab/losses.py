"""What the generator is trained to minimise.

Zhang, Isola & Efros, *Colorful Image Colorization* (ECCV 2016): equation 1 is the Euclidean loss, which is content with
grey; equation 2 the cross-entropy against soft codes, with each pixel weighed by how rare its colour is.

Goodfellow et al., *Generative Adversarial Nets* (NIPS 2014): equation 1 is what a critic is trained to maximise, and
section 3 what a generator is trained with instead of minimising it. Here both are losses of logits.
"""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from . import kernels
from .bins import AbBins, check_code
from .color import _image

CHUNK = 1 << 22  # logits that a processor goes through at once: 16 MB, much of which its cache holds


def euclidean_loss(ab_hat: Tensor, ab: Tensor) -> Tensor:
    """Half the squared distance in ab, summed over pixels, averaged over photographs (equation 1).

    Args:
        ab_hat, ab: ``(N, 2, H, W)``, of one shape.
    Returns:
        a scalar.
    """
    if _image(ab_hat, "ab_hat", 2).shape != _image(ab, "ab", 2).shape or ab.ndim != 4:
        raise ValueError(f"ab_hat has shape {tuple(ab_hat.shape)} and ab {tuple(ab.shape)}; expected (N, 2, H, W) twice")
    return 0.5 * (ab_hat - ab).square().sum() / len(ab)


def rebalanced_cross_entropy(logits: Tensor, ab: Tensor, bins: AbBins, weights: Tensor | None = None,
                             neighbors: int = 10, sigma: float = 5.0) -> Tensor:
    """Cross-entropy between predicted distributions and soft codes, each pixel weighed by its nearest bin (equation 2).

    The soft codes are never written out over all Q bins: the loss gathers K logits a pixel, and the gradient needs one
    buffer as large as the logits. On CUDA three kernels do it: one encodes, two read the logits, once each.

    Args:
        logits: ``(N, Q, H, W)``.
        ab: ``(N, 2, H, W)`` at the logits' size; the true colours.
        bins: the Q bins.
        weights: ``(Q,)`` class weights of `rebalance.class_weights`; None weighs all pixels alike.
        neighbors, sigma: of the soft code, see `AbBins.soft_encode`.
    Returns:
        a scalar: the mean over pixels of weight times cross-entropy, in nats, in single precision at least. NaN without pixels.
    Raises:
        ValueError: shapes or devices that do not fit each other; neighbors, sigma or ab as `AbBins.soft_encode` refuses them.
        TypeError: logits or ab are not floating.
    """
    return weighted_and_plain(logits, ab, bins, weights, neighbors, sigma)[0]


def weighted_and_plain(logits: Tensor, ab: Tensor, bins: AbBins, weights: Tensor | None = None,
                       neighbors: int = 10, sigma: float = 5.0) -> tuple[Tensor, Tensor]:
    """The rebalanced cross-entropy and, for the log, the same without weights (detached). A log should show both.

    Args, Raises: as `rebalanced_cross_entropy`.
    Returns:
        two scalars.
    """
    _check_shapes(logits, ab, bins, weights)
    check_code(neighbors, sigma, len(bins))
    whole = kernels.fused(logits, True) or torch.compiler.is_compiling()  # as two operations that nobody looks into
    if whole and neighbors <= kernels.NEIGHBORS and logits.dtype != torch.float64:
        from .kernels import ops

        indices, codes = ops.soft_encode(ab.detach().flatten(2).contiguous(), bins.step, neighbors, sigma)  # (N, K, P)
        per_pixel, _ = ops.soft_cross_entropy(logits.flatten(2).contiguous(), indices, codes)  # (N, P)
    else:
        exact = logits.float() if logits.dtype.itemsize < 4 else logits
        indices, codes = bins.soft_encode(ab, neighbors, sigma)  # (N, K, H, W), nearest first
        per_pixel = SoftCrossEntropy.apply(exact, indices, codes.to(exact.dtype))  # (N, H, W)
    plain = per_pixel.detach().mean()
    if weights is None:
        return per_pixel.mean(), plain
    return (weights.to(per_pixel)[indices[:, 0].long()] * per_pixel).mean(), plain


class SoftCrossEntropy(torch.autograd.Function):
    """Cross-entropy against K-sparse targets, -sum_k codes_k * log softmax(logits)[indices_k], for each pixel.

    Its derivative by the logits, softmax(logits) - target, is made on the way forward, while the logits are in a processor's
    cache, and in a single buffer; the backward pass only multiplies. A second backward pass makes it anew.
    """

    @staticmethod
    def forward(ctx, logits: Tensor, indices: Tensor, codes: Tensor) -> Tensor:
        ctx.save_for_backward(logits, indices, codes)
        per_pixel, ctx.derivative = value_and_derivative(logits, indices, codes, ctx.needs_input_grad[0])
        return per_pixel

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output: Tensor):
        derivative, ctx.derivative = ctx.derivative, None
        if derivative is None:
            derivative = value_and_derivative(*ctx.saved_tensors)[1]
        return derivative.mul_(grad_output[:, None]), None, None


def value_and_derivative(logits: Tensor, indices: Tensor, codes: Tensor, wanted: bool = True) -> tuple[Tensor, Tensor | None]:
    """Of the soft cross-entropy of each pixel: (N, H, W), and (N, Q, H, W) if wanted. A cache full at a time."""
    size = max(1, CHUNK // max(1, logits[:1].numel()))
    derivative, values = torch.empty_like(logits) if wanted else None, []
    for i, (z, index, code) in enumerate(zip(logits.split(size), indices.split(size), codes.split(size))):
        out = derivative[i * size:(i + 1) * size] if wanted else torch.empty_like(z)
        torch.log_softmax(z, 1, out=out)
        values.append(-(code * out.gather(1, index)).sum(1))
        if wanted:
            out.exp_().scatter_add_(1, index, -code)  # softmax - target
    return torch.cat(values), derivative


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Binary cross-entropy of a critic that should say 1 of real and 0 of fake, each half the weight (equation 1 of Goodfellow et al.).

    Args:
        real, fake: its logits, of any shape. With D = sigmoid(logit): -(mean log D(real) + mean log(1 - D(fake))) / 2.
    Returns:
        a scalar: log 2 for a critic that knows nothing, in nats.
    """
    return (F.softplus(-real).mean() + F.softplus(fake).mean()) / 2


def adversarial_loss(fake: Tensor) -> Tensor:
    """What a critic's logits cost the generator: -mean log D(fake), the non-saturating loss (section 3 of Goodfellow et al.).

    Its slope by a logit is D - 1: steepest for the fakes that the critic is sure of. Minimising log(1 - D) has the slope -D, which is
    nearly 0 just there.
    """
    return F.softplus(-fake).mean()


def _check_shapes(logits: Tensor, ab: Tensor, bins: AbBins, weights: Tensor | None) -> None:
    if _image(logits, "logits", len(bins)).ndim != 4:
        raise ValueError(f"logits has shape {tuple(logits.shape)}; expected (N, {len(bins)}, H, W)")
    wanted = (len(logits), 2, *logits.shape[-2:])
    if _image(ab, "ab", 2).device != logits.device:
        raise ValueError(f"ab is on {ab.device} and logits on {logits.device}; expected one device")
    if ab.shape != wanted:
        raise ValueError(f"ab has shape {tuple(ab.shape)}; expected {wanted}, the logits' size: average or sample it")
    if weights is not None and weights.shape != (len(bins),):
        raise ValueError(f"weights has shape {tuple(weights.shape)}; expected ({len(bins)},), one for each bin")
