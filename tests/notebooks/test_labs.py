"""The labs through nbgrader, as an instructor uses it, in a copy of notebooks/labs for each: made, handed in, graded, answered.

Two labs are graded at a time, each with one thread: that is how a machine is best used that grades many.
"""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import nbformat
import pytest

import contract
from colorlab.checks import leaderboard

LABS = contract.ROOT / "notebooks" / "labs"
NAMES = sorted(path.name for path in (LABS / "source").iterdir())
MOST_MEMORY = 1.5e9
PATH = os.pathsep.join((os.path.dirname(sys.executable), os.environ["PATH"]))  # nbgrader calls alembic by its name
MEASURED = """import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
unit = 1 if sys.platform == "darwin" else 1024
print("peak", unit * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(status)"""  # the largest process of all that it started, the notebooks' kernels among them

MISTAKES = {  # lab -> a graded cell, and a mistake in its solution: what a third student hands in
    "lab1": ("q5-test", "(2 * sigma**2)", "(sigma**2)"),
    "lab2": ("q5-test", "* counts.sum() / (counts * weights).sum()", "/ (smoothed * weights).sum()"),
    "lab3": ("q2-test", "(1 + confidence) / 2", "confidence"),
}  # in lab 4 each takes a minute: there two students are enough

WARNED = "slope = join ** (-2 / 3) / 3"  # of lab 1

pytestmark = pytest.mark.notebooks


