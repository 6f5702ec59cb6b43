import torch
from torch import nn


@torch.no_grad()
def answer(model, n_layer):
    """All the same first; then the layers that write are made smaller."""

    def draw(module):
        if type(module) in (nn.Linear, nn.Embedding):
            module.weight.copy_(torch.randn(module.weight.shape) * 0.02)
        if getattr(module, "bias", None) is not None:
            module.bias.zero_()

    model.apply(draw)
    for name, p in model.named_parameters():
        if name.endswith("proj.weight"):
            p.mul_((2 * n_layer) ** -0.5)
    return model
