"""Files of networks: whole or not at all, and every damaged one refused with what to do."""

import json
import urllib.error

import eccv16_table
import pytest
import torch
from safetensors.torch import load_file, save_file

from colorlab import checkpoints, discriminators, generators
from colorlab.bins import AbBins
from colorlab.checkpoints import WeightsError
from colorlab.color import into_gamut
from colorlab.discriminators import Discriminator
from colorlab.generators import ECCV16


@pytest.fixture
def narrow():
    torch.manual_seed(0)
    return ECCV16(0.0625, work_size=128).eval()


@pytest.mark.parametrize("build", [lambda: ECCV16(0.0625), lambda: ECCV16(0.125, bins=None), lambda: ECCV16(0.0625, AbBins(20))])
def test_save_and_load(build, tmp_path):
    network = build().eval()
    path = checkpoints.save(network, tmp_path / "g.safetensors", steps=7)
    loaded = generators.load(path)
    L = 100 * torch.rand(1, 1, 16, 16)
    assert torch.equal(loaded(L), network(L)) and not loaded.training
    assert checkpoints.notes(path)["steps"] == 7 and loaded.work_size == network.work_size


def test_half_precision_halves_the_file_and_loads_as_float32(narrow, tmp_path):
    whole = checkpoints.save(narrow, tmp_path / "whole.safetensors").stat().st_size
    half = checkpoints.save(narrow, tmp_path / "half.safetensors", half=True)
    assert half.stat().st_size < 0.6 * whole
    assert next(generators.load(half).parameters()).dtype == torch.float32


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "file"
    target.write_text("old")

    def fail(temporary):
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        checkpoints.write_atomically(target, fail)
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_truncated_file(narrow, tmp_path):
    path = checkpoints.save(narrow, tmp_path / "g.safetensors")
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WeightsError, match="copied whole"):
        generators.load(path)


def test_unknown_name_lists_the_known():
    with pytest.raises(WeightsError, match="expected 'eccv16-pocket', 'pocket', 'eccv16-released' or the path"):
        generators.load("pokcet")


def test_a_discriminator_is_no_generator(tmp_path):
    path = checkpoints.save(Discriminator(), tmp_path / "d.safetensors")
    with pytest.raises(WeightsError, match="holds Discriminator"):
        generators.load(path)


def test_the_two_that_ship_are_small_and_know_each_other():
    """The discriminator tells the generator's colors from those of photographs that neither has seen."""
    from colorlab import judging, pairs, photos

    assert sum(path.stat().st_size for path in checkpoints.SHIPPED.glob("*.safetensors")) <= 14 * 2**20
    images = photos.load("embedded", split="test").square(150, progress=False)
    made = pairs.make(generators.load("pocket"), images[:: max(1, len(images) // 24)], progress=False)
    judge = discriminators.load("pocket")
    assert judging.fooling_rate(judging.score(judge, made.real), judging.score(judge, made.fake)).rate < 0.3


def test_released_layout_loads(tmp_path, monkeypatch):
    """The real file cannot be had in a test; one of its keys and shapes must load, hash, cache and colour."""
    state = eccv16_table.released_state(AbBins().centers)
    path = tmp_path / "checkpoints" / checkpoints.RELEASED_FILE
    path.parent.mkdir()
    torch.save(state, path)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    import hashlib
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    network = checkpoints.load_released(checkpoints.released_path(download=False, sha256=digest))
    L = 100 * torch.rand(1, 1, 64, 72, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert torch.allclose(network(L), eccv16_table.forward(state, L), atol=1e-4)
    ab = network.colorize(L, temperature=1.0)
    mean = network.model_out(network(L).softmax(1)) * 110  # as the authors' code decodes
    enlarged = torch.nn.functional.interpolate(mean, (64, 72), mode="bilinear")
    wanted = into_gamut(torch.cat((L, enlarged), 1))[:, 1:]
    assert torch.allclose(ab, wanted, atol=2e-3)
    with pytest.raises(WeightsError, match="SHA-256"):  # the same file is not the authors'
        generators.load("eccv16-released")
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(WeightsError, match="delete it"):
        checkpoints.load_released(path)


def test_at_hand(tmp_path, monkeypatch):
    monkeypatch.delenv("COLORLAB_GENERATOR", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert generators.at_hand(3) == "pocket"  # and nothing is fetched
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / checkpoints.RELEASED_FILE).touch()
    assert [generators.at_hand(n) for n in (3, 300)] == ["eccv16-released", "pocket"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert generators.at_hand(300) == "eccv16-released"
    monkeypatch.setenv("COLORLAB_GENERATOR", "mine.safetensors")
    assert generators.at_hand(3) == "mine.safetensors"


def test_no_network_says_what_to_do(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise urllib.error.URLError("no route to host")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    with pytest.raises(WeightsError, match=r"load\('pocket'\)"):
        generators.load("eccv16-released")
    with pytest.raises(WeightsError, match="not at"):
        generators.load("eccv16-released", download=False)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()]


def test_code_in_a_pickle_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save(Evil(), tmp_path / "evil.pth")
    with pytest.raises(WeightsError):
        generators.load(tmp_path / "evil.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_weights_that_are_not_finite_are_neither_saved_nor_loaded(tmp_path, value):
    network = ECCV16(0.0625)
    path = checkpoints.save(network, tmp_path / "good.safetensors")
    network.model3[2].weight.data[0, 0, 0, 0] = value
    with pytest.raises(ValueError, match=r"impossible values in model3\.2\.weight; nothing was saved"):
        checkpoints.save(network, tmp_path / "bad.safetensors")
    assert [file.name for file in tmp_path.iterdir()] == ["good.safetensors"]
    state, header = load_file(path), checkpoints.notes(path)
    state["model3.2.weight"][0, 0, 0, 0] = value
    save_file(state, tmp_path / "bad.safetensors", metadata={"colorlab": json.dumps(header)})
    with pytest.raises(checkpoints.WeightsError, match=r"bad.safetensors has NaN, .* in model3\.2\.weight"):
        generators.load(tmp_path / "bad.safetensors")


def test_a_negative_variance_is_refused_on_loading(tmp_path):
    state = ECCV16().state_dict()
    state["model1.4.running_var"][0] = -1
    torch.save(state, tmp_path / "released.pth")
    with pytest.raises(checkpoints.WeightsError, match="model1.4.running_var"):
        generators.load(tmp_path / "released.pth")


def test_a_weight_too_large_for_half_precision_is_not_saved_in_it(tmp_path):
    network = ECCV16(0.0625)
    network.model1[0].bias.data[0] = 1e5
    with pytest.raises(ValueError, match="in half precision"):
        checkpoints.save(network, tmp_path / "half.safetensors", half=True)
    assert not list(tmp_path.iterdir())


def test_large_variances_survive_half_precision(tmp_path):
    network = ECCV16(0.0625)
    network.model4[6].running_var[0] = 1e5
    path = checkpoints.save(network, tmp_path / "half.safetensors", half=True)
    assert generators.load(path).model4[6].running_var[0] == 1e5
