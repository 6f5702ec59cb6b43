from torch import nn


class Answer(nn.Module):
    """The same as an object with a forward."""

    def forward(self, stream, ln_1, attn, ln_2, mlp):
        for norm, layer in ((ln_1, attn), (ln_2, mlp)):
            correction = layer(norm(stream.clone()))
            stream = correction + stream
        return stream


answer = Answer()
