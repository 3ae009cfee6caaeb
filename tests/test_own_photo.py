"""The reader's own photographs: read, shrunk, kept and chosen; and told in words when they are none."""

import io

import pytest
import torch
from PIL import Image

pytest.importorskip("ipywidgets")

from colorlab import generators, photos  # noqa: E402
from colorlab.widgets import own_photo  # noqa: E402
from colorlab.widgets.own_photo import OwnPhotos, shrunk  # noqa: E402

RED, NOISE = torch.zeros(3, 16, 24).index_fill_(0, torch.tensor([0]), 1.0), torch.rand(3, 24, 16)


def two():
    return OwnPhotos({"red": RED, "noise": NOISE})


def png(width=40, height=30, color=(10, 200, 30)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), color).save(out, "PNG")
    return out.getvalue()


def upload(button, **files: bytes) -> None:
    """What the browser sends when files are chosen; "_" stands for the dot in a name."""
    button.set_state({"value": [{"name": name.replace("_", "."), "type": "", "size": len(content), "content": memoryview(content),
                                 "last_modified": 1_600_000_000_000} for name, content in files.items()]})


def test_the_embedded_samples_are_there_without_being_asked_for():
    own = OwnPhotos()
    assert list(own.control.options) == list(photos.samples())
    for name in own.control.options:
        assert own[name].shape[0] == 3 and min(own[name].shape[1:]) <= 256 and 0 <= own[name].min() and own[name].max() <= 1


def test_a_photograph_is_added_and_chosen():
    own, seen = two(), []
    own.control.observe(lambda change: seen.append(change["new"]), "value")
    upload(own.upload, mine_png=png())
    assert seen == ["mine.png"] and own.control.value == "mine.png" and own.control.options == ("mine.png", "red", "noise")
    assert own["mine.png"].shape == (3, 30, 40)
    assert torch.allclose(own["mine.png"][:, 0, 0] * 255, torch.tensor([10.0, 200, 30]))
    assert "mine.png: 40 × 30" in own.told.value and own.upload.value == ()


def test_it_is_chosen_when_the_first_of_the_list_was():
    own = two()
    assert own.control.index == 0
    seen = []
    own.control.observe(lambda change: seen.append(change["new"]), "value")
    upload(own.upload, mine_png=png())
    assert seen == ["mine.png"]


@pytest.mark.parametrize("content, why", [(b"Dear diary,", "not an image"), (b"", "empty"), (png()[:60], "damaged")])
def test_what_is_no_photograph_is_told_and_nothing_breaks(content, why):
    own = two()
    upload(own.upload, notes_txt=content)
    assert "notes.txt" in own.told.value and why in own.told.value and "tmp" not in own.told.value
    assert own.control.value == "red" and own.control.options == ("red", "noise")
    upload(own.upload, mine_png=png())
    assert own.control.value == "mine.png" and "notes" not in own.told.value


def test_several_at_once_and_a_name_that_is_html():
    own = two()
    upload(own.upload, **{"a_png": png(), "<b>_txt": b"no", "b_png": png(8, 8)})
    assert own.control.options == ("b.png", "a.png", "red", "noise") and "<b>" not in own.told.value
    assert "&lt;b&gt;.txt" in own.told.value


def test_the_same_file_again_is_chosen_and_another_of_its_name_gets_a_number():
    own = two()
    upload(own.upload, a_png=png())
    own.control.value = "red"
    upload(own.upload, a_png=png())
    assert own.control.value == "a.png" and len(own.control.options) == 3
    upload(own.upload, a_png=png(color=(0, 0, 0)))
    upload(own.upload, a_png=png(color=(1, 1, 1)))
    assert own.control.options[:3] == ("a (3).png", "a (2).png", "a.png")


def test_large_ones_are_shrunk():
    own = two()
    upload(own.upload, large_png=png(1800, 1200), wide_png=png(4000, 300))
    assert own["large.png"].shape == (3, 256, 384)
    assert own["wide.png"].shape[1] * own["wide.png"].shape[2] <= 4 * 256**2 * 1.01
    assert torch.allclose(own["large.png"][:, 100, 100] * 255, torch.tensor([10.0, 200, 30]), atol=0.01)
    assert shrunk(torch.full((3, 600, 512), 255, dtype=torch.uint8)).shape == (3, 300, 256)


def test_no_photograph_at_all():
    with pytest.raises(ValueError, match="at least one photograph"):
        OwnPhotos({})


def test_the_network_is_loaded_once(monkeypatch):
    own_photo.pocket.cache_clear()
    calls = []
    load = generators.load
    monkeypatch.setattr(generators, "load", lambda name: calls.append(name) or load(name))
    assert own_photo.pocket() is own_photo.pocket() and calls == ["pocket"]
