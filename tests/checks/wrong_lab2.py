"""Wrong answers to lab 2, losses and rebalancing."""

import torch
import torch.nn.functional as F

from answers import answer

Q1, Q2, Q4, Q5, Q6, Q7 = (answer(f"lab2.q{i}") for i in (1, 2, 4, 5, 6, 7))


def expected(each, odds=lambda o: o / o.sum(), over=lambda loss, share: (loss * share).sum(1)):
    """An expected loss with one thing changed: the loss of differences (M, K, 2), the odds, or the mean."""
    return lambda answers, colors, given: over(each(answers[:, None] - colors), odds(given))


def half_squared(difference):
    return difference.square().sum(-1) / 2


def of_the_mean(answers, colors, odds):
    return half_squared(answers - odds / odds.sum() @ colors)


def costs(log_p, slope=lambda z, code: z.softmax(1) - code, over=lambda product: -product.sum(1)):
    """A cross-entropy with one thing changed: the logarithm, the sum, or the slope."""
    return lambda z, code: (over(code * log_p(z)), slope(z, code))


def usual(z):
    return F.log_softmax(z, 1)


def of_another_code(change):
    return lambda z, code: (Q2(z, change(code))[0], z.softmax(1) - code)


def divergence(z, code):
    return Q2(z, code)[0] + (code * code.clamp(min=1e-300).log()).sum(1), z.softmax(1) - code


def exchanged(z, code):
    return -(z.softmax(1) * (code + 1e-9).log()).sum(1), z.softmax(1) - code


def not_normalised_by_exp(z):
    return z - z.mean(1, keepdim=True) - torch.tensor(float(z.shape[1]), dtype=z.dtype).log()


def given_away(weigh, finish=lambda matrix, prior: prior @ matrix, normalise=1):
    """A smoothing with one thing changed: how it falls, along which dimension it sums to 1, or how it is applied."""

    def smooth(prior, centers, sigma=5.0):
        matrix = weigh((centers[:, None] - centers).square().sum(-1), sigma)
        return finish(matrix if normalise is None else matrix / matrix.sum(normalise, keepdim=True), prior)

    return smooth


def gaussian(squared, sigma):
    return torch.exp(-squared / (2 * sigma**2))


def at_the_end(matrix, prior):
    return prior @ matrix / (prior @ matrix).sum()


def at_the_end_to_the_same_sum(matrix, prior):
    return prior.sum() * at_the_end(matrix, prior)


def not_to_itself(squared, sigma):
    return gaussian(squared, sigma).fill_diagonal_(0)


def nearest_ten(squared, sigma):
    return gaussian(squared, sigma).where(squared <= squared.topk(10, 1, largest=False).values[:, -1:], 0)


def only_the_rich_give(prior, centers, sigma=5.0):
    gives = prior > prior.mean()
    return Q4(prior.where(gives, 0), centers, sigma) + prior.where(~gives, 0)


def weighed(mixed, scale=lambda w, counts, smoothed: (counts * w).sum() / counts.sum(), invert=lambda m: 1 / m):
    """Class weights with one thing changed: what is inverted, how, or what is scaled to 1."""

    def class_weights(counts, smoothed, mix=0.5):
        weights = invert(mixed(counts, smoothed, mix))
        return weights / scale(weights, counts, smoothed)

    return class_weights


def mixture(counts, smoothed, mix):
    return (1 - mix) * smoothed + mix / len(smoothed)


def by_torch(loss, nearest, weights):
    return (weights[nearest] * loss).sum() / weights[nearest].sum()


def by_photograph(loss, nearest, weights):
    return (weights[nearest].mean((1, 2)) * loss.mean((1, 2))).mean()


def at_bins(weights):
    return weights[:, None, None]


