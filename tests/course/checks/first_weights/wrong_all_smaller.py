import math

from torch import nn

SAYS = "Every matrix is divided"


def answer(model, n_layer):
    std = 0.02 / math.sqrt(2 * n_layer)
    for module in model.modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=std)
        if isinstance(module, nn.Linear):
            nn.init.zeros_(module.bias)
