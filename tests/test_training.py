"""Training learns, resumes exactly, keeps what was trained, and refuses what does not fit."""

import json
import threading

import pytest
import torch
import torch.nn.functional as F

from colorlab import batches, loop, photos, training
from colorlab.batches import at_a_quarter, batch_at, fingerprint, random_crops
from colorlab.bins import AbBins
from colorlab.color import rgb_to_lab
from colorlab.discriminators import Discriminator
from colorlab.generators import ECCV16
from colorlab.judging import fooling_rate, score
from colorlab.losses import weighted_and_plain
from colorlab.pairs import from_images, swap
from colorlab.training import Log, falling_rate, train_discriminator, train_generator, warm_hold_decay


@pytest.fixture(scope="module")
def eight():
    return photos.load("embedded", "train").square(64)[:64:8].clone()  # eight crops


def narrow(seed=0, **options):
    torch.manual_seed(seed)
    return ECCV16(0.0625, **options)


def test_every_photograph_once_an_epoch():
    seen = torch.cat([batch_at(step, 10, 4, seed=3) for step in range(5)])  # 20 draws: two epochs of ten
    assert sorted(seen[:10].tolist()) == sorted(seen[10:].tolist()) == list(range(10))
    assert not torch.equal(seen[:10], seen[10:])
    assert torch.equal(batch_at(3, 10, 4, 3), seen[12:16]) and len(batch_at(0, 3, 8, 0)) == 8


def test_crops_depend_on_the_seed_alone(eight):
    one = random_crops(eight, 32, True, 5)
    assert one.shape == (8, 3, 32, 32) and one.dtype == torch.uint8
    assert torch.equal(one, random_crops(eight, 32, True, 5)) and not torch.equal(one, random_crops(eight, 32, True, 6))


def test_labels_average_or_sample():
    ab = torch.rand(1, 2, 8, 4)
    assert torch.allclose(at_a_quarter(ab)[0, :, 0, 0], ab[0, :, :4, :].mean((1, 2)))
    assert torch.equal(at_a_quarter(ab, "sample")[0, :, 1, 0], ab[0, :, 4, 0])
    with pytest.raises(ValueError, match="labels is"):
        at_a_quarter(ab, "median")


def test_schedule_warms_holds_and_ends_at_zero():
    values = [warm_hold_decay(p / 100) for p in range(101)]
    assert values[0] < 0.05 and values[50] == 1 and values[100] == 0 and values[90] == pytest.approx(0.25)


def test_a_narrow_generator_memorises_eight_photographs(eight):
    generator = ECCV16(0.125, bins=AbBins(20))
    log = train_generator(generator, eight, loss="classification", steps=220, batch=8, crop=64, zoom=False, lr=3e-3,
                          progress=False)
    lab = rgb_to_lab(eight)
    ab = at_a_quarter(lab[:, 1:])
    ab_hat = at_a_quarter(generator.colorize(lab[:, :1], temperature=0.1))
    error, grey = (ab_hat - ab).norm(dim=1).mean(), ab.norm(dim=1).mean()
    assert log.series()[1][-1] < 0.5 * log.series()[1][0]
    assert error < 0.5 * grey, f"mean ab error {error:.1f}, all grey {grey:.1f}"


def test_l2_learns_too(eight):
    generator = narrow(bins=None)
    log = train_generator(generator, eight, loss="l2", steps=60, batch=8, crop=64, zoom=False, lr=3e-3, progress=False)
    _, losses = log.series("loss")
    assert losses[-1] < 0.9 * losses[0]


def both_losses(eight, prior=None):
    log = train_generator(narrow(), eight, steps=2, batch=8, crop=32, prior=prior, progress=False)
    return log.series("loss")[1][-1], log.series("unweighted")[1][-1]


def test_the_log_has_the_weighted_and_the_unweighted_loss(eight):
    weighted, plain = both_losses(eight)
    assert weighted != pytest.approx(plain, rel=1e-4)
    assert both_losses(eight, torch.full((313,), 1 / 313))[0] == pytest.approx(plain, rel=0.05)


