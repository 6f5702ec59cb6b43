SAYS = "place vectors are missing"


def answer(idx, tokens, places):
    T = idx.size(1)
    return tokens(idx)  # (B, T, C)
