"""Wrong answers to lab 1, colour and bins."""

import torch
import torch.nn.functional as F

from answers import answer
from colorlab import color
from colorlab.bins import AbBins

Q1, Q2, Q4, Q5, Q6, Q8 = (answer(f"lab1.q{i}") for i in (1, 2, 4, 5, 6, 8))


def curve(below, root=lambda t: t ** (1 / 3)):
    return lambda t, join: torch.where(t > join, root(t.clamp(min=join)), below(t, join))


def gaussian(weigh, neighbors=None, sigma=None, order=lambda x: x, normalise=True, least=False):
    """A soft code with one thing changed."""

    def soft_code(ab, centers, k, s):
        k, s = neighbors or k, sigma or s
        squared, indices = (ab.movedim(-3, -1)[..., None, :] - centers).square().sum(-1).topk(k, largest=False)
        weights = weigh(squared if least else squared - squared[..., :1], s)
        weights = weights / weights.sum(-1, keepdim=True) if normalise else weights
        return order(indices).movedim(-1, -3), order(weights).movedim(-1, -3)

    return soft_code


def usual(squared, sigma):
    return torch.exp(-squared / (2 * sigma**2))


def farthest(ab, centers, k, sigma):
    squared, indices = (ab.movedim(-3, -1)[..., None, :] - centers).square().sum(-1).topk(k)
    return indices.movedim(-1, -3), F.softmax(squared / (2 * sigma**2), -1).movedim(-1, -3)


def last_of_the_nearest(ab, centers):
    return len(centers) - 1 - Q4(ab, centers.flip(0))


def by_rounding(ab, centers):
    table = {tuple(center): i for i, center in enumerate(AbBins().centers.int().tolist())}
    return torch.tensor([table.get((10 * round(a / 10), 10 * round(b / 10)), 0) for a, b in
                         ab.movedim(-3, -1).reshape(-1, 2).tolist()]).view(ab[..., 0, :, :].shape)


def with_another_matrix(light):
    mixed = torch.einsum("xc,...chw->...xhw", torch.tensor(color.RGB_TO_XYZ, dtype=torch.float64).T, light)
    f = color.lab_curve(mixed / mixed.new_tensor(color.WHITE)[:, None, None])
    return torch.stack((116 * f[..., 1, :, :] - 16, 500 * (f[..., 0, :, :] - f[..., 1, :, :]), 200 * (f[..., 1, :, :] - f[..., 2, :, :])), -3)


def without_white(light):
    fx, fy, fz = color.lab_curve(torch.einsum("xc,...chw->...xhw", torch.tensor(color.RGB_TO_XYZ, dtype=torch.float64), light)).unbind(-3)
    return torch.stack((116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)), -3)


def far_shared_out(*x):
    indices, weights = gaussian(usual, least=True)(*x)
    return indices, weights.nan_to_num(1 / x[2])


def summed_over(p, dim):
    return p / p.sum(dim, keepdim=True)


