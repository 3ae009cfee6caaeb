"""Wrong answers to lab 4, improve the generator."""

import copy

import torch

from answers import Later, answer
from colorlab.checks import leaderboard

Q1, Q2, Q4, Q5 = (answer(f"lab4.q{i}") for i in (1, 2, 4, 5))


# ------------------------------------------------------------------------------------------------------- choosing
def then_struck_out(scores, groups, count, most):
    """The highest, less those that are too many."""
    return Q1(scores, groups, len(scores), len(scores))[:count][torch.tensor([i % 3 > 0 for i in range(count)])]


def one_at_most(scores, groups, count, most):
    """One of each group first, whatever `most` says; then the others."""
    first = Q1(scores, groups, len(set(groups)), 1)
    rest = [i for i in Q1(scores, groups, len(scores), len(scores)).tolist() if i not in first.tolist()]
    return torch.cat((first, torch.tensor(rest, dtype=torch.int64)))[:count]


def ties_backwards(scores, groups, count, most):
    return len(scores) - 1 - Q1(scores.flip(0), groups[::-1], count, most)


def with_a_zero(scores, groups, count, most):
    """A picture that is taken, or passed over, gets a score of 0, as if that were the lowest."""
    scores, chosen = scores.clone(), []
    for _ in range(3 * len(scores)):
        i = int(scores.argmax())
        scores[i] = 0
        if len(chosen) < count and [groups[j] for j in chosen].count(groups[i]) < most:
            chosen.append(i)
    return torch.tensor(chosen)


def one_more_of_each(scores, groups, count, most):
    """A cap of one photograph more."""
    return Q1(scores, groups, count, most + 1)


# ------------------------------------------------------------------------------------------------------- matching
def nearest(chosen, trait, free=None, difference=torch.abs, once=True):
    """Partners with one thing changed."""
    free = torch.ones(len(trait), dtype=torch.bool) if free is None else free.clone()
    partners = []
    for i in chosen.tolist():
        partners.append(int(difference(trait - trait[i]).masked_fill(~free, float("inf")).argmin()))
        free[partners[-1]] = not once
    return torch.tensor(partners)


def not_chosen(chosen, trait):
    return torch.ones(len(trait), dtype=torch.bool).index_fill(0, chosen, False)


def chosen_by_others(chosen, trait):
    """Nobody is their own partner, but other chosen ones may be."""
    return torch.tensor([int((trait - trait[i]).abs().index_fill(0, torch.tensor(i), float("inf")).argmin()) for i in chosen.tolist()])


def in_another_order(chosen, trait):
    return Q2(chosen.sort().values, trait)


# ----------------------------------------------------------------------------------------------------- the paired error
def index_of(groups):
    label = {name: i for i, name in enumerate(dict.fromkeys(groups))}
    return torch.tensor([label[name] for name in groups])


def error(a, b, groups, correct=lambda G: G / (G - 1), before=lambda d: d, after=torch.square, size=lambda G, N: N):
    """The right error with one thing changed."""
    d, index = a - b, index_of(groups)
    G = int(index.max()) + 1
    sums = torch.zeros(G, dtype=d.dtype).index_add(0, index, before(d - d.mean()))
    return d.mean(), (correct(G) * after(sums).sum()).sqrt() / size(G, len(d))


def of_groups(a, b, groups):
    """Means of photographs, as if each had one picture."""
    d, index = a - b, index_of(groups)
    means = torch.stack([d[index == g].mean() for g in range(int(index.max()) + 1)])
    return means.mean(), means.std() / len(means) ** 0.5


def unpaired(a, b, groups):
    return (a - b).mean(), ((a.var() + b.var()) / len(a)) ** 0.5


def ungrouped(a, b, groups):
    return (a - b).mean(), (a - b).std() / len(a) ** 0.5


def clamped(a, b, groups):
    return Q4(a.clamp(0, 100), b.clamp(0, 100), groups)


# ------------------------------------------------------------------------------------------------------- verdicts
def significant_first(low, high, matters):
    return "better" if low > 0 else "worse" if high < 0 else "too small to matter" if -matters < low and high < matters else "undecided"


def no_difference(low, high, matters):
    return "better" if low > 0 else "worse" if high < 0 else "too small to matter"


def by_the_middle(low, high, matters):
    middle = (low + high) / 2
    return "better" if middle > matters else "worse" if middle < -matters else "too small to matter"


def zero_is_above(low, high, matters):
    return Q5(low, high, matters) if low != 0 or high < matters else "better"


# ------------------------------------------------------------------------------------------------------- networks
def with_weights(change):
    """The start with its last layer's weight and bias changed in place."""

    def make():
        network = leaderboard.start()
        with torch.no_grad():
            change(network.output_layer.weight, network.output_layer.bias)
        return network

    return Later(make)


