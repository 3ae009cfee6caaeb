"""Pairs to leaf through: sorted, filtered, and each with a divider between the fake and its original.

    real, fake = (judging.score(judge, x) for x in (made.real, made.fake))    or galleries.held_out
    explore(made, real, fake, finetuning.photo_losses(generator, images))

The paper's galleries are settings of it: "score of the fake", lowest first (Mu & Lee, Figure 5); "score of the original",
highest first (Figure 6); "fake called real" (Figure 7).
"""

import numpy as np
import torch
from PIL import Image, ImageDraw

from ..color import rgb_to_lab
from ..galleries import one_each
from ..judging import _paired
from ..metrics import mean_chroma
from ..pairs import Pairs, shrink
from ..resampling import _numbers
from ..style import Picture
from .canvas import font
from .explorer import Explorer, Shown, choice, contact_sheet, signed, slider, switch

COLUMNS, SIDE, GAP, LINE = 5, 150, 12, 17  # pairs a row; pixels: a picture's side, between two, a line of text
ORDERS = ("highest first", "lowest first")
SHOWN = {  # what to show: the scores of real and fake (N,) -> bool (N,)
    "all pairs": lambda real, fake: real == real,
    "fooled: fake above its original": lambda real, fake: fake > real,
    "not fooled": lambda real, fake: fake <= real,
    "fake called real: above 0": lambda real, fake: fake > 0,
    "original called fake": lambda real, fake: real <= 0,
}
FIRST = {"sort": "score of the fake", "order": ORDERS[0], "show": "all pairs", "one": True, "page": 1, "divider": 50}  # of a sheet


