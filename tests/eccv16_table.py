"""The generator of Zhang et al. written a second time, from the table in their appendix alone: keys, shapes, forward pass."""

import torch
import torch.nn.functional as F

# Blocks 1-7: inputs, outputs, convolutions, stride of the last, dilation.
TABLE = ((1, 64, 2, 2, 1), (64, 128, 2, 2, 1), (128, 256, 3, 2, 1), (256, 512, 3, 1, 1), (512, 512, 3, 1, 2), (512, 512, 3, 1, 2),
         (512, 512, 3, 1, 1))
BLOCK_8 = ((0, (512, 256, 4, 4), 256), (2, (256, 256, 3, 3), 256), (4, (256, 256, 3, 3), 256), (6, (313, 256, 1, 1), 313))


def released_state(centers, seed=0):
    """A state dict of the released file's keys and shapes, its numbers drawn by chance, BatchNorm's statistics too."""
    rng, state = torch.Generator().manual_seed(seed), {}

    def draw(*shape, scale=1.0, shift=0.0):
        return scale * torch.randn(shape, generator=rng) + shift

    for block, (before, after, count, _, _) in enumerate(TABLE, 1):
        for i in range(count):
            inputs = before if i == 0 else after
            state[f"model{block}.{2 * i}.weight"] = draw(after, inputs, 3, 3, scale=(2 / (9 * inputs)) ** 0.5)
            state[f"model{block}.{2 * i}.bias"] = draw(after, scale=0.1)
        norm = f"model{block}.{2 * count}"
        state |= {f"{norm}.weight": draw(after, scale=0.1, shift=1), f"{norm}.bias": draw(after, scale=0.1),
                  f"{norm}.running_mean": draw(after, scale=0.3), f"{norm}.running_var": draw(after).square() + 0.5,
                  f"{norm}.num_batches_tracked": torch.tensor(7)}
    for i, shape, outputs in BLOCK_8:
        state |= {f"model8.{i}.weight": draw(*shape, scale=0.03), f"model8.{i}.bias": draw(outputs, scale=0.1)}
    return state | {"model_out.weight": centers.T[:, :, None, None] / 110}


def forward(state, L):
    """The network as plain calls: L (N, 1, H, W) -> logits (N, 313, H/4, W/4)."""
    def conv(x, key, **how):
        return F.conv2d(x, state[f"{key}.weight"], state[f"{key}.bias"], **how)

    x = (L - 50) / 100
    for block, (_, _, count, stride, dilation) in enumerate(TABLE, 1):
        for i in range(count):
            x = conv(x, f"model{block}.{2 * i}", stride=stride if i == count - 1 else 1, padding=dilation,
                     dilation=dilation).relu()
        norm = f"model{block}.{2 * count}"
        x = F.batch_norm(x, *(state[f"{norm}.{name}"] for name in ("running_mean", "running_var", "weight", "bias")))
    x = F.conv_transpose2d(x, state["model8.0.weight"], state["model8.0.bias"], stride=2, padding=1).relu()
    x = conv(conv(x, "model8.2", padding=1).relu(), "model8.4", padding=1).relu()
    return conv(x, "model8.6")
