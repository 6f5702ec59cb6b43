SAYS = "since the mean was found from the same n numbers"


def answer(a, b):
    d = a - b
    windows, seeds = d.mean(dim=0), d.mean(dim=1)
    over_windows = windows.std(correction=0) / len(windows) ** 0.5
    over_seeds = seeds.std(correction=0) / len(seeds) ** 0.5
    return d.mean(), over_windows, over_seeds
