"""Several processes on one batch, as torchrun starts them:

    torchrun --nproc-per-node 8 -m colorlab train --photos FOLDER --out DIR --batch 320

Each process takes its part of every batch; the gradients are averaged in one flat sum after the backward pass. (With 32
million weights that is a hundredth of a step on GPUs that are linked, so it need not overlap with the arithmetic.) What is
drawn by chance is drawn for the whole batch, so one process and many see the same crops. BatchNorm alone differs: each
process normalises by its own part of the batch.
"""

import os

import torch
import torch.distributed as dist
from torch import Tensor, nn


def start() -> None:
    """Join the other processes, if torchrun started this one; each takes a GPU of its own where there are any."""
    if "LOCAL_RANK" not in os.environ or dist.is_initialized():
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")


def stop() -> None:
    """Take leave of the others, all at once."""
    if dist.is_initialized():
        dist.barrier()
        dist.destroy_process_group()


def rank() -> int:
    """Which process this is, from 0; 0 writes files and shows bars."""
    return dist.get_rank() if dist.is_initialized() else 0


def size() -> int:
    """How many processes there are."""
    return dist.get_world_size() if dist.is_initialized() else 1


def share(batch: int, part: int, parts: int) -> slice:
    """What ``part`` of ``parts`` takes of this process's share of a batch: all parts and processes together, all of it."""
    each, rest = divmod(batch, parts * size())
    if rest or not each:
        raise ValueError(f"batch is {batch}; expected a multiple of {parts * size()}: {size()} processes, "
                         f"{parts} part(s) each")
    first = (rank() * parts + part) * each
    return slice(first, first + each)


def average_gradients(network: nn.Module) -> None:
    """Give every process the mean of all processes' gradients."""
    if size() > 1:
        grads = [p.grad for p in network.parameters() if p.grad is not None]
        flat = torch.cat([grad.reshape(-1) for grad in grads])
        dist.all_reduce(flat)
        flat /= size()
        for grad, mean in zip(grads, flat.split([grad.numel() for grad in grads])):
            grad.copy_(mean.view_as(grad))


def average(values: dict[str, Tensor]) -> dict[str, Tensor]:
    """The mean of all processes' scalars."""
    if size() > 1:
        together = torch.stack([value.detach().double() for value in values.values()])
        dist.all_reduce(together)
        return dict(zip(values, together / size()))
    return values


def agree(network: nn.Module) -> None:
    """Give every process the weights and statistics of process 0."""
    if size() > 1:
        for value in network.state_dict().values():
            dist.broadcast(value, 0)
