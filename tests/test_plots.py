"""Figures: what is in them, where, and that a wrong argument is named. How they look was looked at."""

import base64
from io import BytesIO

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.text import Text
from PIL import Image

from colorlab import abplane, drawings, plots, style
from colorlab.bins import AbBins
from colorlab.color import in_gamut, lab_to_rgb


def image(seed=0, h=24, w=24):
    return torch.rand(3, h, w, generator=torch.Generator().manual_seed(seed))


def texts(fig):
    return [t.get_text() for where in (*fig.axes, fig) for t in where.texts if t.get_text()]


def boxes(fig, artists):
    fig.canvas.draw()
    renderer = fig.canvas.get_renderer()
    return [Text.get_window_extent(a, renderer) for a in artists]  # without an annotation's arrow


# images

def test_image_kinds_agree():
    rgb = image()
    bytes_ = (rgb * 255).round().to(torch.uint8)
    assert np.allclose(plots.as_image(rgb), plots.as_image(bytes_), atol=0.5 / 255 + 1e-6)
    assert np.allclose(plots.as_image(rgb.numpy()), plots.as_image(rgb))
    grey = plots.as_image(torch.full((1, 4, 4), 53.585))  # L of sRGB grey 128/255
    assert grey.shape == (4, 4, 3) and np.allclose(grey, 128 / 255, atol=1e-3)


@pytest.mark.parametrize("bad, error, words", [
    (torch.rand(24, 24, 3), ValueError, "channels first"),
    (torch.rand(24, 24), ValueError, "shape"),
    (torch.rand(3, 4, 4) * 255, ValueError, "divide by 255"),
    (torch.full((1, 4, 4), 120.0), ValueError, r"\[0, 100\]"),
    (torch.full((3, 4, 4), float("nan")), ValueError, "nan"),
    (torch.zeros(3, 4, 4, dtype=torch.int64), TypeError, "dtype"),
])
def test_bad_images_are_named(bad, error, words):
    with pytest.raises(error, match=r"rows\[0\]\[1\].*" + words):
        plots.show_rows([[image(), bad]])


def test_show_rows():
    L = torch.rand(1, 24, 24) * 100
    fig = plots.show_rows([[L, image(), image(1)], [L, None, image(2)]],
                          titles=["grey input", "result", "truth"],
                          labels=["one", "two"], captions=[["", "12 dB", ""], ["", "", ""]])
    assert [len(ax.images) for ax in fig.axes] == [1] * 5
    assert [ax.get_title() for ax in fig.axes] == ["grey input", "result", "truth", "", ""]
    sizes = {tuple(np.round(ax.get_position().size * fig.get_size_inches(), 3)) for ax in fig.axes}
    assert len(sizes) == 1 and fig.get_figwidth() <= plots.WIDTH + 1e-6
    assert {"one", "two"} <= set(texts(fig)) and fig.axes[1].get_xlabel() == "12 dB"
    assert len(plots.show_rows([image(), image(1)]).axes) == 2


def test_show_rows_keeps_proportions():
    fig = plots.show_rows([[image(h=20, w=40)] * 3])
    width, height = fig.axes[0].get_position().size * fig.get_size_inches()
    assert width / height == pytest.approx(2, rel=1e-6)


@pytest.mark.parametrize("argument, given",
                         [("titles", ["a"]), ("labels", ["a", "b"]), ("captions", [["a"], ["b"]])])
def test_show_rows_counts_words(argument, given):
    with pytest.raises(ValueError, match=argument):
        plots.show_rows([[image(), image()]], **{argument: given})


def test_gallery_tells_real_from_fake_without_colour():
    fig = plots.gallery([image(i) for i in range(10)], scores=torch.linspace(5, -5, 10),
                        names=["a" * 40] + ["b"] * 9,
                        real=[True, False] * 5)
    labels = [ax.get_xlabel() for ax in fig.axes]
    assert len(labels) == 10 and labels[0].startswith("1.  real  +5.0") and "10.  fake  −5.0" in labels[9]
    assert len(labels[0].split("\n")[1]) <= 22
    styles = [ax.spines["left"].get_linestyle() for ax in fig.axes]
    assert styles[0] == styles[2] != styles[1] == styles[3]
    tops = sorted({round(ax.get_position().y0, 4) for ax in fig.axes})
    assert len(tops) == 2  # two rows of five
    with pytest.raises(ValueError, match="scores"):
        plots.gallery([image()], scores=[1, 2])
    with pytest.raises(ValueError, match="images"):
        plots.gallery([])


