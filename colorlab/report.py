"""A study's results as one page to read: the comparison, the differences, the sources, and each turn of the loop.

Every sentence and every word of judgement on the page is computed from the intervals that stand beside it.
"""

from html import escape
from pathlib import Path

from . import finetuning, plots, verdicts
from .checkpoints import write_atomically
from .judging import HUMANS
from .studies import cell, heading

ZHANG = {"l2": ("L2", "91.2 / 64.4"), "classification": ("classification", "91.6 / 65.1"),  # their Table 1:
         "rebalanced": ("classification + rebalancing (full)", "89.5 / 67.3"),  # AuC plain / rebalanced, on ImageNet
         "all grey": (None, "89.1 / 58.0"), "random colors": ("random colours", "84.2 / 57.3")}
DIFFERENT = ("fooling rate", "distance", "plain AuC", "rebalanced AuC", "chroma ratio")
WHY = """Where the two differ there are many reasons to choose from: they trained on 1.3 million photographs for 450,000 steps at full
width, this study on far fewer of each; their judges were people who had one second, ours are networks that trained on the very
fakes that they judge; and each generator here is one run, whose luck no interval over photographs knows."""
STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0;font-size:14px}th,td{padding:.25rem .7rem;text-align:right;white-space:nowrap}
th:first-child,td:first-child{text-align:left}td.words{text-align:left;white-space:normal;min-width:12rem}tr:nth-child(even){background:#f4f4f4}small{color:#555}
div{overflow-x:auto}img{max-width:100%}"""


def write(out: Path, results: dict) -> Path:
    """Write index.html and its figures into the folder of a study; returns the page's path."""
    figures = {"fooling.png": (fooling_figure(results), "Fooling rates with 95 % intervals, beside those of people"),
               "contrasts.png": (contrasts_figure(results), "Differences between arms of fine-tuning, with intervals")}
    for name, (figure, _) in figures.items():
        write_atomically(out / name, lambda path, figure=figure: path.write_bytes(figure.encoded()[1]))
    pictures = {name: f'<img src="{name}" alt="{escape(alt)}">' for name, (_, alt) in figures.items()}
    page = "\n".join([
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
        f"<title>colorlab: the study</title><style>{STYLE}</style><h1>The study</h1>",
        f"<p>{escape(_setting(results))}</p><p><b>{escape(answer(results))}</b></p>",
        "<h2>The comparison</h2>", _comparison(results), pictures["fooling.png"],
        f"<p>Photographs against themselves, down the path of a fake: "
        f"{'the same bytes' if results['comparison']['itself']['same bytes'] else 'NOT the same bytes, the path leaves a mark'}."
        "</p><h2>Paired differences</h2>", _differences(results["differences"]),
        "<h3>Zhang et al.'s order, and ours</h3>", f"<p>{escape(' '.join(orders(results)))}</p>", f"<p>{WHY}</p>",
        "<h2>By source</h2>", _sources(results["sources"]),
        "<h2>The loop</h2>", pictures["contrasts.png"],
        *[_turn(name, results[name]) for name in results if name.startswith("turn ")],
        f"<h2>How long</h2>{_table(['stage', 'minutes'], [[k, f'{v / 60:.1f}'] for k, v in results['seconds'].items()])}</html>"])
    return write_atomically(out / "index.html", lambda path: path.write_text(page, encoding="utf-8"))


def answer(results: dict) -> str:
    """Does fine-tuning on what a discriminator finds most real help? One sentence, from the first turn's primary contrast."""
    value = results["turn 1"]["contrasts"]["random"]["most real - random"]["distance"]
    said = {"better": "Fine-tuning on the photographs that look most real to a discriminator beat fine-tuning on random ones",
            "worse": "Fine-tuning on the photographs that look most real to a discriminator did worse than on random ones",
            "undecided": "Whether the photographs that look most real to a discriminator teach more than random ones "
                         "stays undecided"}[finetuning.verdict(value, finetuning.HIGHER["distance"])]
    return (f"{said}: the distance from a fake to its original changed by {cell('distance', value)} standard deviations of "
            "a fresh judge's logits (less is better), on a random half of the held-out photographs.")


def orders(results: dict) -> list[str]:
    """Where the order of our losses differs from Zhang et al.'s, a sentence for each of three measures."""
    people = {row.name: 100 * row.rate for row in HUMANS if row.source.startswith("Zhang")}
    aucs = {loss: [float(x) for x in ZHANG[loss][1].split(" / ")] for loss in ("l2", "classification", "rebalanced")}
    theirs = {"plain AuC": {loss: pair[0] for loss, pair in aucs.items()},
              "rebalanced AuC": {loss: pair[1] for loss, pair in aucs.items()},
              "fooling rate": {loss: people[ZHANG[loss][0]] for loss in aucs}}
    said = []
    for key, wanted in theirs.items():
        turned, open_ = [], []
        for a, b in (("rebalanced", "classification"), ("rebalanced", "l2"), ("classification", "l2")):
            word = finetuning.verdict(results["differences"][f"{a} - {b}"][key], ("above", "below"))
            expected = "above" if wanted[a] > wanted[b] else "below"
            if word != expected:
                (open_ if word == "undecided" else turned).append(f"{a} {expected} {b}")
        name = "fooling rate (theirs of people, ours of discriminators)" if key == "fooling rate" else key
        parts = [f"turned round: {', '.join(turned)}" * bool(turned), f"undecided here: {', '.join(open_)}" * bool(open_)]
        said.append(f"{name}: " + ("; ".join(filter(None, parts)) + "." if turned or open_ else "their order, each difference beyond "
                                                                                                "its interval."))
    return said


def fooling_figure(results: dict):
    """Fooling rates of generators and controls, and of people."""
    rows = ["this study: discriminators"]
    rows += [(name, *row["fooling rate"]) for name, row in results["comparison"].items() if "fooling rate" in row]
    people = [(human.name, human) for human in HUMANS if "ECCV 2016" in human.source and human.standard_error]
    return verdicts.forest([*rows, "Zhang et al.: people", *people], references={"chance": 0.5}, limits=(0, 100),
                           xlabel="fake taken for the photograph (%), 95 % interval")


def contrasts_figure(results: dict):
    """Distance and plain AuC of each contrast, a column for each, a row of axes for each turn."""
    turns = [name for name in results if name.startswith("turn ")]
    fig, axes = plots.panels(len(turns), 2, height=2.4, width=8.5, sharey=True, squeeze=False)
    for line, turn in zip(axes, turns):
        for ax, (key, unit) in zip(line, (("distance", "standard deviations; less is better"),
                                          ("plain AuC", "points; more is better"))):
            ax.axvline(0, color=plots.INK, lw=1)
            for marker, shift, (name, contrasts) in zip("os", (-0.13, 0.13), results[turn]["contrasts"].items()):
                color = plots.PALETTE[0] if marker == "o" else plots.PALETTE[1]
                for y, row in enumerate(contrasts.values()):
                    mean, low, high = row[key]
                    ax.plot([low, high], [y + shift] * 2, color=color, lw=2)
                    ax.plot(mean, y + shift, marker, color=color, mfc=color if marker == "o" else "white")
            ax.set(title=f"{turn}: {key}", xlabel=unit, yticks=range(len(contrasts)), yticklabels=list(contrasts),
                   ylim=(len(contrasts) - 0.5, -0.5))
    fig.suptitle("held out:  ● random half   □ most real fifth", fontsize=10.5)
    return fig


def _setting(results: dict) -> str:
    counts = ", ".join(f"{count:,} {name}" for name, count in results["photographs"].items())
    return (f"Size {results['size']}, seed {results['seed']}; photographs: {counts}. {results['machine']}. Intervals are 95 %, "
            f"over photographs and seeds; of {results['settings']['study_seeds']} seeds Student's t allows for how little they tell.")


def _comparison(results: dict) -> str:
    columns = list(results["comparison"]["l2"])
    human = {row.name: f"{100 * row.rate:.1f} ± {100 * row.standard_error:.1f}" for row in HUMANS
             if "ECCV 2016" in row.source and row.standard_error}
    rows = []
    for name, row in results["comparison"].items():
        if name != "itself":
            who, aucs = ZHANG.get(name, (None, "–"))
            rows.append([name, *[cell(key, row[key]) for key in columns], human.get(who, "–"), aucs])
    return _table(["", *[heading(key) for key in columns], "people (%), Zhang et al.",
                   "their AuC, plain / rebalanced"], rows)


def _differences(differences: dict) -> str:
    return _table(["", *[heading(key) for key in DIFFERENT], "in words"],
                  [[name, *[cell(key, row[key]) for key in DIFFERENT], _words(row)] for name, row in differences.items()])


def _sources(sources: dict) -> str:
    if not sources:
        return "<p>No source has enough held-out photographs for a row of its own.</p>"
    losses = [key for key in next(iter(sources.values())) if key != "photographs"]
    keys = ("fooling rate", "distance", "plain AuC")
    rows = [[source, str(row["photographs"]), *[cell(key, row[loss][key]) for key in keys for loss in losses]]
            for source, row in sources.items()]
    return _table(["", "photographs", *[f"{loss}: {heading(key)}" for key in keys for loss in losses]], rows)


def _turn(name: str, turn: dict) -> str:
    ranking = [[key, cell("", value) if isinstance(value, list) else str(value)] for key, value in turn["ranking"].items()]
    parts = [f"<h3>{name.capitalize()}</h3>", _table(["the ranking of the pool", ""], ranking)]
    for which, arms in turn["arms"].items():
        parts.append(_table([f"held out: {which}", *[heading(key) for key in DIFFERENT]],
                            [[arm, *[cell(key, row[key]) for key in DIFFERENT]] for arm, row in arms.items()]))
        parts.append(_differences(turn["contrasts"][which]))
    return "\n".join(parts)


def _words(row: dict) -> str:
    told = [f"{key} {word}" for key in DIFFERENT
            if None not in row[key] and (word := finetuning.verdict(row[key], finetuning.HIGHER[key])) != "undecided"]
    return ", ".join(told) or "undecided"


def _table(head: list[str], rows: list[list[str]]) -> str:
    cells = "".join("<tr>" + "".join(map(_td, row)) + "</tr>" for row in rows)
    return f"<div><table><tr>{''.join(f'<th>{escape(x)}</th>' for x in head)}</tr>{cells}</table></div>"


def _td(text: str) -> str:
    words = ' class="words"' if len(text) > 30 or text == "undecided" else ""
    return f"<td{words}>{escape(text)}</td>"
