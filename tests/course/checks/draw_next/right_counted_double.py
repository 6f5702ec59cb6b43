def answer(z, point):
    p = z.double().softmax(0)
    return (p.cumsum(0) < point).sum(dim=0, keepdim=True)