def test_heat_rows():
    fig = plots.heat_rows([image(), image(1)], [torch.randn(6, 6), torch.randn(6, 6)], labels=["a", "b"])
    assert len(fig.axes) == 5 and fig.axes[-1].get_ylabel() == "change of the logit"
    with pytest.raises(ValueError, match="maps"):
        plots.heat_rows([image()], [])


def test_similarity_rows():
    maps = [torch.randn(6, 6), torch.rand(8, 8)]
    fig = plots.similarity_rows([image(), image(1)], [maps, maps], labels=["a", "b"], marks=[(0, 5, 5), (1, 2, 2)])
    assert len(fig.axes) == 5 and fig.axes[-1].get_ylabel() == "similarity"
    assert [ax.get_ylabel() for ax in fig.axes[:4]] == ["a", "", "b", ""]
    assert fig.encoded()[0] == "image/png" or len(fig.encoded()[1]) > 1000
    with pytest.raises(ValueError, match="rows"):
        plots.similarity_rows([image()], [maps])


# the ab plane

@pytest.mark.parametrize("L", [20, 65, 95.0, None])
def test_plane_has_the_same_limits_and_true_colours(L):
    fig = plots.ab_background(L=L)
    (ax,) = fig.axes
    assert ax.get_xlim() == ax.get_ylim() == (-110, 110)
    assert ax.get_xlabel().startswith("a") and ax.get_ylabel().startswith("b")
    colors = ax.images[0].get_array()
    middle = colors[220, 220]  # a = b = 0
    wanted = lab_to_rgb(torch.tensor([65.0 if L is None else float(L), 0, 0]).view(3, 1, 1)).flatten()
    assert np.allclose(middle, wanted, atol=0.01)
    assert np.allclose(colors[0, 0], abplane.OUTSIDE)  # a = -110, b = 110
    extent = ax.images[0].get_extent()
    assert tuple(extent) == (-110, 110, -110, 110)


def test_plane_puts_a_to_the_right_and_b_upwards():
    colors = plots.ab_background(L=60).axes[0].images[0].get_array()
    red, green, yellow, blue = colors[220, 300], colors[220, 150], colors[120, 220], colors[300, 220]
    assert red[0] > green[0] + 0.3 and blue[2] > yellow[2] + 0.3


def test_own_color_is_the_colour():
    ab = torch.tensor([[0.0, 40, -30], [0, 20, 30]])
    rgb = plots.own_color(ab, 60.0)
    assert torch.allclose(rgb, lab_to_rgb(torch.cat((torch.full((1, 3), 60.0), ab))[..., None])[..., 0],
                          atol=1e-5)
    centers = AbBins().centers
    assert (plots.own_color(centers.T).amax(0) > 0.5).all()  # none is drawn nearly black
    shown = in_gamut(torch.cat((torch.full((1, 313), 65.0), centers.T))[..., None])[:, 0]
    assert torch.allclose(plots.own_color(centers.T)[:, shown], plots.own_color(centers.T, 65.0)[:, shown],
                          atol=1e-5)


def test_bins_are_drawn_one_each():
    bins = AbBins()
    squares = plots.ab_bins().axes[0].collections[-1]
    assert len(squares.get_paths()) == 313
    prior = torch.rand(313) + 1e-6
    prior[5] = 0
    fig = plots.ab_bins(prior, bins, log=True, label="share of the pixels")
    assert fig.axes[1].get_ylabel() == "share of the pixels"
    drawn = fig.axes[0].collections[-1]
    assert drawn.get_cmap().name == "cividis" and drawn.get_array().mask[5]
    with pytest.raises(ValueError, match="values has 312"):
        plots.ab_bins(prior[1:], bins)
    with pytest.raises(ValueError, match="values"):
        plots.ab_bins(torch.zeros(313), bins, log=True)


