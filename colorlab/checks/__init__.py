"""The labs' checks: ``check("lab1.q5", soft_code)`` says what an answer is: correct, not yet and why, or not attempted.

``registry.py`` has what all labs share, and each lab has a file of questions. A check tests properties ("the weights sum
to 1", "no bin is nearer than the one chosen") on inputs of its own, in float64; it never prints a right answer.
"""

from . import lab1, lab2, lab3, lab4  # noqa: F401  they register their questions
from .registry import QUESTIONS, Outcome, check, judge, require

__all__ = ["QUESTIONS", "Outcome", "check", "judge", "require"]
