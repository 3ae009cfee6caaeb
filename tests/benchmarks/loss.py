"""The rebalanced cross-entropy, forward and backward, beside torch's own with the soft targets written out; time and memory."""

import os
import subprocess
import sys

import torch
import torch.nn.functional as F

import encoding
import subjects
from colorlab import losses
from colorlab.bins import AbBins
from colorlab.costs import interleaved
from colorlab.losses import SoftCrossEntropy

N, SIDE = encoding.N, encoding.SIDE


def measure(goals, rounds: int) -> None:
    bins, ab, logits, weights = given()
    target, codes, leaf = bins.soft_encode_dense(ab), bins.soft_encode(ab), logits.requires_grad_()
    pixel_weights = weights[codes[0][:, 0]]

    def dense(code=target):
        return torch.autograd.grad((pixel_weights * F.cross_entropy(leaf, code, reduction="none")).mean(), leaf)

    def dense_after_sklearn():
        code = torch.from_numpy(encoding.by_sklearn(bins, ab, 10)).float()
        return dense(code.view(N, SIDE, SIDE, -1).movedim(-1, 1).contiguous())

    def ours_encoded():
        return torch.autograd.grad((pixel_weights * SoftCrossEntropy.apply(leaf, *codes)).mean(), leaf)

    def ours():
        return torch.autograd.grad(losses.rebalanced_cross_entropy(leaf, ab, bins, weights), leaf)

    times = interleaved({"dense": dense, "dense after sklearn": dense_after_sklearn, "ours, encoded": ours_encoded, "ours": ours}, rounds)
    goals.at_least("cross-entropy and gradient: F.cross_entropy with dense targets over ours", 2.5, times.ratio("dense", "ours, encoded"))
    goals.at_least("with the encoding: scikit-learn and F.cross_entropy over ours", 4, times.ratio("dense after sklearn", "ours"))
    if not os.path.exists("/proc/self/clear_refs"):
        return goals.unmeasured("extra peak memory over the logits", "only Linux tells it")
    for name, bar in (("ours", 1.25), ("dense", None)):
        told = subprocess.run([sys.executable, __file__, name], capture_output=True, text=True, check=True,
                              env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)})
        what = f"extra peak memory over the logits, {name}"
        goals.at_most(what, bar, float(told.stdout)) if bar else goals.known(what, float(told.stdout))


def given():
    torch.manual_seed(0)
    bins = AbBins()
    return bins, subjects.ab(N, SIDE), torch.randn(N, len(bins), SIDE, SIDE), torch.rand(len(bins)) + 0.5


def extra_peak(name: str) -> float:
    """Peak memory of one call over the logits' own, in a fresh process, from Linux's account of it."""
    bins, ab, logits, weights = given()
    logits.requires_grad_()
    losses.rebalanced_cross_entropy(logits[:1, :, :4, :4], ab[:1, :, :4, :4], bins, weights).backward()  # tables are made
    logits.grad = None
    open("/proc/self/clear_refs", "w", encoding="ascii").write("5")  # forget the peak so far
    before = peak()
    if name == "ours":
        losses.rebalanced_cross_entropy(logits, ab, bins, weights).backward()
    else:
        (weights[bins.nearest(ab)] * F.cross_entropy(logits, bins.soft_encode_dense(ab), reduction="none")).mean().backward()
    return (peak() - before) / logits.nbytes


def peak() -> int:
    lines = open("/proc/self/status", encoding="ascii").read().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    print(extra_peak(sys.argv[1]))
