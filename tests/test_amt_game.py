"""The game of real or fake: its rules, its file, its screen; every press of a button leaves no logged exception."""

import asyncio
import csv
import logging
import os
import re
from collections import Counter
from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("ipywidgets")

from colorlab import judging, pairs  # noqa: E402
from colorlab.widgets import amt_answers, amt_game, amt_rules  # noqa: E402
from colorlab.widgets.amt_answers import COLUMNS, pool, read  # noqa: E402
from colorlab.widgets.amt_game import AmtGame, State, play, render  # noqa: E402
from colorlab.widgets.amt_rules import Game, deal  # noqa: E402


def some_pairs(n=60, size=32, crops=1):
    """Pairs of noise whose fakes are the negatives; ``crops`` of them are cut from one photograph."""
    real = torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    names, groups = [f"photo {i}, a" for i in range(n)], [f"g{i // crops}" for i in range(n)]
    return pairs.from_images(real, 255 - real, size, names, groups)


PAIRS = some_pairs()


def other(side):
    return {"left": "right", "right": "left"}[side]


def finish(game, fooled=0, pass_checks=True):
    """Answer all that is left: the first ``fooled`` counted fakes wrongly, the rest rightly."""
    while not game.finished:
        trial = game.trial
        wrong = not pass_checks if trial.kind == "check" else trial.stage == "counted" and fooled > 0
        fooled -= wrong and trial.kind == "fake"
        game.answer(other(trial.real_side) if wrong else trial.real_side, seconds=1.0)
    return game


# ------------------------------------------------------------------------------------------------------------ the rules
def test_protocol_of_the_paper():
    game = Game(PAIRS, "Ada")
    assert Counter(t.stage for t in game.trials) == {"practice": 10, "counted": 40}
    assert [t.stage for t in game.trials] == ["practice"] * 10 + ["counted"] * 40
    for start in range(0, 50, 10):  # one pair in ten is a check
        assert sum(t.kind == "check" for t in game.trials[start:start + 10]) == 1
    assert len({t.index for t in game.trials}) == 50, "a photograph is shown once"
    assert [t.number for t in game.trials] == list(range(1, 51))
    assert len(game.counted_pairs()) == 36


def test_sides_are_a_fair_coin():
    sides = [t.real_side for seed in range(60) for t in deal([str(i) for i in range(50)], seed, 10, 40)]
    low, high = judging.wilson(sides.count("left"), len(sides))
    assert low < 0.5 < high


def test_images_lie_where_the_trial_says():
    game = Game(PAIRS, "Ada")
    while not game.finished:
        trial, shown = game.trial, dict(zip(("left", "right"), game.images()))
        assert torch.equal(shown[trial.real_side], PAIRS.real[trial.index])
        fake = shown[other(trial.real_side)]
        assert torch.equal(fake, PAIRS.fake[trial.index]) == (trial.kind == "fake")
        assert fake.shape == PAIRS.real[0].shape and fake.dtype == torch.uint8
        game.answer("left")


def test_same_player_same_game_other_player_other_order():
    def shown(player, seed):
        return [(t.index, t.real_side) for t in Game(PAIRS, player, seed=seed).trials]

    assert shown("Ada", 0) == shown(" Ada ", 0)
    assert shown("Ada", 0) != shown("Ben", 0) and shown("Ada", 0) != shown("Ada", 1)


def test_every_photograph_once_before_its_crops():
    crops = some_pairs(100, 8, crops=2)
    game = Game(crops, "Ada")
    assert len({crops.groups[t.index] for t in game.trials}) == 50


def test_score_counts_what_it_should():
    game = finish(Game(PAIRS, "Ada"), fooled=9, pass_checks=False)
    score = game.score()
    assert (score.fooled, score.pairs, score.checks_passed, score.checks) == (9, 36, 0, 4)
    assert (score.rate, score.low, score.high) == (0.25, *judging.wilson(9, 36))
    assert str(score) == "Ada: fooled in 9 of 36 pairs, 25.0% [13.8%, 41.1%]; checks passed: 0 of 4"


def test_answer_tells_and_refuses():
    game = Game(PAIRS, "Ada", practice=0, counted=2)
    assert game.answer(game.trial.real_side) is True
    with pytest.raises(ValueError, match="side is 'up'; expected 'left' or 'right'"):
        game.answer("up")
    assert game.answer(other(game.trial.real_side)) is False
    assert game.finished and game.trial is None
    with pytest.raises(ValueError, match="game is over"):
        game.answer("left")


def test_few_pairs_make_a_short_game():
    game = Game(PAIRS.subset(range(12)), "Ada")
    assert (game.practice, game.counted) == (2, 10)
    assert finish(game, fooled=1).score().pairs == 9  # and one check
    with pytest.raises(ValueError, match="pairs has 1 pairs; expected at least 2"):
        Game(PAIRS.subset([0]), "Ada")


