"""Answers to logit_lens, right and wrong."""

RIGHT = {
    "functional": """
def answer(streams, norm, table):
    return F.softmax(F.linear(norm(streams), table), dim=2)
""",
    "layer by layer": """
def answer(streams, norm, table):
    return torch.stack([(norm(x) @ table.T).softmax(-1) for x in streams])
""",
}

WRONG = """
norm(streams) => norm(streams.flip(0))
    in reverse order along the first axis
+ return (norm(streams[-1]) @ table.T).softmax(-1)
    shape
"""
