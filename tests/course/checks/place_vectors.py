"""Answers to place_vectors, right and wrong."""

RIGHT = {
    "loop": """
def answer(idx, tokens, places):
    B, T = idx.shape
    rows = [
        tokens(idx[b, t]) + places(torch.tensor(t)) for b in range(B) for t in range(T)
    ]
    return torch.stack(rows).view(B, T, -1)
""",
    "weights": """
def answer(ids, of_character, of_place):
    x = of_character.weight[ids]
    return of_place.weight[: ids.shape[1]].unsqueeze(0) + x
""",
}
