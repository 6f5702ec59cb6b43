"""10: a code never met, what the examples say about it, and what the model answers."""

import random

import torch

from gptcourse.drawings.canvas import MARGIN, Canvas
from gptcourse.experiments.fewshot import TOKENIZER, draw_task, few_shot_prompt
from gptlib.files.fetch import project_folder
from gptlib.handler import ModelHandler

SEED, EXAMPLES = 4, 6  # of the task and its words, as in the notebook
COLOURS = ("blue", "orange", "green", "purple")  # of the query's letters
BEFORE = 4  # lines, of which none has the query's second letter
STEP, SIZE = 37, 34


def example() -> dict:
    """The task, the prompt's lines, its query, the answer, and their probabilities.

    letters: by the number of examples, the likeliest three at each of the answer's
    letters; chances: of the whole answer, by that number, and with shuffled answers.
    """
    rng = random.Random(SEED)
    task = draw_task(rng, ("code",), held_out=True)
    *words, query = (task.word(rng) for _ in range(EXAMPLES + 1))
    model = ModelHandler(project_folder("models") / "fewshot").load().model.eval()
    answer = task.answer(query)

    def expected(count, kind="examples"):
        """Probabilities at each character of the answer and its end, (N, V)."""
        prompt = few_shot_prompt(task, words[:count], query, kind)
        ids = torch.tensor([TOKENIZER.encode(prompt + answer)])  # (1, T)
        with torch.inference_mode():
            return model(ids)[0][0, -len(answer) - 1 :].softmax(-1)

    def chance(p):
        ends = TOKENIZER.encode(answer + "\n")
        return p[range(len(ends)), ends].prod().item()

    def likeliest(count):
        """The likeliest characters at each letter of the answer, three at most."""
        found = []
        for row in expected(count)[:-1]:
            top = row.topk(3)
            named = zip(TOKENIZER.decode(top.indices), top.values.tolist(), strict=True)
            found.append([(char, p) for char, p in named if p >= 0.01])
        return found

    counts = {f"{n}": chance(expected(n)) for n in (0, 1, 2, 4, EXAMPLES)}
    return {
        "task": task,
        "lines": [(word, task.answer(word)) for word in words],
        "query": query,
        "answer": answer,
        "letters": {count: likeliest(count) for count in (BEFORE, EXAMPLES)},
        "chances": counts | {"shuffled": chance(expected(EXAMPLES, "shuffled"))},
    }


def draw() -> Canvas:
    """The picture of `10_prompting`."""
    n = example()
    query, answer, chances = n["query"], n["answer"], n["chances"]
    few, mixed = chances[str(EXAMPLES)], chances["shuffled"]
    canvas = Canvas(
        "Learning a code from six examples",
        f"A prompt of {EXAMPLES} lines in a code that no training showed, then "
        f"“{query}>”. The model gives {answer} a probability of {few:.2f}; it is "
        f"{chances['0']:.2f} without examples, and {mixed:.2f} when the same lines "
        "have each other's answers.",
        "The examples are all that says what to do",
        700,
    )
    _prompt(canvas, n)
    _letters(canvas, n)
    _chances(canvas, n)
    guessed, p = n["letters"][BEFORE][1][0]
    canvas.caption(
        f"**{query[1]}** occurs in line {BEFORE + 1} only: before it, the model has to "
        f"guess what {query[1]} stands for ({guessed}: {p:.2f}).",
        "No weight changes while it reads: all that it learns is in the prompt.",
    )
    return canvas


def _prompt(canvas: Canvas, n: dict) -> None:
    """The lines, with the query's letters and what they stand for in colour."""
    roles = dict(zip(n["query"], COLOURS, strict=False))
    canvas.text(MARGIN, 100, "The prompt: examples, then a query", 16, anchor="start")
    for row, (word, answer) in enumerate([*n["lines"], (n["query"], "")]):
        y = 120 + row * (SIZE + 8)
        for place, letter in enumerate(word):
            x = MARGIN + (4 - len(word) + place) * STEP
            canvas.chip(x, y, letter, roles.get(letter, "faint"), size=SIZE)
        x = MARGIN + 4 * STEP
        canvas.text(x + 16, y + 23, ">", 18, mono=True)
        for place, (letter, asked) in enumerate(zip(answer, word, strict=False)):
            canvas.chip(
                x + (1 + place) * STEP, y, letter, roles.get(asked, "faint"), size=SIZE
            )
    y = 120 + len(n["lines"]) * (SIZE + 8)
    canvas.arrow([(MARGIN + 5 * STEP, y + 17), (470, y + 17)], "soft", 2.2)


def _letters(canvas: Canvas, n: dict) -> None:
    """For each letter of the answer, what the model expects, early and late."""
    left = 480
    canvas.rect(left, 76, 484, 346, radius=14)
    canvas.text(left + 20, 106, "The answer, letter by letter", 16, anchor="start")
    for column, (count, letters) in enumerate(n["letters"].items()):
        x = left + 112 + 190 * column
        canvas.note(x, 138, f"after {count} examples", anchor="start")
        for row, (found, right) in enumerate(zip(letters, n["answer"], strict=True)):
            for line, (char, p) in enumerate(found):
                y = 168.5 + 90 * row + 24 * line - 12 * (len(found) - 1)
                role = COLOURS[row] if char == right else "faint"
                name = {"\n": "↵"}.get(char, char)
                canvas.text(x + 6, y + 14, name, 15, bold=char == right, mono=True)
                canvas.rect(x + 20, y, max(1, 100 * p), 17, role, opacity=0.7, radius=4)
                shown = x + 28 + 100 * p
                canvas.note(shown, y + 14, f"{p:.2f}", anchor="start", mono=True)
    for row, letter in enumerate(n["query"]):
        y = 160 + 90 * row
        canvas.chip(left + 20, y, letter, COLOURS[row], size=SIZE)
        canvas.arrow([(left + 62, y + 17), (left + 98, y + 17)], "soft")


def _chances(canvas: Canvas, n: dict) -> None:
    """The whole answer's probability, by what the prompt shows."""
    top, base, high, step = 458, 580, 66, 150
    canvas.text(
        MARGIN,
        top,
        f"Probability of the whole answer `{n['answer']}↵`, by what the prompt shows",
        16,
        anchor="start",
    )
    for place, (name, p) in enumerate(n["chances"].items()):
        x = MARGIN + 20 + place * step
        role = "orange" if name == "shuffled" else "blue"
        canvas.rect(x, base - high * p, 84, max(1, high * p), role, opacity=0.75)
        canvas.text(x + 42, base - high * p - 7, f"{p:.2f}", 14, mono=True)
        words = {"0": "no example", "1": "1 example", "shuffled": "6, shuffled"}
        canvas.note(x + 42, base + 21, words.get(name, f"{name} examples"))
