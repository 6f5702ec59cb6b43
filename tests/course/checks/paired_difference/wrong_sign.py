SAYS = "the wrong sign: a - b"


def answer(a, b):
    d = a - b
    windows, seeds = d.mean(dim=0), d.mean(dim=1)
    over_windows = windows.std() / len(windows) ** 0.5
    over_seeds = seeds.std() / len(seeds) ** 0.5
    return b.mean() - a.mean(), over_windows, over_seeds
