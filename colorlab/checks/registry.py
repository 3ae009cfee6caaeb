"""How a question is registered, how an answer is judged, and what is told about it. (`answers.py` has what checks ask of answers.)

A question is a function that takes the answer and calls `need` for each property; a docstring says what is asked:

    @question("lab1.q6", "within 1e-9, in float64", "a first hint", "one that says more")
    def soft_mean(answer):
        ...
        need(middle, "half of one bin and half of another is not the colour in the middle")
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

CORRECT, NOT_YET, NOT_ATTEMPTED = "correct", "not yet", "not attempted"


@dataclass(frozen=True)
class Question:
    properties: Callable  # takes the answer; raises NotYet or NotAttempted
    judged: str  # how exact an answer has to be
    hints: tuple[str, ...]  # each says more than the one before, and none the answer


@dataclass(frozen=True)
class Outcome:
    """What came of an answer: its question's name, one of the three states, and one sentence that says why."""

    name: str
    state: str
    why: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.state}." + (f" {self.why}" if self.why else "")


class NotYet(Exception):
    """What is not right yet, as a sentence for the student."""


class NotAttempted(Exception):
    """There is no answer to judge."""


QUESTIONS: dict[str, Question] = {}
failures: Counter[str] = Counter()  # in this kernel: how many hints have been earned


def question(name: str, judged: str, *hints: str) -> Callable:
    """Register the decorated function as the properties of question ``name``."""

    def register(properties: Callable) -> Callable:
        if name in QUESTIONS:
            raise ValueError(f"question {name!r} is registered twice")
        QUESTIONS[name] = Question(properties, judged, hints)
        return properties

    return register


def judge(name: str, answer) -> Outcome:
    """The outcome of ``answer`` for question ``name``; prints nothing and counts nothing.

    Raises:
        ValueError: there is no such question.
    """
    if name not in QUESTIONS:
        raise ValueError(f"question is {name!r}; expected one of {', '.join(sorted(QUESTIONS))}")
    try:
        if answer is None or answer is ...:
            raise NotAttempted
        QUESTIONS[name].properties(answer)
    except NotAttempted:
        return Outcome(name, NOT_ATTEMPTED, "(A function that returns nothing counts as not attempted.)")
    except NotYet as reason:
        return Outcome(name, NOT_YET, str(reason))
    return Outcome(name, CORRECT)


def check(name: str, answer) -> None:
    """Print the outcome, how it was judged, and after the n-th failure the first n hints."""
    outcome = judge(name, answer)
    print(outcome)
    if outcome.state == NOT_ATTEMPTED:
        return
    asked = QUESTIONS[name]
    print(f"    Judged {asked.judged}.")
    failures[name] = failures[name] + 1 if outcome.state == NOT_YET else 0
    for i, hint in enumerate(asked.hints[: failures[name]], 1):
        print(f"    Hint {i} of {len(asked.hints)}: {hint}")


def require(name: str, answer) -> None:
    """The graded form: an AssertionError with the outcome, unless it is correct."""
    outcome = judge(name, answer)
    assert outcome.state == CORRECT, str(outcome)


def need(holds, why: str) -> None:
    """A property: where it does not hold, the answer is not right yet, and ``why`` is told."""
    if not holds:
        raise NotYet(why)
