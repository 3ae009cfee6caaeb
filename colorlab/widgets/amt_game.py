"""The game of real or fake on the screen: two pictures for one second, then the question which is the
photograph.

`amt_rules.Game` plays it without a screen. `render` turns a `State` into HTML, and `AmtGame` adds a name,
Start, Left and Right: buttons and a field, which Tab and Enter reach. The browser itself hides a pair after
its second, however slow the kernel; the kernel waits for nobody. Answers go to a CSV at once, and a game goes
on behind those it finds.
"""

import asyncio
import base64
import html
import io
import time
from dataclasses import dataclass, replace

import ipywidgets as widgets
import numpy as np
import torch

from .amt_answers import pool  # noqa: F401
from .amt_rules import Game, Trial

SHOWN = 1.0  # seconds that a pair is to be seen
GAP = {"practice": 1.6, "counted": 0.9}  # seconds of an empty frame before it: what was said is read first
SIDE = 256  # pixels, the most that a picture gets


@dataclass(frozen=True)
class State:
    """All that is on the screen."""
    phase: str = "ready"  # "ready", "showing" (a pair, for its second), "asking" (it is gone), "done"
    title: str = ""
    message: str = ""
    left: str = ""  # pictures, as data addresses
    right: str = ""
    gap: float = 0.0  # seconds before they appear
    result: str = ""  # HTML of the last page


STYLE = f"""<style>
.amt {{ height: {SIDE + 90}px; max-width: {2 * SIDE + 60}px; overflow: hidden;
  text-align: center; line-height: 1.35 }}
.amt h4 {{ margin: 0 0 4px; font-size: 15px }} .amt p {{ margin: 0 0 6px; min-height: 2.7em }}
.amt-stage {{ height: {SIDE + 12}px; background: #777; color: #fff; position: relative;
  display: flex; justify-content: center; align-items: center; gap: 28px }}
.amt-stage span {{ position: absolute; font-size: 30px }}
.amt-stage img {{ max-height: {SIDE}px; max-width: {SIDE}px; margin: 0;
  visibility: hidden; animation: amt-show {SHOWN}s linear 1 }}
@keyframes amt-show {{ from, to {{ visibility: visible }} }}
.amt-result {{ text-align: left; height: {SIDE + 12}px; overflow: auto }}
.amt-result img {{ max-width: 100% }}
</style>"""


def render(state: State) -> str:
    """The screen as HTML. Its style sheet keeps a pair hidden, shows it for one second, and hides it."""
    title, message = html.escape(state.title), html.escape(state.message)
    head = f'<h4>{title}</h4><p role="status" aria-live="polite">{message}</p>'
    if state.phase == "done":
        return f'{STYLE}<div class="amt">{head}<div class="amt-result">{state.result}</div></div>'
    cross = '<span aria-hidden="true">+</span>'
    stage = {"ready": "", "showing": cross, "asking": "<span>?</span>"}[state.phase]
    if state.phase == "showing":
        for side, picture in (("left", state.left), ("right", state.right)):
            stage += f'<img src="{picture}" alt="the {side} picture" style="animation-delay: {state.gap}s">'
    return f'{STYLE}<div class="amt">{head}<div class="amt-stage">{stage}</div></div>'


