import math

from torch import nn

SAYS = "Every parameter was drawn"


def answer(model, n_layer):
    for name, p in model.named_parameters():
        small = math.sqrt(2 * n_layer) if "proj.weight" in name else 1
        nn.init.normal_(p, std=0.02 / small)
