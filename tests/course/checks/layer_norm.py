"""Answers to layer_norm, right and wrong."""

RIGHT = {
    "sums": """
def answer(x, gain, bias, eps):
    C = x.shape[-1]
    d = x.double() - x.double().sum(-1, keepdim=True) / C
    s = ((d * d).sum(-1, keepdim=True) / C + eps) ** -0.5
    return (d * s * gain + bias).float()
""",
    "squares": """
def answer(x, gain, bias, eps):
    variance, mean = torch.var_mean(x, dim=-1, correction=0)
    y = (x - mean.unsqueeze(-1)) * (variance + eps).rsqrt()[..., None]
    return torch.addcmul(bias, gain, y)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
+ return F.layer_norm(x, (x.size(-1),), gain, bias, eps)
    layer_norm
+ norm = nn.LayerNorm(x.size(-1), eps=eps)
+ norm.weight, norm.bias = nn.Parameter(gain), nn.Parameter(bias)
+ return norm(x)
    layer_norm
"""