def nbgrader(folder, *arguments) -> str:
    """What nbgrader prints, run in ``folder`` without a network; the peak of memory is its last line."""
    environment = {
        **os.environ,
        "PATH": PATH,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(contract.ROOT), os.environ.get("PYTHONPATH")))),
        "JUPYTER_CONFIG_DIR": str(folder.parents[1] / "settings"),  # nobody's own
        "http_proxy": "http://127.0.0.1:9",
        "https_proxy": "http://127.0.0.1:9",
        "no_proxy": "localhost,127.0.0.1",
    }
    command = [sys.executable, "-c", MEASURED, sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stdout


def read(path):
    return nbformat.read(path, as_version=4)


def content(path) -> list:
    """What a version says, cell by cell; how nbgrader numbers its metadata may change."""
    kept = ("grade", "grade_id", "locked", "points", "solution", "task")
    return [(cell.cell_type, cell.source, {key: cell.metadata.get("nbgrader", {}).get(key) for key in kept}) for cell in read(path).cells]


def graded(nb) -> dict:
    """grade_id -> (cell, whether a program grades it) of every cell with points."""
    marked = {cell.metadata.nbgrader.grade_id: cell for cell in nb.cells if cell.metadata.get("nbgrader", {}).get("grade")}
    return {name: (cell, cell.cell_type == "code") for name, cell in marked.items()}


@pytest.fixture(scope="module")
def courses(tmp_path_factory):
    """Lab -> a copy of notebooks/labs with it alone, its student version made anew, and what three students have handed in: one solved it, one
    touched nothing, one made a mistake."""
    folders = {name: tmp_path_factory.mktemp(name) / "notebooks" / "labs" for name in NAMES}
    for name, folder in folders.items():
        shutil.copytree(LABS / "source" / name, folder / "source" / name)
        shutil.copy(LABS / "nbgrader_config.py", folder)
        nbgrader(folder, "generate_assignment", name)
        for student, version in (("solved", "source"), ("untouched", "student")):
            shutil.copytree(folder / version / name, folder / "submitted" / student / name)
        if name == "lab1":  # a right answer that warns is right: nbgrader gives nothing for a cell that writes to stderr
            warns = folder / "submitted" / "solved" / name / f"{name}.ipynb"
            text = warns.read_text(encoding="utf-8")
            assert text.count(WARNED) == 1
            warns.write_text(text.replace(WARNED, f"__import__('warnings').warn('mind'); {WARNED}"), encoding="utf-8")
        if name in MISTAKES:
            solved, mistaken = (folder / "submitted" / student / name / f"{name}.ipynb" for student in ("solved", "mistaken"))
            text, (_, right, wrong) = solved.read_text(encoding="utf-8"), MISTAKES[name]
            assert text.count(right) == 1
            mistaken.parent.mkdir(parents=True)
            mistaken.write_text(text.replace(right, wrong), encoding="utf-8")
    return folders


def graded_and_answered(name: str, folder) -> int:
    """Grades and feedback of a lab; the peak of memory in bytes."""
    printed = nbgrader(folder, "autograde", name)
    nbgrader(folder, "generate_feedback", name)
    return int(printed.rsplit("peak ", 1)[1])


@pytest.fixture(scope="module")
def grading(courses):
    """Lab -> its grading, which may still go on. The longest begins."""
    with ThreadPoolExecutor(2) as pool:
        yield {name: pool.submit(graded_and_answered, name, courses[name]) for name in sorted(NAMES, reverse=True)}


@pytest.fixture(scope="module", params=NAMES)
def lab(request, courses, grading):
    """(name, folder, peak of memory) of a lab that has been graded, with feedback."""
    return request.param, courses[request.param], grading[request.param].result()


@pytest.fixture(scope="module")
def grades(lab):
    """student -> question -> nbgrader's grade."""
    from nbgrader.api import Gradebook

    name, folder, _ = lab
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", PATH)
        book = Gradebook(f"sqlite:///{folder.parents[1] / 'build' / 'labs' / 'gradebook.db'}")
    with book:
        return {student: {grade.name: (grade.auto_score, grade.max_score, grade.needs_manual_grade)
                          for notebook in book.find_submission(name, student).notebooks for grade in notebook.grades}
                for student in students(name)}


def students(name: str) -> list[str]:
    return ["solved", "untouched", *(["mistaken"] if name in MISTAKES else [])]


@pytest.mark.parametrize("name", NAMES)
def test_the_student_version_is_in_step_with_its_source(courses, name):
    made, committed = (folder / "student" / name / f"{name}.ipynb" for folder in (courses[name], LABS))
    assert content(committed) == content(made), "`make labs` makes it anew"


@pytest.mark.parametrize("name", NAMES)
def test_the_student_version_holds_no_solution_and_no_hidden_test(name):
    source, student = (read(LABS / version / name / f"{name}.ipynb") for version in ("source", "student"))
    text = "\n".join(cell.source for cell in student.cells)
    assert not re.search(r"(BEGIN|END) (SOLUTION|HIDDEN)|checks\.require|Marking", text)
    assert not any(cell.get("outputs") for cell in student.cells)
    secret = set()
    for cell in source.cells:
        for part in re.findall(r"### BEGIN \w+(?: TESTS)?\n(.*?)### END", cell.source, re.S):
            secret |= {line.strip() for line in part.splitlines()}
        if cell.metadata.get("nbgrader", {}).get("solution") and cell.cell_type == "markdown":
            secret |= set(cell.source.splitlines())
    shown = {line.strip() for line in text.splitlines()}
    assert len(secret) > 20 and {line for line in secret & shown if line} == set()


@pytest.mark.parametrize("name", NAMES)
def test_a_source_keeps_no_outputs_and_gives_20_points(name):
    source = read(LABS / "source" / name / f"{name}.ipynb")
    assert not any(cell.get("outputs") for cell in source.cells)
    assert sum(cell.metadata.nbgrader.points for cell, _ in graded(source).values()) == 20
    for cell, by_program in graded(source).values():
        if by_program:
            question, given = re.match(r'check\("(.+?)", (\w+)\)\n', cell.source).groups()
            assert f'checks.require("{question}", {given})' in cell.source
    assert list(contract.check_paths(source, None)) == []


def test_the_solution_gets_full_points(lab, grades):
    wanted = graded(read(LABS / "source" / lab[0] / f"{lab[0]}.ipynb"))
    assert set(grades["solved"]) == set(wanted)
    for question, (score, most, by_hand) in grades["solved"].items():
        assert (by_hand, score) == ((False, most) if wanted[question][1] else (True, None)), question


@pytest.mark.parametrize("lab", sorted(MISTAKES), indirect=True)
def test_a_mistake_costs_its_own_question_and_no_other(lab, grades):
    question, *_ = MISTAKES[lab[0]]
    _, most, by_hand = grades["solved"][question]
    assert grades["mistaken"] == {**grades["solved"], question: (0, most, by_hand)}


def test_the_untouched_version_runs_to_its_end_and_gets_nothing(lab, grades):
    name, folder, _ = lab
    assert all(score == 0 for score, *_ in grades["untouched"].values()), grades["untouched"]
    nb = read(folder / "autograded" / "untouched" / name / f"{name}.ipynb")
    tests = [cell for cell, by_program in graded(nb).values() if by_program]
    for cell in nb.cells:
        if cell.cell_type == "code":
            errors = [output.evalue for output in cell.outputs if output.output_type == "error"]
            assert cell.execution_count and len(errors) == (cell in tests), cell.source
            assert all("not attempted" in error for error in errors)
    for cell in tests:  # what a student sees: the visible half, which tells and does not stop the notebook
        assert any(": not attempted." in output.get("text", "") for output in cell.outputs)


@pytest.mark.parametrize("lab", ["lab4"], indirect=True)
def test_grading_makes_a_leaderboard_of_the_test_pictures(lab):
    name, folder, _ = lab
    files = sorted((folder / "autograded").glob(f"*/{name}/graded.csv"))
    assert [file.parts[-3] for file in files] == ["solved"]  # the untouched version has no network
    best, *others = leaderboard.standings(files)
    assert others == [] and best["photographs"].startswith("test ") and float(best["low"]) > 0
    assert not any((folder / version / name / "graded.csv").exists() for version in ("source", "student"))


def test_feedback_is_made_for_both(lab):
    name, folder, _ = lab
    for student in ("solved", "untouched"):
        page = (folder / "feedback" / student / name / f"{name}.html").read_text(encoding="utf-8")
        assert bool(re.search(r"q\d+: not attempted", page)) == (student == "untouched")


def test_memory(lab):
    assert 1e8 < lab[2] <= MOST_MEMORY


def test_grades_come_out_as_csv(lab):
    name, folder, _ = lab
    nbgrader(folder, "export", "--to", "grades.csv")
    with open(folder / "grades.csv", encoding="utf-8") as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file) if row["assignment"] == name}
    assert float(rows["untouched"]["score"]) == 0 and float(rows["solved"]["score"]) > 10


