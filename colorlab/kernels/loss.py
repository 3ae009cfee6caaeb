"""The soft cross-entropy in Triton, one kernel forward and one backward; each reads the logits once.

A program takes one photograph's BLOCK pixels and goes through the Q bins in tiles of TILE. Per pixel it keeps a running
maximum and a running sum: the log-sum-exp without a second pass. Of the soft target only its K entries are ever looked at.
"""

import triton
import triton.language as tl


@triton.jit
def forward(logits, indices, codes, ce, lse, Q, pixels, K: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr):
    """logits (N, Q, P), indices and codes (N, K, P) -> ce and lse (N, P) float32.

    ce = logsumexp_q(logits) - sum_k codes_k * logits[indices_k].
    """
    image = tl.program_id(1).to(tl.int64)
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    valid = pixel < pixels
    logits += image * Q * pixels
    most = tl.full([BLOCK], float("-inf"), tl.float32)
    total = tl.zeros([BLOCK], tl.float32)
    for start in range(0, Q, TILE):
        q = start + tl.arange(0, TILE)
        here = (q < Q)[:, None] & valid[None, :]
        z = tl.load(logits + q[:, None] * pixels + pixel[None, :], mask=here, other=float("-inf")).to(tl.float32)
        now = tl.maximum(most, tl.max(z, axis=0))
        base = tl.where(now == float("-inf"), 0.0, now)  # -inf - -inf would be NaN
        total = total * tl.exp(most - base) + tl.sum(tl.exp(z - base[None, :]), axis=0)
        most = now
    sum_exp = most + tl.log(total)
    expected = tl.zeros([BLOCK], tl.float32)
    for k in tl.static_range(K):
        place = (image * K + k) * pixels + pixel
        index = tl.load(indices + place, mask=valid, other=0).to(tl.int64)
        code = tl.load(codes + place, mask=valid, other=0.0)
        expected += code * tl.load(logits + index * pixels + pixel, mask=valid, other=0.0).to(tl.float32)
    tl.store(lse + image * pixels + pixel, sum_exp, mask=valid)
    tl.store(ce + image * pixels + pixel, sum_exp - expected, mask=valid)


@triton.jit
def backward(logits, indices, codes, lse, grad, out, Q, pixels, K: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr):
    """out (N, Q, P) = grad (N, P) * (softmax(logits) - target)."""
    image = tl.program_id(1).to(tl.int64)
    pixel = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    valid = pixel < pixels
    logits += image * Q * pixels
    out += image * Q * pixels
    sum_exp = tl.load(lse + image * pixels + pixel, mask=valid, other=0.0)
    slope = tl.load(grad + image * pixels + pixel, mask=valid, other=0.0)
    for start in range(0, Q, TILE):
        q = start + tl.arange(0, TILE)
        here = (q < Q)[:, None] & valid[None, :]
        z = tl.load(logits + q[:, None] * pixels + pixel[None, :], mask=here, other=0.0).to(tl.float32)
        value = tl.exp(z - sum_exp[None, :])
        for k in tl.static_range(K):
            place = (image * K + k) * pixels + pixel
            index = tl.load(indices + place, mask=valid, other=-1).to(tl.int32)
            code = tl.load(codes + place, mask=valid, other=0.0)
            value = tl.where(q[:, None] == index[None, :], value - code[None, :], value)
        tl.store(out + q[:, None] * pixels + pixel[None, :], (value * slope[None, :]).to(out.dtype.element_ty), mask=here)
