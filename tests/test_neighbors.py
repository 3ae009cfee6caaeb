"""The k nearest bins: found on the grid or among candidates, they are those of a comparison with all bins in float64."""

import itertools

import pytest
import torch

from colorlab import color, neighbors, photos
from colorlab.bins import AbBins, bin_centers, neighbors_of


def points(step, seed=0):
    """float32 (2, 1, P): anywhere and beyond, the bins' centres, halfway between them, and on the borders of the eighths."""
    random = torch.Generator().manual_seed(seed)
    anywhere = 300 * torch.rand(3000, 2, generator=random) - 150
    centers = bin_centers(step).float()
    halfway = centers + step / 2 * torch.randint(-1, 2, centers.shape, generator=random)
    diagonal = centers + (torch.rand(len(centers), 1, generator=random) - 0.5) * step
    axis = centers + torch.tensor([1.0, 0.0]) * (torch.rand(len(centers), 1, generator=random) - 0.5) * step
    return torch.cat((anywhere, centers, halfway, diagonal, axis)).T[:, None].contiguous()


@pytest.mark.parametrize("step", [5, 10, 20, 40])
@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 7, 10, 13, 16])
def test_the_nearest_are_those_of_brute_force(step, k):
    ab = points(step)
    indices, squared = neighbors_of(step, k)(ab)
    every = (ab[:, 0].T.double()[:, None] - bin_centers(step)).square().sum(-1)  # (P, Q)
    wanted = every.sort(1).values[:, :k]
    found = indices[:, 0].T
    assert (found.sort(1).values.diff(dim=1) > 0).all()  # no bin twice
    # On a tie any will do, so distances are compared: those of the bins that were found, and those that were told.
    assert torch.allclose(every.gather(1, found), wanted, rtol=1e-5, atol=1e-4)
    told = squared[:, 0].T.double()  # beyond the table less the least one
    assert ((told - told[:, :1] - wanted + wanted[:, :1]).abs() <= 1e-5 * (10 + wanted)).all()


def test_photographs_are_looked_up_on_the_grid(monkeypatch):
    """That is what makes it fast: the rim of the bins, where the table is needed, holds next to no real colours."""
    asked = []
    for photo in photos.samples().values():
        ab = color.rgb_to_lab(photo)[1:, ::3, ::3].reshape(2, -1)
        search = neighbors_of(10, 10)
        monkeypatch.setattr(search, "among_candidates", lambda some, search=search: (
            asked.append(some.shape[1]), type(search).among_candidates(search, some))[1])
        assert torch.isfinite(search.on_the_grid(ab)[1]).all()
        monkeypatch.undo()
    assert sum(asked) < 0.01 * sum(photo[0, ::3, ::3].numel() for photo in photos.samples().values())


def test_pieces_of_any_size_are_put_together(monkeypatch):
    ab = points(10)[:, 0, :240].view(2, 12, 20).unsqueeze(0).repeat(3, 1, 1, 1)
    wanted = neighbors_of(10, 10)(ab)
    for size in (1, 7, 240, 500):
        monkeypatch.setattr(neighbors, "CHUNK", size)
        assert all(torch.equal(x, y) for x, y in zip(neighbors_of(10, 10)(ab), wanted))


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), float("-inf")])
def test_colours_without_end_are_refused(wrong):
    ab = torch.zeros(2, 3, 3)
    ab[1, 1, 1] = wrong
    with pytest.raises(ValueError, match="ab holds NaN or infinite values"):
        AbBins().nearest(ab)


@pytest.mark.parametrize("huge", [1e9, -1e30])
def test_huge_colours_have_finite_codes(huge):
    ab = torch.zeros(2, 3, 3)
    ab[1, 1, 1] = huge
    indices, weights = AbBins().soft_encode(ab)
    assert torch.isfinite(weights).all() and ((0 <= indices) & (indices < 313)).all()


@pytest.mark.parametrize("n, k", [(1, 1), (2, 1), (5, 4), (6, 5), (12, 10), (13, 3)])
def test_the_network_sorts(n, k):
    """A network that sorts every row of zeros and ones sorts anything (Knuth's 0-1 principle)."""
    for row in itertools.product((0, 1), repeat=n):
        values = list(row)
        for i, j in neighbors.sorting_network(n, k):
            values[i], values[j] = min(values[i], values[j]), max(values[i], values[j])
        assert values[:k] == sorted(row)[:k]


def test_the_offsets_are_enough():
    """Of random points of the eighth; the corner (1/2, 1/2) has eight equally near fifths, of which any is right."""
    k, offsets = 10, torch.tensor(neighbors.octant_offsets(10))
    assert len(offsets) == 12
    point = torch.rand(5000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64).sort(descending=True).values / 2
    axis = torch.arange(-9, 10)
    every, few = ((point[:, None] - grid).square().sum(-1).sort(1).values[:, :k]
                  for grid in (torch.cartesian_prod(axis, axis), offsets))
    assert torch.equal(every, few)
