"""The quantized ab plane: which bins there are, how a colour is written in them, and how bins become a colour again.

Zhang, Isola & Efros, *Colorful Image Colorization* (ECCV 2016), section 2.2: colour is predicted as a distribution over
Q = 313 bins of the ab plane, 10 apart; a true colour is encoded softly over its nearest bins; the prediction is
decoded by the annealed mean (equation 5). ``textbook.py`` has the plainest version of each.
"""

from functools import lru_cache

import torch
from torch import Tensor, nn

from . import kernels
from .color import _image, rgb_to_lab
from .neighbors import Neighbors


class AbBins(nn.Module):
    """The bins of a square grid on the ab plane that colours of sRGB can reach.

    Args:
        step: distance between neighbouring bins; 10 gives the 313 bins of Zhang et al. in their order.
    Attributes:
        centers: ``(Q, 2)`` float32, each bin's (a, b), sorted by a, then b; a non-persistent buffer.
    """

    def __init__(self, step: int = 10):
        super().__init__()
        if isinstance(step, bool) or not isinstance(step, int) or not 2 <= step <= 110:
            raise ValueError(f"step is {step!r}; expected a whole number from 2 to 110 (the paper's is 10)")
        self.step = step
        self.register_buffer("centers", bin_centers(step).float(), persistent=False)

    def __len__(self) -> int:
        return len(self.centers)

    def extra_repr(self) -> str:
        return f"step={self.step}, Q={len(self)}"

    def nearest(self, ab: Tensor) -> Tensor:
        """The bin nearest to each pixel's colour.

        Args:
            ab: ``(..., 2, H, W)``, any finite values.
        Returns:
            int64 ``(..., H, W)``, indices into ``centers``; on a tie, any one of the nearest.
        Raises:
            ValueError: ``ab`` has no two channels, or holds NaN or infinite values.
        """
        return neighbors_of(self.step, 1)(_image(ab, "ab", 2))[0].squeeze(-3)

    def soft_encode(self, ab: Tensor, neighbors: int = 10, sigma: float = 5.0) -> tuple[Tensor, Tensor]:
        """Write each colour as weights over its nearest bins: exp(-d^2 / 2 sigma^2), made to sum to 1 (section 2.2).

        Args:
            ab: ``(..., 2, H, W)``, any finite values, however far from the gamut.
            neighbors: K, how many bins share a colour. Zhang et al. print 5, which their author calls a typo for 10.
            sigma: width of the Gaussian, in units of a and b.
        Returns:
            indices ``(..., K, H, W)`` int64 and weights ``(..., K, H, W)`` in ab's dtype, nearest bin first.
        Raises:
            ValueError: ``neighbors`` is not in 1..Q, ``sigma`` is not positive, ``ab`` has no two channels, or holds NaN or infinite
                values (the fused kernels answer these with NaN instead: looking would make the GPU wait).
        """
        check_code(neighbors, sigma, len(self))
        if kernels.fused(_image(ab, "ab", 2)) and neighbors <= kernels.NEIGHBORS:
            from .kernels import ops

            flat = ab.reshape(-1, 2, ab.shape[-2] * ab.shape[-1]).contiguous()
            indices, weights = ops.soft_encode(flat, self.step, neighbors, sigma)
            shape = *ab.shape[:-3], neighbors, *ab.shape[-2:]
            return indices.long().view(shape), weights.to(ab.dtype).view(shape)
        indices, weights = neighbors_of(self.step, neighbors)(ab, sigma)
        return indices, weights.to(ab.dtype)

    def soft_encode_dense(self, ab: Tensor, neighbors: int = 10, sigma: float = 5.0) -> Tensor:
        """The same code written out over all bins: ``(..., Q, H, W)``, K entries of which are not 0. For looking at."""
        indices, weights = self.soft_encode(ab, neighbors, sigma)
        code = weights.new_zeros(*ab.shape[:-3], len(self), *ab.shape[-2:])
        return code.scatter_(-3, indices, weights)

    def annealed_mean(self, logits: Tensor, temperature: float = 0.38) -> Tensor:
        """Decode logits into colour: sharpen the distribution, then take its mean (Zhang et al. equation 5).

        Args:
            logits: ``(..., Q, H, W)``.
            temperature: T in (0, 1]; towards 0 the mode, at 1 the mean.
        Returns:
            ab ``(..., 2, H, W)``.
        Raises:
            ValueError: T out of (0, 1], or not Q channels.
        """
        if not 0 < temperature <= 1:
            raise ValueError(f"temperature is {temperature}; expected 0 < T <= 1 (small: the mode, 1: the mean)")
        if kernels.fused(_image(logits, "logits", len(self))):
            from .kernels import ops

            rows = logits.reshape(-1, len(self), logits.shape[-2] * logits.shape[-1]).contiguous()
            ab = ops.annealed_mean(rows, self.centers.to(logits.device), temperature)
            return ab.view(*logits.shape[:-3], 2, *logits.shape[-2:])
        exact = logits.float() if logits.dtype.itemsize < 4 else logits
        probabilities = torch.softmax(exact / temperature, dim=-3)
        return torch.einsum("...qhw,qc->...chw", probabilities, self.centers.to(exact)).to(logits.dtype)


