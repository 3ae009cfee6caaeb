"""The training loop: one for every network here, to be read in five minutes.

Step t draws its batch from (seed, t) alone, so that a run that was interrupted and resumed sees what it would have seen,
and every photograph once an epoch. With a ``folder``, a checkpoint is written there as the run goes; calling again
resumes it, or, when it is done, loads it.
"""

import copy
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from . import parallel
from .checkpoints import write_atomically


@dataclass
class Log:
    """What a run wrote down: a list of rows, each with "step", most with "loss"; its seconds; whether it was stopped."""

    rows: list[dict] = field(default_factory=list)
    seconds: float = 0.0
    interrupted: bool = False

    def series(self, key: str = "loss") -> tuple[list[int], list[float]]:
        """The steps at which ``key`` was written, and its values."""
        rows = [row for row in self.rows if key in row]
        if not rows:
            raise KeyError(f"{key!r} is not in this log; it has {sorted({k for row in self.rows for k in row})}")
        return [row["step"] for row in rows], [row[key] for row in rows]


def fit(network: nn.Module, optimizer: torch.optim.Optimizer, loss_at: Callable[[int], dict], steps: int, *, seed: int = 0,
        schedule: Callable[[float], float] | None = None, average: float = 0.0, folder: str | Path | None = None,
        settings: dict | None = None, check: Callable[[int], dict] | None = None, every: int = 100,
        freeze_bn: bool = False, accumulate: int = 1, label: str = "training", progress: bool = True) -> Log:
    """Train ``network`` for ``steps`` steps. Interrupting it (Ctrl-C, a notebook's stop button) keeps what was trained.

    Args:
        loss_at: step -> dict of scalars, of which "loss" is differentiated and all are logged.
        schedule: progress in [0, 1] -> factor of each learning rate; None keeps them as they are.
        average: decay of an exponential moving average of the weights, which the network holds in the end; 0 for none.
        folder: where ``checkpoint.pt`` and ``log.json`` are written and resumed from; None keeps nothing on disk.
        settings: what makes this run this run; a folder of other settings is refused.
        check: called every ``every`` steps and at the end, the network being in eval mode and holding what it would be
            left with at that step (the average, if there is one); its dict is logged.
        accumulate: parts of a step, each with its own backward pass: ``loss_at(step, part)``, the loss their mean.
        freeze_bn: keep BatchNorm's statistics (fine-tuning on few photographs).
    Raises:
        ValueError: the folder holds another run.
        FloatingPointError: the loss or a weight is not finite. The last good checkpoint stays. On a CPU each step is
            looked at; on a GPU, where that would force a sync, each row of the log.
    """
    log, start, sums, settings = Log(), 0, {}, dict(settings or {}, steps=steps, seed=seed, average=average,
                                            freeze_bn=freeze_bn)
    averaged = copy.deepcopy(network).eval() if average else network
    rates = [group["lr"] for group in optimizer.param_groups]
    checkpoint = None if folder is None else Path(folder) / "checkpoint.pt"
    if checkpoint is not None and checkpoint.is_file():
        start, sums = _resume(checkpoint, settings, network, averaged, optimizer, log)

    def diverged(what: str, step: int) -> FloatingPointError:
        good = f"; the checkpoint of step {kept} stays in {folder}" if checkpoint is not None and kept else ""
        return FloatingPointError(f"{label}: {what} at step {step} of {steps}, the training diverged: try a learning rate "
                                  f"of {max(rates) / 3:.1g} instead of {max(rates):.1g}{good}")

    def keep() -> None:
        nonlocal kept
        if moving:  # interrupted between a step's weights and its count: the checkpoint before it stands
            return
        if not log.interrupted:  # the others may not come to this line
            parallel.agree(network)  # of BatchNorm's statistics each process has its own
            parallel.agree(averaged)
        if not all(value.isfinite().all() for value in network.state_dict().values()):
            raise diverged("a weight is not finite", done)
        kept = done
        if parallel.rank() == 0:
            _keep(checkpoint, dict(step=done, settings=settings, network=network.state_dict(), log=log.__dict__,
                                   averaged=averaged.state_dict(), optimizer=optimizer.state_dict(),
                                   sums={key: (float(value), count) for key, (value, count) in sums.items()}))

    device = next(network.parameters()).device
    began, done, kept, moving = time.perf_counter() - log.seconds, start, start, False
    log.interrupted = False
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []), \
            tqdm(total=steps, initial=start, desc=label, leave=False, mininterval=1, file=sys.stdout,
                 disable=not progress or parallel.rank() > 0) as bar:
        try:
            for step in range(start, steps):
                network.train()
                if freeze_bn:
                    _freeze_batchnorm(network)
                torch.manual_seed(seed * 1_000_003 + step)  # dropout, too, depends on (seed, step) alone
                for group, rate in zip(optimizer.param_groups, rates):
                    group["lr"] = rate * (schedule(step / steps) if schedule else 1.0)
                optimizer.zero_grad(set_to_none=True)
                parts = []
                for part in range(accumulate):
                    parts.append(loss_at(step, part) if accumulate > 1 else loss_at(step))
                    if device.type == "cpu" and not parts[-1]["loss"].isfinite():
                        raise diverged(f"the loss is {parts[-1]['loss'].item()}", done + 1)
                    (parts[-1]["loss"] / accumulate).backward()
                parallel.average_gradients(network)
                moving = True
                optimizer.step()
                if average:
                    _move_average(averaged, network, min(average, (1 + step) / (10 + step)))
                done, moving = step + 1, False
                terms = {key: sum(part[key].detach() for part in parts) / accumulate for key in parts[0]}
                for key, value in terms.items():  # since the last row: their sum, and how many
                    so_far, count = sums.get(key, (0, 0))
                    sums[key] = so_far + value, count + 1
                bar.update()
                if done % max(1, min(every, steps // 50)) == 0 or done % every == 0 or done == steps:
                    means = parallel.average({key: torch.as_tensor(value / count) for key, (value, count) in sums.items()})
                    means = {key: float(value) for key, value in means.items()}
                    if not math.isfinite(means["loss"]):
                        raise diverged(f"the mean loss since the row before is {means['loss']}", done)
                    log.rows.append({"step": done, **means})
                    bar.set_postfix(loss=f"{log.rows[-1]['loss']:.3f}", refresh=False)
                    sums, log.seconds = {}, time.perf_counter() - began
                if done % every == 0 or done == steps:
                    if check is not None:
                        log.rows[-1] |= _checked(check, done, network, averaged)
                    keep()
        except KeyboardInterrupt:
            log.interrupted = True
            keep()
            tqdm.write(f"{label}: interrupted at step {done} of {steps}; what was trained is kept"
                       + ("" if checkpoint is None else ", call again to go on"))
    if average:
        network.load_state_dict(averaged.state_dict())
    network.eval()
    return log


class InTurns:
    """Two optimizers that `fit` takes for one, of two networks that train against each other: one moves, the other answers.

    Args:
        answer: fills the second one's gradients when the first has moved.
    """

    def __init__(self, first: torch.optim.Optimizer, answer: Callable[[], None], second: torch.optim.Optimizer):
        self.first, self.answer, self.second = first, answer, second

    @property
    def param_groups(self) -> list[dict]:
        return [*self.first.param_groups, *self.second.param_groups]

    def zero_grad(self, set_to_none: bool = True) -> None:
        self.first.zero_grad(set_to_none)
        self.second.zero_grad(set_to_none)

    def step(self) -> None:
        self.first.step()
        self.second.zero_grad()
        self.answer()
        self.second.step()

    def state_dict(self) -> dict:
        return {"first": self.first.state_dict(), "second": self.second.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self.first.load_state_dict(state["first"])
        self.second.load_state_dict(state["second"])


def _freeze_batchnorm(network: nn.Module) -> None:
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()


@torch.no_grad()
def _move_average(averaged: nn.Module, network: nn.Module, decay: float) -> None:
    for mean, value in zip(averaged.state_dict().values(), network.state_dict().values()):
        mean.lerp_(value, 1 - decay) if mean.is_floating_point() else mean.copy_(value)


def _checked(check: Callable[[int], dict], step: int, network: nn.Module, averaged: nn.Module) -> dict:
    """What ``check`` says of the averaged weights; the network gets its own back."""
    network.eval()
    own = copy.deepcopy(network.state_dict()) if averaged is not network else None
    try:
        if own is not None:
            network.load_state_dict(averaged.state_dict())
        with torch.no_grad():
            return check(step)
    finally:
        if own is not None:
            network.load_state_dict(own)


def _keep(checkpoint: Path | None, state: dict) -> None:
    """Write the checkpoint and, beside it, the log as JSON; both whole or not at all."""
    if checkpoint is not None:
        write_atomically(checkpoint, lambda path: torch.save(state, path))
        write_atomically(checkpoint.with_name("log.json"), lambda path: path.write_text(json.dumps(state["log"])))


def _resume(checkpoint: Path, settings: dict, network: nn.Module, averaged: nn.Module, optimizer, log: Log) -> tuple:
    """Fill network, average, optimizer and log from a checkpoint of the same settings; returns its step, and its sums."""
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    differing = sorted(k for k in settings | saved["settings"] if settings.get(k) != saved["settings"].get(k))
    if differing:
        was = ", ".join(f"{k} was {saved['settings'].get(k)!r}, is now {settings.get(k)!r}" for k in differing)
        raise ValueError(f"folder {checkpoint.parent} holds another run: {was}; choose another folder, or delete it")
    network.load_state_dict(saved["network"])
    averaged.load_state_dict(saved["averaged"])
    optimizer.load_state_dict(saved["optimizer"])
    log.__dict__.update(saved["log"])
    return saved["step"], saved.get("sums", {})
