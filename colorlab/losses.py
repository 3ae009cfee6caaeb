"""What the generator is trained to minimise.

Zhang, Isola & Efros, *Colorful Image Colorization* (ECCV 2016): equation 1 is the Euclidean loss, which is content with
grey; equation 2 the cross-entropy against soft codes, with each pixel weighed by how rare its colour is.
"""

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from . import kernels
from .bins import AbBins
from .color import _image


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
    buffer as large as the logits. On CUDA two kernels do it, each reading the logits once.

    Args:
        logits: ``(N, Q, H, W)``.
        ab: ``(N, 2, H, W)`` at the logits' size; the true colours.
        bins: the Q bins.
        weights: ``(Q,)`` class weights of `rebalance.class_weights`; None weighs all pixels alike.
        neighbors, sigma: of the soft code, see `AbBins.soft_encode`.
    Returns:
        a scalar: the mean over pixels of weight times cross-entropy, in nats.
    Raises:
        ValueError: shapes that do not fit each other.
    """
    return weighted_and_plain(logits, ab, bins, weights, neighbors, sigma)[0]


def weighted_and_plain(logits: Tensor, ab: Tensor, bins: AbBins, weights: Tensor | None = None,
                       neighbors: int = 10, sigma: float = 5.0) -> tuple[Tensor, Tensor]:
    """The rebalanced cross-entropy and, for the log, the same without weights (detached). A log should show both."""
    _check_shapes(logits, ab, bins, weights)
    whole = kernels.fused(logits, True) or torch.compiler.is_compiling()  # as two operations that nobody looks into
    if whole and neighbors <= kernels.NEIGHBORS and logits.dtype != torch.float64:
        from .kernels import ops

        indices, codes = ops.soft_encode(ab.detach().flatten(2).contiguous(), bins.step, neighbors, sigma)  # (N, K, P)
        per_pixel, _ = ops.soft_cross_entropy(logits.flatten(2).contiguous(), indices, codes)  # (N, P)
    else:
        indices, codes = bins.soft_encode(ab, neighbors, sigma)  # (N, K, H, W), nearest first
        per_pixel = _SoftCrossEntropy.apply(logits, indices, codes.to(logits.dtype))  # (N, H, W)
    plain = per_pixel.detach().mean()
    if weights is None:
        return per_pixel.mean(), plain
    return (weights.to(per_pixel)[indices[:, 0].long()] * per_pixel).mean(), plain


class _SoftCrossEntropy(torch.autograd.Function):
    """Cross-entropy against K-sparse targets: logsumexp(logits) - sum_k codes_k * logits[indices_k], for each pixel.

    The derivative by the logits is softmax(logits) - target. Only the logsumexp is kept from the forward pass, and the
    gradient is made in a single buffer.
    """

    @staticmethod
    def forward(ctx, logits: Tensor, indices: Tensor, codes: Tensor) -> Tensor:
        lse = logits.logsumexp(1, keepdim=True)  # (N, 1, H, W)
        ctx.save_for_backward(logits, indices, codes, lse)
        return (lse - (codes * logits.gather(1, indices)).sum(1, keepdim=True)).squeeze(1)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output: Tensor):
        logits, indices, codes, lse = ctx.saved_tensors
        grad = torch.sub(logits, lse).exp_()  # softmax, in the one buffer (N, Q, H, W)
        grad.scatter_add_(1, indices, -codes)
        return grad.mul_(grad_output.unsqueeze(1)), None, None


def _check_shapes(logits: Tensor, ab: Tensor, bins: AbBins, weights: Tensor | None) -> None:
    if logits.ndim != 4 or logits.shape[1] != len(bins):
        raise ValueError(f"logits has shape {tuple(logits.shape)}; expected (N, {len(bins)}, H, W)")
    wanted = (len(logits), 2, *logits.shape[-2:])
    if ab.shape != wanted:
        raise ValueError(f"ab has shape {tuple(ab.shape)}; expected {wanted}, the logits' size: average or sample it")
    if weights is not None and weights.shape != (len(bins),):
        raise ValueError(f"weights has shape {tuple(weights.shape)}; expected ({len(bins)},), one for each bin")
