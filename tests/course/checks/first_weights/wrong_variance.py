import math

from torch import nn

SAYS = "The variance is 0.02"


def answer(model, n_layer):
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            variance = 0.02 / (2 * n_layer) if name.endswith("proj") else 0.02
            nn.init.normal_(module.weight, std=math.sqrt(variance))
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
