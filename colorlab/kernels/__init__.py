"""Fused kernels behind the functions of `bins`, `losses` and `color`, for CUDA; written in Triton.

Nothing here needs to be called: the public functions ask `fused`, and choose. `ops` registers each operation with torch.library,
with an implementation for the CPU (the library's own) and one of shapes alone, so that torch.compile sees one operation.
Triton is imported when the first CUDA tensor comes. With COLORLAB_INTERPRET=1 Triton's interpreter runs the kernels on
a CPU, slowly, for tests.
"""

import importlib.util
import math
import os

import torch
from torch import Tensor

NEIGHBORS = 32  # of a soft code; for more the plain way is taken
LARGEST, MOST = 2**31, 65535  # numbers of one image, and images, that the kernels' indices reach; for more likewise
INTERPRETED = os.environ.get("COLORLAB_INTERPRET") == "1"
if INTERPRETED:
    os.environ["TRITON_INTERPRET"] = "1"  # which Triton reads when it is imported


def fused(tensor: Tensor, differentiable: bool = False) -> bool:
    """Whether a fused kernel takes this tensor (..., C, H, W): on CUDA with Triton (or in its interpreter), of single precision or
    less, not empty or huge, and not to be differentiated unless the operation is ``differentiable``."""
    if not (tensor.is_cuda or INTERPRETED and tensor.device.type == "cpu") or not importlib.util.find_spec("triton"):
        return False
    images = math.prod(tensor.shape[:-3])
    return tensor.dtype != torch.float64 and 0 < tensor.numel() < images * LARGEST and images <= MOST and (
        differentiable or not (tensor.requires_grad and torch.is_grad_enabled()))
