"""One image file to RGB and back, whatever the file holds.

A photograph arrives as a phone's sideways JPEG, a scanner's 16-bit TIFF, a printer's CMYK, a web designer's
transparent PNG. `open_photo` turns each into what it looks like in a viewer: sRGB, upright, on white.

    file -> Pillow -> upright -> 8 bits -> colour profile to sRGB -> on white -> (3, H, W) in [0, 1]

References: EXIF 2.32, tag 0x0112 (orientation); ICC.1:2010 (profiles, applied by LittleCMS through Pillow).
"""

from __future__ import annotations

import functools
import io
import os
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageCms, ImageOps

from .color import to_8_bit

# Formats that can hold a photograph. A closed list: Pillow would hand an EPS file to Ghostscript.
FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "GIF", "BMP", "DIB", "PPM", "JPEG2000", "AVIF")
SAVE_AS = {".png": {"format": "PNG"}, ".bmp": {"format": "BMP"}, ".tif": {"format": "TIFF"},
           ".tiff": {"format": "TIFF"}, ".webp": {"format": "WEBP", "quality": 95},
           # chroma at full resolution: colour is the subject here
           ".jpg": {"format": "JPEG", "quality": 95, "subsampling": 0},
           ".jpeg": {"format": "JPEG", "quality": 95, "subsampling": 0}}
MAX_PIXELS = 89_478_485  # Pillow's own limit, a quarter of a GiB; more is taken for an attack


class PhotoError(ValueError):
    """A photograph that cannot be read or written. The message is one line: which file, why, what to do."""


def open_photo(path) -> torch.Tensor:
    """The photograph in a file, upright, in sRGB, as float32 RGB (3, H, W) in [0, 1].

    Grey, palette, CMYK, Lab and 16-bit files are converted (16 bits are rounded to 8), an embedded colour
    profile is applied (a broken one is ignored with a warning), transparent parts become white, an animation
    gives its first frame. Raises PhotoError where the file is missing, no image, damaged or enormous.
    """
    pixels = np.asarray(open_image(path))  # (H, W, 3) uint8
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1).contiguous().float().div_(255)


def open_image(path) -> Image.Image:
    """As `open_photo`, but a Pillow image of mode RGB."""
    path = Path(path)
    _check_file(path)
    try:
        with Image.open(path, formats=_formats()) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            image.load()
            return _to_srgb(_upright(image, path), path)
    except PhotoError:
        raise
    except Image.DecompressionBombError:
        raise PhotoError(f"{str(path)!r} has more than {MAX_PIXELS // 10**6} million pixels: "
                         "make it smaller first") from None
    except MemoryError:
        raise PhotoError(f"{str(path)!r} does not fit into memory: make it smaller first") from None
    except Exception as error:  # Pillow's readers raise nearly anything on a damaged file
        raise PhotoError(_explain(path, error)) from None


@functools.cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def _check_file(path: Path) -> None:
    name = repr(str(path))
    try:
        if path.is_dir():
            raise PhotoError(f"{name} is a folder, not a photograph: give one file "
                             "(photos.load reads a folder)")
        if not path.exists():
            raise PhotoError(f"there is no file {name}: check the path")
        if not path.is_file():
            raise PhotoError(f"{name} is not an ordinary file: copy the photograph into one")
        if path.stat().st_size == 0:
            raise PhotoError(f"{name} is empty (0 bytes): copy or download it again")
    except (OSError, ValueError) as error:  # a name too long, a null byte, no permission
        if isinstance(error, PhotoError):
            raise
        raise PhotoError(f"{name} cannot be read ({_first_line(error)}): check the path") from None


def _explain(path: Path, error: Exception) -> str:
    name = repr(str(path))
    if isinstance(error, PermissionError):
        return f"{name} may not be read (permission denied): change its permissions"
    try:
        with open(path, "rb") as file:
            head = file.read(1024)
    except OSError as again:
        return f"{name} cannot be read ({_first_line(again)}): check the path"
    if b"<svg" in head:
        return f"{name} is a drawing (SVG), not a photograph: export it as PNG"
    if head[4:8] == b"ftyp" and head[8:11] in (b"hei", b"hev", b"mif"):
        return f"{name} is a HEIC file, which cannot be read here: export it as JPEG"
    if isinstance(error, Image.UnidentifiedImageError):
        return f"{name} is not an image that can be read: give a JPEG, PNG, WebP, TIFF, GIF or BMP file"
    return f"{name} is damaged or cut off ({_first_line(error)}): copy or download it again"


