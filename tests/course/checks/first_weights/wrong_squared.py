import math

from torch import nn

SAYS = "The deviation is 0.02²"


def answer(model, n_layer):
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            small = math.sqrt(2 * n_layer) if name.endswith("proj") else 1
            nn.init.normal_(module.weight, std=0.02**2 / small)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
