SAYS = "divided by n: by √n"


def answer(a, b):
    d = a - b
    windows, seeds = d.mean(dim=0), d.mean(dim=1)
    over_windows = windows.std() / len(windows)
    over_seeds = seeds.std() / len(seeds)
    return d.mean(), over_windows, over_seeds
