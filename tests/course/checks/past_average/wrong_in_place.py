SAYS = "changed in place"


def answer(x):
    means = [x[:, : t + 1].mean(dim=1) for t in range(x.size(1))]
    for t, mean in enumerate(means):
        x[:, t] = mean
    return x