@pytest.fixture(scope="module")
def measured():
    """What `make bench` found of the labs: name -> number."""
    found = json.loads((contract.ROOT / "results" / "labs.json").read_text(encoding="utf-8"))["numbers"]
    return {name: row["value"] for name, row in found.items()}


@pytest.mark.parametrize("name", NAMES)
def test_the_instructors_page_quotes_what_was_measured(measured, name):
    seconds, one_thread, megabytes = (measured[f"{name}, {what}"] for what in ("seconds", "seconds with one thread", "MB"))
    row = f"| {name.removeprefix('lab')} | {seconds:.0f} | {one_thread:.0f} | {megabytes:.0f} |"
    assert row in (LABS / "README.md").read_text(encoding="utf-8")
    assert seconds < 120 and megabytes < MOST_MEMORY / 1e6


def test_the_instructors_page_quotes_what_many_kernels_cost(measured):
    text = " ".join((LABS / "README.md").read_text(encoding="utf-8").split())
    many, one = (measured[f"lab3, 4 at once, {how}, seconds"] for how in ("a thread for each core", "one thread"))
    assert f"took {many:.0f} s each without the setting, and {one:.0f} s with it; one alone takes {measured['lab3, seconds']:.0f} s" in text
    most = max(measured[f"{name}, MB"] for name in NAMES) / 1000
    assert f"up to {most:.2f} GB" in text and f"need about {10 * round(10 * (most + 0.1))} GB" in text
    seconds = [measured[f"{name}, seconds with one thread"] for name in NAMES]
    assert f"costs {min(seconds):.0f} to {max(seconds):.0f} seconds of one core" in text
    assert f"takes about {100 * measured['all labs, seconds'] / 3600:.0f} hours" in text
    assert measured["all labs, seconds"] < 360


def test_links_of_the_instructors_pages_lead_somewhere():
    for page in (LABS / "README.md", *sorted((LABS / "guide").iterdir())):
        targets = [target.split("#")[0] for target in re.findall(r"\]\(([^)\s]+)", page.read_text(encoding="utf-8")) if not re.match(r"[a-z]+:|#", target)]
        assert targets and [target for target in targets if not (page.parent / target).exists()] == [], page


@pytest.mark.parametrize("name", NAMES)
def test_the_guide_gives_the_points_of_each_question(name):
    text = (LABS / "guide" / f"{name}.md").read_text(encoding="utf-8")
    told = re.findall(rf"^\| {name}\.(q\d+) \| (\d+) \|", text, re.M)
    source = graded(read(LABS / "source" / name / f"{name}.ipynb"))
    assert told == [(question.removesuffix("-test"), str(cell.metadata.nbgrader.points)) for question, (cell, _) in source.items()]
