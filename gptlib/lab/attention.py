"""Attention to touch: point at a character and see where every head looks.

The browser's part is `static/attention.js`. Read next: `attention_picture.py`, which
draws what is stored for viewers without a kernel.
"""

from collections.abc import Mapping, Sequence

import anywidget
import torch
import traitlets
from torch import Tensor, nn

from gptlib.attention import attention_maps
from gptlib.cache import run
from gptlib.lab.attention_picture import picture
from gptlib.lab.box import STATIC, script
from gptlib.tokenizer import Tokenizer

SIGNS = {"\n": "⏎", " ": "·", "\t": "⇥"}
MOST = 8  # tokens of a distribution
STYLES = ("box.css", "attention.css")


class AttentionView(anywidget.AnyWidget):
    """Where every head looks from a position of a text, and what may come next.

        AttentionView(model, "To be, or not to be", tok)
        AttentionView.of(head.weights(x)[0], "king")  # weights of your own

    Point at a character, or move with the arrow keys. `layer`, `head` and `position`
    count from 0, as in the weights; they say what is shown first, position -1 the last.
    Raises ValueError for a text, weights or a choice that cannot be shown.
    """

    _esm = script("attention.js")
    _css = "\n".join((STATIC / name).read_text("utf-8") for name in STYLES)
    layer = traitlets.Int(0).tag(sync=True)
    head = traitlets.Int(0).tag(sync=True)
    position = traitlets.Int(-1).tag(sync=True)
    # What the browser only reads.
    labels = traitlets.List().tag(sync=True)
    shape = traitlets.List().tag(sync=True)  # layers, heads
    weights = traitlets.Bytes().tag(sync=True)  # 16 bits each, without the future
    expected = traitlets.List().tag(sync=True)  # by position: see `likely`

    def __init__(self, model: nn.Module, text: str, tok: Tokenizer, **shown: int):
        ids = tok.encode(text)
        if not ids:
            raise ValueError("text is empty: expected at least one character")
        idx = torch.tensor([ids], device=next(model.parameters()).device)
        maps = torch.stack([layer[0] for layer in attention_maps(model, idx)])
        rows = run(model, idx)[0].float().softmax(-1).cpu()  # (T, V)
        ahead = zip(rows, [*ids[1:], None], strict=True)
        expected = [likely(row, lambda i: tok.decode([i]), i) for row, i in ahead]
        self._fill(maps, [tok.decode([i]) for i in ids], expected, **shown)

    @classmethod
    def of(
        cls,
        maps: Tensor,
        labels: Sequence[str],
        probabilities: Sequence[Mapping[str, float]] = (),
        **shown: int,
    ) -> "AttentionView":
        """Show given weights, (T, T), (H, T, T) or (L, H, T, T), all of them causal.

        labels: T texts, or a text of T characters. probabilities: none, or for each
        position those of the next label.
        """
        expected = []
        for p, label in zip(probabilities, [*labels[1:], None], strict=False):
            names, values = list(p), torch.tensor([*p.values()])
            i = names.index(label) if label in p else None
            expected.append(likely(values, names.__getitem__, i))
        view = cls.__new__(cls)
        view._fill(maps, labels, expected, **shown)
        return view

    def _fill(self, maps, labels, expected, *, layer=0, head=0, position=-1) -> None:
        maps = torch.as_tensor(maps).detach().float().cpu()
        self.maps = maps[(None,) * max(0, 4 - maps.ndim)]  # (L, H, T, T)
        check(self.maps, len(labels), len(expected))
        L, H, T, _ = self.maps.shape
        chosen = {"layer": layer, "head": head, "position": position}
        for (name, index), count in zip(chosen.items(), (L, H, T), strict=True):
            if not -count <= index < count:
                raise ValueError(f"{name}={index}: expected 0 to {count - 1}")
            chosen[name] = index % count
        past = torch.ones(T, T, dtype=torch.bool).tril()  # (T, T)
        rows = (self.maps[:, :, past].clamp(max=1) * 65535).round()  # (L, H, N)
        super().__init__(
            labels=[visible(label) for label in labels],
            shape=[L, H],
            weights=rows.numpy().astype("<u2").tobytes(),
            expected=expected,
            **chosen,
        )

    def _repr_mimebundle_(self, **kwargs) -> tuple[dict, dict]:
        data, metadata = super()._repr_mimebundle_(**kwargs)
        told = self.words()
        stored = {"image/svg+xml": picture(self, told), "text/plain": told}
        return data | stored, metadata | {"image/svg+xml": {"alt": told}}

    def words(self) -> str:
        """What is shown, for somebody who does not see it."""
        t, labels = self.position, self.labels
        row = self.maps[self.layer, self.head, t]  # (T,)
        looks = [
            f"{row[s]:.2f} at {f'{labels[s]}, {t - s} back' if s < t else 'itself'}"
            for s in row.argsort(descending=True)[: min(3, t + 1)].tolist()
        ]
        told = f"Attention in {''.join(labels)}, layer {self.layer}, head {self.head}: "
        told += f"position {t}, {labels[t]}, looks {'; '.join(looks)}."
        if self.expected:
            label, p, *_ = self.expected[t][0]
            told += f" Most likely next: {label}, {p:.2f}."
        return told


def check(maps: Tensor, labels: int, expected: int) -> None:
    """Raise ValueError unless maps, (L, H, T, T), are causal weights of T labels."""
    if maps.ndim != 4 or maps.shape[2:] != (labels, labels) or not maps.numel():
        given = tuple(maps.shape)
        raise ValueError(f"maps of shape {given}: expected (L, H, {labels}, {labels})")
    if not (maps.min() >= 0 and maps.sum(-1).max() <= 1.01):
        raise ValueError("maps: expected weights from 0, at most 1 in each row's sum")
    if maps.triu(1).any():
        raise ValueError("maps: a position looks at a later one; expected causal maps")
    if expected not in (0, labels):
        raise ValueError(f"probabilities of {expected} positions, not of {labels}")


def likely(p: Tensor, name, following: int | None) -> list[list]:
    """The most probable of p, (V,), and the following: name, p, rank, if it follows."""
    ranked = p.argsort(descending=True, stable=True).tolist()
    rows = ranked[:MOST]
    if following is not None and following not in rows:
        rows[-1] = following
    told = [(visible(name(i)), p[i].item(), ranked.index(i) + 1) for i in rows]
    return [[*row, i == following] for row, i in zip(told, rows, strict=True)]


def visible(label: str) -> str:
    """A sign for each space and line end; what cannot be seen, as Python escapes it."""
    signs = [SIGNS.get(c, c if c.isprintable() else ascii(c)[1:-1]) for c in label]
    return "".join(signs)
