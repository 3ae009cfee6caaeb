"""Each fused operation as torch.library knows it: on CUDA a kernel, on a CPU the library's own way, and its shapes alone.

Images are flattened here to (N, channels, P) and are contiguous. The public functions bring them into this form. On a CPU the
operations are what torch.compile sees of functions that it cannot look into; eagerly the functions do without them.
"""

import functools

import torch
from torch import Tensor

from .. import color
from . import INTERPRETED

LOSS = {"TILE": 32, "BLOCK": 128, "num_warps": 4, "enable_fp_fusion": True}  # bins and pixels that a program holds at once
ENCODE = {"TILE": 16, "BLOCK": 32, "num_warps": 4, "enable_fp_fusion": True}
PLAIN = {"BLOCK": 1024, "num_warps": 4, "enable_fp_fusion": True}


def _grid(total: int, block: int, *more: int) -> tuple:
    return (-(-total // block), *more)


@functools.lru_cache(maxsize=8)
def _table(step: int, k: int, device: torch.device) -> tuple:
    """The table of candidates as the kernel wants it: int32, the centres, the corner, the cell's side, cells along a and b."""
    from .. import bins, neighbors

    found = bins.neighbors_of(step, k)
    centers = found.centers.float().to(device).contiguous()
    return found.candidates.int().to(device).contiguous(), centers, found.low.tolist(), neighbors.CELL * step, found.shape


# --- Soft encoding -------------------------------------------------------------------------------

@torch.library.custom_op("colorlab::soft_encode", mutates_args=())
def soft_encode(ab: Tensor, step: int, neighbors: int, sigma: float) -> tuple[Tensor, Tensor]:
    """ab (N, 2, P) -> indices (N, K, P) int16 and codes (N, K, P) float32 of the bins at this step."""
    n, _, pixels = ab.shape
    indices = torch.empty(n, neighbors, pixels, dtype=torch.int16, device=ab.device)
    codes = torch.empty(n, neighbors, pixels, dtype=torch.float32, device=ab.device)
    if ab.numel():
        from . import encode

        table, centers, (low_a, low_b), side, (cells_a, cells_b) = _table(step, neighbors, ab.device)
        columns = table.shape[1]
        encode.soft_encode[_grid(n * pixels, ENCODE["BLOCK"])](
            ab, table, centers, indices, codes, low_a, low_b, side, cells_a, cells_b, pixels, n * pixels, len(centers),
            1 / (2 * sigma**2), C=columns, C2=1 << (columns - 1).bit_length(), K=neighbors, **ENCODE)
    return indices, codes


@soft_encode.register_fake
def _(ab, step, neighbors, sigma):
    n, _, pixels = ab.shape
    return ab.new_empty(n, neighbors, pixels, dtype=torch.int16), ab.new_empty(n, neighbors, pixels, dtype=torch.float32)


# --- Soft cross-entropy --------------------------------------------------------------------------

@torch.library.custom_op("colorlab::soft_cross_entropy", mutates_args=())
def soft_cross_entropy(logits: Tensor, indices: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
    """logits (N, Q, P), indices and codes (N, K, P) -> cross-entropy and log-sum-exp (N, P), float32."""
    n, q, pixels = logits.shape
    ce, lse = (torch.empty(n, pixels, dtype=torch.float32, device=logits.device) for _ in range(2))
    if ce.numel():
        from . import loss

        loss.forward[_grid(pixels, LOSS["BLOCK"], n)](logits, indices, codes, ce, lse, q, pixels, K=indices.shape[1], **LOSS)
    return ce, lse


@soft_cross_entropy.register_fake
def _(logits, indices, codes):
    shape = logits.shape[0], logits.shape[2]
    return logits.new_empty(shape, dtype=torch.float32), logits.new_empty(shape, dtype=torch.float32)


@torch.library.custom_op("colorlab::soft_cross_entropy_backward", mutates_args=())
def soft_cross_entropy_backward(logits: Tensor, indices: Tensor, codes: Tensor, lse: Tensor, grad: Tensor) -> Tensor:
    """The derivative by the logits: grad (N, P) * (softmax - target), in the logits' dtype."""
    n, q, pixels = logits.shape
    out = torch.empty_like(logits)
    if out.numel():
        from . import loss

        loss.backward[_grid(pixels, LOSS["BLOCK"], n)](logits, indices, codes, lse, grad.contiguous(), out, q, pixels,
                                                       K=indices.shape[1], **LOSS)
    return out


@soft_cross_entropy_backward.register_fake
def _(logits, indices, codes, lse, grad):
    return torch.empty_like(logits)


def _setup(ctx, inputs, output):
    ctx.save_for_backward(*inputs, output[1])
    ctx.mark_non_differentiable(output[1])


def _backward(ctx, grad, _):
    return soft_cross_entropy_backward(*ctx.saved_tensors, grad), None, None


soft_cross_entropy.register_autograd(_backward, setup_context=_setup)


# --- Annealed mean -------------------------------------------------------------------------------

@torch.library.custom_op("colorlab::annealed_mean", mutates_args=())
def annealed_mean(logits: Tensor, centers: Tensor, temperature: float) -> Tensor:
    """logits (N, Q, P), centers (Q, 2) float32 -> ab (N, 2, P) in the logits' dtype."""
    n, q, pixels = logits.shape
    ab = torch.empty(n, 2, pixels, dtype=logits.dtype, device=logits.device)
    if ab.numel():
        from . import decode

        decode.annealed_mean[_grid(pixels, LOSS["BLOCK"], n)](logits, centers, ab, q, pixels, 1 / temperature, **LOSS)
    return ab


@annealed_mean.register_fake
def _(logits, centers, temperature):
    return logits.new_empty(logits.shape[0], 2, logits.shape[2])


# --- Lab -----------------------------------------------------------------------------------------

@torch.library.custom_op("colorlab::rgb_to_lab", mutates_args=())
def rgb_to_lab(rgb: Tensor) -> Tensor:
    """rgb (N, 3, P), floating or uint8 -> lab (N, 3, P), in rgb's dtype or float32."""
    lab = torch.empty_like(rgb, dtype=torch.float32 if rgb.dtype == torch.uint8 else rgb.dtype)
    if rgb.numel():
        from . import lab as kernel

        n, _, pixels = rgb.shape
        kernel.to_lab[_grid(n * pixels, PLAIN["BLOCK"])](rgb, lab, _matrices(rgb.device)[0], pixels, n * pixels,
                                               255.0 if rgb.dtype == torch.uint8 else 1.0, color.EPSILON, color.KAPPA,
                                               color.OFFSET, **PLAIN)
    return lab


@rgb_to_lab.register_fake
def _(rgb):
    return torch.empty_like(rgb, dtype=torch.float32 if rgb.dtype == torch.uint8 else rgb.dtype)


@torch.library.custom_op("colorlab::lab_to_rgb", mutates_args=())
def lab_to_rgb(lab: Tensor, clip: bool) -> Tensor:
    """lab (N, 3, P) -> rgb (N, 3, P), in lab's dtype."""
    rgb = torch.empty_like(lab)
    if lab.numel():
        from . import lab as kernel

        n, _, pixels = lab.shape
        kernel.to_rgb[_grid(n * pixels, PLAIN["BLOCK"])](lab, rgb, _matrices(lab.device)[1], pixels, n * pixels, color.KAPPA,
                                                         color.OFFSET, CLIP=clip, **PLAIN)
    return rgb


@lab_to_rgb.register_fake
def _(lab, clip):
    return torch.empty_like(lab)


@torch.library.custom_op("colorlab::chroma_factor", mutates_args=())
def chroma_factor(L: Tensor, ab: Tensor) -> Tensor:
    """L (N, 1, P), ab (N, 2, P) -> what brings ab into the gamut as a factor (N, 1, P), float32."""
    factor = torch.empty_like(L, dtype=_single_or_better(L))
    if L.numel():
        from . import lab as kernel

        low, high = color.EDGES
        n, _, pixels = L.shape
        kernel.to_gamut[_grid(n * pixels, PLAIN["BLOCK"])](
            L, ab, factor, _matrices(L.device)[1], pixels, n * pixels, (low + high) / 2,
            (high - low) / 2, color.KAPPA, color.OFFSET, BISECTIONS=color.BISECTIONS, **PLAIN)
    return factor


@chroma_factor.register_fake
def _(L, ab):
    return torch.empty_like(L, dtype=_single_or_better(L))


def _single_or_better(tensor: Tensor) -> torch.dtype:
    return torch.promote_types(tensor.dtype, torch.float32)


@functools.lru_cache(maxsize=8)
def _matrices(device: torch.device) -> tuple[Tensor, Tensor]:
    """Linear RGB -> XYZ over the white, and back."""
    to_xyz = torch.tensor(color.RGB_TO_XYZ, dtype=torch.float64) / torch.tensor(color.WHITE, dtype=torch.float64)[:, None]
    return to_xyz.float().to(device).contiguous(), torch.linalg.inv(to_xyz).float().to(device).contiguous()


# --- On a CPU: the library's own ways ------------------------------------------------------------

def _on_cpu(operation):
    """Register an implementation for the CPU, unless Triton's interpreter is to run the kernels there."""
    return (lambda function: function) if INTERPRETED else operation.register_kernel("cpu")


@_on_cpu(soft_encode)
def _(ab, step, neighbors, sigma):
    from .. import bins

    indices, codes = bins.AbBins(step).soft_encode(ab[..., None], neighbors, sigma)
    return indices.squeeze(-1).to(torch.int16).contiguous(), codes.squeeze(-1).float().contiguous()


@_on_cpu(soft_cross_entropy)
def _(logits, indices, codes):
    lse = logits.float().logsumexp(1)
    return lse - (codes * logits.gather(1, indices.long())).sum(1), lse


@_on_cpu(soft_cross_entropy_backward)
def _(logits, indices, codes, lse, grad):
    out = torch.sub(logits, lse[:, None]).exp_()  # float32, as lse is
    return out.scatter_add_(1, indices.long(), -codes).mul_(grad[:, None]).to(logits.dtype)


@_on_cpu(annealed_mean)
def _(logits, centers, temperature):
    exact = logits.float() if logits.dtype.itemsize < 4 else logits
    return torch.einsum("nqp,qc->ncp", torch.softmax(exact / temperature, 1), centers.to(exact)).to(logits.dtype).contiguous()


@_on_cpu(rgb_to_lab)
def _(rgb):
    return color.rgb_to_lab(rgb[..., None], check=False).squeeze(-1).contiguous()


@_on_cpu(lab_to_rgb)
def _(lab, clip):
    return color.lab_to_rgb(lab[..., None], clip, check=False).squeeze(-1).contiguous()


@_on_cpu(chroma_factor)
def _(L, ab):
    kind = _single_or_better(L)
    return color._chroma_factor_on_cpu(L.to(kind), ab.to(kind))
