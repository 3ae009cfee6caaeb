"""Move every control of an explorer to its corners, one at a time and all at once, and look at what it shows."""

import itertools
import time

import ipywidgets as widgets


def ends(control) -> list:
    """The values at which something may go wrong."""
    if isinstance(control, widgets.Checkbox):
        return [False, True]
    if hasattr(control, "options"):
        return list(control.options)
    return [control.min, control.max]


def sweep(explorer, most: int = 40):
    """Yields (state, seconds) after each move; the explorer must have drawn something new, and told it, without an error."""
    start = {name: control.value for name, control in explorer.controls.items()}
    moves = [{name: value} for name, control in explorer.controls.items() for value in ends(control)]
    outermost = [(ends(control)[0], ends(control)[-1]) for control in explorer.controls.values()]
    corners = [dict(zip(start, values)) for values in itertools.product(*outermost)]
    for move in [*moves, *corners[::max(1, len(corners) // most)]]:
        for name, value in {**start, **move}.items():
            if explorer.controls[name].value != value:
                began = time.perf_counter()
                explorer.controls[name].value = value
                yield explorer.state, time.perf_counter() - began
        assert explorer.error == "", (explorer.state, explorer.error)
        assert 'src="data:image/png' in explorer.screen.value and len(explorer.shown.words) > 20
        assert explorer.shown.words.split()[0] in explorer.screen.value
