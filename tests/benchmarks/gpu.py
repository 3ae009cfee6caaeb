"""The fused kernels on a GPU, beside the memory's speed as a copy shows it in the same run, and beside the plain way.

Sizes are such that nothing fits the cache (64 photographs, 64 x 64 outputs, 313 bins: 164 MB of bfloat16 logits). Calls are
timed as CUDA graphs of ten, so that launching costs nothing.
"""

import importlib.util

import torch
import torch.nn.functional as F

import encoding
from colorlab import color, generators, losses
from colorlab.bins import AbBins
from colorlab.costs import Times, interleaved
from colorlab.kernels import ops

N, SIDE, CALLS = 64, 64, 10


def measure(goals, rounds: int) -> None:
    if not torch.cuda.is_available():
        return goals.unmeasured("those of a GPU", "torch has none to use here")
    speed = bandwidth(rounds)
    goals.known("copy bandwidth, GB/s", speed / 1e9)
    the_loss(goals, speed, rounds)
    decoding(goals, speed, rounds)
    lab(goals, speed, rounds)
    steps(goals, rounds)


def as_graphs(variants: dict, rounds: int) -> Times:
    """Seconds of a call of each, as CUDA graphs of ten calls, in turns."""
    graphs = {}
    for name, work in variants.items():
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                work()
        torch.cuda.current_stream().wait_stream(stream)
        graphs[name] = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graphs[name]):
            for _ in range(CALLS):
                work()
    times = interleaved({name: graph.replay for name, graph in graphs.items()}, rounds, clock=by_events)
    return Times({name: [value / CALLS for value in values] for name, values in times.seconds.items()})


def by_events(work) -> float:
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    begin.record()
    work()
    end.record()
    end.synchronize()
    return begin.elapsed_time(end) / 1e3


def bandwidth(rounds: int) -> float:
    """Bytes a second of a copy, read and written."""
    a = torch.empty(1 << 28, dtype=torch.uint8, device="cuda")
    b = torch.empty_like(a)
    return 2 * a.numel() / as_graphs({"copy": lambda: b.copy_(a)}, rounds).median("copy")


