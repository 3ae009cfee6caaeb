"""Let torch.library check each fused operation: its schema, its fake, its derivative, in a graph with shapes that vary."""

import torch

from colorlab import color
from colorlab.bins import AbBins
from colorlab.kernels import ops

bins = AbBins()
ab = color.rgb_to_lab(torch.rand(2, 3, 4, 5))[:, 1:].flatten(2).contiguous()
logits = torch.randn(2, 313, 20, requires_grad=True)
indices, codes = ops.soft_encode(ab, 10, 10, 5.0)
CHECKS = ("test_schema", "test_faketensor", "test_aot_dispatch_dynamic", "test_autograd_registration")
_, lse = ops.soft_cross_entropy(logits.detach(), indices, codes)
for operation, given in ((ops.soft_encode, (ab, 10, 10, 5.0)), (ops.soft_cross_entropy, (logits, indices, codes)),
                         (ops.soft_cross_entropy_backward, (logits.detach(), indices, codes, lse, torch.rand(2, 20))),
                         (ops.annealed_mean, (logits.detach(), bins.centers, 0.38)), (ops.rgb_to_lab, (torch.rand(2, 3, 20),)),
                         (ops.rgb_to_lab, (torch.zeros(2, 3, 20, dtype=torch.uint8),)),
                         (ops.lab_to_rgb, (50 * torch.rand(2, 3, 20), True)),
                         (ops.chroma_factor, (90 * torch.rand(2, 1, 20), 90 * torch.rand(2, 2, 20)))):
    torch.library.opcheck(operation, given, test_utils=CHECKS)
    print("kept:", operation)
