"""Soft codes beside the original's way: scikit-learn's ball tree, then written out over all 313 bins."""

import numpy as np
import torch

import subjects
from colorlab.bins import AbBins
from colorlab.costs import interleaved

N, SIDE = 40, 44  # Zhang et al.'s batch, and their network's output for crops of 176


def measure(goals, rounds: int) -> None:
    bins, ab = AbBins(), subjects.ab(N, SIDE)
    for k, bar in ((10, 12), (5, 20)):
        times = interleaved({"sklearn, dense": lambda: by_sklearn(bins, ab, k), "scipy": lambda: by_scipy(bins, ab, k),
                             "ours": lambda: bins.soft_encode(ab, k), "ours, dense": lambda: bins.soft_encode_dense(ab, k)}, rounds)
        goals.at_least(f"soft codes, {k} neighbours: scikit-learn's ball tree, dense, over ours", bar, times.ratio("sklearn, dense", "ours"))
        goals.known(f"soft codes, {k} neighbours: SciPy's k-d tree over ours", times.ratio("scipy", "ours"))
        goals.known(f"soft codes, {k} neighbours: written out over all bins, over ours", times.ratio("ours, dense", "ours"))
        goals.known(f"soft codes, {k} neighbours: ours, Mpx/s", N * SIDE**2 / times.median("ours") / 1e6)


def by_sklearn(bins: AbBins, ab: torch.Tensor, k: int) -> np.ndarray:
    """As the original's NNEncode does it: (N * H * W, 313)."""
    from sklearn.neighbors import NearestNeighbors

    points = ab.movedim(1, -1).reshape(-1, 2).numpy()
    distances, indices = NearestNeighbors(n_neighbors=k, algorithm="ball_tree").fit(bins.centers.numpy()).kneighbors(points)
    weights = np.exp(-(distances**2) / (2 * 5**2))
    dense = np.zeros((len(points), len(bins)))
    dense[np.arange(len(points))[:, None], indices] = weights / weights.sum(1, keepdims=True)
    return dense


def by_scipy(bins: AbBins, ab: torch.Tensor, k: int):
    from scipy.spatial import cKDTree

    points = ab.movedim(1, -1).reshape(-1, 2).numpy()
    distances, indices = cKDTree(bins.centers.numpy()).query(points, k)
    weights = np.exp(-(distances**2) / (2 * 5**2))
    return indices, weights / weights.sum(1, keepdims=True)
