SAYS = "old places fade"


def answer(x):
    y = x.clone()
    for t in range(1, x.size(1)):
        y[:, t] = (y[:, t - 1] + x[:, t]) / 2
    return y