class AmtGame(widgets.VBox):
    """The game with its controls: ``player`` (a field), ``start``, ``left``, ``right`` (buttons), ``screen``.

    Args:
        pairs, file, player, seed, practice, counted: as `Game` has them.
        beside: {name: a rate with .rate, .low and .high} to draw beside the player's; or a function that
            takes the game and returns such a dictionary.
    """

    def __init__(self, pairs, file=None, player: str = "", seed: int = 0, practice: int = 10,
                 counted: int = 40, beside=None):
        self._new_game = lambda name, again: Game(pairs, name, file, seed + again, practice, counted)
        self.game, self.beside, self.clock = None, beside, time.monotonic
        self._seen_from, self._again = 0.0, 0
        wide = widgets.Layout(width=f"{SIDE + 26}px")  # each under its picture
        self.player = widgets.Text(player, description="Your name", placeholder="or a nickname")
        self.start = widgets.Button(description="Start", tooltip="Begin, or go on where you stopped",
                                    button_style="primary")
        self.left, self.right = (widgets.Button(description=f"{side.capitalize()} is real", layout=wide,
                                                tooltip=f"The photograph was on the {side}")
                                 for side in ("left", "right"))
        self.screen = widgets.HTML(layout=widgets.Layout(height=f"{SIDE + 100}px"))
        self.start.on_click(lambda _: self.begin())
        self.left.on_click(lambda _: self.choose("left"))
        self.right.on_click(lambda _: self.choose("right"))
        super().__init__([widgets.HBox([self.player, self.start]), self.screen,
                          widgets.HBox([self.left, self.right])])
        self.show(State(title="Which of the two is the photograph?", message=(
            "A pair is shown for one second; then take your time. Type a name and press Start.")))

    def __repr__(self) -> str:
        return "The game of real or fake: run this cell in Jupyter to play."

    def show(self, state: State) -> None:
        self.state, self.screen.value = state, render(state)

    def begin(self) -> None:
        """Start, or go on behind the answers in the file; after the last page, another game."""
        name = " ".join(self.player.value.split())
        if self.game is not None and self.game.player == name and not self.game.finished:
            if self.state.phase == "ready":
                self.next("Which of the two is the photograph?")
            return
        self._again = self._again + 1 if self.game is not None and self.game.player == name else 0
        try:
            self.game = self._new_game(name, self._again)
        except (ValueError, OSError) as error:
            self.show(replace(self.state, message=str(error) if name else "Type a name first."))
            return
        done = len(self.game.answers)
        self.next(f"Welcome back, {name}: {done} pairs are answered." if done else "Look at the cross.")

    def next(self, message: str) -> None:
        """Show the next pair, or the last page."""
        game, trial = self.game, self.game.trial
        if trial is None:
            page = last_page(game, self.beside)
            self.show(State("done", "The end", "Start begins another game.", result=page))
            return
        number, of = (trial.number, game.practice) if trial.stage == "practice" else \
            (trial.number - game.practice, game.counted)
        gap = GAP[trial.stage]
        self._seen_from = self.clock() + gap
        title = f"{trial.stage.capitalize()} pair {number} of {of}"
        self.show(State("showing", title, message, *map(as_data, game.images()), gap))
        later(gap + SHOWN + 2, lambda: self.hide(game, trial))

    def hide(self, game: Game, trial: Trial) -> None:
        """Take a pair off the page: one that is scrolled away and back would be shown again."""
        if self.game is game and game.trial == trial and self.state.phase == "showing":
            self.show(replace(self.state, phase="asking", left="", right=""))

    def choose(self, side: str) -> None:
        """The player's answer; nothing happens before there is a pair to be seen."""
        seconds = self.clock() - self._seen_from
        if self.state.phase not in ("showing", "asking") or seconds < 0:
            return
        trial = self.game.trial
        try:
            right = self.game.answer(side, seconds)
        except OSError as error:
            told = f"The answer could not be kept: {error}. Try again."
            self.show(replace(self.state, phase="asking", message=told))
            return
        told = f"{'Right' if right else 'Wrong'}: the photograph was on the {trial.real_side}."
        if trial.number == self.game.practice:
            told += f" Now come {self.game.counted} pairs that count, and you will not be told. Press Start."
            self.show(State(title="The practice is over", message=told))
        else:
            self.next(told if trial.stage == "practice" else "Which of the two is the photograph?")


def play(pairs, file="amt_answers.csv", **options) -> AmtGame:
    """The game as a cell's last value: ``play(pairs, "answers.csv", player="Ada")``; see `AmtGame`."""
    return AmtGame(pairs, file, **options)


def last_page(game: Game, beside=None) -> str:
    """What came out, as HTML: a sentence, and the player's rate drawn beside the others'."""
    from ..plots import forest

    score, others = game.score(), beside(game) if callable(beside) else beside or {}
    where = f" Your answers are in {html.escape(str(game.file))}." if game.file else ""
    kind, drawn = forest([(game.player, score), *others.items()], references={"chance": 0.5}).encoded()
    words = "; ".join(f"{name} {row.rate:.1%}" for name, row in [(game.player, score), *others.items()])
    return (f"<p>You took the fake for the photograph in <b>{score.fooled} of {score.pairs}</b> pairs: "
            f"{score.rate:.1%}, 95 % interval {score.low:.1%} to {score.high:.1%}. "
            f"Checks of attention passed: {score.checks_passed} of {score.checks}.{where}</p>"
            f'<img src="data:{kind};base64,{base64.b64encode(drawn).decode()}" '
            f'alt="Rates with intervals: {html.escape(words, quote=True)}">')


def as_data(image: torch.Tensor) -> str:
    """uint8 (3, H, W) -> a data address of a PNG, without loss."""
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image.permute(1, 2, 0).numpy())).save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def later(seconds: float, call) -> None:
    """Call after some seconds, the kernel free meanwhile; without an event loop (a script, a test) never."""
    try:
        asyncio.get_running_loop().call_later(seconds, call)
    except RuntimeError:
        pass


def contact_sheet(pairs, seed: int = 0):
    """A few pairs on paper, for who reads without a kernel: above A, below B, by a coin.

    Returns:
        the Figure, and the key: for each pair the letter of the photograph.
    """
    from ..plots import show_rows

    coins = np.random.default_rng(seed).integers(2, size=len(pairs)).tolist()
    both = [(fake, real) if coin else (real, fake) for real, fake, coin in zip(pairs.real, pairs.fake, coins)]
    titles = [f"pair {i + 1}" for i in range(len(both))]
    figure = show_rows([[a for a, _ in both], [b for _, b in both]], titles, ["A", "B"])
    return figure, "".join("AB"[coin] for coin in coins)
