"""Pictures of the notebooks as JupyterLab shows them, for looking at.

    python tests/browser/screenshots.py                  every notebook, as committed
    python tests/browser/screenshots.py 03 05            these
    python tests/browser/screenshots.py 03 --run laptop  run from the menu first, at that budget

One picture a window's height, in build/screenshots/.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import lab


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="numbers or names of notebooks; default: all")
    parser.add_argument(
        "--run", choices=("smoke", "laptop", "gpu"), help="run all cells first, at this budget"
    )
    args = parser.parse_args()
    if not lab.chromium():
        sys.exit("no Chromium here: install Debian's chromium, or name one in $CHROMIUM")
    names = [
        p.name
        for p in sorted((lab.ROOT / "notebooks").glob("*.ipynb"))
        if not args.names or any(p.name.startswith(n) or p.stem == n for n in args.names)
    ]
    if not names:
        sys.exit(f"no notebook {' '.join(args.names)}")
    out = lab.ROOT / "build" / "screenshots" / (args.run or "committed")
    faults = []
    with (
        tempfile.TemporaryDirectory() as folder,
        lab.browser() as chrome,
        lab.server(Path(folder), **({"COLORLAB_BUDGET": args.run} if args.run else {})) as (address, token),
    ):
        for name in names:
            page = lab.open_notebook(chrome, address, token, name)
            if args.run:
                lab.run_all(page, 3600)
            made = lab.screenshots(page, out, name.removesuffix(".ipynb"))
            found = page.evaluate(lab.FAULTS)
            faults += found
            print(
                f"{made[0]} ... {len(made)} pictures",
                *(f"   {fault}" for fault in found),
                sep="\n",
                flush=True,
            )
            page.evaluate("jupyterapp.shell.currentWidget.sessionContext.shutdown()")
            page.close()
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
