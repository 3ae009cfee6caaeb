"""Every kind of image file becomes upright sRGB, or one clear line; sets stay aligned and splits apart."""

import functools
import hashlib
import http.server
import itertools
import os
import shutil
import struct
import threading
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from torchvision.datasets import Imagenette

from colorlab import decoding, photos, sources
from colorlab.color import to_8_bit
from colorlab.photos import PhotoError, open_photo

RED, GREEN, BLUE, WHITE, BLACK = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for name in ("COLORLAB_PHOTOS", "COLORLAB_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)


def corners(size=(8, 6)):
    """Red top left, green top right, blue bottom left, white bottom right."""
    image = Image.new("RGB", size)
    w, h = size[0] // 2, size[1] // 2
    for colour, at in ((RED, (0, 0)), (GREEN, (w, 0)), (BLUE, (0, h)), (WHITE, (w, h))):
        image.paste(colour, (*at, at[0] + w, at[1] + h))
    return image


def pixel(rgb, x, y):
    return tuple((rgb[:, y, x] * 255).round().int().tolist())


def write(path, seed=0, size=(40, 30)):
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return path


# --- decoding: what is an image -------------------------------------------------------------------

@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "webp", "gif", "ppm"])
def test_lossless_formats_come_back_exactly(tmp_path, suffix):
    options = {"lossless": True} if suffix == "webp" else {}
    corners().save(tmp_path / f"a.{suffix}", **options)
    rgb = open_photo(tmp_path / f"a.{suffix}")
    assert rgb.dtype == torch.float32 and rgb.shape == (3, 6, 8) and rgb.is_contiguous()
    assert [pixel(rgb, *at) for at in ((0, 0), (7, 0), (0, 5), (7, 5))] == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_undone(tmp_path, suffix, orientation):
    turn = Image.Transpose  # how a camera held that way stores an upright scene
    stored_by = {2: turn.FLIP_LEFT_RIGHT, 3: turn.ROTATE_180, 4: turn.FLIP_TOP_BOTTOM, 5: turn.TRANSPOSE,
                 6: turn.ROTATE_90, 7: turn.TRANSVERSE, 8: turn.ROTATE_270}
    stored = corners((64, 48))
    stored = stored.transpose(stored_by[orientation]) if orientation > 1 else stored
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{suffix}"
    stored.save(path, exif=exif, **({"quality": 95} if suffix in ("jpg", "webp") else {}))
    rgb = open_photo(path)
    assert rgb.shape == (3, 48, 64)
    for (x, y), colour in {(8, 8): RED, (56, 8): GREEN, (8, 40): BLUE, (56, 40): WHITE}.items():
        assert np.abs(np.subtract(pixel(rgb, x, y), colour)).max() < 12


def test_damaged_exif_is_ignored_with_a_warning(tmp_path):
    corners().save(tmp_path / "a.png", exif=b"Exif\0\0nonsense in place of a TIFF header")
    with pytest.warns(UserWarning, match="EXIF"):
        assert pixel(open_photo(tmp_path / "a.png"), 0, 0) == RED


@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_cmyk(tmp_path, suffix):
    ink = Image.new("CMYK", (32, 32), (0, 255, 255, 0))  # magenta and yellow ink make red
    ink.save(tmp_path / f"a.{suffix}")
    r, g, b = pixel(open_photo(tmp_path / f"a.{suffix}"), 5, 5)
    assert r > 230 and g < 25 and b < 25


def test_palette_grey_and_bilevel(tmp_path):
    corners().quantize(8).save(tmp_path / "p.png")
    assert pixel(open_photo(tmp_path / "p.png"), 0, 5) == BLUE
    Image.new("L", (4, 4), 77).save(tmp_path / "l.png")
    assert pixel(open_photo(tmp_path / "l.png"), 1, 1) == (77, 77, 77)
    Image.new("1", (4, 4), 1).save(tmp_path / "1.png")
    assert pixel(open_photo(tmp_path / "1.png"), 1, 1) == WHITE


def png_16(path, samples):
    """Write (H, W, channels) uint16 as a 16-bit PNG by hand: grey, grey and alpha, RGB, RGB and alpha."""
    height, width, channels = samples.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    head = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
                     + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bit_png(tmp_path, channels):
    samples = np.full((5, 7, channels), 65535, np.uint16)
    samples[..., 0] = 30000
    r, g, b = pixel(open_photo(png_16(tmp_path / "a.png", samples)), 3, 2)
    assert r == pytest.approx(30000 / 257, abs=1)
    assert (g, b) == ((255, 255) if channels > 2 else (r, r))


