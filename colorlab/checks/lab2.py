"""Lab 2, losses and rebalancing: the properties of each answer.

As in lab 1 the inputs are float64 with a fixed seed, and nothing has the size or the order of the 313 alone. A loss is
judged by how it changes: with the answer, with the odds, with a constant added to all logits.
"""

import torch
from torch import Tensor

from .answers import EXACTLY, call, close, tensor, uniform
from .lab1 import _tables
from .registry import need, question


@question("lab2.q1", EXACTLY,
          "First the loss of one answer for one colour: half of (difference in a) squared plus (difference in b) squared.",
          "Compare each answer with each colour: a tensor (M, K) of losses, from (M, 1, 2) and (K, 2) by broadcasting.",
          "An expectation is a weighted mean over the K colours. The weights of a mean sum to 1: do odds of 6 and 4?")
def expected_loss(answer):
    """Answers (M, 2), colours (K, 2), odds (K,) -> the expected Euclidean loss of each answer (M,)."""
    colors, odds = uniform(4, 2, low=-60, high=60), torch.tensor([0.1, 0.3, 0.4, 0.2], dtype=torch.float64)
    steps = torch.tensor([[0, 0], [3, 4], [6, 8], [5, 0], [-1, 7], [8, -8]], dtype=torch.float64)

    def cost(answers, colors=colors, odds=odds):
        return tensor(call(answer, answers, colors, odds), answers.shape[:1], answers.dtype)

    certain = cost(colors[0] + steps, colors[:1], torch.ones(1, dtype=torch.float64))
    need(close(certain[0], 0), f"Where only one colour is possible, answering that colour costs {certain[0]:.4g}; expected 0.")
    grown = certain[2] / certain[1]
    need(close(grown, 4), f"Twice as far from the only possible colour costs {grown:.3g} times as much; a *squared* distance gives 4 times.")
    factor = 2 * certain[1:] / steps[1:].square().sum(1)
    need(close(factor, 1), f"Where only one colour is possible, you charge {factor.min():.3g} to {factor.max():.3g} times half the squared "
         "distance. Is the half there, and there once? Do a and b add up?")
    need(close(cost(colors, odds=10 * odds), cost(colors)), "Odds of 1, 3, 4, 2 cost something else than 0.1, 0.3, 0.4, 0.2: they are the same odds.")
    mean = (odds @ colors)[None]
    need(close(cost(mean + steps) - cost(mean), steps.square().sum(1) / 2), "The mean of the colours, by their odds, should be the cheapest "
         "answer, and every other dearer by half its squared distance from the mean. Yours is not so: does each colour count, by its own odds?")
    alone = torch.stack([cost(steps, odds=one) for one in torch.eye(4, dtype=torch.float64)])  # (K, M)
    need(close(cost(steps), odds @ alone), "The expected loss should be the mean, by the odds, of what an answer costs with each colour alone. "
         "Yours is something else: the loss of the mean colour is not the mean loss.")


def _codes(q: int) -> Tensor:
    """Soft codes (2, Q, 3, 5) that are 0 in many bins, as real ones are."""
    code = uniform(2, q, 3, 5)
    code = code.where(code >= code.topk(3, 1).values[:, -1:], 0)
    return code / code.sum(1, keepdim=True)


@question("lab2.q2", "within 1e-9 in float64, slopes within 1e-6",
          "Take the logarithm of the softmax in one step: a function of torch.nn.functional does, without going through the probabilities.",
          "-(code * log p), summed over the bins, and over nothing else. If it is NaN: what is 0 times the logarithm of 0?",
          "For the slope write the loss as logsumexp(z) - sum of code * z (the code sums to 1). What is the derivative of each of the two "
          "by one logit? The first is a well-known function of the logits.")
