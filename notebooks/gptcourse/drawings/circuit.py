"""12: how a model looks a key up in its prompt, and which of its heads it needs."""

import torch

from gptcourse.drawings.canvas import MARGIN, Canvas
from gptcourse.looking import lookups
from gptlib.cache import run
from gptlib.files.fetch import project_folder
from gptlib.handler import ModelHandler
from gptlib.hooks import hooked

CARRIER, COPIER = (2, 2), (3, 2)  # layer, head: what the notebook finds
SIZE, STEP = 40, 46


def example() -> dict:
    """The share of right answers without each head, and where two heads look.

    carried: the mean weight of the carrier from an answer to its key, and from the
    query's mark to the query. copied: the copier's from there to the right answers.
    """
    model = ModelHandler(project_folder("models") / "fewshot").load().model.eval()
    ids, answers, _ = lookups()
    with hooked(model) as seen, torch.no_grad():
        model(ids)

    def without(layer, head):
        mean = seen["heads", layer][:, head].mean(0)

        def ablated(heads):
            heads = heads.clone()
            heads[:, head] = mean
            return heads

        with hooked(model, {("heads", layer): ablated}):
            return (run(model, ids)[:, -1].argmax(-1) == answers).float().mean().item()

    carrier, copier = (seen["weights", i][:, h] for i, h in (CARRIER, COPIER))
    at = torch.arange(3, ids.size(1) - 3, 4)  # the positions of the answers
    matches = ids[:, at - 2] == ids[:, -2:-1]  # (B, examples)
    heads = [(i, h) for i in range(4) for h in range(4)]
    return {
        "without": [[without(i, h) for h in range(4)] for i in range(4)],
        "needed": sum(without(i, h) < 0.99 for i, h in heads),
        "answer": carrier[:, at, at - 2].mean().item(),
        "query": carrier[:, -1, -2].mean().item(),
        "copied": (copier[:, -1][:, at] * matches).sum(1).mean().item(),
    }


def draw() -> Canvas:
    """The picture of `12_looking_inside`."""
    n = example()
    canvas = Canvas(
        "A circuit that looks a key up",
        "On the left, head 2 of layer 2 brings each key to its answer and the query to "
        f"the mark after it, with weights of {n['answer']:.2f} and {n['query']:.2f}; "
        "head 2 of layer 3 looks from there at the matching answer, "
        f"{n['copied']:.2f}. On the right, of 16 heads {n['needed']} are needed.",
        "Two heads carry and copy, and most of the others can be spared",
        496,
    )
    _prompt(canvas, n)
    names = [f"L{i}" for i in range(4)]
    canvas.text(790, 110, "right answers without each head", 15, "soft")
    style = {"row_names": names, "column_names": [f"H{i}" for i in range(4)]}
    canvas.grid(690, 150, n["without"], cell=(54, 48), top=1.0, **style)
    canvas.caption(
        "**L2H2** tells each answer its key; **L3H2** finds the answer whose key is "
        "the query's, and copies it.",
        "L0H2 and L0H3 prepare the letters; of 16 heads, 12 can be spared one at a "
        "time.",
    )
    return canvas


def _prompt(canvas: Canvas, n: dict) -> None:
    """Two examples and the query, with what the two heads look at."""
    key, answer = "j", "a"
    line, y = f"{key}>{answer}↵i>g↵{key}>", 230
    for place, char in enumerate(line):
        role = {key: "blue", answer: "orange"}.get(char, "faint")
        canvas.chip(MARGIN + STEP * place, y, char, role, size=SIZE)

    def arc(start, stop, height, role, weight, below=False):
        """From the position that looks to the one that is looked at."""
        x1, x2 = (MARGIN + STEP * p + SIZE / 2 for p in (start, stop))
        edge = y + SIZE + 6 if below else y - 6
        level = edge + height if below else edge - height
        canvas.arrow([(x1, edge), (x1, level), (x2, level), (x2, edge)], role, 2.4)
        text = level + 22 if below else level - 9
        canvas.text((x1 + x2) / 2, text, f"{weight:.2f}", 15, mono=True)

    arc(2, 0, 30, "blue", n["answer"])
    arc(9, 8, 30, "blue", n["query"])
    arc(9, 2, 40, "orange", n["copied"], below=True)
    canvas.text(MARGIN, 110, "L2H2 carries the key", 16, anchor="start", bold=True)
    canvas.text(MARGIN, 372, "L3H2 copies the answer", 16, anchor="start", bold=True)
