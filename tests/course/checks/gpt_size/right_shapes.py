import math


def answer(vocab_size, block_size, n_layer, n_embd):
    C = n_embd
    linears = [(3 * C, C), (C, C), (4 * C, C), (C, 4 * C)]
    block = linears + [(out,) for out, _ in linears] + 4 * [(C,)]
    shapes = [(vocab_size, C), (block_size, C), *n_layer * block, (C,), (C,)]
    return sum(map(math.prod, shapes))