def _first_line(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text.splitlines()[0][:120]


def _upright(image: Image.Image, path: Path) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception as error:  # a damaged EXIF block says nothing about the pixels
        warnings.warn(f"{path.name!r}: its EXIF data are damaged ({_first_line(error)}); "
                      "shown as stored", stacklevel=2)
        return image


def _to_srgb(image: Image.Image, path: Path) -> Image.Image:
    """Any mode to RGB: the depth first, then the profile, transparency last."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I") or image.mode == "F":
        image = _to_8_bits(image, path)
    alpha = None
    if image.mode in ("LA", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        grey = image.mode in ("L", "LA", "1")
        alpha = image.convert("RGBA").getchannel("A")
        image = image.convert("RGBA").convert("RGB")
        image = image.getchannel(0) if grey else image
    elif image.mode in ("1", "P", "YCbCr", "HSV"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    image = _apply_profile(image, profile, path)
    if alpha is not None:
        image = Image.composite(image, Image.new("RGB", image.size, "white"), alpha)
    return image


def _to_8_bits(image: Image.Image, path: Path) -> Image.Image:
    values = np.asarray(image).astype(np.float32)
    low, high = float(values.min()), float(values.max())
    top = 1.0 if image.mode == "F" else 65535.0
    if not (low >= 0 and high <= top):  # not(…) catches NaN too
        raise PhotoError(f"{str(path)!r} holds values from {low:.4g} to {high:.4g}, expected 0 to {top:.0f}: "
                         "save it with 8 or 16 bits")
    return Image.fromarray(np.round(values * (255 / top)).astype(np.uint8))


def _apply_profile(image: Image.Image, profile: bytes | None, path: Path) -> Image.Image:
    try:
        if image.mode == "LAB":
            return _convert_profile(image, ImageCms.createProfile("LAB"))
        if profile:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            space = source.profile.xcolor_space.strip()
            image = image.convert("RGB") if image.mode == "L" and space == "RGB" else image
            if not (space == "RGB" and (source.profile.profile_description or "").startswith("sRGB")):
                return _convert_profile(image, source)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError) as error:
        warnings.warn(f"{path.name!r}: its colour profile cannot be used ({_first_line(error)}); "
                      "taken for sRGB", stacklevel=2)
    return image.convert("RGB")


def _convert_profile(image: Image.Image, source) -> Image.Image:
    return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB",
                                     renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
                                     flags=ImageCms.Flags.BLACKPOINTCOMPENSATION)


def save_photo(rgb: torch.Tensor, path) -> None:
    """Write RGB (3, H, W), uint8 or in [0, 1], with 8 bits, as the suffix says: .png .jpg .webp .tif .bmp.

    The file appears whole or not at all: it is written beside its place, then renamed. Raises PhotoError
    where the path cannot be written, ValueError where `rgb` is no image.
    """
    path = Path(path)
    options = dict(SAVE_AS[check_output(path)])
    if rgb.ndim != 3 or rgb.shape[0] != 3 or not (rgb.is_floating_point() or rgb.dtype == torch.uint8):
        raise ValueError(f"rgb is {tuple(rgb.shape)} {rgb.dtype}; expected (3, H, W), uint8 or floating "
                         "in [0, 1]")
    rgb = to_8_bit(rgb.detach()) if rgb.is_floating_point() else rgb
    pixels = rgb.permute(1, 2, 0).cpu().numpy()
    part = path.with_name(f".{path.name[:100]}.{os.getpid()}.part")
    try:
        Image.fromarray(np.ascontiguousarray(pixels)).save(part, **options)
        os.replace(part, path)
    except (OSError, ValueError) as error:  # a full disk; 65,536 pixels a side in a JPEG
        raise PhotoError(f"{str(path)!r} cannot be written ({_first_line(error)})") from None
    finally:
        part.unlink(missing_ok=True)


def check_output(path) -> str:
    """The suffix of a file that can be written there; else PhotoError, before any work is done."""
    path = Path(path)
    name, suffix = repr(str(path)), path.suffix.lower()
    if path.is_dir():
        raise PhotoError(f"{name} is a folder: give the name of the file to write")
    if suffix not in SAVE_AS:
        raise PhotoError(f"{name} has the suffix {path.suffix!r}: expected one of {', '.join(SAVE_AS)}")
    if not path.parent.is_dir():
        raise PhotoError(f"{name} cannot be written: there is no folder {str(path.parent)!r}")
    return suffix


def resize_short(rgb: torch.Tensor, size: int) -> torch.Tensor:
    """(…, 3, H, W) float scaled so that the shorter side is `size` pixels; bilinear, antialiased."""
    height, width = rgb.shape[-2:]
    if not rgb.is_floating_point():
        raise TypeError(f"rgb is {rgb.dtype}; expected floating point in [0, 1]")
    if min(height, width) == size:
        return rgb
    scale = size / min(height, width)
    target = tuple(max(size, round(side * scale)) for side in (height, width))
    flat = rgb.reshape(-1, 1, height, width)  # every channel of every image on its own
    return F.interpolate(flat, target, mode="bilinear", antialias=True).clamp(0, 1).reshape(*rgb.shape[:-2], *target)


def center_crop(rgb: torch.Tensor, size: int) -> torch.Tensor:
    """The middle (…, 3, size, size)."""
    height, width = rgb.shape[-2:]
    if min(height, width) < size:
        raise ValueError(f"rgb is {height}x{width}, smaller than size={size}: resize it first (resize_short)")
    top, left = (height - size) // 2, (width - size) // 2
    return rgb[..., top:top + size, left:left + size]


def to_square(rgb: torch.Tensor, size: int = 256) -> torch.Tensor:
    """Shorter side to `size`, then the middle square: the one path of every real and every fake."""
    height, width = rgb.shape[-2:]
    keep = 8 * min(height, width)  # of a 1x10000 strip the ends go first: scaled whole it is gigabytes
    top, left = max(0, height - keep) // 2, max(0, width - keep) // 2
    return center_crop(resize_short(rgb[..., top:top + keep, left:left + keep], size), size)
