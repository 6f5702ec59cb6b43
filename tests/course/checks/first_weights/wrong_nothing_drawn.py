SAYS = "Nothing was drawn"


def answer(model, n_layer):
    for parameter in model.parameters():
        parameter.requires_grad_(True)