@pytest.mark.parametrize("byteorder", ["<", ">"])
def test_16_bit_tiff(tmp_path, byteorder):
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(16, 16)
    tifffile.imwrite(tmp_path / "grey.tif", ramp, byteorder=byteorder)
    grey = open_photo(tmp_path / "grey.tif")
    assert torch.equal(grey[0], grey[2])
    np.testing.assert_allclose(grey[0].numpy() * 65535, ramp, atol=129)
    colour = np.stack([ramp, ramp[::-1], ramp.T], -1)
    tifffile.imwrite(tmp_path / "colour.tif", colour, photometric="rgb", byteorder=byteorder)
    found = open_photo(tmp_path / "colour.tif").permute(1, 2, 0).numpy() * 65535
    np.testing.assert_allclose(found, colour, atol=258)


def test_float_tiff(tmp_path):
    tifffile.imwrite(tmp_path / "unit.tif", np.full((4, 4), 0.5, np.float32))
    assert pixel(open_photo(tmp_path / "unit.tif"), 0, 0) == (128, 128, 128)
    for bad in (-3.0, 700.0, np.nan):
        tifffile.imwrite(tmp_path / "bad.tif", np.full((4, 4), bad, np.float32))
        with pytest.raises(PhotoError, match="8 or 16 bits"):
            open_photo(tmp_path / "bad.tif")


def test_transparency_lies_on_white(tmp_path):
    rgba = Image.new("RGBA", (3, 1), (0, 0, 0, 0))
    rgba.putpixel((1, 0), (255, 0, 0, 255))
    rgba.putpixel((2, 0), (0, 0, 0, 128))
    rgba.save(tmp_path / "rgba.png")
    rgb = open_photo(tmp_path / "rgba.png")
    assert (pixel(rgb, 0, 0), pixel(rgb, 1, 0), pixel(rgb, 2, 0)) == (WHITE, RED, (127, 127, 127))
    rgba.convert("LA").save(tmp_path / "la.png")
    assert pixel(open_photo(tmp_path / "la.png"), 0, 0) == WHITE
    corners().quantize(4).save(tmp_path / "p.gif", transparency=corners().quantize(4).getpixel((0, 0)))
    assert pixel(open_photo(tmp_path / "p.gif"), 0, 0) == WHITE
    assert pixel(open_photo(tmp_path / "p.gif"), 7, 0) == GREEN
    corners().save(tmp_path / "rgb.png", transparency=RED)  # one colour declared transparent
    rgb = open_photo(tmp_path / "rgb.png")
    assert (pixel(rgb, 0, 0), pixel(rgb, 0, 5)) == (WHITE, BLUE)


def test_animation_gives_its_first_frame(tmp_path):
    frames = [Image.new("RGB", (4, 4), colour) for colour in (GREEN, RED, BLUE)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert pixel(open_photo(tmp_path / "a.gif"), 0, 0) == GREEN


def swapped_profile():
    """sRGB's own profile with the columns of red and blue exchanged, under another name."""
    data = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", data, 128)[0]
    entries = {bytes(data[p:p + 4]): p for p in range(132, 132 + 12 * count, 12)}
    red, blue = entries[b"rXYZ"], entries[b"bXYZ"]
    data[red + 4:red + 12], data[blue + 4:blue + 12] = data[blue + 4:blue + 12], data[red + 4:red + 12]
    renamed = bytes(data).replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    return renamed.replace(b"sRGB built", b"swap built")


def test_embedded_profile_is_applied(tmp_path):
    corners().save(tmp_path / "a.png", icc_profile=swapped_profile())
    rgb = open_photo(tmp_path / "a.png")
    for (x, y), colour in {(0, 0): BLUE, (7, 0): GREEN, (0, 5): RED, (7, 5): WHITE}.items():
        assert np.abs(np.subtract(pixel(rgb, x, y), colour)).max() <= 3
    clear = corners().convert("RGBA")
    clear.putpixel((0, 0), (0, 0, 0, 0))
    clear.save(tmp_path / "b.png", icc_profile=swapped_profile())
    assert pixel(open_photo(tmp_path / "b.png"), 0, 0) == WHITE
    assert pixel(open_photo(tmp_path / "b.png"), 1, 0)[2] >= 252


def test_srgb_profile_changes_nothing_even_on_grey(tmp_path):
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    noise = np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "a.png", icc_profile=profile)
    Image.fromarray(noise[..., 0]).save(tmp_path / "g.png", icc_profile=profile)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(open_photo(tmp_path / "a.png").mul(255).round().permute(1, 2, 0).numpy(), noise)
        assert np.array_equal(open_photo(tmp_path / "g.png").mul(255).round()[1].numpy(), noise[..., 0])