def toward_the_solution(network, share):
    """A network that has gone a share of the way to the instructor's."""
    network, better = copy.deepcopy(network), answer("lab4.q6").state_dict()
    with torch.no_grad():
        for name, x in network.state_dict().items():
            if x.is_floating_point():
                x += share * (better[name] - x)
    return network


def nan(weight, bias):
    bias[0] = float("nan")


def all_grey(weight, bias):
    bias[(~(leaderboard.start().bins.centers.norm(dim=1) < 1))] -= 100


def sepia(weight, bias):
    bias[((leaderboard.start().bins.centers - torch.tensor([10.0, 30.0])).norm(dim=1)) > 9] -= 100


class Paler(torch.nn.Module):
    """Another's colours, less vivid, with the other's weights."""

    def __init__(self, network, factor):
        super().__init__()
        self.network, self.factor = network, factor

    def state_dict(self, *args, **options):
        return self.network.state_dict(*args, **options)

    def colorize(self, L, temperature=0.38):
        return self.factor * self.network.colorize(L, temperature)


def free_statistics():
    """BatchNorm's running statistics estimated anew, from four pictures."""
    network = leaderboard.start().train()
    L = 100 * torch.rand(4, 1, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for _ in range(20):
            network(L)
    return network.eval()


WRONG = [  # question, what is wrong with the answer, the answer, what its message must say
    ("lab4.q1", "lowest first", lambda s, *rest: Q1(-s, *rest), "was left out although"),
    ("lab4.q1", "no cap", lambda s, g, count, most: Q1(s, g, count, len(s)), "pictures of one photograph were chosen"),
    ("lab4.q1", "one more of each", one_more_of_each, r"With most = (2, 3|3, 4) pictures of one"),
    ("lab4.q1", "one of each", one_at_most, "more than 2 of its photograph"),
    ("lab4.q1", "struck out afterwards", then_struck_out, r"shape \(4,\); expected \(6,\)"),
    ("lab4.q1", "by sigmoids", lambda s, *rest: Q1(torch.sigmoid(s), *rest), "was left out although"),
    ("lab4.q1", "of equal ones the last", ties_backwards, "the one with the higher index was chosen"),
    ("lab4.q1", "sorted by index", lambda *x: Q1(*x).sort().values, "the best comes first"),
    ("lab4.q1", "worst first", lambda *x: Q1(*x).flip(0), "the best comes first"),
    ("lab4.q1", "passed over by a 0", with_a_zero, r"shape .1,.; expected .8,."),
    ("lab4.q1", "a mask", lambda s, *x: torch.zeros(len(s), dtype=torch.bool).index_fill(0, Q1(s, *x), True), r"shape \(15,\); expected \(6,\)"),
    ("lab4.q1", "a list", lambda *x: Q1(*x).tolist(), "a list; expected a torch tensor"),
    ("lab4.q1", "one further", lambda *x: Q1(*x) + 1, "were chosen|Indices go from"),
    ("lab4.q1", "counted from behind", lambda s, *x: Q1(s, *x) - len(s), "Indices go from -"),
    ("lab4.q1", "the best again and again", lambda *x: Q1(*x)[:1].expand(x[2]), "chosen twice"),
    ("lab4.q2", "its own partner", nearest, "its own control"),
    ("lab4.q2", "another chosen one", chosen_by_others, "or another's"),
    ("lab4.q2", "used again", lambda c, t: nearest(c, t, not_chosen(c, t), once=False), "a control twice"),
    ("lab4.q2", "signed difference", lambda c, t: nearest(c, t, not_chosen(c, t), difference=lambda d: d), "without its sign"),
    ("lab4.q2", "farthest", lambda c, t: nearest(c, t, not_chosen(c, t), difference=lambda d: -d.abs()), "a free one by"),
    ("lab4.q2", "in the order of the indices", in_another_order, "entry i of"),
    ("lab4.q2", "from the palest on", lambda c, t: Q2(c[t[c].argsort()], t)[t[c].argsort().argsort()], "a free one by"),
    ("lab4.q2", "from the most vivid on", lambda c, t: Q2(c[t[c].argsort().flip(0)], t)[t[c].argsort().flip(0).argsort()], "a free one by"),
    ("lab4.q2", "by chance", lambda c, t: not_chosen(c, t).nonzero()[:len(c), 0], "differs by"),
    ("lab4.q2", "places among the free", lambda c, t: nearest(c, t, not_chosen(c, t)) + len(t), r"expected 0 to 11"),
    ("lab4.q2", "the traits", lambda c, t: t[Q2(c, t)], "dtype torch.float64; expected torch.int64"),
    ("lab4.q4", "b less a", lambda a, b, g: Q4(b, a, g), "b less a"),
    ("lab4.q4", "medians", lambda a, b, g: ((a - b).median(), Q4(a, b, g)[1]), "expected the mean of a less b"),
    ("lab4.q4", "in float32", lambda a, b, g: Q4(a.float(), b.float(), g), "over all pictures, in float64"),
    ("lab4.q4", "standard deviation", lambda a, b, g: ((a - b).mean(), (a - b).std()), "How much less does their mean stray"),
    ("lab4.q4", "half an interval", lambda a, b, g: (Q4(a, b, g)[0], 1.96 * Q4(a, b, g)[1]), "half an interval"),
    ("lab4.q4", "unpaired", unpaired, "two separate groups"),
    ("lab4.q4", "without G / (G - 1)", lambda *x: error(*x, correct=lambda G: 1), r"with N - 1"),
    ("lab4.q4", "groups ignored", ungrouped, "three crops of its photograph"),
    ("lab4.q4", "squared before added", lambda *x: error(*x, before=torch.square, after=lambda s: s), "three crops of its photograph"),
    ("lab4.q4", "absolute values added", lambda *x: error(*x, before=torch.abs), "before you square"),
    ("lab4.q4", "divided by photographs", lambda *x: error(*x, size=lambda G, N: G), "three crops of its photograph"),
    ("lab4.q4", "means of photographs", of_groups, "not over the means of photographs"),
    ("lab4.q4", "N / (N - 1)", lambda a, b, g: error(a, b, g, correct=lambda G: len(a) / (len(a) - 1)), "three crops|numbers of crops"),
    ("lab4.q4", "means of photographs for the error alone", lambda *x: (Q4(*x)[0], of_groups(*x)[1]), "different numbers of crops"),
    ("lab4.q4", "clamped to [0, 100]", clamped, "harder for both networks alike"),
    ("lab4.q4", "difference of the sums", lambda a, b, g: ((a - b).sum() / 20, Q4(a, b, g)[1]), "have changed the difference"),
    ("lab4.q4", "a difference for each picture", lambda a, b, g: (a - b, Q4(a, b, g)[1]), "Difference is a tensor of shape .20,.; expected one number"),
    ("lab4.q4", "one number", lambda *x: Q4(*x)[1], "expected 2 numbers"),
    ("lab4.q5", "significance first", significant_first, "too small to matter, whatever its sign"),
    ("lab4.q5", "not significant is no difference", no_difference, "whatever its sign|not to have shown that there is none"),
    ("lab4.q5", "the middle alone", by_the_middle, "It does allow|not to have shown"),
    ("lab4.q5", "zero counts as above", zero_is_above, "leave out 0"),
    ("lab4.q5", "better and worse exchanged", lambda low, high, m: Q5(-high, -low, m), "on which side"),
    ("lab4.q5", "what matters is always 1", lambda low, high, m: Q5(low, high, 1.0), "whatever|not to have shown|does allow"),
    ("lab4.q5", "never too small", lambda low, high, m: Q5(low, high, 0.0), "whatever its sign|does allow"),
    ("lab4.q5", "a list of words", lambda *x: [Q5(*x)], "expected one of 'better'"),
    ("lab4.q5", "another word", lambda *x: Q5(*x).upper(), "expected one of 'better'"),
    ("lab4.q6", "the start", Later(leaderboard.start), "just what the start paints"),
    ("lab4.q6", "two things", (None, None), "a tuple; expected the generator itself"),
    ("lab4.q6", "its weights alone", {}, "a dict; expected the generator"),
    ("lab4.q6", "blown up", with_weights(nan), "NaN or infinite"),
    ("lab4.q6", "NaN for colours", Later(lambda: Paler(answer("lab4.q6"), float("nan"))), "cannot be measured: .*NaN"),
    ("lab4.q6", "all grey", with_weights(all_grey), r"the start .*chroma 0\.0"),
    ("lab4.q6", "sepia", with_weights(sepia), "the start"),
    ("lab4.q6", "BatchNorm estimated anew", Later(free_statistics), "the start"),
    ("lab4.q6", "the instructor's, made grey", Later(lambda: Paler(answer("lab4.q6"), 0.0)), "It scores .*, and the start"),
    ("lab4.q7", "barely trained", Later(lambda: toward_the_solution(leaderboard.start(), 0.05)), "It scores .*, and the baseline"),
    ("lab4.q7", "the baseline", Later(leaderboard.baseline), "It scores .*, and the baseline"),
    ("lab4.q8", "the baseline", Later(leaderboard.baseline), r"\+0\.00 \[\+0\.00, \+0\.00\]"),
    ("lab4.q8", "the start", Later(leaderboard.start), "is not below the interval"),
]
