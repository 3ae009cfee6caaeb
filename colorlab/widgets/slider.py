"""A slider that is the browser's own: `<input type="range">` with its label, so keyboards, screen readers and fingers know it.

ipywidgets' sliders are drawn by a library whose handles have no name: a screen reader says "slider, 60" and not of what. JupyterLab
takes arrow keys for its own shortcuts, unless the element that has the focus asks it not to (`data-lm-suppress-shortcuts`): the
slider sees to that for all controls of the explorer in which it stands.
"""

import anywidget
import traitlets

SCRIPT = """
export default {
  render({ model, el }) {
    const label = document.createElement("label"), input = document.createElement("input");
    const [name, number] = [0, 1].map(() => document.createElement("span"));
    input.type = "range";
    name.textContent = model.get("description");
    number.setAttribute("aria-hidden", "true");  // the input says it
    label.className = "colorlab-slider";
    label.append(name, input, number);
    el.append(label);
    const write = () => { number.textContent = input.value; };
    const show = () => {
      for (const key of ["min", "max", "step", "value"]) input[key] = model.get(key);
      input.disabled = model.get("disabled");
      write();
    };
    const tell = () => { model.set("value", Number(input.value)); model.save_changes(); };
    input.addEventListener("input", () => { write(); if (model.get("continuous_update")) tell(); });
    input.addEventListener("change", tell);
    model.on("change", show);
    show();
    const mine = ({ target }) => { target.dataset.lmSuppressShortcuts = "true"; };
    const listen = () => (el.closest(".colorlab-explorer") ?? el).addEventListener("focusin", mine);
    new ResizeObserver(listen).observe(el);  // once it stands in the page; a listener is added no second time
    return () => model.off("change", show);
  },
};
"""
STYLE = """
.colorlab-slider { display: flex; align-items: center; gap: 8px; width: 30em; max-width: 100%; min-height: 28px; margin: 2px }
.colorlab-slider span:first-child { flex: 0 0 9em; text-align: right; white-space: nowrap }
.colorlab-slider input { flex: 1 1 6em; min-width: 4em; margin: 0 }
.colorlab-slider span:last-child { flex: 0 0 3em; font-variant-numeric: tabular-nums }
"""


class Slider(anywidget.AnyWidget):
    """A labelled number between two ends, moved by dragging or by arrow keys.

    Args:
        min, max: the ends. value: between them; assigned values beyond an end become that end. step: between two values.
        description: its label. continuous_update: follow while it is dragged, not only when it is let go.
    """

    _esm, _css = SCRIPT, STYLE
    min = traitlets.CFloat(0.0).tag(sync=True)
    max = traitlets.CFloat(100.0).tag(sync=True)
    step = traitlets.CFloat(1.0).tag(sync=True)
    value = traitlets.CFloat(0.0).tag(sync=True)
    description = traitlets.Unicode().tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)
    continuous_update = traitlets.Bool(False).tag(sync=True)

    def __init__(self, min, max, value, step=1, **options):
        if not min <= value <= max or step <= 0:
            raise ValueError(f"value is {value}, step {step}; expected a value from min {min} to max {max}, and a positive step")
        super().__init__(min=min, max=max, value=value, step=step, **options)

    @traitlets.validate("value")
    def _within(self, proposal):
        return type(proposal["value"])(sorted((self.min, proposal["value"], self.max))[1])


class WholeSlider(Slider):
    """The same of whole numbers."""

    min = traitlets.CInt(0).tag(sync=True)
    max = traitlets.CInt(100).tag(sync=True)
    step = traitlets.CInt(1).tag(sync=True)
    value = traitlets.CInt(0).tag(sync=True)
