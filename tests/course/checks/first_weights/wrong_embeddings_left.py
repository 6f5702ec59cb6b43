import math

from torch import nn

SAYS = "The embeddings still have the deviation 1"


def answer(model, n_layer):
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            small = math.sqrt(2 * n_layer) if name.endswith("proj") else 1
            nn.init.normal_(module.weight, std=0.02 / small)
            nn.init.zeros_(module.bias)
