"""Exercise of 05_gpt: how many parameters a GPT has."""

from functools import partial

from gptcourse.checks.before.core import Case, Exercise, Mistake


def size(
    vocab_size, block_size, n_layer, n_embd, *, V=1, T=1, C2=12, C1=13, last=2, head=0
):
    """How many parameters a GPT has, and with other factors the mistakes."""
    tables = (V * vocab_size + T * block_size) * n_embd
    block = C2 * n_embd**2 + C1 * n_embd
    return tables + n_layer * block + last * n_embd + head * vocab_size


def one_block(vocab_size, block_size, n_layer, n_embd):
    return size(vocab_size, block_size, 1, n_embd)


def each_with_tables(vocab_size, block_size, n_layer, n_embd):
    return size(0, 0, n_layer, n_embd) + n_layer * (vocab_size + block_size) * n_embd


gpt_size = Exercise(
    "gpt_size",
    right=size,
    cases=[
        Case("V = 7, T = 5, one block, C = 2", lambda answer: answer(7, 5, 1, 2)),
        Case("V = 65, T = 64, 3 blocks, C = 64", lambda a: a(65, 64, 3, 64)),
        Case("GPT-2 small", lambda answer: answer(50257, 1024, 12, 768)),
    ],
    mistakes=[
        Mistake(
            "head counted",
            "The output matrix is counted, but it is the token embedding: once.",
            partial(size, V=2),
        ),
        Mistake(
            "head counted with a bias",
            "An output matrix and its bias are counted: there is neither, the logits "
            "come from the token embedding.",
            partial(size, V=2, head=1),
        ),
        Mistake(
            "a bias at the end",
            "V numbers too many: the tied output has no bias.",
            partial(size, head=1),
        ),
        Mistake(
            "no positions",
            "The table of positions is missing: T rows of C numbers.",
            partial(size, T=0),
        ),
        Mistake(
            "no tokens",
            "The table of tokens is missing: V rows of C numbers.",
            partial(size, V=0),
        ),
        Mistake(
            "biases missing",
            "The biases of the Linear layers are missing: 9C in each block, as a layer "
            "from a to b has (a + 1) · b parameters.",
            partial(size, C1=4),
        ),
        Mistake(
            "only the large matrices",
            "12C² is a good estimate of a block, not its number: the biases and the "
            "two LayerNorms make another 13C.",
            partial(size, C1=0),
        ),
        Mistake(
            "only matrices",
            "Biases and LayerNorms are missing: 13C in each block, and the last "
            "LayerNorm's 2C.",
            partial(size, C1=0, last=0),
        ),
        Mistake(
            "LayerNorms missing",
            "The LayerNorms of the blocks are missing: two in each, with 2C each.",
            partial(size, C1=9),
        ),
        Mistake(
            "all LayerNorms missing",
            "The LayerNorms are missing: two in each block and the last, with 2C each.",
            partial(size, C1=9, last=0),
        ),
        Mistake(
            "LayerNorms without bias",
            "Each LayerNorm is counted with C parameters: gain and bias make 2C.",
            partial(size, C1=11, last=1),
        ),
        Mistake(
            "one LayerNorm a block",
            "Each block has two LayerNorms, one before attention, one before the "
            "feed-forward layer.",
            partial(size, C1=11),
        ),
        Mistake(
            "last LayerNorm missing",
            "The last LayerNorm is missing: 2C.",
            partial(size, last=0),
        ),
        Mistake(
            "proj of attention missing",
            "Attention's proj is missing: beside queries, keys and values there is a "
            "fourth matrix, C² + C parameters.",
            partial(size, C2=11, C1=12),
        ),
        Mistake(
            "half a feed-forward layer",
            "The feed-forward layer has two matrices: from C to 4C, and back.",
            partial(size, C2=8, C1=12),
        ),
        Mistake(
            "one block",
            "n_layer is not used: this is the size with a single block.",
            one_block,
        ),
        Mistake(
            "tables in each block",
            "The tables are counted once for each block: there is one of each.",
            each_with_tables,
        ),
    ],
    praise="(V + T) C + L (12C² + 13C) + 2C: it gives GPT-2's 124,439,808.",
    seconds=30.0,  # who builds GPT-2 on the meta device waits for torch's imports
)
