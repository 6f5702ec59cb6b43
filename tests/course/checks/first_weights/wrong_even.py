import math

from torch import nn

SAYS = "The numbers are spread evenly: expected"


def answer(model, n_layer):
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            small = math.sqrt(2 * n_layer) if name.endswith("proj") else 1
            a = 0.02 * math.sqrt(3) / small
            nn.init.uniform_(module.weight, -a, a)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
