import math

from torch import nn

SAYS = "The numbers are spread evenly from -0.02 to 0.02"


def answer(model, n_layer):
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            a = 0.02 / math.sqrt(2 * n_layer) if name.endswith("proj") else 0.02
            nn.init.uniform_(module.weight, -a, a)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