def test_grey_photographs_teach_nothing(eight):
    grey = eight.float().mean(1, keepdim=True).to(torch.uint8).expand_as(eight).contiguous()
    run = dict(loss="classification", steps=2, batch=4, crop=32, progress=False)
    alone, mixed = narrow(), narrow()
    train_generator(alone, eight, **run)
    train_generator(mixed, torch.cat((eight[:3], grey, eight[3:])), **run)
    assert torch.equal(weights_of(alone), weights_of(mixed))
    with pytest.raises(ValueError, match="all grey"):
        train_generator(narrow(), grey, **run)


def test_checks_see_the_averaged_weights_and_training_goes_on_with_its_own(eight):
    seen, run = [], dict(loss="classification", steps=6, batch=4, crop=32, every=3, average=0.5, progress=False)
    network, unwatched = narrow(), narrow()
    train_generator(network, eight, check=lambda step: seen.append(weights_of(network)) or {}, **run)
    train_generator(unwatched, eight, **run)
    assert torch.equal(seen[-1], weights_of(network)) and torch.equal(weights_of(network), weights_of(unwatched))


class Stop:
    """Raises KeyboardInterrupt at the check of a step, as a person at the stop button would."""

    def __init__(self, at):
        self.at = at

    def __call__(self, step):
        if step == self.at:
            raise KeyboardInterrupt
        return {}


def weights_of(network):
    return torch.cat([p.detach().flatten() for p in network.parameters()])


def test_interrupted_and_resumed_equals_uninterrupted(eight, tmp_path):
    run = dict(steps=12, batch=4, crop=32, every=4, average=0.9, loss="classification", progress=False)
    whole = narrow()
    uninterrupted = train_generator(whole, eight, **run)
    part = train_generator(narrow(), eight, folder=tmp_path, check=Stop(8), **run)
    assert part.interrupted and part.rows[-1]["step"] == 8
    resumed = narrow()
    log = train_generator(resumed, eight, folder=tmp_path, **run)
    assert not log.interrupted and torch.equal(weights_of(whole), weights_of(resumed))
    assert [r["loss"] for r in log.rows] == [r["loss"] for r in uninterrupted.rows]
    assert json.loads((tmp_path / "log.json").read_text())["rows"] == log.rows
    again = narrow()
    done = train_generator(again, eight, folder=tmp_path, check=Stop(12), **run)  # nothing left to do: no check is made
    assert torch.equal(weights_of(again), weights_of(resumed)) and done.rows == log.rows


def test_interrupting_without_a_folder_keeps_the_network(eight):
    network, before = narrow(), weights_of(narrow())
    log = train_generator(network, eight, steps=9, batch=4, crop=32, every=3, check=Stop(3), progress=False)
    assert log.interrupted and not torch.equal(weights_of(network), before)


def test_a_folder_of_another_run_is_refused(eight, tmp_path):
    run = dict(steps=2, batch=4, crop=32, folder=tmp_path, loss="classification", progress=False)
    train_generator(narrow(), eight, lr=1e-3, **run)
    with pytest.raises(ValueError, match="lr was 0.001, is now 0.002"):
        train_generator(narrow(), eight, lr=2e-3, **run)
    with pytest.raises(ValueError, match="images was"):
        train_generator(narrow(), eight.flip(0), lr=1e-3, **run)
    with pytest.raises(ValueError, match="steps was 2, is now 3"):
        train_generator(narrow(), eight, **run | {"steps": 3})
    with pytest.raises(ValueError, match="freeze_bn was False, is now True"):
        train_generator(narrow(), eight, freeze_bn=True, **run)


def test_frozen_batchnorm_keeps_its_statistics(eight):
    network = narrow()
    before = network.model3[6].running_mean.clone()
    train_generator(network, eight, steps=2, batch=4, crop=32, freeze_bn=True, progress=False)
    assert torch.equal(network.model3[6].running_mean, before)
    train_generator(network, eight, steps=2, batch=4, crop=32, progress=False)
    assert not torch.equal(network.model3[6].running_mean, before)


def test_callers_random_state_is_left_alone(eight):
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    network = ECCV16(0.0625)
    torch.manual_seed(5)
    train_generator(network, eight, steps=1, batch=2, crop=32, progress=False)
    assert torch.equal(torch.rand(3), wanted)


