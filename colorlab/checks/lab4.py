"""Lab 4, improve the generator: the properties of each answer.

Questions 6 to 8 ask for a network: it is judged by what it paints, on photographs that it had no part in
(`leaderboard.pictures("val")`; whoever grades takes "test").
"""

import numpy as np
import torch
from torch import Tensor

from ..resampling import Z
from . import leaderboard
from .answers import call, close, numbers, tensor
from .registry import NotYet, need, question


def _draw(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@question("lab4.q1", "exactly: these pictures or others, in this order or not",
          "Sort all pictures first, by the scores as they are; then walk down the order: a picture is taken or passed over, until there are enough.",
          "While you walk, remember how many of each photograph you have taken; a dictionary will do.",
          "For equal scores the lower index comes first: torch.argsort has an argument that keeps equal ones in their order.")
def choose(answer):
    """scores (N,), groups, count, most -> int64 (count,): the highest, at most `most` of one group, best first."""
    for groups, count, most in ((list("aabbbcdddeeffgg"), 6, 2), ([f"photograph {i % 4}" for i in range(40)], 8, 3), (list("abcdefgh"), 8, 1)):
        scores = 3 * _draw(len(groups), seed=count).float() + 40  # logits of a sure judge: a sigmoid would make them all 1
        scores[3] = scores[0]
        if count == 8 and most == 1:
            scores -= 80  # a score may be below 0
        if len(groups) == 15:  # equal at the top, and equal where the sixth and last place is given
            scores[[1, 3, 6, 2, 9, 10, 12]] = torch.tensor([60.0, 60.0, 60.0, 59.0, 58.0, 57.0, 57.0])
        found = tensor(call(answer, scores, groups, count, most), (count,), torch.int64)
        need(0 <= found.min() and found.max() < len(scores), f"Indices go from {found.min()} to {found.max()}; expected 0 to {len(scores) - 1}.")
        chosen = found.tolist()
        need(len(set(chosen)) == count, "A picture has been chosen twice.")
        taken = {group: sum(groups[i] == group for i in chosen) for group in groups}
        crowded = max(taken, key=taken.get)
        need(taken[crowded] <= most, f"With most = {most}, {taken[crowded]} pictures of one photograph were chosen.")
        for i in sorted(set(range(len(scores))) - set(chosen), key=lambda i: -scores[i].item()):
            rivals = [j for j in chosen if groups[j] == groups[i]] if taken[groups[i]] == most else chosen
            worst = min(rivals, key=lambda j: (scores[j].item(), -j))
            need(scores[i] <= scores[worst], f"With most = {most}, a picture with score {scores[i]:.2f} was left out although one with {scores[worst]:.2f} was "
                 f"chosen, which is less, and it would not have been more than {most} of its photograph.")
            need(scores[i] < scores[worst] or i > worst, "Of two pictures with the same score, the one with the higher index was chosen.")
        ordered = sorted(chosen, key=lambda i: (-scores[i].item(), i))
        need(chosen == ordered, "The right pictures, in another order: the best comes first, and of equal ones the one with the lower index.")


@question("lab4.q2", "exactly: these pictures or others, in this order or not",
          "Keep a list (or a mask) of who is still free: at first everybody who is not among the chosen.",
          "Go through the chosen in their order. Near means a small absolute difference of the trait.",
          "Whoever has been taken is free no longer. Giving such pictures an infinite difference makes argmin pass over them.")
def matched(answer):
    """chosen (M,), trait (N,) -> (M,): for each chosen the nearest free other one, in turn."""
    for size, count, closer in ((12, 4, 0.001), (31, 9, -0.001)):
        trait = 15 * _draw(size, seed=size)
        chosen = torch.randperm(size, generator=torch.Generator().manual_seed(count))[:count]
        trait[chosen[1]] = trait[chosen[0]] + closer  # two that want the same partner
        found = tensor(call(answer, chosen, trait), (count,), torch.int64)
        need(0 <= found.min() and found.max() < size, f"Indices go from {found.min()} to {found.max()}; expected 0 to {size - 1}.")
        need(not set(found.tolist()) & set(chosen.tolist()), "A chosen picture is its own control, or another's: the control group must not "
             "hold any of the chosen.")
        need(len(set(found.tolist())) == count, "One picture is a control twice. Each can be used once.")
        free = sorted(set(range(size)) - set(chosen.tolist()))
        for step, (i, j) in enumerate(zip(chosen.tolist(), found.tolist())):
            nearest = min(free, key=lambda k: abs(trait[k] - trait[i]).item())
            apart, best = abs(trait[j] - trait[i]).item(), abs(trait[nearest] - trait[i]).item()
            need(apart <= best, f"Control {step} differs by {apart:.2f} from the picture that it is for, and a free one by {best:.2f}. Is entry i of "
                 "the answer the control of entry i of `chosen`, and is the difference taken without its sign?")
            free.remove(j)


@question("lab4.q4", "within 1e-9, in float64",
          "Subtract first: one difference for each picture, and its mean. What makes a picture hard for both networks is gone by then.",
          "Take the mean off all differences, then add up what is left within each photograph, signs and all. Only these sums are squared.",
          "With G photographs: the root of G / (G - 1) times the sum of the squared sums, divided by the number of pictures.")
def paired_error(answer):
    """a, b (N,) and groups -> mean difference and its standard error, photographs as units."""
    a, b = 80 + 5 * _draw(20, seed=1), 80 + 5 * _draw(20, seed=2)
    single = [f"photograph {i}" for i in range(20)]

    def found(a, b, groups):
        return numbers(call(answer, a, b, groups), "difference", "standard error")

    difference, error = found(a, b, single)
    need(not close(difference, (b - a).mean()), "The difference is that of b less a; expected a less b.")
    need(close(difference, (a - b).mean()), f"The difference is {difference:.10g}; expected the mean of a less b over all pictures"
         + (", in float64." if close(difference, (a - b).mean(), 1e-4) else "."))
    spread = (a - b).std().item()
    need(not close(error, spread), "The second number is the standard deviation of the differences. How much less does their mean stray?")
    need(not close(error, Z * spread / 20**0.5, 1e-3), "The second number is 1.96 standard errors, half an interval; expected one.")
    apart = ((a.var() + b.var()) / 20) ** 0.5
    need(not close(error, apart), "The error is that of two separate groups of pictures. These are the same pictures twice: subtract first.")
    need(close(error, spread / 20**0.5), "With one picture of each photograph the error should be the standard deviation of the differences (with N - 1) "
         "over the root of N.")
    hard = 30 * _draw(20, seed=3)
    need(close(found(a + hard, b + hard, single)[1], error), "Making some pictures harder for both networks alike has changed the error.")
    thrice = [x.repeat(3) for x in (a, b)]
    again = found(*thrice, 3 * single)
    need(close(again[0], difference), "Three crops of each photograph, all alike, have changed the difference.")
    need(close(again[1], error), f"Each picture three times, as three crops of its photograph, taught nothing new, but your error went from {error:.3g} "
         f"to {again[1]:.3g}. What is the unit that was drawn at random?")
    opposite = torch.stack((difference + (a - b), difference - (a - b)), 1).flatten()  # within a photograph the deviations cancel
    need(found(opposite, torch.zeros_like(opposite), [name for name in single for _ in range(2)])[1] < 1e-6, "Within each of these photographs one crop gains "
         "what the other loses, so no photograph strays at all; the error should be 0. Add up within a photograph before you square.")
    uneven = [single[min(i, 7)] for i in range(20)]  # thirteen crops of one photograph
    difference, error = found(a, b, uneven)
    need(close(difference, (a - b).mean()), "Photographs with many crops: the mean is over pictures, not over the means of photographs.")
    sums = np.bincount([min(i, 7) for i in range(20)], (a - b - (a - b).mean()).numpy())
    need(close(error, (8 / 7 * (sums**2).sum()) ** 0.5 / 20), "Where photographs have different numbers of crops your error is another one. "
         "Divide by the number of pictures, and count photographs in G / (G - 1).")


@question("lab4.q5", "exactly: one of four words",
          "Draw a number line with 0 and with plus and minus `matters`, and lay the interval on it.",
          "Two questions: does the interval keep to one side of 0? Does it stay within the differences that do not matter?",
          "Ask the second one first. An end that lies on a limit has not passed it.")
def verdict(answer):
    """low, high, matters -> "better", "worse", "too small to matter" or "undecided"."""
    cases = {
        "better": ((0.2, 3.0), (0.2, 1.0), (1.5, 2.0), (0.001, 1.4)),
        "worse": ((-3.0, -0.2), (-9.0, -8.0), (-1.0, -0.001)),
        "too small to matter": ((-0.3, 0.4), (0.1, 0.6), (-0.9, -0.5), (0.0, 0.2)),
        "undecided": ((-2.0, 0.5), (-0.5, 1.0), (-0.4, 1.3), (-5.0, 7.0), (0.0, 3.0), (-3.0, 0.0), (-1.0, 0.2)),
    }
    for scale in (1.0, 0.1):  # what matters, and everything with it
        for word, intervals in cases.items():
            for low, high in intervals:
                low, high = scale * low, scale * high
                said = call(answer, low, high, scale)
                need(isinstance(said, str) and said in cases, f"The answer is {said!r}; expected one of {', '.join(map(repr, cases))}.")
                need(said == word, f"You call [{low:g}, {high:g}] {said}, where {scale:g} would matter. " + _objection(said, low, high, scale))


def _objection(said: str, low: float, high: float, matters: float) -> str:
    """Why a verdict does not follow from an interval."""
    if said in ("better", "worse") and -matters < low and high < matters:
        return "Every value in it is too small to matter, whatever its sign."
    if said in ("better", "worse"):
        return "Does it leave out 0, and on which side?"
    if said == "too small to matter":
        return "It holds values that would matter: not to have shown a difference is not to have shown that there is none."
    return "It does allow you to say something: look at 0, and at what matters."


# ------------------------------------------------------------------------------------------- a network of one's own
WHERE = f"on {leaderboard.COUNT['val']} pictures that are not in your pool, by the score explained above"


def _painting(answer) -> leaderboard.Measured:
    """What a network scores, if it is one that paints."""
    need(hasattr(answer, "colorize") and isinstance(answer, torch.nn.Module), f"This is a {type(answer).__name__}; expected the generator itself, as "
         "improve returns it. (finetuning.finetune returns two things.)")
    weights = [x for x in answer.state_dict().values() if x.is_floating_point()]
    need(all(x.isfinite().all() for x in weights), "The network's weights hold NaN or infinite values: its training has blown up. Lower the rate.")
    try:
        return leaderboard.measure(answer)
    except ValueError as error:
        raise NotYet(f"What it paints cannot be measured: {error}") from error


@question("lab4.q6", f"{WHERE}: above the start's",
          "finetuning.finetune(start, images, prior, steps=..., lr=...) returns a trained copy and its log. Begin with that.",
          "If the score went down: too high a rate, crops far smaller than the pictures, or BatchNorm's statistics set free?")
def learned(answer):
    """A network that scores more than the start."""
    found, before = _painting(answer), leaderboard.measure(leaderboard.start())
    need(not torch.equal(found.table, before.table), "It paints just what the start paints: nothing has been learned. (Do you return the trained copy?)")
    need(found.score > before.score, f"It scores {found.score:.2f}, and the start {before.score:.2f}. (Plain AuC {found.plain:.1f} after {before.plain:.1f}, "
         f"rebalanced {found.rebalanced:.1f} after {before.rebalanced:.1f}, chroma {found.chroma:.2f} of the true one after {before.chroma:.2f}.)")


@question("lab4.q7", f"{WHERE}: above the baseline's",
          "The baseline saw 20 pictures for 16 steps. What does your pool hold, and how much of your minute have you used?",
          "Rate, steps, mix of the class weights, the loss: change one at a time, and write down what it did.")
def beats(answer):
    """A network that scores more than the baseline."""
    found, most = _painting(answer), leaderboard.measure(leaderboard.baseline())
    need(found.score > most.score, f"It scores {found.score:.2f}, and the baseline {most.score:.2f}.")


@question("lab4.q8", f"{WHERE}: the whole 95 % interval of the difference above 0",
          "A larger gain, or one that is the same on all photographs: look which photographs lose.",
          "The more often you try on these pictures, the more of your best score is luck.")
def decided(answer):
    """A network whose gain over the baseline is more than chance."""
    _painting(answer)
    by = leaderboard.gain(answer, leaderboard.baseline())
    need(by.low > 0, f"Its gain over the baseline is {by.mean:+.2f} [{by.low:+.2f}, {by.high:+.2f}] points: 0 is not below the interval.")