@pytest.mark.parametrize("player", ["", "  \n", "x" * 61])
def test_a_player_needs_a_name(player):
    with pytest.raises(ValueError, match="player is"):
        Game(PAIRS, player)


def test_no_score_before_a_counted_answer():
    with pytest.raises(ValueError, match="none of them counted"):
        Game(PAIRS, "Ada").score()


# ------------------------------------------------------------------------------------------------------------- the file
def test_columns_are_the_documented_ones(tmp_path):
    file = tmp_path / "new" / "answers.csv"
    finish(Game(PAIRS, "Ada", file), fooled=3)
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == list(COLUMNS) and len(rows) == 50
    assert rows[0]["player"] == "Ada" and rows[0]["stage"] == "practice" and rows[-1]["trial"] == "50"
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", row["time"]) for row in rows)
    assert {row["session"] for row in rows} == {rows[0]["session"]} and rows[0]["photograph"].endswith(", a")
    assert all(meaning for meaning in COLUMNS.values()) and amt_answers.Answer._fields == tuple(COLUMNS)


@pytest.mark.parametrize("answered", [1, 7, 10, 31, 50])
def test_goes_on_after_a_restart(tmp_path, answered):
    file = tmp_path / "answers.csv"
    first = Game(PAIRS, "Ada", file)
    for _ in range(answered):
        first.answer("left", 0.5)
    second = Game(PAIRS, "Ada", file)  # a new kernel knows the file alone
    assert len(second.answers) == answered and second.trials == first.trials and second.session == first.session
    assert second.answers == first.answers
    finish(second)
    assert len(read(file)) == 50 and [a.trial for a in read(file)] == list(range(1, 51))


def test_others_in_the_file_do_not_count_as_mine(tmp_path):
    file = tmp_path / "answers.csv"
    finish(Game(PAIRS, "Ada", file))
    assert not Game(PAIRS, "Ben", file).answers
    assert not Game(PAIRS, "Ada", file, seed=1).answers, "another seed is another game"
    assert not Game(PAIRS.subset(range(59)), "Ada", file).answers, "other pairs are another game"


def test_a_line_cut_short_by_a_crash(tmp_path):
    file = tmp_path / "answers.csv"
    game = Game(PAIRS, "Ada", file)
    for _ in range(5):
        game.answer("left", 1.0)
    whole = file.read_bytes()
    for cut in range(1, len(whole.splitlines(keepends=True)[-1]) + 1):
        file.write_bytes(whole[:-cut])
        again = Game(PAIRS, "Ada", file)
        assert len(again.answers) in (4, 5)
        again.answer("right", 1.0)
        assert len(read(file)) == len(again.answers), "the next line begins on a line of its own"


def test_pool_of_a_class(tmp_path):
    for name, fooled in (("Ada", 0), ("ben", 9), ("Cleo", 18)):
        finish(Game(PAIRS, name, tmp_path / f"{name}.csv"), fooled)
    together = pool(sorted(tmp_path.glob("*.csv")))
    assert [s[:1] + s[4:6] for s in together.players] == [("Ada", 0, 36), ("ben", 9, 36), ("Cleo", 18, 36)]
    everyone = together.everyone
    assert (everyone.fooled, everyone.pairs, everyone.rate, everyone.checks) == (27, 108, 0.25, 12)
    low, high = judging.wilson(27, 108)
    assert everyone.low < low and everyone.high > high, "players differ, so the interval is wider than Wilson's"


def test_pool_counts_an_answer_once(tmp_path):
    one, both = tmp_path / "one.csv", tmp_path / "both.csv"
    finish(Game(PAIRS, "Ada", one), fooled=4)
    both.write_bytes(one.read_bytes() * 2)  # cat one.csv one.csv
    assert pool(both) == pool([one, both]) == pool(one)
    assert pool(one).everyone.pairs == 36 and pool(one).everyone[1:4] == pool(one).players[0][1:4]


def test_two_sittings_of_one_player_add_up(tmp_path):
    for seed in (0, 1):
        finish(Game(PAIRS, "Ada", tmp_path / "a.csv", seed=seed), fooled=seed)
    assert pool(tmp_path / "a.csv").players[0][4:6] == (1, 72)


