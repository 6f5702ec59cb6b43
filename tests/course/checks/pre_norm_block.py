"""Answers to pre_norm_block, right and wrong."""

RIGHT = {
    "module": """
class Answer(nn.Module):
    '''The same as an object with a forward.'''

    def forward(self, stream, ln_1, attn, ln_2, mlp):
        for norm, layer in ((ln_1, attn), (ln_2, mlp)):
            correction = layer(norm(stream.clone()))
            stream = correction + stream
        return stream


answer = Answer()
""",
    "spelled out": """
def answer(x, ln_1, attn, ln_2, mlp):
    gathered = attn(ln_1(x))
    middle = torch.add(x, gathered)
    thought = mlp(ln_2(middle))
    return torch.stack([x, gathered, thought]).sum(dim=0)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
x = x + attn => x += attn
    changed in place
attn(ln_1(x)) => attn(nn.LayerNorm(x))
    Your code stopped with TypeError
return x + mlp => x = x + mlp
    gives back nothing
"""
