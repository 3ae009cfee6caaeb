"""colorlab: automatic colorization, its generator and its judge, for reading and running in notebooks.

The modules stand in the order in which data flows: ``color`` and ``bins`` describe colour, ``rebalance`` and
``losses`` say what training asks for, ``generators`` and ``discriminators`` are the networks, ``photos``, ``scenes``
and ``pairs`` are the data, ``training`` trains, ``judging`` and ``metrics`` measure, ``plots`` draws.
"""

from importlib import import_module

__version__ = "0.1.0"

_MODULES = ("adversarial", "attribution", "batches", "bins", "budget", "checkpoints", "claims", "color", "colorizing",
            "controls", "decoding", "discriminators", "drawings", "finetuning", "galleries", "generators", "judging",
            "loop", "losses", "metrics", "pairs", "photos", "plots", "rebalance", "scenes", "textbook", "training")
__all__ = [*_MODULES, "doctor"]


def __getattr__(name: str):
    """Import a module at its first use, so that ``import colorlab`` and the terminal verbs start fast."""
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module 'colorlab' has no attribute {name!r}; it has {', '.join(__all__)}")


def __dir__():
    return sorted(__all__ + ["__version__"])


def doctor():
    """Print what this machine has (device, memory, versions, data, weights) and how long each notebook will take."""
    from .doctor import report

    print(report())