WRONG = [  # question, what is wrong with the answer, the answer, what its message must say
    ("lab1.q1", "square root", curve(lambda t, j: j**0.5 + (t - j) / 2 / j**0.5, torch.sqrt), "cube of your answer is not t"),
    ("lab1.q1", "a root everywhere", lambda t, join: t ** (1 / 3), "not a straight line"),
    ("lab1.q1", "a line through the origin", curve(lambda t, j: t * j ** (-2 / 3)), "kink.*too steep"),
    ("lab1.q1", "published constants for every join", curve(lambda t, j: 7.787 * t + 16 / 116), "step.*belongs to one join"),
    ("lab1.q1", "offset forgotten", curve(lambda t, j: t * j ** (-2 / 3) / 3), "step.*below"),
    ("lab1.q1", "pieces exchanged", lambda t, join: Q1(2 * join - t, join), "cube of your answer|NaN"),
    ("lab1.q1", "computed in float32", lambda t, join: Q1(t.float(), join).double(), "cube of your answer"),
    ("lab1.q1", "answered in float32", lambda t, join: Q1(t.float(), join), "dtype torch.float32; expected torch.float64"),
    ("lab1.q2", "a and b exchanged", lambda x: Q2(x)[..., [0, 2, 1], :, :], "a and b exchanged"),
    ("lab1.q2", "sign of a", lambda x: Q2(x) * torch.tensor([1, -1, 1])[:, None, None], "or their signs"),
    ("lab1.q2", "not divided by white", without_white, "White itself"),
    ("lab1.q2", "matrix transposed", with_another_matrix, "A grey has a =|Black and white"),
    ("lab1.q2", "16 forgotten", lambda x: Q2(x) + torch.tensor([16, 0, 0])[:, None, None], "L = 16 and 116"),
    ("lab1.q2", "light taken for stored values", lambda x: Q2(color.srgb_to_linear(x)), "every step there once"),
    ("lab1.q2", "one image only", lambda x: Q2(x.flatten(0, -4)[0] if x.ndim > 3 else x), r"shape \(3, 4, 5\); expected \(2, 3, 4, 5\)"),
    ("lab1.q4", "off by one bin", lambda ab, c: Q4(ab, c) + 1, "centre 0 is given to bin 1"),
    ("lab1.q4", "a and b exchanged", lambda ab, c: Q4(ab.flip(-3), c), "should be its own bin"),
    ("lab1.q4", "ties to the highest", last_of_the_nearest, "expected the lowest"),
    ("lab1.q4", "farthest", lambda ab, c: (ab.movedim(-3, -1)[..., None, :] - c).square().sum(-1).argmax(-1), "should be its own bin"),
    ("lab1.q4", "city-block distance", lambda ab, c: (ab.movedim(-3, -1)[..., None, :] - c).abs().sum(-1).argmin(-1), "root of the sum of squares"),
    ("lab1.q4", "rounding to multiples of 10", by_rounding, "away from the bin"),
    ("lab1.q4", "always the 313", lambda ab, c: Q4(ab, AbBins().centers.double()), "in the table that was given"),
    ("lab1.q4", "-1 for what is far outside", lambda ab, c: Q4(ab, c).where(ab.norm(dim=-3) < 160, -1), "Indices go from -1"),
    ("lab1.q4", "float indices", lambda ab, c: Q4(ab, c).double(), "dtype torch.float64; expected torch.int64"),
    ("lab1.q5", "not normalised", gaussian(usual, normalise=False), "weights sum to between"),
    ("lab1.q5", "without the 2", gaussian(lambda d, s: torch.exp(-d / s**2)), "2 to 2 times as fast"),
    ("lab1.q5", "distance not squared", gaussian(lambda d, s: torch.exp(-((d + 1e-12).sqrt()) / (2 * s**2))), "times as fast"),
    ("lab1.q5", "sigma always 5", gaussian(usual, sigma=5.0), "at sigma = 8"),
    ("lab1.q5", "always 10 neighbours", gaussian(usual, neighbors=10), r"expected \(2, 5, 6, 7\)"),
    ("lab1.q5", "0 / 0 far outside", gaussian(usual, least=True), "far outside.*not a number"),
    ("lab1.q5", "NaN far outside made equal shares", far_shared_out, "nearest bin should get all of the"),
    ("lab1.q5", "nearest last", gaussian(usual, order=lambda x: x.flip(-1)), "nearest bin should come first"),
    ("lab1.q5", "farthest bins", farthest, "not the 10 nearest"),
    ("lab1.q5", "one more bin away", lambda *a: ((Q5(*a)[0] + 1) % 40, Q5(*a)[1]), "not the 10 nearest"),
    ("lab1.q5", "weights alone", lambda *a: Q5(*a)[1], "expected two tensors"),
    ("lab1.q6", "a and b exchanged", lambda i, w, c: Q6(i, w, c).flip(-3), "b first"),
    ("lab1.q6", "nearest alone", lambda i, w, c: c[i.select(-3, 0)].movedim(-1, -3), "colour in the middle"),
    ("lab1.q6", "weights ignored", lambda i, w, c: c[i].mean(-4).movedim(-1, -3), "by its own weight"),
    ("lab1.q6", "divided by K as well", lambda i, w, c: Q6(i, w, c) / w.shape[-3], "colour in the middle"),
    ("lab1.q6", "channels last", lambda i, w, c: Q6(i, w, c).movedim(-3, -1), r"expected \(2, 1, 313\)"),
    ("lab1.q6", "always the 313", lambda i, w, c: Q6(i, w, AbBins().centers.double()), "colour of that bin"),
    ("lab1.q8", "power T", lambda p, t: summed_over(p**t, -3), "should sharpen"),
    ("lab1.q8", "not normalised", lambda p, t: p ** (1 / t), "sum to .*; expected 1"),
    ("lab1.q8", "probabilities taken for logits", lambda p, t: F.softmax(p / t, -3), "T = 1 should leave"),
    ("lab1.q8", "sigmoid for softmax", lambda p, t: summed_over(torch.sigmoid(p.log() / t), -3), "T = 1 should leave"),
    ("lab1.q8", "over the wrong dimension", lambda p, t: summed_over(p ** (1 / t), -1), "T = 1 should leave"),
    ("lab1.q8", "over dimension 1", lambda p, t: F.softmax(p.log() / t, 1), "no dimension before the bins"),
    ("lab1.q8", "underflow", lambda p, t: summed_over(p ** (1 / t), -3), "T = 0.001 the answer is not finite"),
    ("lab1.q8", "an epsilon against underflow", lambda p, t: summed_over(p ** (1 / t) + 1e-300, -3), "likeliest bin is no longer"),
    ("lab1.q8", "logarithms clamped", lambda p, t: F.softmax((p.log() / t).clamp(min=-30), -3), "impossible has become possible"),
    ("lab1.q8", "sum in float32", lambda p, t: Q8(p, t).float().double(), "T = 1 should leave"),
    ("lab1.q5", "weights in float32", lambda *a: (Q5(*a)[0], Q5(*a)[1].float().double()), r"sum to between 0\.99999\d+ and 1\.0000"),
    ("lab1.q8", "mixed with the mode", lambda p, t: t * p + (1 - t) * (p == p.amax(-3, keepdim=True)).double(), "ratio of two probabilities"),
    ("lab1.q8", "a little added to be safe", lambda p, t: F.softmax((p + 1e-3).log() / t, -3), "T = 1 should leave"),
]