@pytest.mark.parametrize("profile", [b"no profile at all", swapped_profile()[:300]])
def test_broken_profile_is_ignored_with_a_warning(tmp_path, profile):
    corners().save(tmp_path / "a.png", icc_profile=profile)
    with pytest.warns(UserWarning, match="a.png.*profile"):
        assert pixel(open_photo(tmp_path / "a.png"), 0, 0) == RED


def test_lab_tiff(tmp_path):
    Image.frombytes("LAB", (2, 2), bytes((255, 0, 0)) * 4).save(tmp_path / "a.tif")
    assert min(pixel(open_photo(tmp_path / "a.tif"), 0, 0)) >= 250


# --- decoding: what is none -----------------------------------------------------------------------

def _truncated(path):
    write(path.with_suffix(".jpg"), size=(400, 300))
    path.write_bytes(path.with_suffix(".jpg").read_bytes()[:4000])


def _bomb(side):
    def make(path):
        head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        chunks = (b"IHDR", head), (b"IDAT", zlib.compress(bytes(999)))
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            for name, data in chunks))
    return make


NO_IMAGES = {
    "text.jpg": (lambda p: p.write_text("a shopping list"), "not an image"),
    "cut.png": (lambda p: p.write_bytes(write(p.with_name("all.png")).read_bytes()[:900]), "damaged or cut"),
    "cut2.jpg": (_truncated, "damaged or cut off"),
    "empty.png": (lambda p: p.touch(), "empty"),
    "folder.jpg": (lambda p: p.mkdir(), "is a folder"),
    "missing.jpg": (lambda p: None, "no file"),
    "bomb.png": (_bomb(60_000), "89 million pixels"),
    "poster.png": (_bomb(10_000), "89 million pixels"),
    "drawing.svg": (lambda p: p.write_text('<?xml version="1.0"?><svg xmlns="x"/>'), "SVG"),
    "phone.heic": (lambda p: p.write_bytes(b"\0\0\0\x18ftypheic" + bytes(64)), "HEIC"),
    "page.eps": (lambda p: p.write_text("%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"), "not an image"),
    "movie.gif": (lambda p: p.write_bytes(b"GIF89a"), "damaged or cut off|not an image"),
    "pipe.png": (lambda p: os.mkfifo(p), "ordinary file"),
    "new\nline.jpg": (lambda p: p.write_text("x"), "not an image"),
    "x" * 300 + ".jpg": (lambda p: None, "check the path"),
    "null\0byte.jpg": (lambda p: None, "check the path"),
}


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("name", NO_IMAGES, ids=lambda name: repr(name[:12]))
def test_what_is_no_image_is_refused_in_one_line(tmp_path, name):
    make, reason = NO_IMAGES[name]
    make(tmp_path / name)
    with pytest.raises(PhotoError, match=reason) as caught:
        open_photo(tmp_path / name)
    message = str(caught.value)
    assert isinstance(caught.value, ValueError) and len(message.splitlines()) == 1
    assert repr(name)[1:-1] in message and ": " in message  # which file, and after a colon what to do


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_permission_denied(tmp_path):
    write(tmp_path / "a.png").chmod(0)
    with pytest.raises(PhotoError, match="permission"):
        open_photo(tmp_path / "a.png")


@given(st.binary(max_size=200),
       st.sampled_from([b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0",
                        b"RIFF\x10\0\0\0WEBPVP8 ", b"P6 2 2 255\n"]))
def test_random_bytes_never_raise_anything_else(tmp_path_factory, tail, head):
    path = tmp_path_factory.getbasetemp() / "random.jpg"
    path.write_bytes(head + tail)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            assert open_photo(path).shape[0] == 3
        except PhotoError as error:
            assert len(str(error).splitlines()) == 1


# --- writing --------------------------------------------------------------------------------------

