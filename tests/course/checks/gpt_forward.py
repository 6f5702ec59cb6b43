"""Answers to gpt_forward, right and wrong."""

RIGHT = {
    "log softmax": """
from functools import reduce
def answer(idx, targets, wte, wpe, blocks, ln_f):
    T = idx.size(1)
    start = wte[idx] + wpe[:T].unsqueeze(0)
    x = ln_f(reduce(lambda x, block: block(x), blocks, start))
    logits = torch.einsum("btc,vc->btv", x, wte)
    loss = None
    if targets is not None:
        log_p = logits.log_softmax(dim=-1)
        loss = -log_p.gather(-1, targets[..., None]).mean()
    return [logits, loss]
""",
    "transposed loss": """
class Answer(nn.Module):
    def forward(self, idx, targets, wte, wpe, blocks, ln_f):
        positions = torch.arange(idx.shape[1])
        x = F.embedding(idx, wte) + F.embedding(positions, wpe)
        while blocks:
            x, blocks = blocks[0](x), blocks[1:]
        logits, loss = F.linear(ln_f(x), wte), None
        if targets is not None:
            loss = F.cross_entropy(logits.transpose(1, 2), targets)
        return logits, loss


answer = Answer()
""",
}

# Wrong in other ways than the mistakes that the check knows.
WRONG = """
wte.T => torch.randn_like(wte.T)
    is not the token embedding
-     if targets is None:
-         return logits, None
+
    in this case: two tokens, V = 3, C = 2; targets is None
wpe[: idx.size(1)] => 3 * wpe[: idx.size(1)]
    In the logits
wte[idx] => wte.detach()[idx]
    part of the gradient of `wte` is lost
wte.T => wte.T.detach()
    part of the gradient of `wte` is lost
- def my_gpt(idx, targets, wte, wpe, blocks, ln_f):
+ def my_gpt(idx, targets, wte, wpe, blocks, ln_f):
+     wte, wpe = nn.Parameter(wte), nn.Embedding.from_pretrained(wpe).weight
    the gradient of `wte` is lost
"""
