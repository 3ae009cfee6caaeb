"""The annealed mean in Triton: softmax(logits / T) and its mean colour in one pass over the logits."""

import triton
import triton.language as tl


@triton.jit
def annealed_mean(logits, centers, ab, Q, pixels, sharpness, TILE: tl.constexpr, BLOCK: tl.constexpr):
    """logits (N, Q, P), centers (Q, 2) -> ab (N, 2, P), sharpness = 1 / T. Sums are kept relative to the running maximum."""
    image = tl.program_id(1).to(tl.int64)
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    valid = pixel < pixels
    logits += image * Q * pixels
    most = tl.full([BLOCK], float("-inf"), tl.float32)
    total, sum_a, sum_b = tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32), tl.zeros([BLOCK], tl.float32)
    for start in range(0, Q, TILE):
        q = start + tl.arange(0, TILE)
        here = (q < Q)[:, None] & valid[None, :]
        z = tl.load(logits + q[:, None] * pixels + pixel[None, :], mask=here, other=float("-inf")).to(tl.float32) * sharpness
        a = tl.load(centers + 2 * q, mask=q < Q, other=0.0)
        b = tl.load(centers + 2 * q + 1, mask=q < Q, other=0.0)
        now = tl.maximum(most, tl.max(z, axis=0))
        base = tl.where(now == float("-inf"), 0.0, now)
        share, before = tl.exp(z - base[None, :]), tl.exp(most - base)
        total = total * before + tl.sum(share, axis=0)
        sum_a = sum_a * before + tl.sum(share * a[:, None], axis=0)
        sum_b = sum_b * before + tl.sum(share * b[:, None], axis=0)
        most = now
    tl.store(ab + 2 * image * pixels + pixel, (sum_a / total).to(ab.dtype.element_ty), mask=valid)
    tl.store(ab + (2 * image + 1) * pixels + pixel, (sum_b / total).to(ab.dtype.element_ty), mask=valid)