def explore(pairs: Pairs, real_scores, fake_scores, losses=None) -> Explorer:
    """The explorer, ten pairs a page.

    Args:
        pairs: N. real_scores, fake_scores: (N,) logits, or logits in another unit, whose sign is the verdict.
        losses: (N,), the generator's loss on each photograph (`finetuning.photo_losses`); None leaves out sorting by it.
    Raises:
        ValueError: not N numbers, or NaN.
    """
    table = numbers(pairs, real_scores, fake_scores, losses)
    pages = -(-len(pairs) // (2 * COLUMNS))
    controls = {"sort": choice("sort by", table), "order": choice("order", ORDERS), "show": choice("show", SHOWN),
                "one": switch("one crop a photograph"), "page": slider("page", 1, max(pages, 2), 1),
                "divider": slider("fake, left of (%)", 0, 100, 50, 5, every=True)}
    return Explorer(renderer(pairs, table), controls, height=_size(2)[1], title="Originals and their fakes")


def sheet(pairs: Pairs, real_scores, fake_scores, losses=None, settings: dict[str, dict] | None = None) -> Picture:
    """Five pairs at each of some settings, on paper.

    Args:
        pairs, real_scores, fake_scores, losses: as `explore`.
        settings: {caption: the controls' values that differ from `FIRST`}; None takes four, of one crop of each photograph.
    """
    table = numbers(pairs, real_scores, fake_scores, losses)
    last = "chroma of the original" if losses is None else "loss"
    settings = settings or {
        "fakes that look most fake": {"order": ORDERS[1], "divider": 100},
        "originals that look most real": {"sort": "score of the original", "divider": 0},
        "fakes that come nearest to their originals, or beat them": {"sort": "difference, F − R"},
        f"highest {last}": {"sort": last}}
    return contact_sheet(renderer(pairs, table, rows=1), {told: {**FIRST, **some} for told, some in settings.items()}, columns=1)


def numbers(pairs: Pairs, real_scores, fake_scores, losses=None) -> dict[str, np.ndarray]:
    """What the pairs can be sorted by, (N,) each; chroma is the mean distance from grey, in units of Lab."""
    real, fake = _paired(real_scores, fake_scores)
    table = {"score of the fake": fake, "score of the original": real, "difference, F − R": fake - real}
    if losses is not None:
        table["loss"] = _numbers(losses, "losses", (1,))
    if not all(len(column) == len(pairs) for column in table.values()):
        raise ValueError(f"scores and losses have {[len(column) for column in table.values()]} entries; expected {len(pairs)}, one a pair")
    for name, images in (("fake", pairs.fake), ("original", pairs.real)):
        table[f"chroma of the {name}"] = torch.cat([mean_chroma(rgb_to_lab(part)[:, 1:]) for part in images.split(32)]).numpy()
    return table


def ordered(table: dict, groups: list[str], sort: str, order: str, show: str, one: bool) -> list[int]:
    """The indices of the pairs that match, in order; of equals, the first of the pairs comes first."""
    matching = np.flatnonzero(SHOWN[show](table["score of the original"], table["score of the fake"]))
    keys = table[sort][matching] * (-1 if order == ORDERS[0] else 1)
    indices = matching[np.argsort(keys, kind="stable")].tolist()
    return one_each(indices, groups, len(indices)) if one else indices


def renderer(pairs: Pairs, table: dict, rows: int = 2):
    """The pure function behind the explorer: the controls' values by name -> Shown. ``rows``: of five pairs, on a page."""
    fooled = table["score of the fake"] > table["score of the original"]

    def render(sort, order, show, one, page, divider) -> Shown:
        found = ordered(table, pairs.groups, sort, order, show, one)
        most = rows * COLUMNS
        pages = -(-len(found) // most)
        page = min(page, pages)  # beyond the last one, the last
        chosen = found[most * (page - 1):most * page] if found else []
        many = f"{len(found)} of {len(pairs)} pairs" + (", one a photograph," if one else "")
        overall = f"In all, {fooled.sum()} of {len(pairs)} fakes ({fooled.mean():.1%}) score above their own original."
        if not chosen:
            words = f"None of the {len(pairs)} pairs matches “{show}”. Show others to see some. {overall}"
            return Shown(_empty(rows, f"no pair matches “{show}”"), words)
        first, last = (signed(table[sort][i]).removeprefix("" if _a_score(sort) else "+") for i in (chosen[0], chosen[-1]))
        words = (f"Page {page} of {pages}: {many} match “{show}”. By {sort}, {order}: from {first} to {last} on this page, where "
                 f"{fooled[chosen].sum()} of {len(chosen)} fool. {_divided(divider)} {overall}")
        notes = [[f"{most * (page - 1) + place}.  F {signed(table['score of the fake'][i], 1)}  R {signed(table['score of the original'][i], 1)}",
                  _second(sort, table[sort][i], table["difference, F − R"][i]) + (", fooled" if fooled[i] else ""), pairs.names[i]]
                 for place, i in enumerate(chosen, 1)]
        return Shown(draw(pairs.fake[chosen], pairs.real[chosen], notes, divider, rows), words)

    return render


def draw(fake: torch.Tensor, real: torch.Tensor, notes: list[list[str]], divider: float, rows: int) -> np.ndarray:
    """Pairs in a grid, each with its fake left of the divider (per cent of the width) and its original right of it.

    Args:
        fake, real: uint8 ``(n, 3, S, S)``. notes: three lines of text for each.
    Returns:
        uint8 ``(H, W, 3)``.
    """
    fake, real = (x if x.shape[-1] == SIDE else shrink(x, SIDE) for x in (fake, real))
    at = round(SIDE * divider / 100)
    mixed = torch.cat((fake[..., :at], real[..., at:]), -1).movedim(1, -1).numpy()  # (n, SIDE, SIDE, 3)
    page = Image.new("RGB", _size(rows), "white")
    pen = ImageDraw.Draw(page)
    for i, (picture, lines) in enumerate(zip(mixed, notes)):
        x, y = (i % COLUMNS) * (SIDE + GAP), (i // COLUMNS) * (SIDE + 3 * LINE + GAP)
        page.paste(Image.fromarray(picture), (x, y))
        if 0 < at < SIDE:
            for width, color in ((3, "black"), (1, "white")):
                pen.line((x + at, y, x + at, y + SIDE - 1), color, width)
        for letter, left, room in (("F", x + at - 17, at), ("R", x + at + 3, SIDE - at)):
            if room >= 18:  # the letter would cover the other picture
                pen.rectangle((left, y + 3, left + 14, y + 19), "black")
                pen.text((left + 7, y + 11), letter, "white", font(13), anchor="mm")
        for k, line in enumerate(lines):
            pen.text((x, y + SIDE + 3 + k * LINE), _fitting(line), "#262626", font(13))
    return np.array(page)


def _second(sort: str, value: float, difference: float) -> str:
    """The second line below a pair: what is sorted by, or the difference of the scores that stand in the first."""
    return f"F − R {signed(difference)}" if _a_score(sort) else f"{sort.replace('of the ', '')} {value:.2f}"


def _a_score(sort: str) -> bool:
    return not sort.startswith(("loss", "chroma"))


def _divided(divider: float) -> str:
    if divider in (0, 100):
        return "Only " + ("originals (R) are seen." if divider == 0 else "fakes (F) are seen.")
    return f"Left of the divider at {divider:g} % is the fake (F), right of it its original (R)."


def _empty(rows: int, told: str) -> np.ndarray:
    page = Image.new("RGB", _size(rows), "#F2F2F2")
    ImageDraw.Draw(page).text((page.width / 2, page.height / 2), told, "#262626", font(18), anchor="mm")
    return np.array(page)


def _size(rows: int) -> tuple[int, int]:
    return COLUMNS * (SIDE + GAP) - GAP, rows * (SIDE + 3 * LINE + GAP)


def _fitting(text: str) -> str:
    """The text, or what fits of its beginning and its end."""
    most = next((n for n in range(len(text), 4, -1) if font(13).getlength(text[:n]) <= SIDE - 4), 4)
    return text if most == len(text) else text[:most - 9] + "…" + text[-7:]