def cross_entropy(answer):
    """Logits and codes (N, Q, H, W) -> the cross-entropy of each pixel (N, H, W), and its derivative by the logits."""
    for q in (7, 12):
        code, z = _codes(q), uniform(2, q, 3, 5, low=-3, high=3)

        def both(logits, code=code):
            pair = call(answer, logits, code)
            need(isinstance(pair, (tuple, list)) and len(pair) == 2, f"The answer is a {type(pair).__name__}; expected two tensors, loss and slope.")
            return pair

        def cost(logits, code=code, q=q):
            return tensor(both(logits, code)[0], (2, 3, 5), logits.dtype, "the first, the loss,")

        _cost_of_logits(cost, z, code)
        slope = tensor(both(z)[1], z.shape, z.dtype, "the second, the slope,")
        loud, steep = both(1000 * z)
        need(loud.isfinite().all(), "With logits of 1000 the loss is NaN or infinite, although none of the probabilities is exactly 0.")
        need(close(loud / 1000, (code * (z.amax(1, keepdim=True) - z)).sum(1), 0.01), "With logits of 1000 the loss is finite, but not "
             "what it should be: has something been clamped, or an epsilon been added?")
        total = slope.sum(1)
        need(close(total, 0), f"A pixel's slopes sum to between {total.min():.3g} and {total.max():.3g} over the bins; expected 0, for "
             "raising all logits together changes nothing.")
        way = uniform(*z.shape, low=-1, high=1).flip(1)
        found, told = (cost(z + 1e-4 * way) - cost(z - 1e-4 * way)) / 2e-4, (slope * way).sum(1)
        need(not close(told, -found, 1e-6), "The slope has the wrong sign: where it is positive, raising the logit lowers your loss.")
        need(close(told, found, 1e-6), f"A small change of the logits changes your loss by {found[0, 0, 0]:.4g} for one unit, at one pixel; "
             f"your slope foretells {told[0, 0, 0]:.4g}. It should be the derivative of a pixel's own loss.")
        need(steep.isfinite().all(), "With logits of 1000 the slope is NaN or infinite, though the loss is not.")


def _cost_of_logits(cost, z: Tensor, code: Tensor) -> None:
    """What holds for the cross-entropy of logits z (N, Q, H, W): cost(logits, code) -> (N, H, W)."""
    q = z.shape[1]
    alike = cost(torch.zeros_like(z))
    need(not close(alike, torch.tensor(q, dtype=z.dtype).log2()), f"Logits that are all alike cost log2 of {q}: these are bits; expected nats.")
    need(close(alike, torch.tensor(q, dtype=z.dtype).log()), f"Logits that are all alike cost {alike.min():.10g} to {alike.max():.10g}; expected "
         f"ln {q} for each pixel, whatever its code, in the logits' precision. Is the softmax over the bins, and the sum too? Are label and "
         "prediction where they belong?")
    need(close(cost(z + 5), cost(z)), "Adding 5 to all logits changes the loss: a softmax would not notice.")
    one_hot = torch.eye(q, dtype=z.dtype)
    alone = torch.stack([cost(z, one[:, None, None].expand_as(z)) for one in one_hot], 1)  # (N, Q, H, W): if it were bin q for certain
    need(close(alone + z, (alone + z)[:, :1]), "Of two bins, the one whose logit is higher by 1 should cost 1 less, if it is the true one.")
    total = (-alone).exp().sum(1)
    need(close(total, 1), f"A bin's cost is minus the logarithm of its probability, but yours belong to probabilities that sum to {total.max():.3g}.")
    need(close(cost(z), (code * alone).sum(1)), "With a soft code, the loss should be the mean, by the code, of what each bin would cost alone. "
         "Does every bin of the code count?")


@question("lab2.q4", EXACTLY,
          "Build the matrix of all pairs, (Q, Q): row r holds what bin r gives to each bin.",
          "The weights fall like exp(-d^2 / 2 sigma^2). Along which dimension of your matrix must they sum to 1: over those who give, or over "
          "those who receive?",
          "Bin q receives the sum over r of prior r times what r gives to q: a product of a vector and a matrix.")