def test_code_discs_have_areas_in_proportion():
    bins = AbBins()
    ab = torch.tensor([33.0, 47.0]).view(2, 1, 1)
    indices, weights = bins.soft_encode(ab)
    fig = plots.ab_code((indices, weights), bins, marks={"truth": (33, 47), "grey": torch.zeros(2)})
    discs = fig.axes[0].collections[-1]
    drawn = discs.get_widths() ** 2
    order = weights.flatten().numpy()[: len(drawn)]
    assert np.allclose(drawn / drawn.sum(), order / order.sum(), atol=1e-6)
    assert {"truth", "grey"} <= set(texts(fig))
    dense = plots.ab_code(bins.soft_encode_dense(ab)[:, 0, 0], bins).axes[0].collections[-1]
    assert np.allclose(sorted(dense.get_widths()), sorted(discs.get_widths()))
    for bad in (torch.zeros(313), -torch.ones(313), torch.ones(7)):
        with pytest.raises(ValueError, match="weights"):
            plots.ab_code(bad, bins)


def test_marks_that_are_close_keep_their_names_apart():
    fig = plots.ab_code(torch.ones(313), marks={"mean": (14, 13), "T = 0.38": (22, 7), "mode": (50, 30)})
    names = boxes(fig, fig.axes[0].texts)
    assert not any(one.overlaps(other) for i, one in enumerate(names) for other in names[:i])


@pytest.mark.parametrize("options, name", [({"L": 101}, "L"), ({"fade": 2}, "fade")])
def test_plane_names_bad_arguments(options, name):
    with pytest.raises(ValueError, match=f"^{name} is"):
        plots.ab_background(**options)


# charts

def test_curves_name_their_ends():
    x = torch.arange(50)
    fig = plots.curves({"one": (x, x * 0.1), "two": (x, x * 0.1 + 0.001),
                        "three": (x, x * 0.0, x - 1.0, x + 1.0)},
                       "step", "loss (nats)", references={"floor": 0.01})
    (ax,) = fig.axes
    assert ax.get_xlabel() == "step" and ax.get_ylabel() == "loss (nats)" and ax.get_legend() is None
    names = {t.get_text(): t for t in ax.texts}
    assert set(names) == {"one", "two", "three", "floor"}
    placed = sorted(boxes(fig, names.values()), key=lambda b: b.y0)
    assert all(lower.y1 <= upper.y0 + 2 for lower, upper in zip(placed, placed[1:]))
    looks = {(line.get_color(), line.get_linestyle()) for line in ax.lines}
    assert len(looks) == 4 and len({dash for _, dash in looks}) > 1


def test_names_stand_at_the_right_whatever_the_order():
    lines = {"falling": ([3, 2, 1], [30, 20, 10]), "flat": ([1, 2, 3], [5, 5, 5])}
    fig = plots.curves(lines, "x", "y", ylim=(0, None))
    at = {t.get_text(): t.xy for t in fig.axes[0].texts}
    assert at == {"falling": (3, 30), "flat": (3, 5)} and fig.axes[0].get_ylim()[0] == 0


def test_labels_move_only_as_far_as_needed():
    from colorlab.charts import apart

    assert np.allclose(apart(np.array([10.0, 50.0]), 13, 100), [10, 50])
    assert np.allclose(apart(np.array([50.0, 50.0, 50.0]), 10, 100), [40, 50, 60])
    assert apart(np.array([99.0, 99.5]), 10, 100).max() <= 100


def test_running_mean_keeps_constants_and_length():
    from colorlab.charts import running_mean

    assert np.allclose(running_mean(np.full(9, 3.0), 5), 3)
    assert np.allclose(running_mean(np.arange(9.0), 3)[1:-1], np.arange(1.0, 8.0))


@pytest.mark.parametrize("lines", [{}, {"a": ([1, 2],)}, {"a": ([1, 2], [1])}, {"a": ([], [])}])
def test_curves_name_bad_lines(lines):
    with pytest.raises(ValueError, match="lines"):
        plots.curves(lines, "x", "y")


