SAYS = "looked up with the token ids"


def answer(idx, tokens, places):
    T = idx.size(1)
    return tokens(idx) + places(idx)  # (B, T, C)
