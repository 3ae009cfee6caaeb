"""A device that every machine has: tensors that say they are elsewhere and compute on the CPU.

It finds what only a GPU would: a step that mixes a tensor of one device with a tensor of another, and a result that is
left behind on the CPU.

    with elsewhere.Device():
        color.rgb_to_lab(elsewhere.put(rgb))        raises where a tensor of the CPU takes part
"""

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map

from torch.utils import backend_registration

backend_registration._setup_privateuseone_for_python_backend("elsewhere")
DEVICE = torch.device("elsewhere", 0)


class Elsewhere(torch.Tensor):
    """A tensor with its values on the CPU, which gives another device."""

    @staticmethod
    def __new__(cls, here: torch.Tensor):
        return torch.Tensor._make_wrapper_subclass(cls, here.shape, dtype=here.dtype, device=DEVICE, strides=here.stride(),
                                                   storage_offset=here.storage_offset(), requires_grad=here.requires_grad)

    def __init__(self, here: torch.Tensor):
        self.here = here

    def __repr__(self):
        return f"Elsewhere({self.here})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        with Device():
            return func(*args, **(kwargs or {}))


class Device(TorchDispatchMode):
    """Where this is active, DEVICE can be computed on and its tensors cannot be mixed with others."""

    def __enter__(self):
        self.before = torch._C._only_lift_cpu_tensors()
        torch._C._set_only_lift_cpu_tensors(True)  # torch.tensor makes its tensor on the CPU, then moves it: seen here
        return super().__enter__()

    def __exit__(self, *error):
        torch._C._set_only_lift_cpu_tensors(self.before)
        return super().__exit__(*error)

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs, found = dict(kwargs or {}), []
        tree_map(found.append, (args, kwargs))
        theirs = any(isinstance(x, Elsewhere) for x in found)
        wanted = torch.device(kwargs["device"]) if kwargs.get("device") is not None else None
        moves = func.overloadpacket in (torch.ops.aten._to_copy, torch.ops.aten.copy_)
        if theirs and not moves:
            mixed = [x for x in found if isinstance(x, torch.Tensor) and not isinstance(x, Elsewhere) and x.dim()]
            if mixed and func.overloadpacket not in (torch.ops.aten.index, torch.ops.aten.index_put_):  # which allow it
                raise RuntimeError(f"{func} mixes {DEVICE} with cpu: {[tuple(x.shape) for x in mixed]}")
        if theirs and func.overloadpacket is torch.ops.aten._upsample_bilinear2d_aa and args[0].dtype == torch.uint8:
            raise RuntimeError(f"{func} is not implemented for uint8 on {DEVICE}")  # as on CUDA
        if wanted is not None and wanted.type == DEVICE.type:
            kwargs["device"] = torch.device("cpu")
        result = func(*tree_map(_unwrap, args), **tree_map(_unwrap, kwargs))
        if func.overloadpacket is torch.ops.aten.copy_:
            return args[0]
        there = wanted.type == DEVICE.type if wanted is not None else theirs
        if theirs and func._schema.name[-1] == "_" and isinstance(args[0], Elsewhere):  # in place
            return args[0]
        return tree_map(lambda x: Elsewhere(x) if isinstance(x, torch.Tensor) else x, result) if there else result


def _unwrap(x):
    return x.here if isinstance(x, Elsewhere) else x


def put(tensor: torch.Tensor) -> Elsewhere:
    return Elsewhere(tensor.detach())


def move(module: torch.nn.Module) -> torch.nn.Module:
    """All of a module's parameters and buffers elsewhere, as `.to(device)` would do."""
    for part in module.modules():
        for name, value in part._parameters.items():
            if value is not None:
                part._parameters[name] = torch.nn.Parameter(put(value), requires_grad=value.requires_grad)
        for name, value in part._buffers.items():
            if value is not None:
                part._buffers[name] = put(value)
    return module
