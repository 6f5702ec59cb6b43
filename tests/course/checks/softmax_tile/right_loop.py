import torch


def answer(m, s, y, scores, V):
    """One score at a time: tiles of one."""
    m, s, y = m.clone(), s.clone(), y.clone()
    for t in range(len(scores)):
        for score, value in zip(scores[t], V, strict=True):
            if score > m[t]:
                shrink = torch.exp(m[t] - score)
                m[t], s[t], y[t] = score, s[t] * shrink, y[t] * shrink
            weight = torch.exp(score - m[t])
            s[t] += weight
            y[t] += weight * value
    return m, s, y