def smooth(answer):
    """A prior (Q,) and centres (Q, 2) -> every bin's share, handed out over all bins by a Gaussian that sums to 1 for each giver."""
    for centers, sigma in zip(_tables(), (5.0, 7.5)):
        prior = uniform(len(centers))
        prior = 7 * prior / prior.sum()

        def smoothed(prior, centers=centers, sigma=sigma):
            return tensor(call(answer, prior, centers, sigma), prior.shape, prior.dtype)

        total = smoothed(prior).sum()
        need(close(total, 7), f"A prior that sums to 7 comes out with a sum of {total:.6g}: what the bins give, others must receive.")
        eye = torch.eye(len(centers), dtype=torch.float64)
        distance = (centers[:, None] - centers).norm(dim=-1)
        middle, rim = (int(i) for i in (centers.norm(dim=1).argmin(), centers.norm(dim=1).argmax()))
        for name, one in (("in the middle", middle), ("at the rim", rim)):
            given = smoothed(eye[one])
            need(given[one] > 0 and given.argmax() == one, f"A bin {name}, alone in the prior, does not keep the largest part for itself.")
            wanted = distance[one].square() / (2 * sigma**2)
            near = (wanted > 0.01) & (wanted < 30)
            ratio = ((given[one] / given).log() / wanted)[near]
            need(close(ratio, 1), f"What a bin {name} gives away does not fall with the distance as asked: at sigma = {sigma:g} it falls "
                 f"{ratio.min():.6g} to {ratio.max():.6g} times as fast as exp(-d^2 / 2 sigma^2). Do the weights sum to 1 for whoever gives, or for "
                 "whoever receives?")
        both = smoothed(eye[middle] + eye[rim])
        alone = smoothed(eye[rim])[rim]
        need(close(both[rim], alone), f"A bin at the rim, alone in the prior, keeps {alone:.3f}; together with one in the middle, far away, "
             f"it keeps {both[rim]:.3f}. Scaling the result at the end gives to the middle what the rim has lost.")
        parts = sum(share * smoothed(one) for share, one in zip(prior[:20], eye))
        need(close(smoothed(prior.where(torch.arange(len(prior)) < 20, 0)), parts), "Bins smoothed together come out otherwise than "
             "smoothed one by one and added: what a bin gives should not depend on the others' shares.")


def _counted(q: int) -> tuple[Tensor, Tensor]:
    """Counts (Q,) int64, some of them 0, and a smoothed prior (Q,) that is nowhere 0 and not their order."""
    counts = (1000 * uniform(q) ** 3).long()
    counts[1] = 0
    smoothed = uniform(q, low=0.01).flip(0) + counts / counts.sum()
    return counts, smoothed / smoothed.sum()


@question("lab2.q5", "within 1e-6",
          "Equation 4 first: mix the smoothed prior with 1 / Q, and take one over it. Only then scale.",
          "The mean over pixels, not over bins: a bin that holds 500 of 1000 pixels counts for a half of it.",
          "If the mean weight of the counted pixels is m before scaling, by what do you divide to make it 1?")
def class_weights(answer):
    """Counts (Q,) int64, a smoothed prior (Q,) and a mix -> weights (Q,), of mean 1 over the counted pixels."""
    for q, mix in ((12, 0.5), (23, 0.2)):
        counts, smoothed = _counted(q)
        given = tensor(call(answer, counts, smoothed, mix), (q,), smoothed.dtype)
        mean = (counts * given).sum() / counts.sum()
        need(not close((smoothed * given).sum(), 1, 1e-6), f"The mean weight is 1 under the smoothed prior, and {mean:.4g} over the pixels that "
             "were counted. It is the second that has to be 1.")
        need(close(mean, 1, 1e-6), f"The mean weight of the counted pixels is {mean:.4g}; expected 1. (Your weights sum to "
             f"{given.sum():.4g}, and their mean over the bins is {given.mean():.4g}; neither is asked for.)")
        alike = tensor(call(answer, counts, smoothed, 1.0), (q,), smoothed.dtype)
        need(close(alike, 1, 1e-6), "With mix = 1 the prior should not matter, and every bin weigh 1.")
        need(given[smoothed.argmax()] < given[smoothed.argmin()], "The commonest colour weighs more than the rarest.")
        order = smoothed.argsort()
        slopes = (1 / given)[order].diff() / smoothed[order].diff()
        need(close(slopes / slopes.mean(), 1, 1e-6), "One over the weight should rise with the smoothed prior along a straight line, "
             "and does not. Which prior do you invert, and is there a root or a power too many?")
        uniform = (1 / given)[order[0]] / slopes.mean() - smoothed[order[0]]  # how large the uniform part is beside 1 times the prior
        part = uniform * q * (1 - mix) / mix
        need(close(part, 1, 1e-6), f"Q = {q}, mix = {mix:g}: beside the prior, the uniform part counts {part:.3g} times as much as it "
             "should. Each of the two sums to 1 over the bins before they are mixed; which share has which?")
        tensor(call(answer, counts, smoothed.float(), mix), (q,), torch.float32, "for a smoothed prior in float32, the answer")