WRONG = [  # question, what is wrong with the answer, the answer, what its message must say
    ("lab2.q1", "without the half", expected(lambda d: d.square().sum(-1)), "2 to 2 times half the squared"),
    ("lab2.q1", "half twice", expected(lambda d: half_squared(d) / 2), "0.5 to 0.5 times half"),
    ("lab2.q1", "mean over a and b", expected(lambda d: d.square().mean(-1) / 2), "Do a and b add up"),
    ("lab2.q1", "distance not squared", expected(lambda d: d.norm(dim=-1) / 2), "costs 2 times as much"),
    ("lab2.q1", "city-block distance squared", expected(lambda d: d.abs().sum(-1) ** 2 / 2), "1 to 2 times half"),
    ("lab2.q1", "a alone", expected(lambda d: d[..., 0] ** 2 / 2), "0.02 to 1 times half"),
    ("lab2.q1", "a product instead of a difference", lambda x, c, o: -(o / o.sum() @ c * x).sum(1), "costs .* expected 0"),
    ("lab2.q1", "odds not normalised", expected(half_squared, odds=lambda o: o), "the same odds"),
    ("lab2.q1", "odds ignored", expected(half_squared, odds=lambda o: torch.full_like(o, 1 / len(o))), "by its own odds"),
    ("lab2.q1", "the nearest colour alone", expected(half_squared, over=lambda loss, share: loss.amin(1)), "cheapest answer"),
    ("lab2.q1", "the likeliest colour alone", expected(half_squared, over=lambda loss, share: loss[:, share.argmax()]), "cheapest answer"),
    ("lab2.q1", "odds backwards", expected(half_squared, odds=lambda o: o.flip(0) / o.sum()), "cheapest answer"),
    ("lab2.q1", "loss of the mean colour", of_the_mean, "not the mean loss"),
    ("lab2.q1", "averaged over the answers too", lambda x, c, o: Q1(x, c, o).mean(), r"shape \(\); expected \(6,\)"),
    ("lab2.q2", "bits", costs(lambda z: usual(z) / torch.log(torch.tensor(2.0, dtype=z.dtype))), "bits; expected nats"),
    ("lab2.q2", "label and prediction exchanged", exchanged, "Are label and prediction"),
    ("lab2.q2", "exchanged, without an epsilon", lambda z, c: (-(z.softmax(1) * c.log()).sum(1), z.softmax(1) - c), "loss, holds NaN or infinite"),
    ("lab2.q2", "sigmoid for softmax", costs(F.logsigmoid), "expected ln 7"),
    ("lab2.q2", "mean over the bins", costs(usual, over=lambda x: -x.mean(1)), "expected ln 7"),
    ("lab2.q2", "softmax over the batch", costs(lambda z: F.log_softmax(z, 0)), "Is the softmax over the bins"),
    ("lab2.q2", "softmax over the width", costs(lambda z: F.log_softmax(z, -1)), "Is the softmax over the bins"),
    ("lab2.q2", "divergence", divergence, "whatever its code"),
    ("lab2.q2", "sign of the loss", costs(usual, over=lambda x: x.sum(1)), "expected ln 7"),
    ("lab2.q2", "logits taken for probabilities", costs(lambda z: (z.clamp(min=0) + 1e-9).log()), "expected ln 7"),
    ("lab2.q2", "probabilities not to the exponential", costs(lambda z: (z.exp() / (z.exp() + z.shape[1] - 1)).log()), "a softmax would not notice"),
    ("lab2.q2", "a sum of sigmoids", costs(lambda z: (z.sigmoid() / z.sigmoid().sum(1, keepdim=True)).log()), "a softmax would not notice"),
    ("lab2.q2", "a temperature", costs(lambda z: usual(z / 0.38)), "higher by 1 should cost 1 less"),
    ("lab2.q2", "normalised by the mean", costs(not_normalised_by_exp), "probabilities that sum to"),
    ("lab2.q2", "the code's largest bin alone", of_another_code(lambda c: (c == c.amax(1, keepdim=True)).to(c)), "Does every bin of the code count"),
    ("lab2.q2", "the code sharpened", of_another_code(lambda c: c**2 / (c**2).sum(1, keepdim=True)), "mean, by the code"),
    ("lab2.q2", "logarithm of a softmax", costs(lambda z: z.softmax(1).log()), "logits of 1000 the loss is NaN"),
    ("lab2.q2", "logarithm of exponentials", costs(lambda z: z - z.exp().sum(1, keepdim=True).log()), "logits of 1000 the loss is NaN"),
    ("lab2.q2", "an epsilon against underflow", costs(lambda z: (z.softmax(1) + 1e-15).log()), "an epsilon"),
    ("lab2.q2", "mean over pixels", lambda z, c: (Q2(z, c)[0].mean(), Q2(z, c)[1]), r"loss, has shape \(\)"),
    ("lab2.q2", "loss alone", lambda z, c: Q2(z, c)[0], "expected two tensors"),
    ("lab2.q2", "softmax alone as slope", costs(usual, lambda z, c: z.softmax(1)), "slopes sum to between 1 and 1"),
    ("lab2.q2", "slope by the probabilities", costs(usual, lambda z, c: -c / z.softmax(1)), "slopes sum to"),
    ("lab2.q2", "sign of the slope", costs(usual, lambda z, c: c - z.softmax(1)), "wrong sign"),
    ("lab2.q2", "slope of the mean", costs(usual, lambda z, c: (z.softmax(1) - c) / c[:, 0].numel()), "your slope foretells"),
    ("lab2.q2", "slope of exponentials", costs(usual, lambda z, c: z.exp() / z.exp().sum(1, keepdim=True) - c), "1000 the slope is NaN"),
    ("lab2.q2", "slope in float32", lambda z, c: (Q2(z, c)[0], Q2(z, c)[1].float()), "slope, has dtype"),
    ("lab2.q4", "normalised at the end, to 1", given_away(gaussian, at_the_end, None), "sums to 7 comes out with a sum of 1"),
    ("lab2.q4", "normalised at the end, to what came", given_away(gaussian, at_the_end_to_the_same_sum, None), "what the rim has lost"),
    ("lab2.q4", "not normalised", given_away(gaussian, normalise=None), "others must receive"),
    ("lab2.q4", "normalised over those who receive", given_away(gaussian, normalise=0), "sums to 7"),
    ("lab2.q4", "applied the other way round", given_away(gaussian, lambda matrix, prior: matrix @ prior), "sums to 7"),
    ("lab2.q4", "without the 2", given_away(lambda d, s: torch.exp(-d / s**2)), "2 to 2 times as fast"),
    ("lab2.q4", "distance not squared", given_away(lambda d, s: torch.exp(-d.sqrt() / (2 * s**2))), "times as fast"),
    ("lab2.q4", "sigma not squared", given_away(lambda d, s: torch.exp(-d / (2 * s))), "times as fast"),
    ("lab2.q4", "sigma always 5", given_away(lambda d, s: gaussian(d, 5.0)), "at sigma = 7.5"),
    ("lab2.q4", "the ten nearest alone", given_away(nearest_ten), "in the middle gives away does not fall"),
    ("lab2.q4", "nothing to itself", given_away(not_to_itself), "keep the largest part for itself"),
    ("lab2.q4", "only the rich give", only_the_rich_give, "one by one"),
    ("lab2.q4", "in float32", lambda p, c, s: Q4(p.float(), c.float(), s), "dtype torch.float32"),
    ("lab2.q5", "scaled under the smoothed prior", weighed(mixture, lambda w, c, s: (s * w).sum()), "mean weight is 1 under the smoothed prior, and"),
    ("lab2.q5", "not scaled", weighed(mixture, lambda *_: 1), "mean weight of the counted pixels is"),
    ("lab2.q5", "scaled to a mean of 1 over bins", weighed(mixture, lambda w, c, s: w.mean()), "their mean over the bins is 1"),
    ("lab2.q5", "scaled to a sum of 1", weighed(mixture, lambda w, c, s: w.sum()), "weights sum to 1, and"),
    ("lab2.q5", "scaled to a sum of 1 over pixels", weighed(mixture, lambda w, c, s: (c * w).sum()), "mean weight of the counted pixels"),
    ("lab2.q5", "mix the wrong way round", weighed(lambda c, s, mix: mixture(c, s, 1 - mix)), "mix = 1 the prior should not matter"),
    ("lab2.q5", "mix ignored", weighed(lambda c, s, mix: s), "mix = 1 the prior should not matter"),
    ("lab2.q5", "prior itself", weighed(mixture, invert=lambda m: m), "commonest colour weighs more"),
    ("lab2.q5", "a square root", weighed(mixture, invert=lambda m: m**-0.5), "root or a power too many"),
    ("lab2.q5", "minus the logarithm", weighed(mixture, invert=lambda m: -m.log()), "straight line, and does not"),
    ("lab2.q5", "counts for the prior", weighed(lambda c, s, mix: mixture(c, c / c.sum().double(), mix)), "Which prior do you invert"),
    ("lab2.q5", "counts not normalised", weighed(lambda c, s, mix: mixture(c, c.double(), mix)), "Which prior do you invert"),
    ("lab2.q5", "uniform without Q", weighed(lambda c, s, mix: (1 - mix) * s + mix), "the uniform part counts 12 times"),
    ("lab2.q5", "mix always a half", weighed(lambda c, s, mix: mixture(c, s, 0.5 if mix < 1 else 1)), "mix = 0.2: .* counts 4 times"),
    ("lab2.q5", "inverses mixed", weighed(lambda c, s, mix: 1 / ((1 - mix) / s + mix * len(s))), "straight line"),
    ("lab2.q5", "in float32", lambda c, s, mix: Q5(c, s, mix).float(), "dtype torch.float32; expected torch.float64"),
    ("lab2.q6", "divided by the weights again", by_torch, "divided by the sum of the weights"),
    ("lab2.q6", "weights made to average 1 in the batch", lambda x, i, w: (w[i] / w[i].mean() * x).mean(), "divided by the sum of the weights"),
    ("lab2.q6", "sum", lambda x, i, w: (w[i] * x).sum(), "60 times the mean"),
    ("lab2.q6", "mean over photographs of sums", lambda x, i, w: (w[i] * x).sum() / len(x), "20 times the mean"),
    ("lab2.q6", "weights ignored", lambda x, i, w: x.mean(), "no effect"),
    ("lab2.q6", "divided by Q", lambda x, i, w: (w[i] * x).mean() / len(w), "0.1111 times the mean"),
    ("lab2.q6", "means multiplied", lambda x, i, w: w[i].mean() * x.mean(), "weight of its own bin"),
    ("lab2.q6", "means multiplied in each photograph", by_photograph, "weight of its own bin"),
    ("lab2.q6", "one weight for a photograph", lambda x, i, w: (w[i[:, :1, :1]] * x).mean(), "weight of its own bin"),
    ("lab2.q6", "weights by position", lambda x, i, w: (w[torch.arange(60) % 9].view(3, 4, 5) * x).mean(), "weight of its own bin"),
    ("lab2.q6", "one over the weight", lambda x, i, w: (x / w[i]).mean(), "yours makes it 0.333 times"),
    ("lab2.q6", "not averaged", lambda x, i, w: w[i] * x, r"shape \(3, 4, 5\); expected \(\)"),
    ("lab2.q6", "a Python number", lambda x, i, w: (w[i] * x).mean().item(), "is a float"),
    ("lab2.q6", "built anew", lambda x, i, w: torch.tensor((w[i] * x).mean().item(), dtype=x.dtype), "No gradient comes through"),
    ("lab2.q7", "rebalanced once more", lambda z, w, s: z + s * at_bins(w.log()), "rebalancing once more"),
    ("lab2.q7", "without the logarithm", lambda z, w, s: z - s * at_bins(w), "times as much as w to that"),
    ("lab2.q7", "the power subtracted", lambda z, w, s: z - at_bins(w**s), "times as much as w to that"),
    ("lab2.q7", "logits divided", lambda z, w, s: z / at_bins(w**s), "another factor in one pixel than in the next"),
    ("lab2.q7", "share inside the logarithm", lambda z, w, s: z - at_bins((s * w + 1e-9).log()), "share of 0.4, .* 2.5 to 2.5 times"),
    ("lab2.q7", "share ignored", lambda z, w, s: z - at_bins(w.log()), "share of 0 should leave"),
    ("lab2.q7", "share the wrong way round", lambda z, w, s: z - (1 - s) * at_bins(w.log()), "share of 0 should leave"),
    ("lab2.q7", "share squared", lambda z, w, s: z - s**2 * at_bins(w.log()), "share of 0.4, .* 0.4 to 0.4 times"),
    ("lab2.q7", "probabilities instead of logits", lambda z, w, s: z.softmax(-3) / at_bins(w**s), "Is the answer logits"),
    ("lab2.q7", "along the width", lambda z, w, s: z - s * w.log(), "at dimension -3"),
    ("lab2.q7", "logits scaled", lambda z, w, s: (1 - s) * z - s * at_bins(w.log()), "nothing to undo"),
    ("lab2.q7", "a mixture of both", lambda z, w, s: ((1 - s + s / at_bins(w)) * z.softmax(-3)).log(), "share of 0.4, .* times as much"),
    ("lab2.q7", "decimal logarithm", lambda z, w, s: z - s * at_bins(w.log10()), "0.434 to 0.434 times"),
    ("lab2.q7", "one photograph only", lambda z, w, s: Q7(z[0] if z.ndim > 3 else z, w, s), r"shape \(7, 3, 7\)"),
    ("lab2.q5", "always in float64", lambda c, s, mix: Q5(c, s.double(), mix), "float32, the answer has dtype torch.float64"),
    ("lab2.q7", "probabilities clamped on the way", lambda z, w, s: z.softmax(-3).clamp(min=1e-12).log() - s * w.log()[:, None, None], "with logits up to 400"),
]
