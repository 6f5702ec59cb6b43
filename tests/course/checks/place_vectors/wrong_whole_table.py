SAYS = "fits only a text as long"


def answer(idx, tokens, places):
    T = idx.size(1)
    return tokens(idx) + places.weight  # (B, T, C)
