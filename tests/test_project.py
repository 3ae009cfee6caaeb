"""What holds for the project as a whole: its packages, its paths, the size of its files."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
CONDA_NAMES = {"torch": "pytorch"}  # where conda-forge's name is not PyPI's
BINARY = {".safetensors", ".png", ".jpg", ".jpeg", ".gif", ".pdf", ".npy", ".npz", ".ico"}


def read_toml(path: Path) -> dict:
    try:
        import tomllib
    except ModuleNotFoundError:  # Python 3.10; tomli comes with pytest there
        import tomli as tomllib
    return tomllib.loads(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """The files that git knows; all but what is ignored where this is no checkout."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def project() -> dict:
    return read_toml(ROOT / "pyproject.toml")["project"]


def test_environment_yml_asks_for_the_same_packages(project):
    """Names and lower bounds; conda's file has Python and pip besides, and installs colorlab with pip."""
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    plain = {entry for entry in listed if isinstance(entry, str)}
    renamed = {
        re.sub(r"^[\w-]+", lambda name: CONDA_NAMES.get(name[0], name[0]), entry)
        for entry in project["dependencies"]
    }
    assert {entry for entry in plain if not re.match(r"(python|pip)\b", entry)} == renamed
    assert [entry["pip"] for entry in listed if isinstance(entry, dict)] == [["--editable ."]]


def test_dependencies_are_lower_bounds(project):
    """One version of PyTorch pinned would be wrong on the next machine."""
    everything = project["dependencies"] + [
        entry for extra in project["optional-dependencies"].values() for entry in extra
    ]
    assert [entry for entry in everything if not re.fullmatch(r"[\w-]+>=[\d.]+", entry)] == []


def test_version_is_stated_once(project):
    import colorlab

    assert colorlab.__version__ == project["version"]


def test_python_of_conda_is_supported(project):
    listed = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    python = next(
        re.fullmatch(r"python=3\.(\d+)", entry) for entry in listed if str(entry).startswith("python=")
    )
    assert int(python[1]) >= int(re.fullmatch(r">=3\.(\d+)", project["requires-python"])[1])


def test_imports_are_declared(project):
    """What colorlab/ imports is the standard library, itself, or a dependency of pyproject.toml."""
    import ast

    modules = {"pillow": "PIL", "scikit-learn": "sklearn", "scikit-image": "skimage"}
    declared = {
        modules.get(name, name)
        for name in (re.match(r"[\w-]+", entry)[0] for entry in project["dependencies"])
    }
    allowed = (
        declared | set(sys.stdlib_module_names) | {"colorlab", "IPython", "traitlets", "triton"}
    )  # IPython and traitlets: with ipywidgets; triton: with torch
    found = {}
    for path in sorted((ROOT / "colorlab").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.level == 0 else []
            found.update(
                {name.split(".")[0]: path.name for name in names if name.split(".")[0] not in allowed}
            )
    assert found == {}


def test_library_files_are_short(tracked):
    long = {
        path.name: n
        for path in tracked
        if path.suffix == ".py" and path.is_relative_to(ROOT / "colorlab")
        if (n := len(path.read_text(encoding="utf-8").splitlines())) > 360
    }
    assert long == {}, "does each still hold one concept?"


def test_no_utils(tracked):
    assert [path for path in tracked if re.fullmatch(r"(utils?|helpers?|misc|common)\.py", path.name)] == []


def test_no_big_file(tracked):
    assert {
        path.name: path.stat().st_size
        for path in tracked
        if path.stat().st_size > 1_000_000 and "weights" not in path.parts
    } == {}


def test_shipped_weights_are_small():
    sizes = [path.stat().st_size for path in (ROOT / "colorlab" / "weights").glob("*.safetensors")]
    assert sizes and sum(sizes) <= 14 * 2**20


def test_no_path_or_registry_of_one_machine(tracked):
    """Nothing tracked names a folder of somebody's machine, or the address of a package file."""
    wrong = re.compile(
        r"(?<![\w.~:/-])/(?:home|root|work|Users|mnt)/[\w.]|https?://[^\s\"')]+\.(?:whl|tar\.gz|deb|tgz)\b"
        r"|https?://(?:pypi|files\.pythonhosted|registry\.npmjs|deb\.debian)\."
    )
    quoting = {
        ROOT / "tests" / "test_project.py",
        ROOT / "tests" / "notebooks" / "contract.py",
        ROOT / "tests" / "notebooks" / "test_contract.py",
    }
    found = []
    for path in tracked:
        if path.suffix in BINARY or path in quoting:
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":  # pictures are base64 text, in which anything may stand
            text = json.dumps([cell["source"] for cell in json.loads(text)["cells"]])
        found += [f"{path.relative_to(ROOT)}: {hit[0]}" for hit in wrong.finditer(text)]
    assert found == []


def test_layout(tracked):
    names = {str(path.relative_to(ROOT)) for path in tracked}
    wanted = {
        "README.md",
        "LICENSE",
        "Makefile",
        "environment.yml",
        "pyproject.toml",
        ".ci/run",
        "notebooks/run.py",
        "colorlab/weights/README.md",
    }
    wanted |= {
        f"colorlab/{name}.py"
        for name in (
            "color",
            "bins",
            "rebalance",
            "losses",
            "generators/__init__",
            "discriminators",
            "photos",
            "scenes",
            "pairs",
            "training",
            "judging",
            "metrics",
            "plots",
            "textbook",
            "budget",
            "doctor",
            "__main__",
        )
    }
    assert wanted - names == set()
    assert not [
        name for name in names if name.startswith(("build/", ".venv/", "data/")) or "__pycache__" in name
    ]


def test_links_of_the_readme_lead_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = [
        target.split("#")[0]
        for target in re.findall(r"\]\(([^)\s]+)", text)
        if not re.match(r"[a-z]+:|#", target)
    ]
    assert targets and [target for target in targets if not (ROOT / target).exists()] == []


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch):
    from colorlab import photos

    source = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.S)[1]
    monkeypatch.chdir(tmp_path)
    rgb = next(iter(photos.samples().values()))
    photos.save_photo(photos.resize_short(rgb, 64), "grandmother.jpg")
    exec(compile(source, "README.md", "exec"), {})
    assert photos.open_photo("colored.png").shape == photos.open_photo("grandmother.jpg").shape