def test_discriminator_tells_photographs_from_grey_ones():
    colour = F.interpolate(photos.load("embedded", "train").square(150)[:48].float(), 150).to(torch.uint8)
    grey = colour.float().mean(1, keepdim=True).round().to(torch.uint8).expand_as(colour).contiguous()
    torch.manual_seed(0)
    network = Discriminator()
    log = train_discriminator(network, colour[::2], grey[::2], epochs=8, validation=(colour[1::2], grey[1::2]),
                              progress=False)
    assert log.series("validation_accuracy")[1][-1] > 0.9
    assert fooling_rate(score(network, colour[1::2]), score(network, grey[1::2])).rate < 0.1


def test_swapped_roles_leave_nothing_to_learn():
    """When a coin decides which of a pair is called real, the held-out fooling rate must be about one half."""
    colour = photos.load("embedded", "train").square(150)[:80]
    grey = colour.float().mean(1, keepdim=True).round().to(torch.uint8).expand_as(colour).contiguous()
    swapped = swap(from_images(colour, grey), seed=1)
    torch.manual_seed(0)
    network = Discriminator()
    train_discriminator(network, swapped.real[:40], swapped.fake[:40], epochs=4, progress=False)
    rate = fooling_rate(score(network, swapped.real[40:]), score(network, swapped.fake[40:]))
    assert rate.low <= 0.5 <= rate.high, rate


def test_a_discriminators_rate_falls_and_its_weights_are_averaged(monkeypatch, tmp_path):
    generator = torch.Generator().manual_seed(0)
    real = torch.randint(0, 256, (4, 3, 150, 150), dtype=torch.uint8, generator=generator)
    rates, step = [], torch.optim.RMSprop.step
    monkeypatch.setattr(torch.optim.RMSprop, "step",
                        lambda self, *rest: rates.append(self.param_groups[0]["lr"]) or step(self, *rest))

    def trained(**options):
        torch.manual_seed(0)
        network = Discriminator()
        train_discriminator(network, real, 255 - real, epochs=2, batch=2, progress=False, **options)
        return network.features[0].weight

    plain = trained()
    assert rates == [1e-3] * 8
    falling = trained(schedule=falling_rate)
    assert rates[8:] == pytest.approx([1e-3 * (1 - i / 8) for i in range(8)])
    averaged = trained(schedule=falling_rate, average=0.99, folder=tmp_path)
    assert not torch.equal(plain, falling) and not torch.equal(falling, averaged)
    with pytest.raises(ValueError, match="schedule was 'falling_rate', is now None"):
        trained(average=0.99, folder=tmp_path)


@pytest.mark.parametrize("options, words", [
    (dict(loss="huber"), "loss is 'huber'"),
    (dict(loss="l2"), "needs a generator without bins"),
    (dict(crop=60), "crop is 60"),
    (dict(crop=128), "crop is 128"),
])
def test_wrong_options_are_named(eight, options, words):
    with pytest.raises(ValueError, match=words):
        train_generator(narrow(), eight, steps=1, **options)


def test_wrong_images_are_named(eight):
    with pytest.raises(ValueError, match="expected uint8"):
        train_generator(narrow(), eight.float(), steps=1)
    with pytest.raises(ValueError, match="one pair at each index"):
        train_discriminator(Discriminator(), eight, eight[:3])


def test_a_log_names_what_it_has():
    with pytest.raises(KeyError, match="loss"):
        Log([{"step": 1, "loss": 2.0}]).series("accuracy")


def test_fingerprint_sees_bytes_and_shape():
    a = torch.zeros(2, 3)
    assert fingerprint(a) == fingerprint(a.clone()) != fingerprint(a.view(3, 2)) and fingerprint(a) != fingerprint(a + 1)


