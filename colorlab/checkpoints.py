"""Trained networks on disk: written whole or not at all, read without running any code of the file.

Networks are safetensors files with their settings in the header. The released weights of Zhang et al. are a PyTorch
file, fetched on request only and checked against the SHA-256 of its authors' release.
"""

import hashlib
import http.client
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from .bins import AbBins
from .discriminators import Discriminator
from .generators import ECCV16, Generator, Pretrained

FEW = 30  # photographs that a processor colors with the full-size network without trying anyone's patience
SHIPPED = Path(__file__).parent / "weights"
RELEASED_FILE = "colorization_release_v2-9b330a0b.pth"
RELEASED_URL = f"https://colorizers.s3.us-east-2.amazonaws.com/{RELEASED_FILE}"
RELEASED_SHA256 = "9b330a0bae53f4ded77b1e23defbf78beaa09c10ebc4c4999e8e4f4a160b93f9"


class WeightsError(ValueError):
    """Weights that are missing, damaged or of another network; the message says what to do."""


def write_atomically(path: str | Path, write: Callable[[Path], None]) -> Path:
    """Let ``write`` fill a temporary file beside ``path``, then rename it: readers see the old file or the new one."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    try:
        write(Path(temporary))
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        Path(temporary).unlink(missing_ok=True)
    return path


def is_leftover(path: Path) -> bool:
    """Whether a file or folder is what a killed process had not yet finished to write: ``.name.random.part``."""
    return path.name.startswith(".") and path.name.endswith(".part")


def save(network: nn.Module, path: str | Path, half: bool = False, **notes) -> Path:
    """Save a generator or a discriminator as safetensors, with what is needed to build it again in the header.

    Args:
        half: store weights in half precision (they load as float32), BatchNorm's statistics as they are.
        notes: anything JSON can hold: data, steps, seconds ...
    Raises:
        ValueError: a weight is not finite; nothing is written.
    """
    header = {"kind": type(network).__name__, **notes}
    if isinstance(network, Generator):
        header |= network.settings()
    state = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    if half:
        state = {key: value.half() if value.is_floating_point() and "running_" not in key else value
                 for key, value in state.items()}  # BatchNorm's variances may lie beyond half precision's 65,504
    if wrong := _not_finite(state):
        raise ValueError(f"network has NaN, infinite or impossible values in {wrong}{' in half precision' if half else ''}; "
                         "nothing was saved")
    metadata = {"colorlab": json.dumps(header)}
    return write_atomically(path, lambda temporary: save_file(state, temporary, metadata=metadata))


def at_hand(photographs: int) -> str:
    """See `generators.at_hand`."""
    if name := os.environ.get("COLORLAB_GENERATOR"):
        return name
    there = (Path(torch.hub.get_dir()) / "checkpoints" / RELEASED_FILE).is_file()
    return "eccv16-released" if there and (torch.cuda.is_available() or photographs <= FEW) else "pocket"


def load_generator(name: str | Path = "pocket", download: bool = True) -> Generator:
    """See `generators.load`. ``download=False`` never opens a connection for "eccv16-released"."""
    if str(name) == "eccv16-released" or str(name).endswith(".pth"):
        return load_released(released_path(download) if str(name) == "eccv16-released" else Path(name))
    state, header = _read(_find(name, "generator"), ("ECCV16", "Pretrained"))
    bins = None if header["step"] is None else AbBins(header["step"])
    if header["kind"] == "Pretrained":
        return _filled(Pretrained(bins, header["work_size"]), state, name)
    return _filled(ECCV16(header["width"], bins, header["work_size"]), state, name)


def load_discriminator(name: str | Path) -> Discriminator:
    """See `discriminators.load`."""
    state, _ = _read(_find(name, "discriminator"), ("Discriminator",))
    return _filled(Discriminator(), state, name)


def notes(name: str | Path = "pocket", kind: str = "generator") -> dict:
    """What a file's header says of the network: its settings, and the notes given to `save`."""
    return _read(_find(name, kind), None)[1]


def load_released(path: Path) -> ECCV16:
    """Build the full-width generator from the authors' file (or one of its layout)."""
    if not path.is_file():
        raise WeightsError(f"there is no file {path}; give the path of weights, or load('pocket'), the ones that ship")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a truncated zip, a pickle with code in it ...
        raise WeightsError(f"{path} cannot be read as PyTorch weights ({type(error).__name__}); "
                           "delete it and load again") from error
    return _filled(ECCV16(), state, path)


def released_path(download: bool = True, url: str = RELEASED_URL, sha256: str = RELEASED_SHA256) -> Path:
    """Where the released weights lie in torch's cache, fetched first if need be, with their hash checked every time."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / RELEASED_FILE
    if not path.is_file():
        if not download:
            raise WeightsError(f"the released weights are not at {path}; load them once with a network, "
                               "or use the shipped ones: load('pocket')")
        try:
            write_atomically(path, lambda temporary: torch.hub.download_url_to_file(url, str(temporary)))
        except (OSError, http.client.HTTPException) as error:
            raise WeightsError(f"the released weights (129 MB) could not be fetched: {error}. Without a network, put "
                               f"{RELEASED_FILE} at {path}, or use the shipped ones: load('pocket')") from error
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else \
            hashlib.sha256(file.read()).hexdigest()
    if found != sha256:
        raise WeightsError(f"{path} has SHA-256 {found[:12]}..., not {sha256[:12]}...: an incomplete or other file; "
                           "delete it and load again")
    return path


def _find(name: str | Path, kind: str) -> Path:
    """The file of a shipped network ("pocket") or of a path."""
    path = SHIPPED / f"{name}-{kind}.safetensors"
    path = path if SHIPPED.joinpath(path.name).is_file() and Path(name).name == str(name) else Path(name)
    if path.is_file():
        return path
    shipped = sorted(p.name.removesuffix(f"-{kind}.safetensors") for p in SHIPPED.glob(f"*-{kind}.safetensors"))
    raise WeightsError(f"no {kind} weights named {str(name)!r}; expected {', '.join(map(repr, shipped)) or 'none shipped'}"
                       f"{', ' + repr('eccv16-released') if kind == 'generator' else ''} or the path of a saved network")


def _read(path: Path, kinds: tuple[str, ...] | None) -> tuple[dict, dict]:
    """State dict in float32, and header, of a file that `save` wrote."""
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("colorlab", "{}"))
            state = {key: file.get_tensor(key) for key in file.keys()}
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise WeightsError(f"{path} is no readable safetensors file ({error}); was it copied whole?") from error
    if kinds is not None and header.get("kind") not in kinds:
        raise WeightsError(f"{path} holds {header.get('kind', 'an unknown network')}; expected {' or '.join(kinds)} saved by "
                           "colorlab")
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}, header


def _filled(network: nn.Module, state: dict, name: str | Path) -> nn.Module:
    try:
        network.load_state_dict(state)
    except (RuntimeError, AttributeError) as error:
        reason = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise WeightsError(f"{name} does not fit {type(network).__name__}: {reason}") from error
    if wrong := _not_finite(state):
        raise WeightsError(f"{name} has NaN, infinite or impossible values in {wrong}: its training diverged, or the file is "
                           "damaged; give other weights")
    return network.eval()


def _not_finite(state: dict) -> str | None:
    """The first entry with values that no trained network has: not finite, or a negative variance."""
    for key, value in state.items():
        if not value.isfinite().all() or (key.endswith("running_var") and (value < 0).any()):
            return key
    return None