def table_of(minutes: dict) -> dict[str, str]:
    return {name[:2]: str(cpu) for name, (cpu, _) in minutes.items()}


def test_the_readme_and_doctor_give_the_same_minutes():
    from colorlab.doctor import MINUTES

    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"^\| (\d\d) \|.*\| (\d+) \|[^|]*\|$", text, re.M)) == table_of(MINUTES)
    for name, minutes in MINUTES.items():
        (notebook,) = ROOT.glob(f"notebooks/{name[:2]}_*.ipynb")
        header = "".join(json.loads(notebook.read_text(encoding="utf-8"))["cells"][0]["source"])
        told = re.search(r"\*\*Minutes:\*\* about (\d+) on a CPU[^.]*? (\d+) on a GPU", header).groups()
        assert tuple(map(int, told)) == minutes, notebook.name
    start = (ROOT / "notebooks/00_start_here.ipynb").read_text(encoding="utf-8")
    printed = dict(re.findall(r"  (\d\d) [a-zA-Z -]+?  +about (\d+) min", start))  # by doctor, in the stored output
    listed = dict(re.findall(r"\| \[(\d\d) .*\| (\d+) \|", start))  # by the table at the end, which begins with 01
    assert printed == table_of(MINUTES) and listed == {name: n for name, n in printed.items() if name != "00"}


@pytest.mark.parametrize("file, names", [("pocket-test.json", None), ("pocket-discriminator.json", {"accuracy", "fooling rate"})])
def test_numbers_that_the_model_card_quotes_are_those_of_the_results(file, names):
    card = " ".join((ROOT / "colorlab/weights/README.md").read_text(encoding="utf-8").split())
    record = json.loads((ROOT / "results" / file).read_text(encoding="utf-8"))
    assert record["command"] in card and f"{record['photographs']} photographs" in card
    for name, row in record["numbers"].items():
        if names is not None and name not in names:
            continue
        value, low, high = (row["rate"], row["low"], row["high"]) if "rate" in row else row.values()
        if low is None:  # a number whose interval would not cover
            told = f"{value:.2f}"
        elif "rate" in row:
            told = f"{100 * value:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
        else:
            told = f"{value:.2f} [{low:.2f}, {high:.2f}]"
        assert told in card, name


def test_make_without_a_target_lists_what_there_is():
    printed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True)
    assert printed.returncode == 0
    for target in ("run", "run-all", "test", "test-browser", "lab", "labs", "book", "data", "clean"):
        assert re.search(rf"^  make {target} ", printed.stdout, re.M)


def test_numbers_that_the_readme_quotes_are_those_of_the_results():
    from colorlab import finetuning, studies

    found = studies.results(ROOT / "results" / "study.json")
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    primary = found["turn 1"]["contrasts"]["random"]["most real - random"]["distance"]
    said = {"better": "more than", "worse": "less than", "undecided": "undecided"}
    assert studies.cell("distance", primary) in text
    assert said[finetuning.verdict(primary, finetuning.HIGHER["distance"])] in text
    for key in ("fooling rate", "plain AuC"):
        difference = found["turn 1"]["contrasts"]["random"]["most real - none"][key]
        assert studies.cell(key, difference) in text


def test_the_rate_in_the_readme_is_the_one_that_was_measured():
    kept = json.loads((ROOT / "results/estimate-cpu.json").read_text(encoding="utf-8"))
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    rate, days = kept["numbers"].values()
    assert kept["command"].removesuffix(" --json results/estimate-cpu.json") in text
    assert f"made {rate:.1f} images a second of it ({kept['machine']}): {days:.0f} days" in text
    assert days == pytest.approx(450_000 * 40 / rate / 86_400, rel=2e-3)
    for other, hours in re.findall(r"^\| ([\d,]+) \| ([\d.]+) hours \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.M):
        assert float(hours) == pytest.approx(450_000 * 40 / float(other.replace(",", "")) / 3600, rel=0.02)