def photographs(n: int = N, size: int = SIDE):
    """ab (N, 2, size, size) as smooth as that of photographs."""
    noise = torch.rand(n, 3, size // 8, size // 8, generator=torch.Generator().manual_seed(0)).cuda()
    rgb = F.interpolate(noise, size=(size, size), mode="bicubic").clamp(0, 1)
    return color.rgb_to_lab(rgb)[:, 1:].contiguous()


def the_loss(goals, speed: float, rounds: int) -> None:
    bins, ab = AbBins().cuda(), photographs()
    logits = torch.randn(N, 313, SIDE, SIDE, device="cuda", dtype=torch.bfloat16)
    flat, grad = logits.flatten(2), torch.rand(N, SIDE * SIDE, device="cuda")
    indices, codes = ops.soft_encode(ab.flatten(2), 10, 10, 5.0)
    _, lse = ops.soft_cross_entropy(flat, indices, codes)
    leaf = logits.clone().requires_grad_()

    def plain():  # the soft targets written out
        target = torch.zeros(N, 313, SIDE * SIDE, device="cuda").scatter_(1, indices.long(), codes)
        torch.autograd.grad(F.cross_entropy(leaf.flatten(2).float(), target), leaf)

    def fused():
        places, weights = ops.soft_encode(ab.flatten(2), 10, 10, 5.0)
        _, sums = ops.soft_cross_entropy(flat, places, weights)
        ops.soft_cross_entropy_backward(flat, places, weights, sums, grad)

    times = as_graphs({"fused": fused, "plain": plain, "encode": lambda: ops.soft_encode(ab.flatten(2), 10, 10, 5.0),
                       "forward": lambda: ops.soft_cross_entropy(flat, indices, codes),
                       "backward": lambda: ops.soft_cross_entropy_backward(flat, indices, codes, lse, grad)}, rounds)
    size = flat.numel() * 2
    goals.at_most("loss with encoding over the copy floor", 1.3, times.median("fused") / (3 * size / speed))
    goals.at_least("loss: dense F.cross_entropy over fused", 8, times.ratio("plain", "fused"))
    for name in ("encode", "forward", "backward", "fused", "plain"):
        goals.known(f"loss, {name}, us", 1e6 * times.median(name))
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    losses.rebalanced_cross_entropy(leaf, ab, bins).backward()
    goals.at_most("loss: extra peak memory over the logits", 1.05, (torch.cuda.max_memory_allocated() - before) / size)


def decoding(goals, speed: float, rounds: int) -> None:
    bins, logits = AbBins().cuda(), torch.randn(N, 313, SIDE, SIDE, device="cuda", dtype=torch.bfloat16)
    centers = bins.centers.bfloat16()
    times = as_graphs({"fused": lambda: bins.annealed_mean(logits),
                       "plain": lambda: torch.einsum("nqhw,qc->nchw", torch.softmax(logits / 0.38, 1), centers)}, rounds)
    goals.known("annealed mean over the copy floor", times.median("fused") / (logits.numel() * 2 / speed))
    goals.known("annealed mean: plain over fused", times.ratio("plain", "fused"))


def lab(goals, speed: float, rounds: int) -> None:
    rgb = torch.randint(0, 256, (N, 3, 512, 512), dtype=torch.uint8, device="cuda")
    variants = {"fused": lambda: color.rgb_to_lab(rgb, check=False)}
    if importlib.util.find_spec("kornia"):
        from kornia.color import rgb_to_lab

        variants["kornia"] = lambda: rgb_to_lab(rgb.float() / 255)
    times = as_graphs(variants, rounds)
    goals.at_most("uint8 to Lab over its floor, 15 bytes a pixel", 1.3, times.median("fused") / (15 * rgb.numel() / 3 / speed))
    if "kornia" in variants:
        goals.at_least("uint8 to Lab: kornia over fused", 8, times.ratio("kornia", "fused"))
    else:
        goals.unmeasured("uint8 to Lab: kornia over fused", "kornia is not installed")


def steps(goals, rounds: int) -> None:
    """A training step of the full network beside the network alone, batch 64, crops of 176, bfloat16."""
    network, bins = generators.ECCV16(1.0).cuda().train(), AbBins().cuda()
    L, ab, weights = 100 * torch.rand(N, 1, 176, 176, device="cuda"), photographs(N, 44), torch.rand(313).cuda() + 0.5
    ab_cpu, seed = ab.cpu(), torch.randn(N, 313, 44, 44, device="cuda", dtype=torch.bfloat16)

    def output():
        network.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16):
            return network(L)

    def with_sklearn():
        code = torch.from_numpy(encoding.by_sklearn(AbBins(), ab_cpu, 10)).float().cuda().view(N, 44, 44, -1).movedim(-1, 1)
        F.cross_entropy(output().float(), code).backward()

    times = interleaved({"whole": lambda: losses.rebalanced_cross_entropy(output(), ab, bins, weights).backward(),
                         "dense": lambda: F.cross_entropy(output().float(), bins.soft_encode_dense(ab)).backward(),
                         "alone": lambda: output().backward(seed), "sklearn": with_sklearn}, rounds, clock=by_events)
    whole = times.median("whole")
    goals.at_most("training step over the network alone", 1.03, times.ratio("whole", "alone"))
    goals.at_least("training step: with scikit-learn's encoding over ours", 8, times.ratio("sklearn", "whole"))
    goals.known("training step: with dense targets over ours", times.ratio("dense", "whole"))
    goals.known("images/s, full width, crops of 176, bfloat16", N / whole)
    goals.known("TFLOP/s", N / whole * 19.7e9 * 2 * 3 / 1e12)  # 19.7 GMAC forward at 176, twice that backward
    goals.known("hours for 450,000 steps of 40", 18e6 / (N / whole) / 3600)
