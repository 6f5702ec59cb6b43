"""Answers to rms_norm, right and wrong."""

RIGHT = {
    "rsqrt": """
def answer(x, eps):
    scale = torch.rsqrt((x * x).sum(-1) / x.shape[-1] + eps)
    return x * scale.unsqueeze(-1)
""",
    "torchs": """
def answer(x, eps):
    return F.rms_norm(x, (x.shape[-1],), eps=eps)
""",
}

WRONG = """
+ return F.layer_norm(x, x.shape[-1:], eps=eps)
    what LayerNorm does
"""