def check_code(neighbors: int, sigma: float, most: int) -> None:
    """Refuse a number of neighbours out of 1..most, and a width that is not positive."""
    if isinstance(neighbors, bool) or not isinstance(neighbors, int) or not 1 <= neighbors <= most:
        raise ValueError(f"neighbors is {neighbors!r}; expected a whole number from 1 to {most}, the number of bins")
    if not sigma > 0:
        raise ValueError(f"sigma is {sigma}; expected a positive width in units of a and b")


@lru_cache(maxsize=None)
def neighbors_of(step: int, k: int) -> Neighbors:
    """What looks for the k nearest bins, with its tables."""
    return Neighbors(bin_centers(step), step, k)


@lru_cache(maxsize=None)
def bin_centers(step: int) -> Tensor:
    """The bins' centres: multiples of ``step`` strictly inside the ab hull of sRGB grown by the square [-step, step]^2.

    Growing (a Minkowski sum) keeps every bin that has a colour of sRGB within its reach. Asking instead whether the
    centre itself can be shown gives only 225 to 236 bins, and leaves vivid colours without a home.

    Returns:
        ``(Q, 2)`` int64, sorted by a, then b; 313 bins at step 10, equal to the released table.
    """
    square = torch.tensor([[i, j] for i in (-step, step) for j in (-step, step)], dtype=torch.float64)
    grown = (gamut_hull()[:, None] + square).reshape(-1, 2)  # the sum's corners are among these
    normals, offsets = _half_planes(grown)
    axis = torch.arange(-(150 // step) * step - step, 151 + step, step)
    grid = torch.cartesian_prod(axis, axis)
    inside = (grid.double() @ normals.T + offsets < -1e-9).all(1)
    return grid[inside]


@lru_cache(maxsize=None)
def gamut_hull() -> Tensor:
    """Corners of the convex hull of sRGB's colours on the ab plane, (V, 2) float64, from the surface of the RGB cube."""
    from scipy.spatial import ConvexHull

    u, v = torch.meshgrid(*[torch.linspace(0, 1, 256, dtype=torch.float64)] * 2, indexing="ij")
    faces = [torch.stack(torch.broadcast_tensors(*face)) for side in (0.0, 1.0) for w in [torch.tensor(side)]
             for face in ((w, u, v), (u, w, v), (u, v, w))]  # six times (3, 256, 256)
    ab = rgb_to_lab(torch.stack(faces).double())[:, 1:].movedim(1, -1).reshape(-1, 2)
    return ab[torch.from_numpy(ConvexHull(ab.numpy()).vertices).long()]


def _half_planes(points: Tensor) -> tuple[Tensor, Tensor]:
    """The hull of points (N, 2) as half-planes: x is inside where normals @ x + offsets < 0."""
    from scipy.spatial import ConvexHull

    equations = torch.from_numpy(ConvexHull(points.numpy()).equations)
    return equations[:, :2], equations[:, 2]
