"""Answers to gpt_size, right and wrong."""

RIGHT = {
    "shapes": """
def answer(vocab_size, block_size, n_layer, n_embd):
    C = n_embd
    linears = [(3 * C, C), (C, C), (4 * C, C), (C, 4 * C)]
    block = linears + [(out,) for out, _ in linears] + 4 * [(C,)]
    shapes = [(vocab_size, C), (block_size, C), *n_layer * block, (C,), (C,)]
    return sum(map(math.prod, shapes))
""",
    "short": """
def answer(V, T, L, C):
    return C * (V + T + L * (12 * C + 13) + 2)
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
+ return 124439808
    `vocab_size` has no effect
+ torch.empty(4 * n_embd, n_embd, device="meta")
+ return right(vocab_size, block_size, n_layer, n_embd)
    The model is built
"""

EQUIVALENT = {
    "`vocab_size` and `block_size` seem to be exchanged.": "only their sum counts"
}
