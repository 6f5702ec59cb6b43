"""Answers to first_weights, right and wrong."""

RIGHT = {
    "scaled after": """
@torch.no_grad()
def answer(model, n_layer):
    '''All the same first; then the layers that write are made smaller.'''

    def draw(module):
        if type(module) in (nn.Linear, nn.Embedding):
            module.weight.copy_(torch.randn(module.weight.shape) * 0.02)
        if getattr(module, "bias", None) is not None:
            module.bias.zero_()

    model.apply(draw)
    for name, p in model.named_parameters():
        if name.endswith("proj.weight"):
            p.mul_((2 * n_layer) ** -0.5)
    return model
""",
    "by attribute": """
def answer(model, n_layer):
    for table in (model.wte, model.wpe):
        nn.init.trunc_normal_(table.weight, std=0.02)
    for block in model.blocks:
        for layer in (block.attn.qkv, block.mlp.fc):
            layer.weight = nn.Parameter(0.02 * torch.randn(layer.weight.shape))
            layer.bias.data = torch.zeros_like(layer.bias)
        for layer in (block.attn.proj, block.mlp.proj):
            nn.init.normal_(layer.weight, 0, 0.02 * (2 * n_layer) ** -0.5)
            nn.init.constant_(layer.bias, 0)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
nn.init.normal_(module.weight, std=std) => module.weight.data.uniform_(-std, 2 * std)
    the entry 'deviation / 0.02'
nn.init.normal_ => None if ".1." in name else nn.init.normal_
    blocks.1.
- nn.init.normal_(module.weight, std=std)
+ nn.init.uniform_(module.weight, -std * 3**0.5, std * 3**0.5)
    drawn evenly from an interval
std=std => std=0.8 * std
    the entry 'deviation / 0.02'
"""
