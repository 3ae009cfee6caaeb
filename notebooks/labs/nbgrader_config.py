"""What nbgrader has to know beyond its defaults. `make labs` calls it in this folder; so do the instructor's own commands."""

import os
from pathlib import Path

os.environ["PYTHONWARNINGS"] = "ignore"  # nbgrader gives no points for a cell that writes to stderr, were it a warning only
build = Path(__file__).resolve().parents[2] / "build" / "labs"
build.mkdir(parents=True, exist_ok=True)

c = get_config()  # noqa: F821  nbgrader defines it
c.CourseDirectory.course_id = "colorlab"
c.CourseDirectory.release_directory = "student"
c.CourseDirectory.db_url = f"sqlite:///{build / 'gradebook.db'}"
c.NbGrader.logfile = ""
c.ClearSolutions.code_stub = {"python": "pass  # YOUR CODE HERE"}  # an untouched notebook runs to its end
c.Execute.timeout = 300  # seconds a cell; nbgrader allows 30, which a busy machine exceeds
