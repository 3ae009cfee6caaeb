"""The table is well formed, and the environment chooses a column."""

import pytest
import torch

from colorlab import budget


def test_every_knob_has_three_values_that_never_shrink():
    for knob, row in budget.TABLE.items():
        assert knob.isidentifier() and knob != "name", knob
        assert len(row) == len(budget.NAMES), knob
        if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in row):
            row = row[::-1] if knob.endswith("stride") else row  # smaller steps are more work
            assert list(row) == sorted(row), f"{knob}: smoke <= laptop <= gpu, not {row}"
        else:
            assert len({type(value) for value in row}) == 1, f"{knob}: one type, not {row}"


@pytest.mark.parametrize("name", budget.NAMES)
def test_the_environment_chooses(monkeypatch, name):
    monkeypatch.setenv("COLORLAB_BUDGET", name)
    current = budget.current()
    assert current.name == name
    assert current.steps == budget.TABLE["steps"][budget.NAMES.index(name)]
    assert set(vars(current)) == {"name", *budget.TABLE}


@pytest.mark.parametrize("gpu, name", [(False, "laptop"), (True, "gpu")])
def test_the_default_follows_the_machine(monkeypatch, gpu, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    for unset in (lambda: monkeypatch.delenv("COLORLAB_BUDGET", raising=False),
                  lambda: monkeypatch.setenv("COLORLAB_BUDGET", "")):
        unset()
        assert budget.current().name == name


def test_a_wrong_name_is_refused(monkeypatch):
    monkeypatch.setenv("COLORLAB_BUDGET", "Laptop ")
    with pytest.raises(ValueError, match="COLORLAB_BUDGET is 'Laptop '; expected one of smoke, laptop, gpu"):
        budget.current()
