import math

from torch import nn

SAYS = "Only attention's proj is smaller"


def answer(model, n_layer):
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
    for block in model.blocks:
        nn.init.normal_(block.attn.proj.weight, std=0.02 / math.sqrt(2 * n_layer))
