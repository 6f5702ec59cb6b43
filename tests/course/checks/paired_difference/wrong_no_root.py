SAYS = "the root is missing"


def answer(a, b):
    d = a - b
    windows, seeds = d.mean(dim=0), d.mean(dim=1)
    over_windows = windows.var() / len(windows)
    over_seeds = seeds.var() / len(seeds)
    return d.mean(), over_windows, over_seeds