def test_forest():
    class Rate:
        rate, low, high = 0.029, 0.0225, 0.0373

    fig = plots.forest(["ours", ("network", Rate), "people", ("full method", 0.323, 0.28, 0.366),
                        ("real", 0.5, None, None)],
                       references={"chance": 0.5, "people": (0.323, 0.022)})
    (ax,) = fig.axes
    assert [t.get_text() for t in ax.get_yticklabels()] == ["network", "full method", "real"]
    assert {"2.9  [2.2, 3.7]", "32.3  [28.0, 36.6]", "50.0", "chance", "people", "ours"} <= set(texts(fig))
    assert "%" in ax.get_xlabel()
    for bad in ([("a", 32.3, 28.0, 36.6)], [("a", 0.3)], [], ["only words"]):
        with pytest.raises(ValueError, match="rows"):
            plots.forest(bad)


def test_close_references_are_written_on_two_lines():
    fig = plots.forest([("a", 0.3, 0.2, 0.5)],
                       references={"people, full method": 0.32, "people, no rebalancing": 0.31})
    names = [t for t in fig.axes[0].texts if "people" in t.get_text()]
    first, second = boxes(fig, names)
    assert not first.overlaps(second)


def test_score_histogram_and_pairs():
    real, fake = torch.randn(200, generator=torch.Generator().manual_seed(0)) + 2, torch.linspace(-5, 3, 200)
    fig = plots.score_histogram(real, fake)
    assert any("real" in t for t in texts(fig)) and any(p.get_hatch() for p in fig.axes[0].patches)
    same = plots.score_histogram(real, real)
    first, second = boxes(same, same.axes[0].texts)
    assert not first.overlaps(second)
    fig = plots.paired(real, fake)
    assert f"{(fake > real).sum()} of 200" in texts(fig)[0]
    with pytest.raises(ValueError, match="pairs"):
        plots.paired(real, fake[1:])


def test_roc_area_equals_scikit_learn():
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    real, fake = rng.normal(1, 1, 80).round(1), rng.normal(0, 1, 70).round(1)  # rounded: there are ties
    fig = plots.roc({"net": (real, fake)})
    area = roc_auc_score(np.r_[np.ones(80), np.zeros(70)], np.r_[real, fake])
    assert f"net: {area:.3f}" in texts(fig)
    with pytest.raises(ValueError, match="scores"):
        plots.roc({})


def test_training_log():
    rows = [{"step": i, "loss": 1 / (i + 1), "lr": 0.1,
             **({"validation_loss": 0.5} if i % 5 == 0 else {})} for i in range(20)]
    assert len(plots.training_log(rows).axes) == 2
    fig = plots.training_log(rows, keys=[("loss", "validation_loss")])
    assert set(texts(fig)) == {"loss", "validation loss"} and fig.axes[0].get_xlabel() == "step"
    with pytest.raises(ValueError, match="accuracy"):
        plots.training_log(rows, keys=["accuracy"])
    with pytest.raises(ValueError, match="log has no rows"):
        plots.training_log([])


def test_scatter_writes_the_rank_correlation():
    fig = plots.scatter([1, 2, 3, 4], [1, 4, 9, 16], "chroma", "logit")
    assert fig.axes[0].get_title(loc="left") == "rank correlation +1.00"
    with pytest.raises(ValueError, match="x has 2"):
        plots.scatter([1, 2], [1], "x", "y")


# drawings

def test_generator_table_is_the_network():
    from torch import nn

    from colorlab.generators import ECCV16

    for width in (1.0, 0.25):
        rows = drawings.eccv16_table(256, width)
        with torch.device("meta"):
            network = ECCV16(width)
        layers = [m for name, m in network.named_modules() if name != "model_out"
                  and isinstance(m, (nn.Conv2d, nn.ConvTranspose2d))]
        assert [r["channels"] for r in rows] == [m.out_channels for m in layers]
        assert [r["kernel"] for r in rows] == [m.kernel_size[0] for m in layers]
        assert [r["dilation"] for r in rows] == [m.dilation[0] for m in layers]
        strides = [1 / m.stride[0] if isinstance(m, nn.ConvTranspose2d) else m.stride[0] for m in layers]
        assert [r["stride"] for r in rows] == strides
        assert rows[-1]["size"] == 64 and min(r["size"] for r in rows) == 32


