"""The nearest bins of each colour, exactly, without comparing it with all of them.

Bins lie on a square grid. Around a colour whose surroundings are all bins, which bins are nearest depends only on where it lies
between them, and by symmetry only on one eighth of that square: a dozen candidates, and a sorting network, do (`Neighbors.on_the_grid`).
Near the rim of the bins a table tells each small cell's candidates (`Neighbors.among_candidates`). Beyond it all are compared.
"""

import math

import torch
from torch import Tensor

CHUNK = 1 << 17  # colours looked up at a time on a CPU: a cache full
CELL = 0.25  # side of a cell of the table of candidates, in steps of the grid
MOST = 16  # neighbours that are looked for on the grid


class Neighbors:
    """Looks for the k nearest of some points of a grid.

    Args:
        centers: ``(Q, 2)`` int64, different multiples of ``step``, the grid's distance.
        k: how many; 1 to Q.
    """

    def __init__(self, centers: Tensor, step: int, k: int):
        self.centers, self.step, self.k = centers, step, k
        self.candidates, self.places, self.low, self.shape = candidate_table(centers, step, k)
        if k <= MOST:
            self.offsets = octant_offsets(k)
            self.network = sorting_network(len(self.offsets), k)
            self.octants, self.corner, self.cells = octant_table(centers // step, self.offsets)
        self.tables = {torch.device("cpu"): (self.candidates, self.places, self.low)}  # and where else they were asked for

    def __call__(self, ab: Tensor, sigma: float | None = None) -> tuple[Tensor, Tensor]:
        """ab (..., 2, H, W), any finite values -> indices int64 and squared distances, both (..., k, H, W), nearest first.

        With ``sigma``, instead of the distances their weights, exp(-d^2 / 2 sigma^2), made to sum to 1. Beyond the bins the
        distances have the least one taken off. In single precision they are right to some 4e-6 of themselves.

        Raises:
            ValueError: ab holds NaN or infinite values.
        """
        points = ab.detach().to(torch.float64 if ab.dtype == torch.float64 else torch.float32)
        points = points.reshape(math.prod(ab.shape[:-3]), 2, ab.shape[-2] * ab.shape[-1])  # (N, 2, P)
        (n, _, pixels), on_cpu = points.shape, points.device.type == "cpu"
        look = self.on_the_grid if on_cpu and points.dtype == torch.float32 and self.k <= MOST else self.among_candidates
        indices, values = points.new_empty(n, self.k, pixels, dtype=torch.int64), points.new_empty(n, self.k, pixels)
        most = CHUNK if on_cpu else max(1, n * pixels)
        images = -(-n // max(1, -(-n * pixels // most)))  # of about equal pieces, which stay in the cache
        for part, *places in zip(*(x.split(max(1, images)) for x in (points, indices, values))):
            for some, *outs in zip(*(x.split(most, 2) for x in (part, *places))):
                found, squared = look(some.transpose(0, 1).reshape(2, -1))  # (k, n P) twice
                if sigma is not None:
                    # Far out of gamut every exp(-d^2) would be 0: only differences count. (torch.softmax is slower here.)
                    squared = squared.sub(squared[0]).div_(-2 * sigma**2).exp_()
                    squared.div_(squared.sum(0))
                for out, new in zip(outs, (found, squared)):
                    out.copy_(new.view(self.k, *some.shape[::2]).transpose(0, 1))
        shape = *ab.shape[:-3], self.k, *ab.shape[-2:]
        return indices.view(shape), values.view(shape)

    def on_the_grid(self, ab: Tensor) -> tuple[Tensor, Tensor]:
        """ab (2, P) float32 -> indices, squared distances, both (k, P)."""
        (rows, columns), last = self.cells, (1 << (len(self.offsets) - 1).bit_length()) - 1
        center = torch.div(ab, self.step).add_(0.5).floor_()  # the nearest point of the grid
        away = torch.add(ab, center, alpha=-self.step)
        side = away.abs()
        major, minor = torch.maximum(*side), torch.minimum(*side)
        cell = [(x - low).clamp_(0, most - 1) for x, low, most in zip(center, self.corner, self.cells)]
        eighth = cell[0].mul_(columns).add_(cell[1]).mul_(8).add_(away[0] < 0).add_(away[1] < 0, alpha=2).add_(side[1] > side[0], alpha=4)
        along = {m: (major - m * self.step).square_() for m in {m for m, _ in self.offsets}}
        across = {n: (minor - n * self.step).square_() for n in {n for _, n in self.offsets}}
        # As whole numbers, the bits of positive floats have their order. The last few make room for the offset's own number.
        keys = [torch.add(along[m], across[n]).view(torch.int32).bitwise_and_(~last).bitwise_or_(i)
                for i, (m, n) in enumerate(self.offsets)]
        spare = torch.empty_like(keys[0])
        for i, j in self.network:
            torch.minimum(keys[i], keys[j], out=spare)
            torch.maximum(keys[i], keys[j], out=keys[j])
            keys[i], spare = spare, keys[i]
        keys = torch.stack(keys[:self.k])
        place = keys.bitwise_and(last).add_(eighth.nan_to_num_(0).mul_(last + 1).int())
        indices = self.octants.index_select(0, place.view(-1)).view(keys.shape)
        squared = keys.bitwise_and_(~last).view(torch.float32)
        elsewhere = (indices[0] < 0).nonzero().squeeze(1)
        if len(elsewhere):
            for out, found in zip((indices, squared), self.among_candidates(ab[:, elsewhere])):
                out[:, elsewhere] = found
        return indices, squared

    def among_candidates(self, ab: Tensor) -> tuple[Tensor, Tensor]:
        """ab (2, P) -> indices, squared distances, both (k, P), by the table of candidates; beyond it, by comparing with every bin."""
        points, k, device = ab.T, self.k, ab.device
        if device not in self.tables:
            self.tables[device] = tuple(x.to(device) for x in self.tables[torch.device("cpu")])
        candidates, places, low = self.tables[device]
        cell = ((points - low.to(points)) / (CELL * self.step)).floor()
        inside = ((cell >= 0) & (cell < points.new_tensor(self.shape))).all(1)
        cell = torch.where(inside[:, None], cell, 0).long()
        row = cell[:, 0] * self.shape[1] + cell[:, 1]
        indices, squared = _among(points, candidates.index_select(0, row), places.index_select(1, row), k)
        if not inside.all():
            if not torch.isfinite(points).all():
                raise ValueError("ab holds NaN or infinite values; expected finite colours")
            everything, places = torch.arange(len(self.centers)), self.centers.double().T
            for part in (~inside).nonzero().squeeze(1).split(CHUNK):
                # Far away, what counts is a small difference of large distances: float64, on the CPU, since not all devices have it.
                found, distances = _among(points[part].cpu().double(), everything.expand(len(part), -1), places[:, None], k)
                indices[part], squared[part] = found.to(device), (distances - distances[:, :1]).to(squared)
        return indices.T, squared.T


def _among(points: Tensor, candidates: Tensor, places: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """Of each point's candidates (P, C), whose a and b are ``places`` (2, P or 1, C), the k nearest: indices, squared distances (P, k)."""
    squared = sum((place.to(points.dtype) - x).square_() for place, x in zip(places, points.split(1, dim=1)))  # (P, C)
    if k == 1:
        squared, order = squared.min(1, keepdim=True)
    else:
        squared, order = squared.topk(k, dim=1, largest=False)  # sorted, nearest first
    return candidates.gather(1, order), squared


def octant_offsets(k: int) -> list[tuple[int, int]]:
    """Which points of the unit grid can be among the k nearest of a point (x, y) with 0 <= y <= x <= 1/2; nearest first, roughly.

    The difference of two points' squared distances is linear in (x, y), so what is no farther at the triangle's three corners
    is no farther anywhere in it. A point that k others beat in this way is not needed.
    """
    axis = torch.arange(-4, 5)  # enough for MOST
    grid = torch.cartesian_prod(axis, axis)
    corners = torch.tensor([[0, 0], [0.5, 0], [0.5, 0.5]], dtype=torch.float64)
    squared = (grid[:, None] - corners).square().sum(-1)  # (points, 3)
    beats = (squared[:, None] <= squared).all(-1).fill_diagonal_(False)  # (points, points): the first the second
    needed = beats.sum(0) < k
    order = squared[needed].sum(1).argsort(stable=True)
    return [tuple(offset) for offset in grid[needed][order].tolist()]


def sorting_network(n: int, k: int) -> list[tuple[int, int]]:
    """Pairs of places to compare and exchange, in order, after which the first k of n values are the least, sorted.

    Batcher's odd-even merge sort (1968), without the comparisons that the first k do not depend on.
    """
    pairs, sorted_, width = [], 1, 1
    while sorted_ < n:
        width = sorted_
        while width >= 1:
            for j in range(width % sorted_, n - width, 2 * width):
                pairs += [(i, i + width) for i in range(j, min(j + width, n - width))
                          if i // (2 * sorted_) == (i + width) // (2 * sorted_)]
            width //= 2
        sorted_ *= 2
    needed, kept = set(range(k)), []
    for pair in reversed(pairs):
        if needed & set(pair):
            kept.append(pair)
            needed |= set(pair)
    return kept[::-1]


def octant_table(points: Tensor, offsets: list[tuple[int, int]]) -> tuple[Tensor, list[int], list[int]]:
    """For each cell around a point of the grid, and each eighth of it, the indices of the points at these offsets from it.

    Args:
        points: (Q, 2) int64, in steps of the grid. offsets: of the eighth with 0 <= y <= x; the others are its reflections.
    Returns:
        the table int64, flat, of cells x 8 x (the next power of 2 of the offsets), -1 wherever an eighth's offsets are not all
        points; the first cell's a and b; the number of cells along a and b. The outermost cells have -1 only.
    """
    away = torch.tensor(offsets)
    reach = int(away.abs().max()) + 1
    low, high = points.amin(0) - 1, points.amax(0) + 1
    size = (high - low + 1).tolist()
    index = torch.full([n + 2 * reach for n in size], -1)
    index[tuple((points - low + reach).T)] = torch.arange(len(points))
    cells = torch.cartesian_prod(*map(torch.arange, size)) + reach
    table = torch.full((len(cells), 8, 1 << (len(offsets) - 1).bit_length()), -1)
    for eighth in range(8):
        turned = away.flip(1) if eighth & 4 else away
        turned = turned * torch.tensor([-1 if eighth & 1 else 1, -1 if eighth & 2 else 1])
        found = index[tuple((cells[:, None] + turned).movedim(-1, 0))]  # (cells, C)
        table[:, eighth, :len(offsets)] = torch.where((found < 0).any(1, keepdim=True), -1, found)
    return table.flatten(), low.tolist(), size


def candidate_table(centers: Tensor, step: int, k: int) -> tuple[Tensor, Tensor, Tensor, tuple[int, int]]:
    """For each small cell of the plane, the bins that can be among the k nearest of a point in it.

    Exact: a bin can be among them only if its least distance to the cell is no more than the k-th smallest of the
    bins' greatest distances to the cell. So a look-up and a few distances replace Q distances.

    Returns:
        candidates ``(cells, C)`` int64, padded with -1; their a and b, ``(2, cells, C)`` float32, infinite where padded; the
        plane's lower corner (2,); the number of cells on each axis.
    """
    centers = centers.double()
    side = CELL * step
    low = centers.amin(0) - step
    shape = tuple(((centers.amax(0) + step - low) / side).ceil().long().tolist())
    corner = torch.cartesian_prod(*[torch.arange(n) for n in shape]).double() * side + low  # (cells, 2)
    kept = []
    for part in corner.split(2048):
        offset = (centers - (part + side / 2)[:, None]).abs()  # (cells, Q, 2), from the cell's middle
        least = (offset - side / 2).clamp(min=0).norm(dim=-1)
        greatest = (offset + side / 2).norm(dim=-1)
        keep = least <= greatest.kthvalue(k, dim=1).values[:, None] + 1e-3
        first = (~keep).to(torch.uint8).argsort(dim=1, stable=True)  # the kept ones, in order, then the others
        count = int(keep.sum(1).max())
        kept.append(torch.where(keep.gather(1, first), first, -1)[:, :count])
    width = max(part.shape[1] for part in kept)
    table = torch.cat([torch.nn.functional.pad(part, (0, width - part.shape[1]), value=-1) for part in kept])
    padded = torch.cat((centers, centers.new_full((1, 2), float("inf")))).float()
    return table, padded[table].movedim(-1, 0).contiguous(), low.float(), shape
