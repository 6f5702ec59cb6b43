"""Tasks written as prompts: in-context learning at a size that a laptop trains.

    upper wrap b d       which task it is: in half of the prompts, else an empty line
    cab>bCABd            examples
    eh>bEHd
    jaf>                 and the model writes the rest of the line

In training the model meets every rule, but not every key (here b and d) and not every
pair of rules. Without a description only the examples tell the rule, and with a key
never met only the examples tell the key: it must be learned from the prompt, as in
"Language Models are Few-Shot Learners" (arXiv 2005.14165), section 2, at toy scale.

Read next: `incontext.py`, which trains on these prompts and measures.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import torch

from gptlib.data import Examples
from gptlib.errors import require_choice, require_int
from gptlib.tokenizer import CharTokenizer

LETTERS = "abcdefghij"  # of all words; the rules' names need more
SYMBOLS = ".-*"
TOKENIZER = CharTokenizer(
    "\n >" + SYMBOLS + "0123456789ABCDEFGHIJ" + LETTERS + "klmnopqrstuvwxyz"
)
LENGTH = 112  # characters of a prompt in training
LONGEST_ANSWER = 10
HELD_OUT_SHIFTS = (3, 7)
HELD_OUT_PAIRS = (("reverse", "upper"), ("rotate", "wrap"))


def shift(word: str, steps: int) -> str:
    """Each letter replaced by the one `steps` further on, around the ten letters."""
    return "".join(LETTERS[(LETTERS.index(c) + steps) % len(LETTERS)] for c in word)


FIXED: dict[str, Callable[[str], str]] = {
    "reverse": lambda word: word[::-1],
    "upper": str.upper,
    "double": lambda word: "".join(2 * c for c in word),
    "rotate": lambda word: word[1:] + word[:1],
    "next": lambda word: shift(word, 1),
    "first": lambda word: word[0],
    "last": lambda word: word[-1],
    "clean": lambda word: "".join(c for c in word if c not in SYMBOLS),
}
KEYED = {
    "shift": shift,
    "wrap": lambda word, key: key[0] + word + key[1],
    "lookup": lambda word, key: "".join(key[c] for c in word),
    "code": lambda word, key: "".join(key[c] for c in word),
}
PAIRS = [
    (a, b) for a in ("reverse", "double", "rotate", "next") for b in ("upper", "wrap")
]
TRAINED_PAIRS = [pair for pair in PAIRS if pair not in HELD_OUT_PAIRS]
# How often training meets each: what is hard, and has many keys, more often.
SHARES = dict.fromkeys(FIXED, 1) | {"shift": 1, "wrap": 2, "lookup": 2, "code": 3}
SHARE_OF_PAIRS = 0.3


@dataclass(frozen=True)
class Task:
    """One or two rules, applied one after another, with their keys (None without)."""

    rules: tuple[str, ...]
    keys: tuple

    @property
    def description(self) -> str:
        """What the first line of a prompt may say; a secret code stays secret."""
        words = []
        for rule, key in zip(self.rules, self.keys, strict=True):
            words.append(rule)
            if rule in ("shift", "wrap"):
                words += [str(part) for part in (key if rule == "wrap" else [key])]
        return " ".join(words)

    def word(self, rng: random.Random) -> str:
        """A word that the task can be asked about."""
        if self.rules == ("lookup",):
            return rng.choice(list(self.keys[0]))
        letters = list(self.keys[0]) if self.rules == ("code",) else LETTERS
        word = "".join(rng.choices(letters, k=rng.randint(2, 4)))
        if self.rules == ("clean",):
            place = rng.randrange(len(word) + 1)
            word = word[:place] + rng.choice(SYMBOLS) + word[place:]
        return word

    def answer(self, word: str) -> str:
        """What the rules make of a word."""
        for rule, key in zip(self.rules, self.keys, strict=True):
            word = FIXED[rule](word) if rule in FIXED else KEYED[rule](word, key)
        return word


def is_held_out(task: Task) -> bool:
    """Whether training must never show this task: its key, or its pair of rules."""
    return task.rules in HELD_OUT_PAIRS or any(map(_held_out, task.rules, task.keys))


def draw_task(
    rng: random.Random, rules: tuple[str, ...] | None = None, held_out: bool = False
) -> Task:
    """A task with keys drawn by rng; rules: which, by default as training mixes them.

    held_out: its keys are of those that training never shows, else of the others.
    Raises ValueError for rules that are unknown.
    """
    if rules is None:
        pair = rng.random() < SHARE_OF_PAIRS
        names, shares = list(SHARES), list(SHARES.values())
        rules = rng.choice(TRAINED_PAIRS) if pair else tuple(rng.choices(names, shares))
    for rule in rules:
        require_choice("rule", rule, tuple(SHARES))
    keys = tuple(_draw_key(rng, rule, held_out) for rule in rules)
    return Task(rules, keys)


def few_shot_prompt(
    task: Task, examples: list[str], query: str, *, described: bool = False
) -> str:
    """The prompt with examples, up to the mark after the query."""
    lines = [task.description if described else ""]
    lines += [f"{word}>{task.answer(word)}" for word in examples]
    return "\n".join([*lines, f"{query}>"])


def training_rows(count: int, seed: int) -> Examples:
    """Prompts to train on: count rows of LENGTH tokens, of tasks not held out.

    Each is full of examples; the answers, with their line ends, are the targets.
    Raises ValueError for a count below 1.
    """
    require_int("count", count, 1)
    rng = random.Random(seed)
    rows = [_row(rng) for _ in range(count)]
    ids = torch.tensor([TOKENIZER.encode(text) for text, _ in rows])  # (N, T + 1)
    is_answer = torch.tensor([mask for _, mask in rows])  # (N, T + 1)
    return Examples.of_answers(ids, is_answer)


def _row(rng: random.Random) -> tuple[str, list[bool]]:
    task = draw_task(rng)
    text = (task.description if rng.random() < 0.5 else "") + "\n"
    is_answer = [False] * len(text)
    while len(text) <= LENGTH:
        word = task.word(rng)
        answer = task.answer(word) + "\n"
        text += f"{word}>{answer}"
        is_answer += [False] * (len(word) + 1) + [True] * len(answer)
    return text[: LENGTH + 1], is_answer[: LENGTH + 1]


def _draw_key(rng: random.Random, rule: str, held_out: bool):
    if rule in FIXED:
        return None
    while True:
        key = _any_key(rng, rule)
        if _held_out(rule, key) == held_out:
            return key


def _any_key(rng: random.Random, rule: str):
    if rule == "shift":
        return rng.randrange(2, len(LETTERS))
    if rule == "wrap":
        return rng.choice(LETTERS), rng.choice(LETTERS)
    size = 5 if rule == "lookup" else 6
    return dict(zip(rng.sample(LETTERS, size), rng.sample(LETTERS, size), strict=True))


def _held_out(rule: str, key) -> bool:
    if rule in FIXED:
        return False
    if rule == "shift":
        return key in HELD_OUT_SHIFTS
    # A fifth of all keys, by arithmetic on their letters: the same on every machine.
    pairs = [key] if rule == "wrap" else key.items()
    return sum(LETTERS.index(a) * 7 + LETTERS.index(b) * 3 for a, b in pairs) % 5 == 0