@pytest.mark.parametrize("suffix", sorted(decoding.SAVE_AS))
def test_saved_photographs_read_back(tmp_path, suffix):
    y, x = torch.meshgrid(torch.linspace(0, 1, 31), torch.linspace(0, 1, 47), indexing="ij")
    rgb = torch.stack([y, x, 1 - y])
    photos.save_photo(rgb, tmp_path / f"a{suffix.upper()}")
    tolerance = 0.6 / 255 if suffix in (".png", ".bmp", ".tif", ".tiff") else 0.06
    torch.testing.assert_close(open_photo(tmp_path / f"a{suffix.upper()}"), rgb, atol=tolerance, rtol=0)
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix.upper()}"]


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = write(tmp_path / "a.png")
    before = path.read_bytes()

    def half(self, file, **options):
        Path(file).write_bytes(b"half")
        raise OSError(28, "No space left on device")
    monkeypatch.setattr(Image.Image, "save", half)
    with pytest.raises(PhotoError, match="No space left"):
        photos.save_photo(torch.zeros(3, 4, 4), path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_save_refuses_with_a_reason(tmp_path):
    rgb = torch.zeros(3, 4, 4)
    for path, reason in ((tmp_path / "a.xyz", "suffix '.xyz'"), (tmp_path, "is a folder"),
                         (tmp_path / "no" / "a.png", "no folder"), (tmp_path / "a", "suffix ''")):
        with pytest.raises(PhotoError, match=reason):
            photos.save_photo(rgb, path)
    with pytest.raises(PhotoError, match="cannot be written"):
        photos.save_photo(torch.zeros(3, 1, 70000), tmp_path / "wide.jpg")  # JPEG ends at 65,535
    for bad in (torch.zeros(1, 3, 4, 4), torch.zeros(4, 4, 3), torch.zeros(3, 4, 4, dtype=torch.int64)):
        with pytest.raises(ValueError, match="3, H, W"):
            photos.save_photo(bad, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


# --- geometry -------------------------------------------------------------------------------------

@given(st.integers(1, 90), st.integers(1, 90), st.integers(1, 40))
def test_resize_and_crop_sizes(height, width, size):
    rgb = torch.rand(3, height, width)
    small = photos.resize_short(rgb, size)
    assert min(small.shape[-2:]) == size
    assert max(small.shape[-2:]) == pytest.approx(max(height, width) * size / min(height, width), abs=0.51)
    square = photos.to_square(rgb, size)
    assert square.shape == (3, size, size)
    assert rgb.min() - 1e-5 <= square.min() and square.max() <= rgb.max() + 1e-5


def test_resize_is_antialiased_and_keeps_batches():
    checks = (torch.arange(64)[:, None] + torch.arange(64)) % 2 * torch.ones(2, 3, 1, 1)
    small = photos.resize_short(checks, 8)
    assert small.shape == (2, 3, 8, 8) and (small - 0.5).abs().max() < 0.05
    assert photos.resize_short(checks, 64) is checks
    whole = photos.center_crop(torch.arange(25.).reshape(1, 5, 5).expand(3, 5, 5), 3)
    assert whole[0].tolist() == [[6, 7, 8], [11, 12, 13], [16, 17, 18]]
    with pytest.raises(ValueError, match="size=9"):
        photos.center_crop(whole, 9)
    with pytest.raises(TypeError, match="uint8"):
        photos.resize_short(torch.zeros(3, 4, 4, dtype=torch.uint8), 2)


def test_an_extreme_strip_stays_small():
    assert photos.to_square(torch.rand(3, 1, 100_000), 256).shape == (3, 256, 256)


# --- embedded -------------------------------------------------------------------------------------

def test_all_eight_embedded_photographs_are_there():
    whole = photos.samples()
    assert list(whole) == ["china", "flower", "astronaut", "chelsea", "coffee", "rocket", "motorcycle",
                           "grace_hopper"]
    for rgb in whole.values():
        assert rgb.dtype == torch.float32 and 0 <= rgb.min() and rgb.max() <= 1 and min(rgb.shape[1:]) >= 300
        assert rgb.std(0).mean() > 0.01  # coloured


@given(st.integers(64, 900), st.integers(64, 900))
def test_regions_are_disjoint_and_crops_stay_inside(height, width):
    taken = {split: np.zeros((height, width), bool) for split in sources.SHARES}
    for split, region in taken.items():
        boxes = sources.crop_boxes(height, width, split)
        assert len(set(boxes)) == len(boxes) >= 1
        for top, left, size in boxes:
            assert top >= 0 and left >= 0 and top + size <= height and left + size <= width and size > 0
            region[top:top + size, left:left + size] = True
    for one, other in itertools.combinations(taken.values(), 2):
        assert not (one & other).any()


def test_embedded_crops_of_two_splits_share_no_pixel():
    for name, rgb in photos.samples().items():
        seen = {split: torch.zeros(rgb.shape[1:], dtype=torch.bool) for split in sources.SHARES}
        for split, mask in seen.items():
            crops = photos.load("embedded", split)
            mine = crops.subset([i for i, group in enumerate(crops.groups) if group == name])
            for i, box in enumerate(sources.crop_boxes(*rgb.shape[1:], split)):
                top, left, size = box
                assert torch.equal(mine[i], rgb[:, top:top + size, left:left + size])
                mask[top:top + size, left:left + size] = True
            assert len(mine) == i + 1
            assert name == "chelsea" or len({crop.shape for crop in mine}) >= 2  # several scales
        assert not any((a & b).any() for a, b in itertools.combinations(seen.values(), 2))


def test_embedded_names_and_determinism():
    crops = photos.load()
    assert crops.names[:2] == ["china/train-00", "china/train-01"]
    assert len(set(crops.names)) == len(crops) > 100
    assert all(name.startswith(group + "/") for name, group in zip(crops.names, crops.groups))
    assert torch.equal(crops[5], photos.load("embedded")[5])
    crops[5].zero_()  # a caller's own copy
    assert crops[5].max() > 0


def test_nothing_embedded_says_what_to_install(monkeypatch):
    monkeypatch.setattr(sources.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(PhotoError, match="pip install scikit-learn"):
        photos.samples()


# --- a folder -------------------------------------------------------------------------------------

def splits(folder, count):
    """train/ with `count` photographs, val/ and test/ with one each."""
    for i in range(count):
        write(folder / "train" / f"{i:02d}.png", seed=i)
    write(folder / "val" / "v.png"), write(folder / "test" / "t.png")
    return folder / "train"


def tree(folder, count=60):
    for i in range(count):
        write(folder / f"c{i % 3}" / f"{i:03d}.png", seed=i, size=(30 + i % 7, 20))
    return folder


def test_split_by_hash_covers_everything_once(tmp_path):
    tree(tmp_path)
    parts = {split: photos.load(tmp_path, split).names for split in sources.SHARES}
    everything = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.png"))
    assert sorted(sum(parts.values(), [])) == everything
    assert len(parts["train"]) > len(parts["val"]) > 0 < len(parts["test"])
    assert all(names == sorted(names) for names in parts.values())
    write(tmp_path / "another.png")  # the others stay where they are
    for split, names in parts.items():
        assert set(names) <= set(photos.load(tmp_path, split).names)


def test_the_hash_is_the_same_everywhere():
    assert [sources.choose_split(f"a/{i}.jpg") for i in range(8)] == [
        "val", "train", "train", "test", "test", "test", "train", "test"]
    shares = [sources.choose_split(f"{i}.jpg") for i in range(4000)]
    assert shares.count("train") / 4000 == pytest.approx(0.6, abs=0.03)
    assert shares.count("val") / 4000 == pytest.approx(0.2, abs=0.03)
    assert {sources.choose_split(f"{i}", ("val", "test")) for i in range(40)} == {"val", "test"}


def test_subfolders_are_the_splits(tmp_path):
    for split, count in (("train", 3), ("val", 2), ("test", 1)):
        for i in range(count):
            write(tmp_path / split / "deep" / f"{i}.PNG", seed=i)
    write(tmp_path / "stray.png")
    assert [len(photos.load(tmp_path, split)) for split in sources.SHARES] == [3, 2, 1]
    assert photos.load(tmp_path, "test").names == ["deep/0.PNG"]


def test_all_takes_every_photograph_of_a_folder(tmp_path):
    for name in ("train/a.png", "val/b.png", "c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(tmp_path / name)
    assert photos.load(tmp_path, "all").names == ["c.png", "train/a.png", "val/b.png"]
    each = [name for split in ("train", "val", "test") for name in photos.load("embedded", split).names]
    assert photos.load("embedded", "all").names == each


def test_a_missing_split_is_cut_from_its_neighbour(tmp_path):
    tree(tmp_path / "train", 9), tree(tmp_path / "val", 40)
    val, test = photos.load(tmp_path, "val").names, photos.load(tmp_path, "test").names
    assert len(photos.load(tmp_path)) == 9 and len(val) + len(test) == 40
    assert val and test and not set(val) & set(test)
    (tmp_path / "train").rename(tmp_path / "test")
    with pytest.raises(PhotoError, match="add train/"):
        photos.load(tmp_path)


def test_listing_ignores_what_is_hidden_and_follows_links(tmp_path):
    for name in ("train/a.png", "train/.b.png", "elsewhere/c.png"):
        write(tmp_path / name)
    (tmp_path / "train" / "notes.txt").write_text("x")
    (tmp_path / "train" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "train" / "loop").symlink_to(tmp_path / "train")
    found = sum((photos.load(tmp_path, split).names for split in sources.SHARES if _has(tmp_path, split)), [])
    assert sorted(found) == ["a.png", "link/c.png"]


def _has(folder, split):
    try:
        return bool(photos.load(folder, split))
    except PhotoError:
        return False


def test_broken_files_are_skipped_counted_and_named(tmp_path):
    train = splits(tmp_path, 12)
    for i in (0, 4, 11):
        (train / f"{i:02d}.png").write_text("not a photograph")
    found = photos.load(tmp_path)
    assert len(found) == 12 and found.skipped == []  # listing opens nothing
    with pytest.raises(PhotoError, match="04.png"):
        found[4]
    with pytest.warns(UserWarning, match="3 of 12 .* were skipped: 00.png, 04.png, 11.png"):
        squares = found.square(16)
    assert len(found) == len(squares) == 9 and "3 skipped" in repr(found)
    assert [name for name, _ in found.skipped] == ["00.png", "04.png", "11.png"]
    assert all("not an image" in reason for _, reason in found.skipped)
    for i, name in enumerate(found.names):  # rows and names are aligned
        assert torch.equal(squares[i], to_8_bit(photos.to_square(open_photo(train / name), 16)))
    assert torch.equal(found.square(16), squares)


def test_limit_counts_the_readable_ones(tmp_path):
    (splits(tmp_path, 8) / "01.png").write_bytes(b"")
    found = photos.load(tmp_path)
    with pytest.warns(UserWarning, match="1 of 4"):
        assert found.square(8, limit=3).shape == (3, 3, 8, 8)
    assert found.names == [f"{i:02d}.png" for i in (0, 2, 3, 4, 5, 6, 7)]
    assert found.square(8, limit=0).shape == (0, 3, 8, 8) and found.square(8, limit=99).shape[0] == 7
    assert found.square(8, progress=True).dtype == torch.uint8


@pytest.mark.filterwarnings("ignore:.*were skipped")
def test_all_broken_gives_an_empty_set(tmp_path):
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "a.jpg").write_text("x")
    found = photos.load(tmp_path)
    assert found.square(8).shape == (0, 3, 8, 8) and len(found) == 0 and len(found.skipped) == 1


def test_folder_errors_say_what_to_do(tmp_path, monkeypatch):
    with pytest.raises(PhotoError, match="no photograph.*put JPEG"):
        photos.load(tmp_path)
    with pytest.raises(PhotoError, match="does not exist.*COLORLAB_PHOTOS"):
        photos.load(tmp_path / "nowhere")
    write(tmp_path / "a.png")
    with pytest.raises(PhotoError, match="is a file"):
        photos.load(tmp_path / "a.png")
    with pytest.raises(ValueError, match="split is 'training'"):
        photos.load(tmp_path, "training")
    monkeypatch.setenv("COLORLAB_PHOTOS", str(tmp_path / "nowhere"))
    with pytest.raises(PhotoError, match="nowhere"):
        photos.load()


def test_sets_add_and_choose(tmp_path):
    a, b = photos.load(tree(tmp_path / "a")), photos.load("embedded", "val")
    both = a + b
    assert len(both) == len(a) + len(b) and both.names == a.names + b.names
    assert torch.equal(both[len(a)], b[0])
    some = both.subset(torch.tensor([len(a) + 1, 0]))
    assert some.names == [b.names[1], a.names[0]] and some.groups == [b.groups[1], a.groups[0]]
    assert torch.equal(some[1], a[0]) and torch.equal(some[-1], a[0])
    with pytest.raises(IndexError):
        some[2]
    with pytest.raises(ValueError, match="2 names, 1 groups"):
        photos.Photos(["a", "b"], ["a"], [])


# --- what notebooks use ---------------------------------------------------------------------------

@pytest.mark.filterwarnings("ignore:.*were skipped")
def test_course_takes_the_folder_when_one_is_set(tmp_path, monkeypatch):
    tree(tmp_path / "train", 30)
    (tmp_path / "train" / "c0" / "000.png").write_text("broken")
    monkeypatch.setenv("COLORLAB_PHOTOS", str(tmp_path / "train"))
    assert len(photos.course(1)) == 1
    some = photos.course(5)
    assert len(some) == 5 and some.names == photos.course(5).names != sorted(some.names)
    assert some.names != photos.course(5, seed=1).names
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        everything = photos.course(500)
    assert len(everything) == len(everything.square(8)) and "c0/000.png" not in everything.names


def test_course_mixes_crops_and_scenes_without_a_folder():
    pytest.importorskip("colorlab.scenes")
    mixed, again = photos.course(24, "val", size=64), photos.course(24, "val", size=64)
    assert len(mixed) == 24 and mixed.names == again.names
    assert len({group for group in mixed.groups[:8]}) == 8  # one crop of each photograph first
    squares = mixed.square(64)
    assert squares.shape == (24, 3, 64, 64) and torch.equal(squares, again.square(64))
    assert not set(mixed.names[:12]) & set(photos.course(24, "test", size=64).names[:12])
    assert not torch.equal(squares[12:], photos.course(24, "test", size=64).square(64)[12:])


# --- Imagenette -----------------------------------------------------------------------------------

@pytest.fixture
def served(tmp_path):
    """An address on this machine from which a folder's files can be fetched."""
    (tmp_path / "site").mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "site"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def local_archive(tmp_path, monkeypatch, served, right=True):
    for split, count in (("train", 4), ("val", 12)):
        for i in range(count):
            write(tmp_path / "made" / "imagenette2-160" / split / "n01440764" / f"{split}_{i}.JPEG", seed=i)
    archive = tmp_path / "site" / "imagenette2-160.tgz"
    shutil.make_archive(str(tmp_path / "a"), "gztar", tmp_path / "made", "imagenette2-160")
    (tmp_path / "a.tar.gz").rename(archive)
    md5 = hashlib.md5(archive.read_bytes()).hexdigest() if right else "0" * 32
    archives = {**Imagenette._ARCHIVES, "160px": (f"{served}/{archive.name}", md5)}
    monkeypatch.setattr(Imagenette, "_ARCHIVES", archives)
    monkeypatch.setenv("COLORLAB_DATA", str(tmp_path / "data"))


def test_imagenette_is_fetched_only_when_asked(tmp_path, monkeypatch, served):
    local_archive(tmp_path, monkeypatch, served)
    with pytest.raises(PhotoError, match="`make data`"):
        photos.load("imagenette")
    assert not (tmp_path / "data").exists()
    assert len(photos.load("imagenette", download=True)) == 4
    val, test = photos.load("imagenette", "val"), photos.load("imagenette", "test")
    assert len(val) + len(test) == 12 and len(val) and len(test) and val[0].shape == (3, 30, 40)
    monkeypatch.setenv("COLORLAB_PHOTOS", "imagenette")
    assert len(photos.load()) == 4
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["imagenette2-160"]


def test_an_interrupted_unpacking_is_done_again(tmp_path, monkeypatch, served):
    local_archive(tmp_path, monkeypatch, served)
    write(tmp_path / "data" / "imagenette.part" / "imagenette2-160" / "train" / "n01440764" / "train_0.JPEG")
    assert len(photos.load("imagenette", download=True)) == 4


def test_a_wrong_checksum_leaves_no_imagenette(tmp_path, monkeypatch, served):
    local_archive(tmp_path, monkeypatch, served, right=False)
    with pytest.raises(PhotoError, match="could not be fetched"):
        photos.load("imagenette", download=True)
    with pytest.raises(PhotoError, match="`make data`"):
        photos.load("imagenette")


def test_data_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(sources.sys, "platform", "linux")
    assert sources.data_folder() == tmp_path / "colorlab"
    monkeypatch.setenv("COLORLAB_DATA", str(tmp_path / "d"))
    assert sources.data_folder() == tmp_path / "d"
