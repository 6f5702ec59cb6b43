SAYS = "this is the last tile alone"


def answer(m, s, y, scores, V):
    m = scores.amax(dim=1, keepdim=True)  # (T, 1)
    e = (scores - m).exp()  # (T, S)
    return m, e.sum(dim=1, keepdim=True), e @ V
