"""The rules of real or fake, without a screen: which pairs in which order, what was answered, what it adds up
to.

They follow the Amazon Mechanical Turk study of Zhang, Isola & Efros (ECCV 2016, section 3.1): a photograph
and its colorization side by side for one second, unlimited time to answer, 10 practice pairs with feedback,
then 40 without. In one pair of ten the fake wears the colours of another photograph, a check that someone is
looking. The share of the other pairs in which the fake is taken for the photograph is what the paper's Table
1 calls "labeled real".
"""

import hashlib
import secrets
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from ..controls import random_color
from . import amt_answers as kept
from .amt_answers import Answer, Score

EVERY = 10  # one pair in so many is a check of attention


class Trial(NamedTuple):
    """One pair to be shown."""
    number: int  # 1, 2, ...
    stage: str  # "practice" or "counted"
    kind: str  # "fake" or "check"
    index: int  # of the pair
    real_side: str  # "left" or "right"


class Game:
    """A player's game over some pairs.

    Args:
        pairs: a `pairs.Pairs`. Few pairs make a shorter game: a fifth of them for practice, the rest counted.
        player: a name; it goes into the file.
        file: a CSV to append answers to, and to go on from; None keeps them in memory.
        seed: another seed is another game: other pairs, another order, other sides.
        practice, counted: how many pairs with and without feedback.
    Raises:
        ValueError: no name, fewer than two pairs, a file that is no CSV of answers.
    """

    def __init__(self, pairs, player: str, file=None, seed: int = 0, practice: int = 10, counted: int = 40):
        self.player = " ".join(str(player).split())
        if not self.player or len(self.player) > 60:
            raise ValueError(f"player is {player!r}; expected a name of 1 to 60 characters")
        if len(pairs) < 2:
            raise ValueError(f"pairs has {len(pairs)} pairs; expected at least 2")
        if len(pairs) < practice + counted:
            practice, counted = len(pairs) // 5, len(pairs) - len(pairs) // 5
        self.pairs, self.practice, self.counted = pairs, practice, counted
        self.file = None if file is None else Path(file)
        made_of = (pairs.settings.get(key) for key in ("generator", "weights", "images"))
        self.id = _digest(seed, practice, counted, *made_of, *pairs.names)
        made_by = filter(None, map(pairs.settings.get, ("generator", "weights")))
        self.generator = " ".join(made_by) or "unknown"
        self.trials = deal(pairs.groups, int(_digest(self.id, self.player), 16), practice, counted)
        self.answers: list[Answer] = []
        self.session = secrets.token_hex(4)
        if self.file is not None and self.file.exists():
            self._go_on(kept.read(self.file))
        self._checks = self._random_colors(seed)

    @property
    def trial(self) -> Trial | None:
        """The pair to be answered next; None when the game is over."""
        return None if self.finished else self.trials[len(self.answers)]

    @property
    def finished(self) -> bool:
        return len(self.answers) == len(self.trials)

    def images(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The left and the right picture of the next pair, uint8 (3, H, W) each."""
        trial = self._next()
        real = self.pairs.real[trial.index]
        fake = self._checks[trial.index] if trial.kind == "check" else self.pairs.fake[trial.index]
        return (real, fake) if trial.real_side == "left" else (fake, real)

    def answer(self, side: str, seconds: float | None = None) -> bool:
        """Say where the photograph is, "left" or "right"; True if it is there. Kept in the file first.

        Raises:
            ValueError: another word, or the game is over. OSError: the file cannot be written, and the pair
                is still open.
        """
        trial = self._next()
        if side not in ("left", "right"):
            raise ValueError(f"side is {side!r}; expected 'left' or 'right'")
        answer = Answer(kept.now(), self.player, self.session, self.id, self.generator, trial.number,
                        trial.stage, trial.kind, self.pairs.names[trial.index], trial.real_side, side,
                        None if seconds is None else round(seconds, 2))
        if self.file is not None:
            kept.append(self.file, answer)
        self.answers.append(answer)
        return not answer.fooled

    def score(self) -> Score:
        """The player's rate over the counted pairs so far. Raises ValueError before the first."""
        return kept.score(self.player, self.answers)

    def counted_pairs(self) -> list[int]:
        """Indices of the pairs whose fakes count: ask a network about these, to set it beside the player."""
        return [t.index for t in self.trials if t.stage == "counted" and t.kind == "fake"]

    def _random_colors(self, seed: int) -> dict[int, torch.Tensor]:
        """The fakes of the checks: each in the colours of another photograph of this game."""
        checks = [t.index for t in self.trials if t.kind == "check"]
        if not checks:
            return {}
        others = [t.index for t in self.trials if t.kind != "check"][:10]
        return dict(zip(checks, random_color(self.pairs.real[checks + others], seed)))

    def _next(self) -> Trial:
        if self.finished:
            raise ValueError("the game is over; another seed begins another one")
        return self.trials[len(self.answers)]

    def _go_on(self, written: list[Answer]) -> None:
        """Take up this player's sitting at this game that stands in the file, as far as it has no gap."""
        mine = [a for a in written if a.player == self.player and a.game == self.id]
        if mine:
            self.session = mine[-1].session
            by_trial = {a.trial: a for a in mine if a.session == self.session}
            while len(self.answers) < len(self.trials) and len(self.answers) + 1 in by_trial:
                self.answers.append(by_trial[len(self.answers) + 1])


def deal(groups: list[str], seed: int, practice: int, counted: int) -> list[Trial]:
    """Draw a game: which pairs in which order, where the checks stand, and a coin for each side.

    Every photograph comes once before crops of it come again.
    """
    rng = np.random.default_rng(seed)
    seen: dict[str, int] = {}
    turn = []
    for index in rng.permutation(len(groups)).tolist():
        turn.append((seen.setdefault(groups[index], 0), index))
        seen[groups[index]] += 1
    chosen = [index for _, index in sorted(turn, key=lambda pair: pair[0])][:practice + counted]
    trials = []
    for stage, n in (("practice", practice), ("counted", counted)):
        checks = {start + int(rng.integers(EVERY)) for start in range(0, n - EVERY + 1, EVERY)}
        for i in range(n):
            side = ("left", "right")[int(rng.integers(2))]
            kind = "check" if i in checks else "fake"
            trials.append(Trial(len(trials) + 1, stage, kind, chosen[len(trials)], side))
    return trials


def _digest(*parts) -> str:
    return hashlib.blake2b("\n".join(map(str, parts)).encode(), digest_size=4).hexdigest()
