def answer(vocab_size, block_size, n_layer, n_embd):
    C = n_embd
    attention = (C + 1) * 3 * C + (C + 1) * C
    feed_forward = (C + 1) * 4 * C + (4 * C + 1) * C
    norms = 2 * 2 * C
    block = attention + feed_forward + norms
    return (vocab_size + block_size) * C + n_layer * block + 2 * C