def test_pool_does_not_mix_generators(tmp_path):
    file = tmp_path / "a.csv"
    for name in ("old", "new"):
        made = pairs.Pairs(PAIRS.real, PAIRS.fake, PAIRS.names, PAIRS.groups, {"generator": name, "weights": "1f"})
        finish(Game(made, "Ada", file), fooled=2 * (name == "new"))
    with pytest.raises(ValueError, match="2 generators.*generator='new 1f' or 'old 1f'"):
        pool(file)
    assert pool(file, generator="new 1f").everyone.fooled == 2 and pool(file, "old 1f").everyone.fooled == 0
    with pytest.raises(ValueError, match="no counted answers about generator 'other'"):
        pool(file, generator="other")


def test_what_is_no_file_of_answers(tmp_path):
    (tmp_path / "a.csv").write_text("name,age\nAda,36\n")
    with pytest.raises(ValueError, match="begins with 'name,age'; expected the heading time,player"):
        pool(tmp_path / "a.csv")
    with pytest.raises(FileNotFoundError):
        pool([tmp_path / "none.csv"])
    (tmp_path / "empty.csv").touch()
    with pytest.raises(ValueError, match="no counted answers"):
        pool([tmp_path / "empty.csv"])


def test_a_practising_player_is_left_out(tmp_path):
    file = tmp_path / "a.csv"
    finish(Game(PAIRS, "Ada", file))
    Game(PAIRS, "Ben", file).answer("left")
    assert [s.player for s in pool(file).players] == ["Ada"]


# ----------------------------------------------------------------------------------------------------------- the screen
@pytest.fixture
def quiet(caplog):
    """Fails when a callback raised: ipywidgets logs what its callbacks raise, and goes on."""
    with caplog.at_level(logging.WARNING):
        yield
    assert not [r for r in caplog.records if r.exc_info or r.levelno >= logging.ERROR], caplog.text


