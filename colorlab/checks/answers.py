"""What the checks ask of an answer: a function that can be called, a tensor, one number or several. And numbers to try it on."""

import math
from numbers import Real

import torch
from torch import Tensor

from .registry import NotAttempted, NotYet, need

EXACTLY = "within 1e-9, in float64"


def uniform(*shape: int, low: float = 0.0, high: float = 1.0, seed: int = 1) -> Tensor:
    """float64 between low and high, the same for the same arguments."""
    draw = torch.Generator().manual_seed(seed)
    return low + (high - low) * torch.rand(shape, generator=draw, dtype=torch.float64)


def close(one, other, tolerance: float = 1e-9) -> bool:
    """Whether two tensors (or numbers) agree everywhere to ``tolerance``; NaN agrees with nothing."""
    return bool(((one - torch.as_tensor(other)).abs() <= tolerance).all())


def call(function, *arguments):
    """What the student's function answers to copies of the arguments; an exception in it becomes a sentence."""
    need(callable(function), f"This is a {type(function).__name__}; expected the function itself, by its bare name.")
    copies = [x.clone() if isinstance(x, Tensor) else list(x) if isinstance(x, list) else x for x in arguments]
    try:
        result = function(*copies)
    except NotImplementedError:
        raise NotAttempted from None
    except Exception as error:
        told = ", ".join(map(_shown, arguments))
        raise NotYet(f"Called with {told}, your function raised {type(error).__name__}{_line_of(error, function)}: {error}") from error
    if result is None or result is ...:
        raise NotAttempted
    return result


def _shown(argument) -> str:
    """An argument in a few letters."""
    if isinstance(argument, Tensor):
        return f"a tensor {tuple(argument.shape)}"
    return f"{argument:.4g}" if isinstance(argument, float) else f"a list of {len(argument)}" if isinstance(argument, list) else repr(argument)


def _line_of(error: Exception, function) -> str:
    """Which line of the student's function led to an error."""
    code, found = getattr(function, "__code__", None), ""
    trace = error.__traceback__
    while trace and code:
        if trace.tb_frame.f_code is code:
            found = f" in its line {trace.tb_lineno - code.co_firstlineno + 1}"
        trace = trace.tb_next
    return found


def tensor(result, shape: tuple, dtype: torch.dtype, what: str = "the answer") -> Tensor:
    """``result``, if it is a tensor of this shape and dtype without NaN or infinite values."""
    need(isinstance(result, Tensor), f"{what.capitalize()} is a {type(result).__name__}; expected a torch tensor.")
    need(result.shape == tuple(shape), f"{what.capitalize()} has shape {tuple(result.shape)}; expected {tuple(shape)}.")
    need(result.dtype == dtype, f"{what.capitalize()} has dtype {result.dtype}; expected {dtype}.")
    need(result.isfinite().all(), f"{what.capitalize()} holds NaN or infinite values.")
    return result


def number(result, what: str) -> float:
    """``result``, if it is one number: Python's, NumPy's, or a tensor without dimensions."""
    result = result.item() if getattr(result, "ndim", None) == 0 else result
    kind = f"tensor of shape {tuple(result.shape)}" if isinstance(result, Tensor) else type(result).__name__
    need(isinstance(result, Real) and not isinstance(result, bool), f"{what.capitalize()} is a {kind}; expected one number.")
    need(math.isfinite(result), f"{what.capitalize()} is {result}: is there a case in which nothing is left to divide by?")
    return float(result)


def numbers(result, *names: str) -> list[float]:
    """As many numbers as there are names, from a tuple, a list or a tensor."""
    several = not isinstance(result, (str, dict, Real)) and getattr(result, "ndim", 1) == 1 and hasattr(result, "__len__")
    need(several and len(result) == len(names), f"The answer is a {type(result).__name__}; expected {len(names)} numbers, {', '.join(names)}.")
    return [number(x, name) for x, name in zip(result, names)]
