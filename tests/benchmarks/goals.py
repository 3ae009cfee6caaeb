"""Goals as ratios: what was measured beside what, and whether it reaches its bar."""

from dataclasses import dataclass, field


@dataclass
class Goals:
    """What was measured, printed as it comes, and whether each goal is reached."""

    found: dict[str, dict] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def at_least(self, name: str, bar: float, value) -> None:
        self._note(name, value, ">=", bar)

    def at_most(self, name: str, bar: float, value) -> None:
        self._note(name, value, "<=", bar)

    def unmeasured(self, name: str, why: str) -> None:
        """A goal that this run says nothing about."""
        self.left_out[name] = why
        print(f"  {name}: not measured, {why}")

    def known(self, name: str, value) -> None:
        """A number to go with the goals, without a bar of its own."""
        self._note(name, value, None, None)

    def _note(self, name, value, sign, bar):
        value, least, most = value if isinstance(value, tuple) else (value, None, None)
        row = {"value": value}
        told = f"  {name:74s}{value:10.4g}"
        if least is not None:
            row |= {"least": least, "greatest": most}
            told += f"  [{least:.4g}, {most:.4g}]"
        if sign:
            row |= {"goal": f"{sign} {bar:g}", "reached": bool(value >= bar if sign == ">=" else value <= bar)}
            told += f"   goal {sign} {bar:g}: {'reached' if row['reached'] else 'MISSED'}"
        self.found[name] = row
        print(told, flush=True)
