"""The two networks against the papers' tables, and colorize at every size."""

import eccv16_table
import pytest
import torch

from colorlab import checkpoints, discriminators, generators
from colorlab.bins import AbBins
from colorlab.discriminators import Discriminator
from colorlab.generators import ECCV16


def parameters(network):
    return sum(p.numel() for p in network.parameters())


@pytest.fixture(scope="module")
def full():
    torch.manual_seed(0)
    return ECCV16()


@pytest.fixture(scope="module")
def narrow():
    torch.manual_seed(0)
    return ECCV16(0.0625).eval()


def test_full_size_is_the_released_one(full):
    shapes = {key: value.shape for key, value in eccv16_table.released_state(full.bins.centers).items()}
    assert parameters(full) == 32_236_011 and {key: value.shape for key, value in full.state_dict().items()} == shapes
    assert torch.allclose(full.model_out.weight[:, :, 0, 0].T * 110, full.bins.centers)


def test_forward_is_the_table(narrow):
    L = 100 * torch.rand(2, 1, 32, 40, generator=torch.Generator().manual_seed(0))
    logits = narrow(L)
    assert logits.shape == (2, 313, 8, 10)
    assert torch.allclose(logits, eccv16_table.forward(narrow.state_dict(), L), atol=1e-6)


def test_without_bins_it_outputs_ab():
    network = ECCV16(0.0625, bins=None)
    assert network(torch.rand(2, 1, 16, 24)).shape == (2, 2, 4, 6)
    assert network.colorize(torch.rand(1, 1, 30, 20)).shape == (1, 2, 30, 20)


def test_other_bins():
    assert ECCV16(0.0625, bins=AbBins(20))(torch.rand(1, 1, 16, 16)).shape == (1, 101, 4, 4)


@pytest.mark.parametrize("size", [(1, 1), (7, 9), (17, 400), (400, 17), (64, 64), (300, 301), (700, 500), (20, 9000)])
def test_colorize_any_size(narrow, size):
    ab = narrow.colorize(100 * torch.rand(2, 1, *size))
    assert ab.shape == (2, 2, *size) and torch.isfinite(ab).all() and ab.abs().max() <= 120


def test_colorize_shrinks_large_photographs_for_the_network(narrow, monkeypatch):
    seen = []
    monkeypatch.setattr(narrow, "forward", lambda L: seen.append(L.shape) or torch.zeros(1, 313, L.shape[2] // 4, L.shape[3] // 4))
    narrow.colorize(torch.zeros(1, 1, 3000, 4000))
    narrow.colorize(torch.zeros(1, 1, 300, 20000))
    assert seen[0][2:] == (256, 344) and seen[1][2] * seen[1][3] <= 4.5 * 256**2


def test_colorize_uses_running_statistics_and_keeps_the_mode(narrow):
    L = 100 * torch.rand(1, 1, 32, 32)
    wanted = narrow.colorize(L)
    narrow.train()
    try:
        assert torch.equal(narrow.colorize(L), wanted) and narrow.training
    finally:
        narrow.eval()


@pytest.mark.parametrize("call, words", [
    (lambda g: g(torch.zeros(1, 1, 30, 32)), "multiples of 8"),
    (lambda g: g(torch.zeros(1, 3, 32, 32)), "L has shape"),
    (lambda g: g.colorize(torch.zeros(1, 32, 32)), "L has shape"),
    (lambda g: g.colorize(torch.full((1, 1, 32, 32), 255.0)), r"expected \[0, 100\]"),
    (lambda g: g.colorize(torch.zeros(1, 1, 32, 32), temperature=0), "temperature is 0"),
    (lambda g: ECCV16(0), "width is 0"),
])
def test_wrong_input_is_named(narrow, call, words):
    with pytest.raises(ValueError, match=words):
        call(narrow)


def test_discriminator_is_figure_3():
    network = Discriminator().eval()
    assert parameters(network) == 1_212_513
    assert network(torch.rand(4, 3, 150, 150)).shape == (4,)
    shapes, x = [], torch.rand(1, 3, 150, 150)
    for layer in network.features:
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    assert [shapes[i] for i in (2, 5, 8)] == [(32, 74, 74), (32, 36, 36), (64, 17, 17)] and x.numel() == 18_496


def test_discriminator_dropout_only_in_training():
    network, rgb = Discriminator(), torch.rand(2, 3, 150, 150)
    assert not torch.equal(network.train()(rgb), network(rgb))
    assert torch.equal(network.eval()(rgb), network(rgb))


def test_discriminator_refuses_other_input():
    with pytest.raises(ValueError, match="150, 150"):
        Discriminator()(torch.zeros(1, 3, 256, 256))
    with pytest.raises(TypeError, match="divide by 255"):
        Discriminator()(torch.zeros(1, 3, 150, 150, dtype=torch.uint8))


def test_shipped_networks_load_and_are_small():
    for name, kind in (("pocket", generators.Pretrained), ("eccv16-pocket", ECCV16)):
        generator = generators.load(name)
        assert type(generator) is kind and not generator.training and len(generator.bins) == 313
    assert generator.width == 0.25
    assert sum(f.stat().st_size for f in checkpoints.SHIPPED.glob("*.safetensors")) <= 14 * 2**20


def test_discriminators_load_by_path(tmp_path):
    network = Discriminator().eval()
    checkpoints.save(network, tmp_path / "d.safetensors")
    rgb = torch.rand(2, 3, 150, 150)
    assert torch.equal(discriminators.load(tmp_path / "d.safetensors")(rgb), network(rgb))


def test_features_are_what_the_last_block_sees(narrow):
    L = torch.rand(1, 1, 32, 48) * 100
    maps = narrow.features(L)
    assert [m.shape[2] for m in maps] == [16, 8, 4, 4, 4, 4, 4]
    assert torch.equal(narrow.model8(maps[-1]), narrow(L))
