"""What people answered, one line of CSV an answer, and what it adds up to: for one player, for a class.

    pool(["anna.csv", "ben.csv"])   each player's rate and everyone's, with 95 % intervals

A line is written with one call as soon as the answer is given, so that a kernel may die at any moment. Files
may be concatenated (a repeated heading is skipped) and given twice (an answer counts once). `COLUMNS`
documents the columns.
"""

import csv
import io
import os
from collections.abc import Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

from ..judging import Proportion, bootstrap_mean, wilson

COLUMNS = {
    "time": "when the answer came: UTC, ISO 8601",
    "player": "the name that the player typed; two people need two names",
    "session": "one sitting of one player, 8 hexadecimal digits drawn when it began",
    "game": "which game: the same digits for the same pairs, seed and number of trials",
    "generator": "what coloured the fakes: its name and a hash of its weights",
    "trial": "1, 2, ... in the order in which the pairs were shown",
    "stage": "practice (the player was told what was right) or counted (was not)",
    "kind": "fake (coloured by the generator) or check (in the colours of another photograph, to see who looks)",
    "photograph": "its name",
    "real_side": "left or right: where the photograph was",
    "answer": "left or right: where the player said it was",
    "seconds": "from showing the pair to the answer, as the kernel saw it; empty where not measured",
}
HEADER = ",".join(COLUMNS)

class Answer(NamedTuple):
    """One line of the file; `COLUMNS` says what each entry means."""
    time: str
    player: str
    session: str
    game: str
    generator: str
    trial: int
    stage: str
    kind: str
    photograph: str
    real_side: str
    answer: str
    seconds: float | None = None

    @property
    def fooled(self) -> bool:
        """The player took the fake for the photograph."""
        return self.answer != self.real_side


class Score(NamedTuple):
    """How often a player (or all) took a generator's fake for the photograph, with its 95 % interval.

    Only counted pairs enter the rate; the checks of attention are told apart.
    """
    player: str
    rate: float
    low: float
    high: float
    fooled: int
    pairs: int
    checks_passed: int
    checks: int

    def __str__(self):
        return (f"{self.player}: fooled in {self.fooled} of {self.pairs} pairs, {Proportion(*self[1:4])}; "
                f"checks passed: {self.checks_passed} of {self.checks}")


class Pool(NamedTuple):
    """Every player's score, in the order of their names, and the score of all together."""
    players: list[Score]
    everyone: Score


def now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def append(file: str | Path, answer: Answer) -> None:
    """Add one answer to a file, whole: a single write at its end, after a heading if the file is new.

    Raises:
        OSError: the file cannot be written.
    """
    file = Path(file)
    file.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO()
    entries = ("" if entry is None else " ".join(str(entry).split()) for entry in answer)
    csv.writer(text, lineterminator="\n").writerow(entries)
    handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
    try:
        size = os.fstat(handle).st_size
        torn = size > 0 and (os.lseek(handle, size - 1, os.SEEK_SET), os.read(handle, 1))[1] != b"\n"
        os.write(handle, ((f"{HEADER}\n" if size == 0 else "\n" if torn else "") + text.getvalue()).encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def read(files: str | Path | Iterable[str | Path]) -> list[Answer]:
    """The answers in one or several files, in order, each once. A line cut short by a crash is left out.

    Raises:
        ValueError: a file holds something else. FileNotFoundError: there is no such file.
    """
    answers: dict[tuple, Answer] = {}
    for file in [files] if isinstance(files, (str, os.PathLike)) else files:
        lines = Path(file).read_text(encoding="utf-8-sig", errors="replace").splitlines()
        # line by line, so that a torn one spoils no other
        rows = [next(csv.reader([line])) for line in lines if line.strip()]
        if rows and rows[0] != list(COLUMNS):
            raise ValueError(f"files: {file} begins with {','.join(rows[0])[:60]!r}; "
                             f"expected the heading {HEADER}")
        for row in rows:
            answer = _parse(row)
            if answer is not None:
                answers.setdefault((answer.session, answer.trial), answer)
    return list(answers.values())


def score(player: str, answers: Iterable[Answer]) -> Score:
    """What answers add up to, under the name ``player``.

    The interval of one player is Wilson's. Of several it is the wider of Wilson's and a bootstrap that
    resamples the players: forty answers of one person say less than one answer each of forty.

    Raises:
        ValueError: no counted answer among them.
    """
    answers = list(answers)
    counted = [a for a in answers if a.stage == "counted" and a.kind == "fake"]
    checks = [a for a in answers if a.stage == "counted" and a.kind == "check"]
    if not counted:
        raise ValueError(f"answers holds {len(answers)} answers of {player!r}, none of them counted; play on")
    fooled = sum(a.fooled for a in counted)
    low, high = wilson(fooled, len(counted))
    if len({a.player for a in counted}) > 1:
        resampled = bootstrap_mean([float(a.fooled) for a in counted], groups=[a.player for a in counted])
        low, high = min(low, resampled.low), max(high, resampled.high)
    return Score(player, fooled / len(counted), low, high, fooled, len(counted),
                 sum(not a.fooled for a in checks), len(checks))


def pool(files: str | Path | Iterable[str | Path], generator: str | None = None) -> Pool:
    """Put the answers of a class together.

    Args:
        files: one or several CSV files that the game wrote. Who has not come to a counted pair is left out.
        generator: the fakes of which generator to count, as the column of that name has it.
    Raises:
        ValueError: several generators, and ``generator`` does not choose; no counted answers; a file of
            another kind.
    """
    answers = [a for a in read(files) if a.stage == "counted"]
    found = sorted({a.generator for a in answers})
    if generator is None and len(found) > 1:
        raise ValueError(f"files hold answers about {len(found)} generators, whose rates are not to be "
                         f"mixed; choose one: generator={' or '.join(map(repr, found))}")
    if generator is not None:
        answers = [a for a in answers if a.generator == generator]
    names = sorted({a.player for a in answers if a.kind == "fake"}, key=str.casefold)
    if not names:
        about = f" about generator {generator!r}, but about {found}" if generator else ""
        raise ValueError(f"files hold no counted answers{about}; play beyond the practice")
    players = [score(name, (a for a in answers if a.player == name)) for name in names]
    return Pool(players, score("everyone", (a for a in answers if a.player in set(names))))


def _parse(row: list[str]) -> Answer | None:
    """A line as an Answer; None for a heading and for a line that is not whole."""
    sides = ("left", "right")
    try:
        answer = Answer(*row[:5], int(row[5]), *row[6:11], float(row[11]) if row[11] else None)
    except (ValueError, IndexError, TypeError):
        return None
    whole = (len(row) == len(COLUMNS) and answer.real_side in sides and answer.answer in sides
             and answer.stage in ("practice", "counted") and answer.kind in ("fake", "check"))
    return answer if whole else None
