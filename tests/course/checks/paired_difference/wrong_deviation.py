SAYS = "how far single values lie apart"


def answer(a, b):
    d = a - b
    windows, seeds = d.mean(dim=0), d.mean(dim=1)
    over_windows = windows.std()
    over_seeds = seeds.std()
    return d.mean(), over_windows, over_seeds
