"""Wrong answers to lab 3, be the judge."""

from statistics import NormalDist

import torch
import torch.nn.functional as F

from answers import answer
from colorlab import judging

Q1, Q2, Q3, Q4, Q5, Q7 = (answer(f"lab3.q{i}") for i in (1, 2, 3, 4, 5, 7))


def rate(win, tie=lambda lead, margin: lead.abs() <= margin, share=lambda won, tied: (won + 0.5 * tied).mean()):
    """A fooling rate with one thing changed."""
    return lambda real, fake, margin: share(win(fake - real, margin).double(), tie(fake - real, margin).double())


def above(lead, margin):
    return lead > margin


def all_pairs(real, fake, margin):
    return Q1(real.repeat_interleave(len(fake)), fake.repeat(len(real)), margin)


def wald(k, n, confidence):
    half = NormalDist().inv_cdf((1 + confidence) / 2) * (k / n * (1 - k / n) / n) ** 0.5
    return k / n - half, k / n + half


def plus_four(k, n, confidence):
    """Wald's interval after two more successes and two more failures, cut off at 0 and 1."""
    low, high = wald(k + 2, n + 4, confidence)
    return max(0.0, low), min(1.0, high)


def bayes(k, n, confidence):
    from scipy.stats import beta

    return tuple(beta.ppf(((1 - confidence) / 2, (1 + confidence) / 2), k + 0.5, n - k + 0.5))


def swapped(function, *order):
    return lambda *a: tuple(function(*a)[i] for i in order)


def bootstrap(mean, tail=0.025):
    """The middle of draws of mean(values, members of each photograph, generator)."""

    def interval(values, groups, draws, seed):
        names = sorted(set(groups))
        members = [torch.tensor([i for i, group in enumerate(groups) if group == name]) for name in names]
        generator = torch.Generator().manual_seed(seed)
        means = torch.stack([torch.as_tensor(mean(values, members, generator), dtype=torch.float64) for _ in range(draws)])
        return tuple(means.quantile(means.new_tensor([tail, 1 - tail])).tolist())

    return interval


def some(n, generator, size=None):
    return torch.randint(n, (size or n,), generator=generator).tolist()


def anew_within(values, members, generator):
    return torch.cat([values[members[i][some(len(members[i]), generator)]] for i in some(len(members), generator)]).mean()


def one_of_each(values, members, generator):
    return torch.stack([values[members[i][some(len(members[i]), generator, 1)]].mean() for i in some(len(members), generator)]).mean()


def mean_of_means(values, members, generator):
    return torch.stack([values[members[i]].mean() for i in some(len(members), generator)]).mean()


def over_all_pairs(values, members, generator):
    return values[torch.cat([members[i] for i in some(len(members), generator)])].sum() / len(values)


def without_repetition(values, members, generator):
    return values[torch.cat([members[i] for i in torch.randperm(len(members), generator=generator).tolist()])].mean()


