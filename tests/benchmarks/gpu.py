"""The fused kernels on a GPU: each goal as a ratio to the copy bandwidth measured in the same run, and to the plain way.

    python tests/benchmarks/gpu.py [--json results/kernels-gpu.json]

Sizes are such that nothing fits the cache (64 photographs, 64 x 64 outputs, 313 bins: 164 MB of bfloat16 logits). Times are medians
of CUDA graphs, so that launching costs nothing, variants in turns.
"""

import argparse
import importlib.util
import json
import statistics
import sys

import torch
import torch.nn.functional as F

from colorlab import checkpoints, color, generators, losses, stages
from colorlab.bins import AbBins
from colorlab.kernels import ops

N, SIDE, ROUNDS = 64, 64, 9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", help="write the numbers there, too")
    args = parser.parse_args()
    if not torch.cuda.is_available():
        sys.exit("no GPU that torch can use: these goals are about one")
    numbers = {"copy bandwidth, GB/s": bandwidth() / 1e9}
    numbers |= the_loss(numbers["copy bandwidth, GB/s"] * 1e9) | lab(numbers["copy bandwidth, GB/s"] * 1e9) | decoding(
        numbers["copy bandwidth, GB/s"] * 1e9) | steps()
    for name, value in numbers.items():
        print(f"{name:70s}{value:12.4g}")
    if args.json:
        record = {"command": f"python tests/benchmarks/gpu.py --json {args.json}", "machine": stages.machine(), "numbers": numbers}
        checkpoints.write_atomically(args.json, lambda path: path.write_text(json.dumps(record, indent=1) + "\n"))


def seconds(variants: dict) -> dict:
    """Median seconds of each, as CUDA graphs of ten calls, in turns."""
    graphs, found = {}, {name: [] for name in variants}
    for name, work in variants.items():
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                work()
        torch.cuda.current_stream().wait_stream(stream)
        graphs[name] = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graphs[name]):
            for _ in range(10):
                work()
    for _ in range(ROUNDS):
        for name, graph in graphs.items():
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            graph.replay()
            end.record()
            end.synchronize()
            found[name].append(begin.elapsed_time(end) / 10 / 1e3)
    return {name: statistics.median(values) for name, values in found.items()}


def bandwidth() -> float:
    """Bytes a second of a copy, read and written."""
    a = torch.empty(1 << 28, dtype=torch.uint8, device="cuda")
    b = torch.empty_like(a)
    return 2 * a.numel() / seconds({"copy": lambda: b.copy_(a)})["copy"]


def photographs(n: int = N, size: int = SIDE):
    """ab (N, 2, size, size) as smooth as that of photographs."""
    noise = torch.rand(n, 3, size // 8, size // 8, generator=torch.Generator().manual_seed(0)).cuda()
    return color.rgb_to_lab(F.interpolate(noise, size=(size, size), mode="bicubic").clamp(0, 1))[:, 1:].contiguous()


def the_loss(speed: float) -> dict:
    bins, ab = AbBins().cuda(), photographs()
    logits = torch.randn(N, 313, SIDE, SIDE, device="cuda", dtype=torch.bfloat16)
    flat, grad = logits.flatten(2), torch.rand(N, SIDE * SIDE, device="cuda")
    indices, codes = ops.soft_encode(ab.flatten(2), 10, 10, 5.0)
    _, lse = ops.soft_cross_entropy(flat, indices, codes)
    leaf = logits.clone().requires_grad_()

    def plain():  # the soft targets written out
        target = torch.zeros(N, 313, SIDE * SIDE, device="cuda").scatter_(1, indices.long(), codes)
        value = F.cross_entropy(leaf.flatten(2).float(), target)
        torch.autograd.grad(value, leaf)

    found = seconds({"encode": lambda: ops.soft_encode(ab.flatten(2), 10, 10, 5.0),
                     "forward": lambda: ops.soft_cross_entropy(flat, indices, codes),
                     "backward": lambda: ops.soft_cross_entropy_backward(flat, indices, codes, lse, grad), "plain": plain})
    whole, size = found["encode"] + found["forward"] + found["backward"], flat.numel() * 2
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    losses.rebalanced_cross_entropy(leaf, ab, bins).backward()
    extra = torch.cuda.max_memory_allocated() - before
    return {**{f"loss, {name}, us": 1e6 * value for name, value in found.items()},
            "loss with encoding over the copy floor (goal <= 1.3)": whole / (3 * size / speed),
            "plain loss over fused (goal >= 8)": found["plain"] / whole,
            "extra peak memory over the logits (goal <= 1.05)": extra / size}


def decoding(speed: float) -> dict:
    bins, logits = AbBins().cuda(), torch.randn(N, 313, SIDE, SIDE, device="cuda", dtype=torch.bfloat16)
    found = seconds({"fused": lambda: bins.annealed_mean(logits),
                     "plain": lambda: torch.einsum("nqhw,qc->nchw", torch.softmax(logits / 0.38, 1), bins.centers.bfloat16())})
    return {"annealed mean over the copy floor": found["fused"] / (logits.numel() * 2 / speed),
            "plain annealed mean over fused": found["plain"] / found["fused"]}


def lab(speed: float) -> dict:
    rgb = torch.randint(0, 256, (N, 3, 512, 512), dtype=torch.uint8, device="cuda")
    variants = {"fused": lambda: color.rgb_to_lab(rgb, check=False)}
    if importlib.util.find_spec("kornia"):
        from kornia.color import rgb_to_lab

        variants["kornia"] = lambda: rgb_to_lab(rgb.float() / 255)
    found = seconds(variants)
    numbers = {"uint8 to Lab over its floor, 15 bytes a pixel (goal <= 1.3)": found["fused"] / (15 * rgb.numel() / 3 / speed)}
    if "kornia" in found:
        numbers["kornia's Lab over fused (goal >= 8)"] = found["kornia"] / found["fused"]
    return numbers


def steps() -> dict:
    """A training step of the full network beside the network alone, batch 64, crops of 176, bfloat16."""
    found = {}
    network, bins = generators.ECCV16(1.0).cuda().train(), AbBins().cuda()
    L = 100 * torch.rand(64, 1, 176, 176, device="cuda")
    ab, weights = photographs(64, 44 // 4 * 4), torch.rand(313, device="cuda") + 0.5
    seed = torch.randn(64, 313, 44, 44, device="cuda", dtype=torch.bfloat16)

    def step(with_loss: bool):
        network.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16):
            out = network(L)
        if with_loss:
            losses.rebalanced_cross_entropy(out, ab, bins, weights).backward()
        else:
            out.backward(seed)

    times = {True: [], False: []}
    for i in range(3 + ROUNDS):
        for with_loss in (True, False):
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            step(with_loss)
            end.record()
            end.synchronize()
            if i >= 3:
                times[with_loss].append(begin.elapsed_time(end) / 1e3)
    whole, alone = (statistics.median(times[key]) for key in (True, False))
    found["training step over the network alone (goal <= 1.03)"] = whole / alone
    found["images/s, full width, crops of 176, bfloat16"] = 64 / whole
    found["TFLOP/s"] = 64 / whole * 19.7e9 * 2 * 3 / 1e12  # 19.7 GMAC forward at 176, twice that backward
    found["hours for 450,000 steps of 40"] = 18e6 / (64 / whole) / 3600
    return found


if __name__ == "__main__":
    main()
