"""Answers to past_average, right and wrong."""

RIGHT = {
    "cumsum": """
def answer(x):
    count = torch.arange(1, x.size(1) + 1).view(-1, 1)  # (T, 1)
    return x.cumsum(dim=1) / count  # (B, T, C)
""",
    "loop": """
def answer(vectors):
    y = torch.empty_like(vectors)
    for b in range(vectors.size(0)):
        for t in range(vectors.size(1)):
            y[b, t] = vectors[b, : t + 1].mean(dim=0)
    return y
""",
    "softmax module": """
class Average(nn.Module):
    def forward(self, x):
        scores = torch.full((x.size(1), x.size(1)), -torch.inf).triu(1)
        return torch.einsum("ts,bsc->bct", scores.softmax(-1), x).transpose(1, 2)


answer = Average()
""",
}
