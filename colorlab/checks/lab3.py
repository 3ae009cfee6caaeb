"""Lab 3, be the judge: the properties of each answer.

Scores, values and colours are float64, drawn with a fixed seed. An interval by resampling is compared with what theory
says of it, with room for the luck of the draw, so that any way to draw is right.
"""

import math
from statistics import NormalDist

import torch
from torch import Tensor

from ..judging import wilson as wilson_95
from .answers import call, close, number, numbers, tensor, uniform
from .registry import need, question

HALF = 0.5


def _scores(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


@question("lab3.q1", "within 1e-6",
          "Take the difference of each fake and its own original, (N,). Which differences are wins, and which are ties?",
          "With a margin there are three cases: above it, below minus it, and all between, both ends included. What does each count?",
          "Divide by all N pairs. Leave the logits as they are: only differences are asked for.")
def fooling_rate(answer):
    """Logits of photographs and of their own fakes (N,), a margin -> the share of pairs that fool, a tie counting one half."""

    def rate(real, fake, margin=0.0):
        return number(call(answer, real, fake, margin), "the rate")

    real = uniform(37, low=-6, high=6)
    every, none = rate(real, real + 1), rate(real, real - HALF)
    need(0 <= every <= 1.000001, f"Every fake beats its own original, and you answer {every:.4g}; expected a share, from 0 to 1.")
    need(every > 0 or none < 1, "Where every fake beats its own original you answer 0, and where none does 1: are the two exchanged?")
    need(close(every, 1.0, 1e-6) and close(none, 0.0, 1e-6), f"Every fake beats its own original: you answer {every:.3g}. None does: {none:.3g}. "
         "Is each compared with its own original, and not with others or with a threshold?")
    sure = rate(_scores(40, 45, 50), _scores(60, 48, 51))
    need(close(sure, 1.0, 1e-6), f"All fakes win, by logits from 40 to 60, and you answer {sure:.3g}. What does a sigmoid make of 40 and of 60?")
    fake = uniform(37, low=-6, high=6, seed=2)
    found, count = rate(real, fake), int((fake > real).sum())
    need(close(found * 37, count, 1e-4), f"Of 37 pairs without a tie you find {found * 37:.4g} that fool, which is not their number. Is something "
         "rounded, or divided by something else than the number of pairs?")
    ties = rate(real, real)
    need(close(ties, HALF, 1e-6), f"In every pair both score the same, and you answer {ties:.3g}. Whoever sees no difference guesses.")
    need(close(rate(torch.zeros(8).double(), _scores(1, 1, 1, 0, 0, 0, 0, -1)), 5 / 8, 1e-6), "Where some pairs are ties, they do not count one half "
         "each, out of all pairs: are they left out of one of the two counts?")
    close_calls = _scores(-3, -0.5, -0.25, 1, 0.5, 3, 2, 1)
    found = 8 * rate(torch.zeros(8).double(), close_calls, 1.0)
    need(not close(found, 5, 1e-5), "A margin of 1 changes nothing.")
    need(not close(found, 5.5, 1e-5), "A difference of exactly the margin should be a tie, and one of a little more should not.")
    need(close(found, 4.5, 1e-5), "With a margin of 1, not every pair is counted as asked: a pair closer than the margin is a tie, whichever of the two "
         "is ahead, and the others are decided as before.")


@question("lab3.q2", "within 1e-4 of a standard error",
          "Multiply the rule out, and collect what stands before x squared, before x, and alone: a quadratic in x. n stands in it twice.",
          "z comes from `confidence`. If the middle 95 % of the bell curve are wanted, how much lies below the upper end? That is what inv_cdf takes.",
          "Test yourself: put an end of yours for x into both sides of the rule. They must be equal.")
def wilson(answer):
    """k successes in n trials -> the two rates x from which k / n is exactly z standard errors of x away."""
    for k, n, confidence in ((0, 30, 0.95), (30, 30, 0.9), (7, 40, 0.95), (3, 11, 0.8), (58, 2000, 0.99), (20, 36, 0.5), (4, 50, 0.87)):
        low, high = numbers(call(answer, k, n, confidence), "low", "high")
        of = f"k = {k}, n = {n}, confidence {confidence:g}: your interval is {low:.4g} to {high:.4g}"
        need(low <= high, f"{of}. The lower end comes first.")
        need(low >= -1e-6 and high <= 1 + 1e-6, f"{of}; rates lie between 0 and 1.")
        need(high - low > 1e-6,
             f"{of}, without any width. Can {n} trials make you that certain? The rule takes the standard error of x, not that of k / n.")
        need(low - 1e-6 <= k / n <= high + 1e-6, f"{of}, and k / n lies outside. Of all rates that one explains best what was seen.")
        z = NormalDist().inv_cdf((1 + confidence) / 2)
        ends = [x for x, here in ((low, k > 0), (high, k < n)) if here]
        away = [abs(k / n - x) / math.sqrt(x * (1 - x) / n) / z if 0 < x < 1 else math.inf for x in ends]
        told = " and ".join(f"{a:.3g}" for a in away)
        need(max(away) - min(away) < 1e-4, f"{of}. They lie {told} times as many standard errors (of each end) away from k / n as asked: "
             "the standard error in the rule is that of x, the end itself.")
        need(close(away[0], 1.0, 1e-4), f"{of}. In standard errors its ends lie {told} times as far away as asked. Which z belongs to this "
             "confidence, and where does n stand in the rule?")


def _interval(answer, values, groups, draws=2400, seed=0) -> tuple[float, float]:
    low, high = numbers(call(answer, values, list(groups), draws, seed), "low", "high")
    need(low <= high, f"The interval is {low:.4g} to {high:.4g}; expected the lower end first.")
    return low, high


@question("lab3.q3", "by its width, within 10 % of what theory says of 60 photographs",
          "Draw as many photographs as there are, with repetition: some come twice, some not at all. A photograph brings all of its pairs.",
          "A photograph's sum of values and its number of pairs are all that you need of it. Add both up over those drawn, and divide.",
          "You now have `draws` means. The middle 95 % leave out an equal share of them at each end: torch.quantile, in the values' dtype.")
def interval(answer):
    """Values (N,), labels, draws and a seed -> the middle 95 % of the mean when photographs are drawn anew."""
    names = [f"photo {7 * i % 60}" for i in range(60)]
    values = 1 + torch.randn(60, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    wanted = 2 * 1.96 * float(values.std(correction=0)) / math.sqrt(60)
    low, high = _interval(answer, values, names)
    size = (high - low) / wanted
    need(size > 0.01, "Sixty pairs of sixty photographs: your interval has no width. Drawn without repetition, every draw is the same sixty.")
    need(size < 4, f"Sixty pairs of sixty photographs: your interval is {size:.2g} times as wide as expected. Is it that of the values, or of their mean?")
    need(0.9 < size < 1.1, f"Sixty pairs of sixty photographs: your interval is {size:.2f} times as wide as that of the middle 95 %. "
         "Which share does it hold, and how many photographs do you draw?")
    need(abs((low + high) / 2 - values.mean()) < 0.1 * wanted, "Sixty pairs of sixty photographs: the mean is far from the middle of your interval.")
    low, high = _interval(answer, values.repeat(4), names * 4)
    size = (high - low) / wanted
    need(0.9 < size < 1.1, f"Each pair was written down four times, under the same photograph. Nothing new is known, and yet the interval is {size:.2f} "
         "times as wide as before. What shares a label should be drawn together, and as many photographs as there are labels.")
    low, high = _interval(answer, _scores(-1, 1, 2, -2).repeat(20), [f"photo {i // 4}" for i in range(80)])
    need(high - low < 1e-6, "Twenty photographs with four pairs each have all the same mean, and your interval has a width: of a photograph that is drawn, "
         "all pairs should come, each once.")
    big = torch.tensor([0.0] + [1.0] * 9, dtype=torch.float64).repeat(20)  # 20 photographs with one pair of value 0, 20 with nine of value 1
    low, high = _interval(answer, big, [f"{'big' if i % 10 else 'small'} {i // 10}" for i in range(200)])
    need(low >= 0 and high <= 1.000001,
         f"All values lie between 0 and 1, and the interval of their mean goes from {low:.3g} to {high:.3g}. Photographs bring "
         "different numbers of pairs, so what is drawn differs in number too: divide by that.")
    need(low < 0.9 < high, f"Twenty photographs with one pair, twenty with nine: the interval, {low:.3g} to {high:.3g}, is not that of the mean over "
         "pairs. A photograph with nine pairs should count nine times.")
    need(_interval(answer, values, names, 50, 4) == _interval(answer, values, names, 50, 4), "Called twice with one seed, the function gives two "
         "intervals.")
    need(_interval(answer, values, names, 50, 4) != _interval(answer, values, names, 50, 5), "Another seed gives the very same interval.")
    rare = torch.tensor([1.0] * 3 + [0.0] * 27, dtype=torch.float64)
    low, high = _interval(answer, rare, names[:30])
    need(low >= 0, f"Three photographs of thirty hold 1, the others 0, and the interval of their mean begins at {low:.3g}. No draw has such a "
         "mean: take the middle 95 % of the means themselves.")
    low, high = _interval(answer, values, names, 1, 4)
    need(high - low < 1e-9, "With draws = 1 there is one mean, and both ends are that mean; yours differ. Is the number of draws your own?")


@question("lab3.q4", "within 1e-6; more points on the same curve are welcome",
          "Thresholds that matter: one above all scores, and then every score that occurs, the highest first. What is `above` at each?",
          "For one threshold t, the share of the fakes that pass is a mean of comparisons. All thresholds at once: t as a column, (M, 1), beside (1, N).",
          "Sorting all scores and going up or right at each splits ties by chance. torch.unique names every score once.")
def roc(answer):
    """Logits of photographs (N,) and of fakes (M,) -> the shares that pass, over all thresholds, from (0, 0) to (1, 1)."""
    tied = [(uniform(n, low=-4, high=4, seed=n) * 2).round() / 2 for n in (17, 23)]
    settings = [(_scores(3, 4, 5, 7), _scores(-2, 0, 1)), (torch.full((3,), 2.0).double(), torch.full((5,), 2.0).double()),
                tied, (40 + uniform(9, high=20), 40 + uniform(6, high=20, seed=2)),
                (5000 + uniform(9, high=1e-3), 5000 + uniform(6, high=1e-3, seed=2)), (uniform(9, low=-9e3, high=9e3), uniform(6, low=-9e3, high=9e3, seed=2))]
    for real, fake in settings:
        pair = call(answer, real, fake)
        need(isinstance(pair, (tuple, list)) and len(pair) == 2, f"The answer is a {type(pair).__name__}; expected two tensors, fake_pass and real_pass.")
        across, up = (x.double() if isinstance(x, Tensor) else x for x in pair)
        points = max(2, len(across)) if isinstance(across, Tensor) and across.ndim else 2
        across = tensor(across, (points,), torch.float64, "the first, fake_pass,")
        up = tensor(up, across.shape, torch.float64, "the second, real_pass,")
        need(max(across.max(), up.max()) <= 1.000001, f"A value is {max(across.max(), up.max()):.4g}; expected shares, from 0 to 1, each of its own kind.")
        need(across[0] + up[0] < 2 - 1e-6, "The curve begins at (1, 1): take the highest threshold first.")
        need(close(across[0] + up[0], 0.0, 1e-6), f"The curve begins at ({across[0]:.3g}, {up[0]:.3g}); expected a first threshold that nothing passes.")
        need(close(across[-1] + up[-1], 2.0, 1e-6),
             f"The curve ends at ({across[-1]:.3g}, {up[-1]:.3g}); expected a last threshold that everything passes.")
        need(min(across.diff().min(), up.diff().min()) >= -1e-6, "The curve runs back: a lower threshold can only let more pass.")
        _curve_of(real, fake, across, up)


def _curve_of(real: Tensor, fake: Tensor, across: Tensor, up: Tensor) -> None:
    """What holds for a curve from (0, 0) to (1, 1), up and to the right, if it belongs to these scores."""
    area = float((across.diff() * (up[1:] + up[:-1]) / 2).sum())
    if real.min() > fake.max():
        need(area > 0, "All photographs score higher than all fakes, and the area under the curve is 0: fakes go across, photographs up.")
    if (torch.cat((real, fake)) == real[0]).all():
        need(close(area, HALF, 1e-6),
             f"All scores are equal, so nothing is told apart, and the area under your curve is {area:.3g}. Equal scores pass together.")
    points = torch.stack((across, up), 1)  # (M, 2)
    for t in torch.cat((real, fake)).unique():
        here = torch.stack(((fake >= t).double().mean(), (real >= t).double().mean()))
        need((points - here).abs().amax(1).min() < 1e-6, f"Your curve has no point for a threshold just below a score of {t:.7g}. Scores here go from "
             f"{min(real.min(), fake.min()):.7g} to {max(real.max(), fake.max()):.7g}, and each is a step: none may be left out or merged with another.")
    beaten = (real[:, None] > fake).double().mean() + HALF * (real[:, None] == fake).double().mean()
    need(close(area, beaten, 1e-6), f"All points are there, but the area under your curve is {area:.3g}, which is not the share of all (photograph, fake) "
         "that a photograph wins. Do equal scores make one step?")


@question("lab3.q5", "within 1e-9, in float64",
          "Part L from ab first. Then cut H into (H / factor, factor), and W likewise: Tensor.unflatten does it, or a reshape.",
          "The mean over the two dimensions that lie within a block leaves (..., 2, H / factor, W / factor).",
          "Back to full size every mean has to be repeated factor times, downwards and across: torch.repeat_interleave.")
def blurred_chroma(answer):
    """Lab (..., 3, H, W) and a factor -> the same L, with ab the mean over each factor x factor block."""
    for shape, factor in (((3, 6, 8), 2), ((2, 2, 3, 6, 12), 3), ((1, 3, 4, 8), 4)):
        lab = uniform(*shape, low=-60, high=60)
        lab[..., 0, :, :] = lab[..., 0, :, :].abs()
        found = tensor(call(answer, lab, factor), lab.shape, lab.dtype)
        need(close(found[..., 0, :, :], lab[..., 0, :, :]), "L has changed. The control is about the sharpness of colour alone.")
        own, found = (_blocks(x[..., 1:, :, :], factor) for x in (lab, found))  # (..., 2, H / factor, W / factor, factor, factor)
        means, mine = own.mean((-2, -1)), found.mean((-2, -1))
        need(close(found, found[..., :1, :1]),
             f"With factor {factor}, the colours within a block differ: expected one colour for each, without a transition.")
        need(not close(mine, means.flip(-3)), "a has been given b's means, and b a's.")
        need(not close(mine, own[..., 0, 0]), "Each block has the colour of its first pixel. Of a generator's coarse answer the mean is a better picture.")
        need(close(mine, means), f"With factor {factor}, a block's colour is off by up to {(mine - means).abs().max():.3g} from the mean of its pixels.")


def _blocks(x: Tensor, factor: int) -> Tensor:
    """(..., H, W) -> its blocks (..., H / factor, W / factor, factor, factor)."""
    return x.unfold(-2, factor, factor).unfold(-2, factor, factor)


@question("lab3.q7", "within 1e-5",
          "Your own reach is not the same to both sides: Wilson's interval is longer towards the middle. Take each side by itself.",
          "The errors of two groups add like the sides of a right triangle. Which two sides has the lower end?",
          "People's side of the triangle is the half of a 95 % interval, and you have a standard error. `judging.Z` is their ratio.")
def against_people(answer):
    """Fooled of pairs, people's rate and its standard error -> difference, low, high, by square and add."""
    for fooled, pairs, rate, error in ((0, 36, 0.25, 0.0), (9, 36, 0.4, 0.0), (5 * 10**8, 10**9, 0.3, 0.05), (0, 36, 0.323, 0.022), (20, 36, 0.25, 0.06)):
        given = f"{fooled} of {pairs} against {rate:g}, error {error:g}"
        difference, low, high = numbers(call(answer, fooled, pairs, rate, error), "difference", "low", "high")
        own, down, up = fooled / pairs, *wilson_95(fooled, pairs)
        need(abs(difference) <= 1, f"{given}: the difference is {difference:.4g}; expected shares, not percent.")
        need(not close(difference, rate - own, 1e-5), f"{given}: the difference has the wrong sign: your own rate less people's.")
        need(close(difference, own - rate, 1e-5), f"{given}: {difference:.4g} is not your own rate less people's.")
        below, above = difference - low, high - difference
        need(error > 0 or not (close(below, up - own, 1e-5) and close(above, own - down, 1e-5)), f"{given}: the two sides are exchanged. How far below "
             "your rate can the true one be?")
        need(pairs > 1000 or above > 1e-4, f"{given}: the interval ends at the difference itself. Can {pairs} pairs make you that certain?")
        if error == 0:
            need(close(below, own - down, 1e-5) and close(above, up - own, 1e-5), f"{given}: with people's rate known for certain, all doubt is your own, "
                 f"and its interval Wilson's; yours reaches {below:.3g} down and {above:.3g} up.")
        elif pairs > 1000:
            need(max(below, above) > 1e-3, f"{given}: people's own error is left out.")
            need(not close(below, error, 1e-4), f"{given}: a standard error is not half of a 95 % interval.")
            need(close(below, 1.96 * error, 1e-4),
                 f"{given}: nearly all doubt is people's, and your interval reaches {below / error:.3g} of their errors down.")
        sides = ((below, own - down), (above, up - own))
        need(all(close(reach**2, side**2 + (1.96 * error) ** 2, 1e-5) for reach, side in sides), f"{given}: your interval reaches {below:.3g} down and "
             f"{above:.3g} up. For each side take your own reach to that side and people's: add their squares, and take the root.")
