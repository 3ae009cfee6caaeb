"""The fused kernels, as far as a machine without a GPU can tell: right when interpreted, lean when compiled, whole in a graph."""

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from colorlab import color, kernels, losses, textbook
from colorlab.bins import AbBins
from colorlab.kernels import ops

HERE = Path(__file__).parent / "kernels"
needs_triton = pytest.mark.skipif(not importlib.util.find_spec("triton"), reason="Triton comes with PyTorch on Linux only")


@needs_triton
def test_the_kernels_are_right_in_the_interpreter():
    """In a process of its own: Triton decides at its import whether to interpret."""
    told = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / "against_float64.py"],
                          env={**os.environ, "COLORLAB_INTERPRET": "1", "TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"},
                          capture_output=True, text=True)
    assert told.returncode == 0, told.stdout[-3000:]
    assert int(re.search(r"(\d+) passed", told.stdout)[1]) >= 40 and "skipped" not in told.stdout


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_the_kernels_are_right_on_the_gpu():
    told = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", HERE / "against_float64.py"],
                          capture_output=True, text=True)
    assert told.returncode == 0, told.stdout[-3000:]


@needs_triton
@pytest.mark.parametrize("capability", [80, 90])
def test_compiled_ahead_of_time_they_spill_nothing_and_load_16_bytes_at_once(capability):
    told = subprocess.run([sys.executable, HERE / "compiled.py", str(capability)], capture_output=True, text=True)
    assert told.returncode == 0, told.stderr[-3000:]
    found = json.loads(told.stdout)
    assert len(found) == 7 and all(row["spills"] == 0 and row["registers"] <= 168 for row in found.values()), found
    for name in ("loss.forward", "loss.backward", "decode.annealed_mean", "lab.to_rgb", "lab.to_gamut"):  # (bytes come 4 at a time)
        assert found[name]["wide loads"] > 0, found
    assert found["loss.backward"]["wide stores"] and found["lab.to_lab"]["wide stores"] and found["lab.to_rgb"]["wide stores"]


def test_each_operation_keeps_the_rules_of_torch_library():
    """In a process of its own: opcheck asks every device's module for its random numbers, test_devices' too, which has none."""
    told = subprocess.run([sys.executable, HERE / "rules.py"], capture_output=True, text=True)
    assert told.returncode == 0 and told.stdout.count("kept") == 8, told.stderr[-3000:]


def test_the_operations_on_a_cpu_are_the_librarys_own_ways():
    bins = AbBins()
    ab = color.rgb_to_lab(torch.rand(2, 3, 4, 5))[:, 1:]
    indices, codes = ops.soft_encode(ab.flatten(2), 10, 10, 5.0)
    wanted = bins.soft_encode(ab)
    assert torch.equal(indices.long().view(wanted[0].shape), wanted[0]) and torch.equal(codes.view(wanted[1].shape), wanted[1])
    logits = torch.randn(2, 313, 20, requires_grad=True)
    ce, _ = ops.soft_cross_entropy(logits, indices, codes)
    ce.mean().backward()
    own = logits.detach().clone().view(2, 313, 4, 5).requires_grad_()
    losses.rebalanced_cross_entropy(own, ab, bins).backward()
    assert torch.allclose(logits.grad.view_as(own), own.grad, atol=1e-7)
    assert torch.allclose(ops.annealed_mean(logits.detach(), bins.centers, 0.38).view(2, 2, 4, 5),
                          textbook.annealed_mean(own.detach(), bins.centers), atol=1e-3)


def test_a_training_step_is_one_graph():
    """fullgraph: torch.compile refuses whatever it cannot look into, and the loss stays the same."""
    from colorlab.generators import ECCV16

    torch.manual_seed(0)
    generator, bins, weights = ECCV16(0.0625), AbBins(), torch.rand(313) + 0.5
    rgb = torch.rand(2, 3, 32, 32)

    def step(rgb):
        lab = color.rgb_to_lab(rgb, check=False)
        ab = torch.nn.functional.avg_pool2d(lab[:, 1:], 4)
        return losses.rebalanced_cross_entropy(generator(lab[:, :1]), ab, bins, weights)

    gradients = []
    for call in (step, torch.compile(step, fullgraph=True, backend="aot_eager")):
        generator.zero_grad()
        value = call(rgb)
        value.backward()
        gradients.append((value.detach(), generator.model1[0].weight.grad.clone()))
    (eager, by_eager), (compiled, by_compiled) = gradients
    assert torch.allclose(compiled, eager, rtol=1e-5) and torch.allclose(by_compiled, by_eager, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("differentiated", [False, True])
def test_into_gamut_is_one_graph(differentiated):
    """A search for the pixels outside would break it; the operation hides that."""
    lab = 160 * torch.rand(2, 3, 8, 9, generator=torch.Generator().manual_seed(0)) - 60
    compiled = torch.compile(color.into_gamut, fullgraph=True, backend="aot_eager")
    results = []
    for call in (color.into_gamut, compiled):
        given = lab.clone().requires_grad_(differentiated)
        result = call(given, check=False)
        slope = torch.autograd.grad(result.square().sum(), given) if differentiated else ()
        results.append((result.detach(), *slope))
    for eager, by_compiled in zip(*results):
        assert torch.equal(eager, by_compiled)


def test_fused_only_where_a_kernel_applies():
    assert not kernels.fused(torch.rand(3))  # on a CPU, outside the interpreter