def half_of_them(values, members, generator):
    return values[torch.cat([members[i] for i in some(len(members), generator, len(members) // 2)])].mean()


def of_the_values(values, groups, draws, seed):
    return tuple(values.quantile(values.new_tensor([0.025, 0.975])).tolist())


def of_the_deviation(values, groups, draws, seed):
    low, high = Q3(values, groups, draws, seed)
    return low - values.mean().item(), high - values.mean().item()


def from_the_formula(values, groups, draws, seed):
    names = sorted(set(groups))
    means = torch.stack([values[[i for i, group in enumerate(groups) if group == name]].mean() for name in names])
    half = 1.96 * means.std().item() / len(means) ** 0.5
    return values.mean().item() - half, values.mean().item() + half


def at(*thresholds):
    """A curve with thresholds of its own, highest first, between a beginning and an end that are right."""

    def roc(real, fake):
        t = torch.tensor([float("inf"), *thresholds, -float("inf")]).double()[:, None]
        return (fake >= t).double().mean(1), (real >= t).double().mean(1)

    return roc


def one_by_one(real, fake):
    """A step for each image, so that of equal scores the photographs' come first."""
    order = torch.cat((real, fake)).argsort(descending=True, stable=True)
    is_real = torch.cat((torch.ones_like(real), torch.zeros_like(fake)))[order]
    return tuple(F.pad(x.cumsum(0) / x.sum(), (1, 0)) for x in (1 - is_real, is_real))


def with_corners(across, up):
    """Every point of the right curve, joined by steps: first up, then across."""
    return across.repeat_interleave(2)[:-1], up.repeat_interleave(2)[1:]


def curve(change):
    return lambda real, fake: change(*Q4(real, fake))


def counts(real, fake):
    across, up = Q4(real, fake)
    return across * len(fake), up * len(real)


def shuffled(across, up):
    order = [0, *range(len(across) - 2, 0, -1), len(across) - 1]
    return across[order], up[order]


def smooth(lab, factor):
    """Enlarged as a generator does, in place of blocks."""
    flat = lab.flatten(0, -4) if lab.ndim > 3 else lab[None]
    ab = F.interpolate(F.avg_pool2d(flat[:, 1:], factor), flat.shape[-2:], mode="bilinear", align_corners=False)
    return torch.cat((flat[:, :1], ab), 1).view(lab.shape)


def sampled(lab, factor):
    ab = lab[..., 1:, ::factor, ::factor].repeat_interleave(factor, -1).repeat_interleave(factor, -2)
    return torch.cat((lab[..., :1, :, :], ab), -3)


def all_blurred(lab, factor):
    grown = torch.cat((lab[..., :1, :, :], lab), -3)
    return Q5(grown, factor)[..., 1:, :, :]


def ab_of_blocks(change):
    def blurred(lab, factor):
        done = Q5(lab, factor)
        return torch.cat((done[..., :1, :, :], change(done[..., 1:, :, :])), -3)

    return blurred


def combined(reach, sign=1, z=judging.Z, own=judging.wilson):
    """The comparison with one thing changed: reach(own, people's) of a side."""

    def against(fooled, pairs, rate, error):
        mine, (low, high) = fooled / pairs, own(fooled, pairs)
        difference = sign * (mine - rate)
        return difference, difference - reach(mine - low, z * error), difference + reach(high - mine, z * error)

    return against


def mirrored(answer):
    difference, low, high = answer
    return difference, 2 * difference - high, 2 * difference - low


def hypotenuse(one, other):
    return (one**2 + other**2) ** 0.5


def wald_95(k, n):
    return wald(k, n, 0.95)


def by_normal_theory(values, groups, draws, seed):
    """As if the rounds' means followed a bell curve."""
    names = sorted(set(groups))
    sums, counts = (torch.tensor([sum(part for part, group in zip(parts, groups) if group == name) for name in names], dtype=torch.float64)
                    for parts in (values.tolist(), [1] * len(values)))
    drawn = torch.randint(len(names), (draws, len(names)), generator=torch.Generator().manual_seed(seed))
    means = sums[drawn].sum(1) / counts[drawn].sum(1)
    half = 1.96 * means.std(correction=0)
    middle = values.mean() if draws > 1 else means.mean()
    return float(middle - half), float(middle + half)


WRONG = [  # question, what is wrong with the answer, the answer, what its message must say
    ("lab3.q1", "real and fake exchanged", lambda r, f, m: Q1(f, r, m), "are the two exchanged"),
    ("lab3.q1", "per cent", lambda r, f, m: 100 * Q1(r, f, m), "you answer 100; expected a share"),
    ("lab3.q1", "every original against every fake", all_pairs, "its own original, and not with others"),
    ("lab3.q1", "fakes above 0", lambda r, f, m: (f > m).double().mean(), "or with a threshold"),
    ("lab3.q1", "sigmoids", lambda r, f, m: Q1(r.sigmoid(), f.sigmoid(), m), "What does a sigmoid make of 40"),
    ("lab3.q1", "rounded to per cent", lambda r, f, m: round(float(Q1(r, f, m)), 2), "is not their number.*rounded"),
    ("lab3.q1", "integer division", lambda r, f, m: int((f > r + m).sum()) // len(r), "is not their number"),
    ("lab3.q1", "the first pair forgotten", lambda r, f, m: Q1(r[1:], f[1:], m), "is not their number"),
    ("lab3.q1", "ties lose", rate(above, share=lambda won, tied: won.mean()), "Whoever sees no difference guesses"),
    ("lab3.q1", "ties win", rate(lambda d, m: d >= m), "Whoever sees no difference guesses"),
    ("lab3.q1", "ties dropped", rate(above, share=lambda won, tied: won.sum() / (1 - tied).sum()), "is nan: .*nothing is left to divide by"),
    ("lab3.q1", "ties dropped, if others are left", rate(above, share=lambda won, tied: won.sum() / (1 - tied).sum() if tied.mean() < 1 else 0.5),
     "Where some pairs are ties.*left out"),
    ("lab3.q1", "margin ignored", lambda r, f, m: Q1(r, f, 0.0), "A margin of 1 changes nothing"),
    ("lab3.q1", "the margin itself no tie", rate(lambda d, m: (d >= m) & (d != 0), lambda d, m: (d.abs() < m) | (d == 0)),
     "exactly the margin should be a tie"),
    ("lab3.q1", "margin for the fake alone", lambda r, f, m: Q1(r + m, f, 0.0), "With a margin of 1, not every pair"),
    ("lab3.q1", "each pair for itself", lambda r, f, m: (f > r).double(), r"tensor of shape \(37,\); expected one number"),
    ("lab3.q1", "a verdict instead of a rate", lambda r, f, m: bool(Q1(r, f, m) > 0.5), "is a bool; expected one number"),
    ("lab3.q2", "k / n and twice its standard error", wald, "k = 0.*without any width.*standard error of x"),
    ("lab3.q2", "the formula for 95 % only", lambda k, n, c: Q2(k, n, 0.95), "confidence 0.9: .*Which z"),
    ("lab3.q2", "one-sided z", lambda k, n, c: Q2(k, n, 2 * c - 1), r"0\.839.*Which z"),
    ("lab3.q2", "half of the confidence", lambda k, n, c: Q2(k, n, c / 2), "Which z belongs to this confidence"),
    ("lab3.q2", "z taken for 1", lambda k, n, c: Q2(k, n, 0.6826894921), "Which z"),
    ("lab3.q2", "n forgotten under the root", lambda k, n, c: Q2(k / n, 1, c), "where does n stand in the rule"),
    ("lab3.q2", "per cent", lambda k, n, c: tuple(100 * x for x in Q2(k, n, c)), "rates lie between 0 and 1"),
    ("lab3.q2", "ends exchanged", swapped(Q2, 1, 0), "The lower end comes first"),
    ("lab3.q2", "failures for successes", lambda k, n, c: Q2(n - k, n, c), "k / n lies outside"),
    ("lab3.q2", "one end alone", lambda k, n, c: Q2(k, n, c)[1], "is a float; expected 2 numbers, low, high"),
    ("lab3.q2", "a Bayesian's interval", bayes, "k / n lies outside.*explains best"),
    ("lab3.q2", "four made-up trials", plus_four, r"1\.12 times as far away as asked"),
    ("lab3.q2", "the usual interval, unless k is 0 or n", lambda k, n, c: (wald if 0 < k < n else Q2)(k, n, c), "that of x, the end itself"),
    ("lab3.q2", "always from 0", lambda k, n, c: (0.0 if k < n else Q2(k, n, c)[0], Q2(k, n, c)[1]), "They lie inf and 1 times"),
    ("lab3.q3", "labels ignored", lambda v, g, d, s: Q3(v, list(range(len(v))), d, s), "Nothing new is known.* 0.5"),
    ("lab3.q3", "90 %", bootstrap(mean_of_means, 0.05), "0.8[0-9] times as wide.*Which share"),
    ("lab3.q3", "68 %", bootstrap(mean_of_means, 0.16), "Which share does it hold"),
    ("lab3.q3", "half as many photographs", bootstrap(half_of_them), "1.[34][0-9] times as wide.*how many photographs"),
    ("lab3.q3", "without repetition", bootstrap(without_repetition), "no width. Drawn without repetition"),
    ("lab3.q3", "the middle 95 % of the values", of_the_values, "that of the values, or of their mean"),
    ("lab3.q3", "how far the mean strays", of_the_deviation, "far from the middle"),
    ("lab3.q3", "pairs drawn anew within a photograph", bootstrap(anew_within), "all pairs should come, each once"),
    ("lab3.q3", "one pair of each photograph", bootstrap(one_of_each), "all pairs should come, each once"),
    ("lab3.q3", "mean of the photographs' means", bootstrap(mean_of_means), "should count nine times"),
    ("lab3.q3", "divided by the number of all pairs", bootstrap(over_all_pairs), "All values lie between 0 and 1.*divide by that"),
    ("lab3.q3", "a formula instead of draws", from_the_formula, "All values lie between 0 and 1"),
    ("lab3.q3", "ends exchanged", swapped(Q3, 1, 0), "lower end first"),
    ("lab3.q3", "seed ignored", lambda v, g, d, s: Q3(v, g, d, 0), "Another seed gives the very same"),
    ("lab3.q3", "no seed set", lambda v, g, d, s: Q3(v, g, d, int(torch.randint(10**9, ()))), "Called twice with one seed"),
    ("lab3.q3", "draws of its own", lambda v, g, d, s: Q3(v, g, 2000, s), "With draws = 1"),
    ("lab3.q2", "z of four levels only", lambda k, n, c: Q2(k, n, c if c in (0.8, 0.9, 0.95, 0.99) else 0.95),
     "In standard errors its ends lie|times as many standard"),
    ("lab3.q3", "mean plus or minus 1.96 deviations of the rounds", by_normal_theory, "take the middle 95 % of the means themselves"),
    ("lab3.q3", "an error with the labels", lambda v, g, d, s: v[g], r"a list of 60, 2400, 0, your function raised TypeError"),
    ("lab3.q4", "axes exchanged", curve(lambda across, up: (up, across)), "fakes go across, photographs up"),
    ("lab3.q4", "lowest threshold first", curve(lambda across, up: (across.flip(0), up.flip(0))), r"begins at \(1, 1\)"),
    ("lab3.q4", "a step for each image", one_by_one, "Equal scores pass together"),
    ("lab3.q4", "first up, then across", curve(with_corners), "nothing is told apart.*Equal scores pass together"),
    ("lab3.q4", "first up, then across, unless all are equal", curve(lambda *a: with_corners(*a) if len(a[0]) > 2 else a),
     "All points are there, but the area"),
    ("lab3.q4", "no first threshold", curve(lambda across, up: (across[1:], up[1:])), "a first threshold that nothing passes"),
    ("lab3.q4", "no last threshold", curve(lambda across, up: (across[:-1], up[:-1])), r"The curve ends at .* everything passes"),
    ("lab3.q4", "numbers of images", counts, "expected shares, from 0 to 1"),
    ("lab3.q4", "shares of all images", lambda r, f: tuple(x / (len(r) + len(f)) for x in counts(r, f)), r"ends at \(0.4"),
    ("lab3.q4", "thresholds from -1 to 1", at(*torch.linspace(1, -1, 41).tolist()), "no point for a threshold just below"),
    ("lab3.q4", "the threshold 0 alone", at(0.0), "no point for a threshold"),
    ("lab3.q4", "thresholds of probabilities", lambda r, f: Q4(r.sigmoid(), f.sigmoid()), "each is a step"),
    ("lab3.q4", "scores of the fakes as thresholds", lambda r, f: at(*f.unique().flip(0).tolist())(r, f), "no point for a threshold"),
    ("lab3.q4", "not sorted", curve(shuffled), "runs back"),
    ("lab3.q4", "the area alone", lambda r, f: (r[:, None] > f).double().mean(), "expected two tensors, fake_pass and real_pass"),
    ("lab3.q4", "lists", lambda r, f: tuple(x.tolist() for x in Q4(r, f)), "fake_pass, is a list; expected a torch tensor"),
    ("lab3.q4", "fewer shares of photographs", curve(lambda across, up: (across, up[1:])), "real_pass, has shape"),
    ("lab3.q5", "L averaged too", all_blurred, "L has changed"),
    ("lab3.q5", "enlarged smoothly", smooth, "expected one colour for each"),
    ("lab3.q5", "one pixel of each block", sampled, "the colour of its first pixel"),
    ("lab3.q5", "a and b exchanged", ab_of_blocks(lambda ab: ab.flip(-3)), "a has been given b's means"),
    ("lab3.q5", "sum of a block", ab_of_blocks(lambda ab: 4 * ab), "a block's colour is off"),
    ("lab3.q5", "grey", ab_of_blocks(torch.zeros_like), "a block's colour is off"),
    ("lab3.q5", "one colour for the picture", ab_of_blocks(lambda ab: ab.mean((-2, -1), keepdim=True).expand_as(ab)), "off by up to"),
    ("lab3.q5", "always 2", lambda x, f: Q5(x, 2), "With factor 3, the colours within a block differ"),
    ("lab3.q5", "ab alone", lambda x, f: Q5(x, f)[..., 1:, :, :], r"shape \(2, 6, 8\); expected \(3, 6, 8\)"),
    ("lab3.q5", "small ab", lambda x, f: Q5(x, f)[..., ::f, ::f], r"shape \(3, 3, 4\); expected \(3, 6, 8\)"),
    ("lab3.q5", "one batch dimension wanted", lambda x, f: torch.cat((x[:, :1], F.avg_pool2d(x[:, 1:], f)), 1), "raised RuntimeError"),
    ("lab3.q7", "wrong sign", combined(hypotenuse, sign=-1), "wrong sign"),
    ("lab3.q7", "per cent", lambda *a: tuple(100 * x for x in Q7(*a)), "expected shares, not percent"),
    ("lab3.q7", "ratio of the rates", lambda k, n, r, e: (k / n / r, *Q7(k, n, r, e)[1:]), "is not your own rate less people's"),
    ("lab3.q7", "k / n and twice its standard error", combined(hypotenuse, own=wald_95), "ends at the difference itself"),
    ("lab3.q7", "the two sides exchanged", lambda *a: mirrored(Q7(*a)), "sides are exchanged"),
    ("lab3.q7", "the longer side for both", lambda *a: (*mirrored(Q7(*a))[:2], Q7(*a)[2]), "Wilson's; yours reaches"),
    ("lab3.q7", "people's error left out", combined(lambda own, people: own), "people's own error is left out"),
    ("lab3.q7", "standard error for half of the interval", combined(hypotenuse, z=1.0), "is not half of a 95 % interval"),
    ("lab3.q7", "people's error squared once more", combined(lambda own, people: (own**2 + people**4) ** 0.5), "of their errors down"),
    ("lab3.q7", "half-widths added", combined(lambda own, people: own + people), "add their squares, and take the root"),
    ("lab3.q7", "the larger of the two", combined(max), "add their squares, and take the root"),
    ("lab3.q7", "always 32.3 %", lambda k, n, r, e: Q7(k, n, 0.323, e), "is not your own rate less people's"),
    ("lab3.q7", "the interval alone", swapped(Q7, 1, 2), "expected 3 numbers, difference, low, high"),
]
