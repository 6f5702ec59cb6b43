SAYS = "go over the wrong axis"


def answer(a, b):
    d = a - b
    windows, seeds = d.mean(dim=1), d.mean(dim=0)
    over_windows = windows.std() / len(windows) ** 0.5
    over_seeds = seeds.std() / len(seeds) ** 0.5
    return d.mean(), over_windows, over_seeds
