"""The labs' checks: right answers pass, each wrong one is told what is wrong, and no answer is told as none."""

import importlib
import re

import pytest
import torch

from answers import LABS, Later, answer, asked
from colorlab.checks import QUESTIONS, check, judge, registry, require

ASKED = sorted(question for lab in LABS for question in asked(lab))
WRONG = [row for lab in LABS for row in importlib.import_module(f"wrong_{lab}").WRONG]  # question, what is wrong, answer, what must be said


@pytest.mark.parametrize("name, given, says", [(q, f, says) for q, _, f, says in WRONG], ids=[f"{q}-{what}" for q, what, _, _ in WRONG])
def test_wrong_answers_are_caught_with_a_message_that_says_why(name, given, says):
    given = given.make() if isinstance(given, Later) else given
    outcome = judge(name, given)
    assert outcome.state == "not yet" and re.search(says, outcome.why), outcome
    with pytest.raises(AssertionError, match=f"{name}: not yet"):
        require(name, given)


def test_each_lab_has_enough_wrong_answers_and_each_question_one():
    assert {q for q, *_ in WRONG} == set(QUESTIONS) == set(ASKED)
    assert all(sum(q.startswith(f"{lab}.") for q, *_ in WRONG) >= 6 for lab in LABS)


@pytest.mark.parametrize("name", ASKED)
def test_the_instructors_solution_is_correct(name, capsys):
    require(name, answer(name))
    check(name, answer(name))
    assert re.match(rf"{name}: correct\.\n    Judged .*(within|exactly|above)", capsys.readouterr().out)


@pytest.mark.parametrize("lab", LABS)
def test_stubs_are_not_attempted(lab, capsys):
    for name in asked(lab):
        stub = answer(name, solved=False)
        for nothing in (stub, None, ..., *([lambda *_: ...] if callable(stub) else [])):  # a function that says nothing, where one is asked for
            check(name, nothing)
            assert capsys.readouterr().out.startswith(f"{name}: not attempted.")
            with pytest.raises(AssertionError, match="not attempted"):
                require(name, nothing)


def test_hints_grow_by_one_with_each_failure_and_start_again_after_success(capsys):
    registry.failures.clear()
    shown = []
    right = answer("lab1.q4")
    for given in (*[lambda ab, c: right(ab, c) + 1] * 4, right, lambda ab, c: right(ab, c) + 1):
        check("lab1.q4", given)
        shown.append(re.findall(r"Hint (\d) of 3: \S", capsys.readouterr().out))
    assert shown == [["1"], ["1", "2"], ["1", "2", "3"], ["1", "2", "3"], [], ["1"]]


def test_every_question_has_hints_and_says_how_it_judges():
    for name, asked_ in QUESTIONS.items():
        assert len(asked_.hints) >= 2 and asked_.judged and asked_.properties.__doc__, name


def test_what_goes_wrong_inside_an_answer_is_told():
    assert "raised RuntimeError" in judge("lab1.q4", lambda ab, c: ab - c).why
    assert "raised ZeroDivisionError in its line 1: division by zero" in judge("lab1.q1", lambda t, join: 1 / 0).why
    assert "This is a int; expected the function itself" in judge("lab1.q1", 3).why
    assert judge("lab1.q1", lambda: 3).why.startswith("Called with a tensor (50,), 0.008856, your")

    def on_its_third_line(t, join):
        t = t + 1
        return t @ torch.ones(3)

    assert "your function raised RuntimeError in its line 3: " in judge("lab1.q1", on_its_third_line).why
    assert "is a float; expected a torch tensor" in judge("lab1.q1", lambda t, join: 0.5).why


def test_an_unknown_question_names_the_known_ones():
    with pytest.raises(ValueError, match="'lab1.q99'; expected one of lab1.q1, lab1.q2"):
        judge("lab1.q99", None)
    with pytest.raises(ValueError, match="'lab1.q1' is registered twice"):
        registry.question("lab1.q1", "exactly")(lambda answer: None)


def test_an_answer_that_changes_its_input_is_judged_on_its_result():
    def in_place(ab, centers):
        return answer("lab1.q4")(ab, centers) + 0 * ab.zero_()[..., 0, :, :].long()

    assert judge("lab1.q4", in_place).state == "correct"