@pytest.mark.parametrize("draw", [plots.draw_eccv16, plots.draw_discriminator, plots.pipeline])
def test_drawings_hold_their_words_apart(draw):
    fig = draw()
    (ax,) = fig.axes
    words = [t for t in ax.texts if t.get_text()]
    placed = boxes(fig, words)
    whole = fig.bbox.padded(2)
    for word, box in zip(words, placed):
        assert whole.x0 <= box.x0 and box.x1 <= whole.x1, word.get_text()
        assert whole.y0 <= box.y0 and box.y1 <= whole.y1, word.get_text()
    for i, box in enumerate(placed):
        for other, word in zip(placed[:i], words):
            assert not box.padded(-1).overlaps(other.padded(-1)), (words[i].get_text(), word.get_text())


def test_drawings_say_the_sizes():
    assert {"64\n128²", "512\n32²", "256, 313\n64²"} <= set(texts(plots.draw_eccv16()))
    assert {"32 × 148²", "74²", "64 × 34²", "17²", "18,496"} <= set(texts(plots.draw_discriminator()))
    hatched = [p for p in plots.draw_eccv16().axes[0].patches if p.get_hatch()]
    assert len(hatched) == 6 + 1  # the dilated layers, and the key


def test_pipeline_takes_thumbnails():
    fig = plots.pipeline(images={"photograph": image(h=20, w=30), "grey": torch.rand(1, 20, 20) * 100})
    assert len(fig.axes[0].images) == 2 and fig.axes[0].get_xlim() == (0, 18)
    with pytest.raises(ValueError, match="images"):
        plots.pipeline(images={"colour": image()})


# style

def test_palette_is_seaborns():
    seaborn = pytest.importorskip("seaborn")
    assert [c.upper() for c in seaborn.color_palette("colorblind").as_hex()] == list(style.PALETTE)


def test_pyplot_does_not_know_the_figures():
    before = plt.get_fignums()
    plots.ab_background(L=50), plots.show_rows([image()]), plots.panels(1, 2)
    assert plt.get_fignums() == before  # or a notebook would show them a second time


@pytest.mark.parametrize("make, mime, kind", [(lambda: plots.show_rows([image()]), "image/jpeg", "JPEG"),
                                              (plots.draw_discriminator, "image/png", "PNG")])
def test_a_notebook_shows_a_figure_once_and_small(make, mime, kind, monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.publish_display_data", lambda *given: shown.append(given))
    make()._ipython_display_()
    ((data, metadata),) = shown
    raw = base64.b64decode(data[mime])
    assert Image.open(BytesIO(raw)).format == kind and len(raw) < 60_000
    assert metadata[mime]["width"] <= 90 * plots.WIDTH + 20


def test_jpeg_quality():
    before = style.Picture.jpeg_quality, style.Picture.image_dpi
    try:
        fig = plots.show_rows([image(h=80, w=80)])
        plots.jpeg(30)
        assert len(fig.encoded()[1]) < len(plots.jpeg(95) or fig.encoded()[1])
        with pytest.raises(ValueError, match="quality is 0"):
            plots.jpeg(0)
    finally:
        plots.jpeg(*before)


def test_a_figure_is_renewed_on_request_only(tmp_path, monkeypatch):
    fig, ax = plots.panels()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLORLAB_FIGURES", raising=False)
    plots.renew(fig, "one.png")
    assert not list(tmp_path.iterdir())
    monkeypatch.setenv("COLORLAB_FIGURES", str(tmp_path))
    plots.renew(fig, "one.png")
    plots.renew(fig, "two.png", dpi=20)
    assert (tmp_path / "one.png").read_bytes() == fig.encoded()[1]
    assert Image.open(tmp_path / "two.png").width < Image.open(tmp_path / "one.png").width