class Screen(AmtGame):
    """The game with a clock that jumps far enough ahead at each press for the pair to be seen."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.time = 0.0
        self.clock = lambda: self.time

    def press(self, button, after=5.0):
        self.time += after
        button.click()


def played(screen, until=None):
    for _ in range(200):
        if screen.state.phase == "done" or (until is not None and screen.state.title == until):
            break
        screen.press(screen.start if screen.state.phase == "ready" else screen.left)
    return screen


def test_a_game_by_its_buttons(tmp_path, quiet):
    screen = Screen(PAIRS, tmp_path / "a.csv", beside={"the network": judging.Proportion(0.1, 0.05, 0.2)})
    screen.press(screen.start)
    assert screen.state.message == "Type a name first."
    screen.player.value = "Ada <b>"
    screen.press(screen.start)
    assert (screen.state.phase, screen.state.title) == ("showing", "Practice pair 1 of 10")
    for _ in range(10):
        side = screen.game.trial.real_side
        screen.press(screen.left)
        said = "Right" if side == "left" else "Wrong"
        assert screen.state.message.startswith(f"{said}: the photograph was on the {side}.")
    assert screen.state.phase == "ready" and "40 pairs that count" in screen.state.message
    screen.press(screen.left)
    assert len(screen.game.answers) == 10, "no pair is on the screen"
    screen.press(screen.start)
    assert screen.state.title == "Counted pair 1 of 40"
    screen.press(screen.right)
    assert screen.state.message == "Which of the two is the photograph?", "nothing is told where it counts"
    played(screen)
    assert screen.state.phase == "done" and "of 36" in screen.state.result
    page = screen.screen.value
    assert "Ada &lt;b&gt; " in page and "the network 10.0%" in page and "<b> " not in page
    assert pool(tmp_path / "a.csv").players[0].player == "Ada <b>"


def test_another_game_after_the_last_page(tmp_path, quiet):
    screen = Screen(PAIRS.subset(range(10)), tmp_path / "a.csv", "Ada")
    played(screen)
    screen.press(screen.start)
    assert screen.state.title == "Practice pair 1 of 2" and not screen.game.answers
    screen.player.value = "Ben"
    screen.press(screen.start)
    assert screen.game.player == "Ben"


def test_the_screen_goes_on_after_a_restart(tmp_path, quiet):
    first = Screen(PAIRS, tmp_path / "a.csv", "Ada")
    played(first, until="Counted pair 8 of 40")
    second = Screen(PAIRS, tmp_path / "a.csv", "Ada")
    second.press(second.start)
    assert second.state.title == "Counted pair 8 of 40"
    assert second.state.message == "Welcome back, Ada: 17 pairs are answered."
    assert second.state.left == first.state.left
    played(second)
    third = Screen(PAIRS, tmp_path / "a.csv", "Ada")
    third.press(third.start)
    assert third.state.phase == "done"


def test_start_does_nothing_while_a_pair_is_open(quiet):
    screen = Screen(PAIRS, None, "Ada")
    screen.press(screen.start)
    screen.press(screen.left)
    state = screen.state
    screen.press(screen.start)
    assert screen.state is state and len(screen.game.answers) == 1


def test_a_double_press_does_not_answer_an_unseen_pair(quiet):
    screen = Screen(PAIRS, None, "Ada")
    screen.press(screen.left)  # before the game
    screen.press(screen.start)
    screen.press(screen.left, after=0.1)
    assert not screen.game.answers
    screen.press(screen.left)
    screen.press(screen.left, after=0.2)
    assert len(screen.game.answers) == 1
    assert screen.game.answers[0].seconds == pytest.approx(5.1 - amt_game.GAP["practice"])


def test_a_file_that_cannot_be_written(tmp_path, quiet):
    screen = Screen(PAIRS, tmp_path / "a.csv", "Ada")
    screen.press(screen.start)
    (tmp_path / "a.csv").mkdir()
    trial = screen.game.trial
    screen.press(screen.left)
    assert screen.state.phase == "asking" and "could not be kept" in screen.state.message and screen.game.trial == trial
    os.rmdir(tmp_path / "a.csv")
    screen.press(screen.left)
    assert len(read(tmp_path / "a.csv")) == 1


def test_a_file_of_another_kind(tmp_path, quiet):
    (tmp_path / "a.csv").write_text("something else\n")
    screen = Screen(PAIRS, tmp_path / "a.csv", "Ada")
    screen.press(screen.start)
    assert screen.state.phase == "ready" and "expected the heading" in screen.state.message
    assert (tmp_path / "a.csv").read_text() == "something else\n"


def test_the_pair_is_taken_off_the_page_without_blocking(monkeypatch, quiet):
    monkeypatch.setattr(amt_game, "SHOWN", -1.9)
    monkeypatch.setattr(amt_game, "GAP", {"practice": 0.0, "counted": 0.0})

    async def sit():
        screen = Screen(PAIRS, None, "Ada")
        screen.press(screen.start)
        first = screen.state.phase
        await asyncio.sleep(0.4)
        second = screen.state.phase
        screen.press(screen.left)
        return first, second, screen

    first, second, screen = asyncio.run(sit())
    assert (first, second, screen.state.phase) == ("showing", "asking", "showing")


def test_render_is_pure_and_hides_by_itself():
    state = State("showing", "Practice pair 1 of 10", "Look at <it>.", "data:,AA", "data:,BB", 1.6)
    page = render(state)
    assert page == render(State(*[getattr(state, f) for f in state.__dataclass_fields__]))
    assert page.count("<img") == 2 and page.index("data:,AA") < page.index("data:,BB")
    assert "Look at &lt;it&gt;." in page
    assert "visibility: hidden; animation: amt-show 1.0s linear 1" in page and page.count("animation-delay: 1.6s") == 2
    assert page.count("alt=") == 2 and 'aria-live="polite"' in page
    for phase in ("ready", "asking", "done"):
        assert "<img" not in render(State(phase, "title", "message"))


def test_height_is_the_same_in_every_phase():
    heights = {tuple(re.findall(r"\.amt(?:-stage)? \{ height: (\d+)px", render(State(phase, "t", "m"))))
               for phase in ("ready", "showing", "asking", "done")}
    assert len(heights) == 1
    assert AmtGame(PAIRS).screen.layout.height == "356px"


def test_controls_have_names_and_the_cell_a_text(tmp_path):
    game = play(PAIRS, tmp_path / "a.csv")
    assert all(button.description and button.tooltip for button in (game.start, game.left, game.right))
    assert game.player.description == "Your name"
    assert game._repr_mimebundle_()["text/plain"] == "The game of real or fake: run this cell in Jupyter to play."
    assert not (tmp_path / "a.csv").exists(), "no answer, no file"


def test_beside_may_be_computed_from_the_pairs_played(tmp_path, quiet):
    asked = []

    def beside(game):
        asked.append(game.counted_pairs())
        return {"network": SimpleNamespace(rate=0.5, low=0.4, high=0.6)}

    screen = played(Screen(PAIRS.subset(range(20)), None, "Ada", beside=beside))
    assert asked == [screen.game.counted_pairs()] and "network 50.0%" in screen.state.result


def test_contact_sheet_has_a_key():
    few = PAIRS.subset(range(8))
    figure, key = amt_game.contact_sheet(few, seed=3)
    assert len(key) == 8 and set(key) == {"A", "B"} and len(figure.axes) == 16
    for i, letter in enumerate(key):
        shown = figure.axes[i if letter == "A" else 8 + i].images[0].get_array()
        assert abs(torch.as_tensor(shown) * 255 - few.real[i].permute(1, 2, 0)).max() < 0.51


def test_rules_need_no_screen():
    assert "ipywidgets" not in open(amt_rules.__file__).read() and "ipywidgets" not in open(amt_answers.__file__).read()
