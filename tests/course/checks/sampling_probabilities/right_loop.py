import math

import torch


def answer(logits, temperature, top_k, top_p):
    rows = []
    for z in (logits.double() / temperature).tolist():
        weights = [math.exp(x - max(z)) for x in z]
        total, reached, kept = sum(weights), 0.0, [0.0] * len(z)
        ids = sorted(range(len(z)), key=lambda i: -weights[i])
        for i in ids[:top_k]:
            if top_p is not None and reached >= top_p:
                break
            kept[i] = weights[i] / total
            reached += kept[i]
        rows.append([x / sum(kept) for x in kept])
    return torch.tensor(rows)
