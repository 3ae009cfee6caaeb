"""What an operation costs: seconds beside others in turns, bytes moved, bytes kept for the backward pass, page faults.

Used by notebook 08 and by the benchmarks. A machine's speed wanders by a factor of two, so a time means little by itself: variants take
turns and their ratios are compared, or a time is set beside that of a copy, the fastest way to move the same bytes.
"""

import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@dataclass
class Times:
    """Seconds of a call of each variant: name -> a list over the rounds."""

    seconds: dict[str, list[float]]

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])

    def ratio(self, slow: str, fast: str) -> tuple[float, float, float]:
        """How many times as long ``slow`` takes as ``fast``: median, least and greatest over the rounds."""
        ratios = [a / b for a, b in zip(self.seconds[slow], self.seconds[fast])]
        return statistics.median(ratios), min(ratios), max(ratios)


def interleaved(variants: dict[str, Callable[[], object]], rounds: int = 9, warmups: int = 2,
                clock: Callable | None = None) -> Times:
    """Time variants of one computation in turns, in an order by chance each round, after calls to warm up.

    Args:
        variants: name -> function without arguments.
        clock: function -> seconds of one call; None: the wall clock, with a GPU's work awaited.
    """
    if not variants or rounds < 1:
        raise ValueError(f"variants has {len(variants)} functions and rounds is {rounds}; expected at least one of each")
    for work in variants.values():
        for _ in range(warmups):
            work()
    seconds = {name: [] for name in variants}
    for _ in range(rounds):
        for name in random.sample(list(variants), len(variants)):
            seconds[name].append((clock or wall)(variants[name]))
    return Times(seconds)


def wall(work: Callable[[], object]) -> float:
    """Seconds of one call by the wall clock; what it started on a GPU is awaited."""
    await_gpu = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    await_gpu()
    began = time.perf_counter()
    work()
    await_gpu()
    return time.perf_counter() - began


def bandwidth(device: torch.device | str = "cpu", megabytes: int = 256) -> float:
    """Bytes a second of a copy: each byte is read once and written once, and both count."""
    source = torch.zeros(megabytes * 2**20, dtype=torch.uint8, device=device)
    target = torch.zeros_like(source)
    seconds = [wall(lambda: target.copy_(source)) for _ in range(9)]
    return 2 * source.nbytes / statistics.median(seconds)


class MovedBytes(TorchDispatchMode):
    """While active, adds up what torch's operations read and write, each operation's inputs and outputs once.

        with MovedBytes() as moved:
            loss(logits).backward()
        moved.total, moved.by_operation

    Views and uninitialised buffers cost nothing. Of what is gathered or scattered only the entries that are touched count.
    """

    def __init__(self):
        super().__init__()
        self.by_operation: dict[str, int] = {}

    @property
    def total(self) -> int:
        return sum(self.by_operation.values())

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        name = operation.overloadpacket.__name__
        if not operation.is_view and not name.startswith(("empty", "new_empty", "detach", "_unsafe_view")):
            given = {key: value for key, value in (kwargs or {}).items() if key != "out"}
            read = [x for x in tree_leaves((args, given)) if isinstance(x, Tensor)]
            if name in ("copy_", "zero_", "fill_"):
                read = read[1:]  # the first is only written
            written = [x for x in tree_leaves(result) if isinstance(x, Tensor)]
            if name in ("index", "index_select"):
                read[0:1] = written  # as much of the first as is picked
            elif name.startswith(("gather", "scatter_add")):
                touched = sum(x.numel() for x in read if x.dtype == torch.int64) * read[0].element_size()
                read[0:1], written = [], [] if name == "scatter_add_" else written
                self._add(name, touched * (2 if name == "scatter_add_" else 1))
            self._add(name, sum(map(_bytes, read + written)))
        return result

    def _add(self, name: str, count: int) -> None:
        self.by_operation[name] = self.by_operation.get(name, 0) + count


def _bytes(tensor: Tensor) -> int:
    """A tensor's bytes in memory; an expanded one has fewer than it has entries."""
    return min(tensor.numel() * tensor.element_size(), tensor.untyped_storage().nbytes())


def kept_bytes(loss: Callable[[], Tensor]) -> int:
    """Bytes that autograd keeps from the forward to the backward pass of ``loss()``, each piece of memory once.

    What an `autograd.Function` keeps as an attribute of its ``ctx`` counts, too.
    """
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        value = loss()
    nodes, met = [value.grad_fn], set()
    while nodes:
        node = nodes.pop()
        if node is not None and node not in met:
            met.add(node)
            for held in tree_leaves(list(getattr(node, "__dict__", {}).values())):
                if isinstance(held, Tensor):
                    note(held)
            nodes += [before for before, _ in node.next_functions]
    return sum(kept.values())


def page_faults(work: Callable[[], object]) -> int | None:
    """How often one call was given a page of memory by the system (minor faults); None where the system does not tell."""
    try:
        import resource
    except ImportError:  # not on Windows
        return None
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    work()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