def test_rows_and_checks_of_a_run_that_was_killed(eight, tmp_path, monkeypatch):
    """Checks stand at their own step, and a run that was killed between two rows logs what it would have logged."""
    run = dict(steps=120, batch=2, crop=16, every=31, loss="classification", progress=False)
    seen = []
    whole = train_generator(narrow(), eight, check=lambda step: seen.append(step) or {"at": step}, **run)
    assert seen == [31, 62, 93, 120] and whole.series("at") == (seen, seen)

    class Killed(BaseException):
        pass

    def kill(*_):
        raise Killed

    monkeypatch.setattr(loop, "_keep", lambda *given, keep=loop._keep: (keep(*given), kill()))
    with pytest.raises(Killed):  # at 31, which is no multiple of 2, the steps of a row
        train_generator(narrow(), eight, folder=tmp_path, **run)
    monkeypatch.undo()
    assert train_generator(narrow(), eight, folder=tmp_path, **run).series("loss") == whole.series("loss")


def test_an_interrupt_within_an_update_keeps_the_checkpoint_before_it(eight, tmp_path, monkeypatch):
    run = dict(steps=12, batch=4, crop=16, every=4, average=0.9, loss="classification", progress=False)
    whole = narrow()
    train_generator(whole, eight, **run)
    stopped, calls, move = narrow(), [], loop._move_average

    def interrupted(*given):
        calls.append(given)
        if len(calls) == 7:
            raise KeyboardInterrupt
        move(*given)

    monkeypatch.setattr(loop, "_move_average", interrupted)
    assert train_generator(stopped, eight, folder=tmp_path, **run).interrupted
    monkeypatch.undo()
    again = narrow()
    train_generator(again, eight, folder=tmp_path, **run)
    assert all(torch.equal(a, b) for a, b in zip(again.state_dict().values(), whole.state_dict().values()))


def test_batches_are_drawn_ahead_once_each_and_in_order():
    drawn, main = [], threading.get_ident()

    def draw(step, part):
        drawn.append((step, part, threading.get_ident() == main))
        return torch.tensor([step, part])

    with batches.Ahead(draw, steps=3, parts=2) as batch:
        for step in range(3):
            for part in range(2):
                assert batch(step, part).tolist() == [step, part]
    assert [row[:2] for row in drawn] == [(s, p) for s in range(3) for p in range(2)]
    assert [row[2] for row in drawn] == [True] + 5 * [False]  # only the first was waited for
    with batches.Ahead(draw, steps=0) as batch:
        assert batch(7).tolist() == [7, 0] and drawn[-1] == (7, 0, True)


def test_an_error_in_drawing_ahead_is_raised():
    def draw(step, part):
        if step == 1:
            raise ValueError("broken file")
        return torch.zeros(1)

    with batches.Ahead(draw, steps=3) as batch, pytest.raises(ValueError, match="broken file"):
        batch(0)
        batch(1)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_training_stops_at_the_first_loss_that_is_not_finite(eight, tmp_path, monkeypatch, value):
    losses = []

    def diverging(*args):
        weighted, plain = weighted_and_plain(*args)
        losses.append(weighted)
        return (weighted if len(losses) <= 7 else weighted * value), plain

    monkeypatch.setattr(training, "weighted_and_plain", diverging)
    wanted = (r"loss is (nan|inf) at step 8 of 20, .* learning rate of 0\.0003 instead of 0\.001; "
              r"the checkpoint of step 5 stays in")
    with pytest.raises(FloatingPointError, match=wanted):
        train_generator(narrow(), eight, folder=tmp_path, steps=20, every=5, batch=4, crop=32, progress=False)
    saved = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert saved["step"] == 5 and all(value.isfinite().all() for value in saved["network"].values())
    rows = json.loads((tmp_path / "log.json").read_text())["rows"]
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 5] and len(losses) == 8


def test_weights_that_are_not_finite_are_not_kept(eight, tmp_path, monkeypatch):
    update, updates = torch.optim.AdamW.step, []

    def ruinous(optimizer, *args, **kwargs):
        update(optimizer, *args, **kwargs)
        updates.append(optimizer)
        if len(updates) == 10:  # the last: its loss was still finite
            optimizer.param_groups[0]["params"][0].data.fill_(float("inf"))

    monkeypatch.setattr(torch.optim.AdamW, "step", ruinous)
    with pytest.raises(FloatingPointError, match="a weight is not finite"):
        train_generator(narrow(), eight, folder=tmp_path, steps=10, every=5, batch=4, crop=32, progress=False)
    assert torch.load(tmp_path / "checkpoint.pt", weights_only=True)["step"] == 5
