"""The four parts of a study's photographs, which share none, and where a photograph comes from."""

import numpy as np
import torch

PARTS = {"generators": 0.6, "pool": 0.2, "judges": 0.2}  # of the train split; the val split goes to the judges, too


def deal(listing: dict, seed: int) -> dict:
    """{split: Photos} -> {part: Photos}, each in an order by chance; crops of one photograph are in one part.

    The train split is dealt out by PARTS, the val split joins "judges", and the test split is "held out".
    """
    train = listing["train"]
    groups = list(dict.fromkeys(train.groups))
    order = torch.randperm(len(groups), generator=torch.Generator().manual_seed(seed)).tolist()
    ends, found, first = np.cumsum([*PARTS.values()]) / sum(PARTS.values()) * len(groups), {}, 0
    for name, end in zip(PARTS, ends.round().astype(int).tolist()):
        mine = {groups[i] for i in order[first:end]}
        found[name], first = train.subset([i for i, group in enumerate(train.groups) if group in mine]), end
    found["judges"] = found["judges"] + listing["val"]
    found["held out"] = listing["test"]
    shuffled = torch.Generator().manual_seed(seed + 1)
    return {name: some.subset(torch.randperm(len(some), generator=shuffled).tolist()) for name, some in found.items()}


def source_of(name: str) -> str:
    """Where a photograph comes from: its folder below the split's, or else what stands before "_" in its name."""
    return name.split("/")[0] if "/" in name else name.split("_")[0]
