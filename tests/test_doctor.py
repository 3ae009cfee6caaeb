"""The doctor says what is there and what is missing, and never fails itself."""

import importlib
import subprocess
import sys

import pytest

import colorlab
from colorlab import sources
from colorlab.__main__ import main

doctor = importlib.import_module("colorlab.doctor")  # the module: colorlab.doctor is the function


@pytest.fixture(autouse=True)
def plain(monkeypatch, tmp_path):
    for name in ("COLORLAB_PHOTOS", "COLORLAB_BUDGET"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLORLAB_DATA", str(tmp_path))


def rows():
    lines = [line for line in doctor.report().splitlines() if line.startswith("  ")]
    return {line[2:32].strip(): line[32:].strip() for line in lines}


def test_everything_is_named():
    found = rows()
    assert found["colorlab"] == colorlab.__version__ and found["Python"].startswith("3.")
    assert "cores" in found["processor"] and "GPU" in " ".join(found)
    assert all(name in found and "MISSING" not in found[name] for name in doctor.PACKAGES)
    assert found["embedded"].startswith("8 of 8: china, flower")
    assert found["Imagenette"] == "not here: make data"
    assert "eccv16-released" in found
    assert [name[:2] for name in found if name[:2].isdigit()] == [name[:2] for name in doctor.MINUTES]
    assert all(len(line) < 130 for line in doctor.report().splitlines())


def test_data_and_budget_are_looked_up(monkeypatch, tmp_path):
    (tmp_path / "imagenette2-160").mkdir()
    (tmp_path / "mine").mkdir()
    for i in range(30):
        (tmp_path / "mine" / f"{i}.jpg").touch()
    monkeypatch.setenv("COLORLAB_PHOTOS", str(tmp_path / "mine"))
    monkeypatch.setenv("COLORLAB_BUDGET", "smoke")
    found = rows()
    assert found["Imagenette"].startswith("in ") and found["budget"] == "smoke"
    train, val, test = (len(sources.folder_listing(tmp_path / "mine", split)) for split in sources.SHARES)
    assert f"{train} train, {val} val, {test} test" in found["COLORLAB_PHOTOS"]
    monkeypatch.setenv("COLORLAB_PHOTOS", str(tmp_path / "nowhere"))
    monkeypatch.setenv("COLORLAB_BUDGET", "huge")
    found = rows()
    assert "does not exist" in found["COLORLAB_PHOTOS"] and "'huge'" in found["budget"]


def test_what_is_missing_is_said(monkeypatch):
    monkeypatch.setattr(sources, "EMBEDDED", {"nothing": ("sklearn", "datasets/images/nothing.jpg")})
    monkeypatch.setattr(doctor, "PACKAGES", ("no-such-package",))
    found = rows()
    assert found["no-such-package"] == "MISSING: pip install no-such-package"
    assert found["embedded"].startswith("no embedded photograph")


def test_home_is_a_tilde(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.Path, "home", lambda: tmp_path)
    assert doctor._short(tmp_path / "data") == "~/data" and doctor._short("/elsewhere") == "/elsewhere"


def test_function_and_module_are_both_called_doctor(capsys):
    for _ in range(2):
        colorlab.doctor()
        assert "versions" in capsys.readouterr().out
    assert main(["doctor"]) == 0 and "notebooks" in capsys.readouterr().out


def test_first_use_in_a_fresh_process():
    code = "import colorlab; colorlab.doctor(); colorlab.doctor()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and done.stdout.count("versions\n") == 2 and done.stderr == ""