@question("lab2.q6", EXACTLY,
          "weights[nearest] is the weight of each pixel, (N, H, W).",
          "A mean over pixels divides by how many there are, and by nothing else. That many pixels, whatever their weights.")
def rebalanced_loss(answer):
    """Cross-entropies and nearest bins (N, H, W), weights (Q,) -> the mean over pixels of weight times cross-entropy."""
    loss, nearest, weights = uniform(3, 4, 5), (9 * uniform(3, 4, 5).flip(2)).long(), uniform(9, low=0.5, high=4)

    def mean(loss, weights):
        return tensor(call(answer, loss, nearest, weights), (), loss.dtype)

    plain = mean(loss, torch.ones_like(weights))
    need(close(plain, loss.mean()), f"Where every bin weighs 1, you answer {plain / loss.mean():.4g} times the mean of the pixels' losses.")
    need(not close(mean(loss, weights), loss.mean()), "Weights that differ have no effect: this is the plain mean.")
    tripled = mean(loss, 3 * weights) / mean(loss, weights)
    need(close(tripled, 3), f"Weights that are three times as large should make the loss three times as large; yours makes it {tripled:.3g} times. "
         + ("Is it divided by the sum of the weights?" if close(tripled, 1) else "Does each weight count once?"))
    pixel = loss.clone().requires_grad_()
    result = call(answer, pixel, nearest, weights)
    need(result.requires_grad, "No gradient comes through: the loss was taken out of torch on the way, by item(), tolist(), detach() or tensor(...).")
    (share,) = torch.autograd.grad(result, pixel)
    counted = (share * loss.numel() / weights[nearest]).flatten()
    need(close(counted, 1), f"A pixel's loss counts {counted.min():.3g} to {counted.max():.3g} times as much as the weight of its own bin says.")


@question("lab2.q7", EXACTLY,
          "Training with weights made the probabilities proportional to p times w. Which operation on *logits* divides probabilities?",
          "The logarithm of w to the power s is s times the logarithm of w.",
          "weights is (Q,), and the logits have their bins at dimension -3: two more dimensions have to be appended.")
def undo(answer):
    """Logits (..., Q, H, W), weights (Q,) and a share -> logits whose softmax is proportional to softmax(logits) / w^share."""
    weights = uniform(7, low=0.2, high=5)
    for shape, most in (((2, 7, 3, 7), 2), ((7, 4, 7), 400)):  # as wide as there are bins, so that a wrong dimension fits too
        logits = uniform(*shape, low=-most, high=most)
        was = logits.log_softmax(-3)

        def change(share, weights, shape=shape, logits=logits, was=was):
            return tensor(call(answer, logits, weights, share), shape, logits.dtype).log_softmax(-3) - was

        need(close(change(0.0, weights), 0), f"A share of 0 should leave all probabilities as they are; with logits up to {most} yours do not. "
             "Is the answer logits, and does the share count?")
        need(close(change(0.7, torch.ones_like(weights)), 0), "Weights that are all 1 leave nothing to undo, yet the probabilities change.")
        for share in (0.4, 1.0):
            raised = change(share, weights)
            raised = raised - raised[..., :1, :, :]  # against the first bin: what was added to a whole pixel does not matter
            need(not close(raised, 0), f"With a share of {share:g} no odds change at all: what is taken from all bins of a pixel alike, "
                 "a softmax does not notice. The weights belong to the bins, at dimension -3.")
            need(close(raised, raised[..., :1, :1]), "The odds of two bins change by another factor in one pixel than in the next; it should be the "
                 "same factor, whatever the logits are.")
            asked = -share * (weights / weights[0]).log()[:, None, None]
            need(not close(raised, -asked), "The odds of the heavy bins rise: that is rebalancing once more, instead of taking it back.")
            ratio = (raised / asked)[..., 1:, :, :]
            need(close(ratio, 1), f"With a share of {share:g}, the logarithms of the odds change {ratio.min():.3g} to {ratio.max():.3g} "
                 "times as much as w to that power would make them.")
