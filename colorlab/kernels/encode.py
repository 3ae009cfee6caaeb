"""Soft encoding in Triton: each pixel's K nearest bins and their weights, straight from ab.

A pixel looks up its cell in the table of candidates (`neighbors.candidate_table`: exact, some twenty bins at most), keeps their
distances in registers, and takes the least of them K times. A colour beyond the table, which sRGB does not have, is compared
with every bin, in float64, because there only small differences of large distances count.
"""

import triton
import triton.language as tl


@triton.jit
def soft_encode(ab, table, centers, indices, codes, low_a, low_b, side, cells_a, cells_b, pixels, total, Q, scale,
                C: tl.constexpr, C2: tl.constexpr, K: tl.constexpr, TILE: tl.constexpr, BLOCK: tl.constexpr):
    """ab (N, 2, P), table (cells, C) int32 padded with -1, centers (Q, 2) -> indices (N, K, P) int16, codes (N, K, P) float32.

    codes = exp(-(d^2 - least d^2) * scale), made to sum to 1; scale = 1 / 2 sigma^2. C2: a power of 2, at least C.
    """
    here = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    valid = here < total
    image, pixel = here // pixels, here % pixels
    a = tl.load(ab + 2 * image * pixels + pixel, mask=valid, other=0.0).to(tl.float32)
    b = tl.load(ab + (2 * image + 1) * pixels + pixel, mask=valid, other=0.0).to(tl.float32)
    first = image * K * pixels + pixel
    cell_a, cell_b = tl.floor((a - low_a) / side), tl.floor((b - low_b) / side)
    inside = (cell_a >= 0) & (cell_a < cells_a) & (cell_b >= 0) & (cell_b < cells_b)  # of NaN: no
    row = tl.where(inside, cell_a * cells_b + cell_b, 0.0).to(tl.int32)
    slot = tl.arange(0, C2)
    bins = tl.load(table + row[:, None] * C + slot[None, :], mask=(slot < C)[None, :], other=-1)  # (BLOCK, C2)
    known = bins >= 0
    away_a = tl.load(centers + 2 * bins, mask=known, other=0.0) - a[:, None]
    away_b = tl.load(centers + 2 * bins + 1, mask=known, other=0.0) - b[:, None]
    squared = tl.where(known, away_a * away_a + away_b * away_b, float("inf"))
    nearest = tl.min(squared, axis=1)
    total_weight = tl.zeros([BLOCK], tl.float32)
    for k in tl.static_range(K):
        least = tl.min(squared, axis=1)
        place = tl.min(tl.where(squared == least[:, None], slot[None, :], C2), axis=1)  # of equals, the first
        found = slot[None, :] == place[:, None]
        weight = tl.exp((nearest - least) * scale)
        total_weight += weight
        tl.store(indices + first + k * pixels, tl.sum(tl.where(found, bins, 0), axis=1).to(tl.int16), mask=valid & inside)
        tl.store(codes + first + k * pixels, weight, mask=valid & inside)
        squared = tl.where(found, float("inf"), squared)
    outside = valid & (inside == 0)
    if tl.max(outside.to(tl.int32), axis=0) > 0:
        far_a, far_b = a.to(tl.float64), b.to(tl.float64)
        last, last_q, base = tl.full([BLOCK], -1.0, tl.float64), tl.full([BLOCK], -1, tl.int32), tl.zeros([BLOCK], tl.float64)
        far_weight = tl.zeros([BLOCK], tl.float32)
        for k in tl.static_range(K):
            best, best_q = tl.full([BLOCK], float("inf"), tl.float64), tl.full([BLOCK], 0, tl.int32)
            for start in range(0, Q, TILE):
                q = start + tl.arange(0, TILE)
                u = tl.load(centers + 2 * q, mask=q < Q, other=0.0).to(tl.float64)[None, :] - far_a[:, None]
                v = tl.load(centers + 2 * q + 1, mask=q < Q, other=0.0).to(tl.float64)[None, :] - far_b[:, None]
                d = u * u + v * v
                later = (d > last[:, None]) | ((d == last[:, None]) & (q[None, :] > last_q[:, None]))
                d = tl.where(later & (q < Q)[None, :], d, float("inf"))
                closest = tl.min(d, axis=1)
                which = tl.min(tl.where(d == closest[:, None], q[None, :], Q - 1), axis=1)
                best_q = tl.where(closest < best, which, best_q)
                best = tl.minimum(best, closest)
            base = tl.where(k == 0, best, base)
            far = tl.exp(((base - best) * scale).to(tl.float32))
            far_weight += far
            tl.store(indices + first + k * pixels, best_q.to(tl.int16), mask=outside)
            tl.store(codes + first + k * pixels, far, mask=outside)
            last, last_q = best, best_q
        total_weight = tl.where(inside, total_weight, far_weight)
    tl.debug_barrier()  # what one thread stored another may read
    for k in tl.static_range(K):
        share = tl.load(codes + first + k * pixels, mask=valid, other=0.0)
        tl.store(codes + first + k * pixels, share / total_weight, mask=valid)
