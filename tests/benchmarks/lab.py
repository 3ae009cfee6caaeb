"""sRGB to Lab beside kornia, scikit-image and OpenCV: time, and distance from scikit-image in float64."""

import importlib.util

import numpy as np
import torch

import subjects
from colorlab import color
from colorlab.costs import interleaved


def measure(goals, rounds: int) -> None:
    from skimage.color import rgb2lab

    levels = subjects.squares(32, 176)
    rgb = levels.float() / 255
    rows = rgb.movedim(1, -1).contiguous().numpy()
    peers = {"scikit-image": lambda: rgb2lab(rows)}
    if importlib.util.find_spec("kornia"):
        from kornia.color import rgb_to_lab

        peers["kornia"] = lambda: rgb_to_lab(rgb)
    if importlib.util.find_spec("cv2"):
        import cv2

        one = np.ascontiguousarray(rows.reshape(-1, rows.shape[2], 3))
        peers["OpenCV"] = lambda: cv2.cvtColor(one, cv2.COLOR_RGB2Lab)
    times = interleaved({"ours": lambda: color.rgb_to_lab(rgb), "ours, uint8": lambda: color.rgb_to_lab(levels), **peers}, rounds)
    for name, bar in (("kornia", 1.5), ("scikit-image", 4), ("OpenCV", None)):
        if name not in peers:
            print(f"  {name} is not installed")
        elif bar:
            goals.at_least(f"Lab: {name} over ours", bar, times.ratio(name, "ours"))
        else:
            goals.known(f"Lab: {name} over ours", times.ratio(name, "ours"))
    goals.known("Lab: ours, from floats, Mpx/s", rgb.numel() / 3e6 / times.median("ours"))
    goals.known("Lab: ours, from uint8, Mpx/s", rgb.numel() / 3e6 / times.median("ours, uint8"))
    exact = torch.from_numpy(rgb2lab(rows.astype(np.float64))).movedim(-1, 1)
    goals.at_most("Lab: distance from scikit-image in float64", 1e-4, float((color.rgb_to_lab(rgb).double() - exact).abs().max()))
    if "OpenCV" in peers:
        other = torch.from_numpy(peers["OpenCV"]()).view(*rows.shape).movedim(-1, 1)
        goals.known("Lab: OpenCV's distance from scikit-image in float64", float((other.double() - exact).abs().max()))
