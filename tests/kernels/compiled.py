"""Compile each Triton kernel for a GPU ahead of time, on a machine that has none; print what the assembler says of it as JSON.

    python tests/kernels/compiled.py [80|90]      {kernel: {"registers", "spills", "wide loads", "wide stores"}}
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from colorlab import color
from colorlab.kernels import decode, encode, lab, loss, ops

PIXELS = {"pixels": "i32"}
CODES = {"indices": "*i16", "codes": "*fp32"}
KERNELS = {  # kernel: types of its arguments, constants, those of its arguments that 16 divides
    "loss.forward": (loss.forward, {"logits": "*bf16", **CODES, "ce": "*fp32", "lse": "*fp32", "Q": "i32", **PIXELS},
                     {"K": 10, **ops.LOSS}, ("pixels",)),
    "loss.backward": (loss.backward, {"logits": "*bf16", **CODES, "lse": "*fp32", "grad": "*fp32", "out": "*bf16", "Q": "i32",
                                      **PIXELS}, {"K": 10, **ops.LOSS}, ("pixels",)),
    "encode.soft_encode": (encode.soft_encode, {
        "ab": "*fp32", "table": "*i32", "centers": "*fp32", **CODES, "low_a": "fp32", "low_b": "fp32", "side": "fp32",
        "cells_a": "i32", "cells_b": "i32", **PIXELS, "total": "i32", "Q": "i32", "scale": "fp32"},
        {"C": 17, "C2": 32, "K": 10, **ops.ENCODE}, ("pixels", "total")),
    "decode.annealed_mean": (decode.annealed_mean, {"logits": "*bf16", "centers": "*fp32", "ab": "*bf16", "Q": "i32", **PIXELS,
                                                    "sharpness": "fp32"}, dict(ops.LOSS), ("pixels",)),
    "lab.to_lab": (lab.to_lab, {"rgb": "*u8", "lab": "*fp32", "matrix": "*fp32", **PIXELS, "total": "i32", "levels": "fp32",
                                "epsilon": "fp32", "kappa": "fp32", "offset": "fp32"}, dict(ops.PLAIN), ("pixels", "total")),
    "lab.to_rgb": (lab.to_rgb, {"lab": "*fp32", "rgb": "*fp32", "matrix": "*fp32", **PIXELS, "total": "i32", "kappa": "fp32",
                                "offset": "fp32"}, {"CLIP": True, **ops.PLAIN}, ("pixels", "total")),
    "lab.to_gamut": (lab.to_gamut, {
        "L": "*fp32", "ab": "*fp32", "factor": "*fp32", "matrix": "*fp32", **PIXELS, "total": "i32",
        "middle": "fp32", "half": "fp32", "kappa": "fp32", "offset": "fp32"},
        {"BISECTIONS": color.BISECTIONS, **ops.PLAIN}, ("pixels", "total")),
}


def build(kernel, types: dict, constants: dict, divisible: tuple, capability: int) -> dict:
    options = {key: constants.pop(key) for key in ("num_warps", "enable_fp_fusion")}
    aligned = [name for name, kind in types.items() if kind.startswith("*")] + list(divisible)
    source = ASTSource(kernel, signature={**types, **dict.fromkeys(constants, "constexpr")}, constexprs=constants,
                       attrs={(kernel.arg_names.index(name),): [["tt.divisibility", 16]] for name in aligned})
    ptx = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options).asm["ptx"]
    assembler = next((Path(triton.__file__).parent / "backends/nvidia/bin").glob("ptxas*"))
    with tempfile.TemporaryDirectory() as home:
        (file := Path(home) / "kernel.ptx").write_text(ptx)
        arch = re.search(r"\.target (sm_\w+)", ptx)[1]
        told = subprocess.run([assembler, f"-arch={arch}", "-v", file, "-o", os.devnull], capture_output=True, text=True,
                              check=True).stderr
    return {"registers": int(re.search(r"Used (\d+) registers", told)[1]),
            "spills": sum(map(int, re.findall(r"(\d+) bytes spill", told))),
            "wide loads": len(re.findall(r"ld\.global[.\w:]*\.v4\.b32", ptx)),
            "wide stores": len(re.findall(r"st\.global[.\w:]*\.v4\.b32", ptx))}


if __name__ == "__main__":
    capability = int(sys.argv[1]) if len(sys.argv) > 1 else 90
    print(json.dumps({name: build(*parts, capability) for name, parts in KERNELS.items()}, indent=1))
