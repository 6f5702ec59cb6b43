"""The few-shot study: tasks written as prompts, learned from examples in the prompt.

    python -m gptcourse.experiments.fewshot --layers 4 --width 96 --seed 1 \\
        --table notebooks/records/fewshot.csv --save models/fewshot

trains one model in minutes, puts its accuracies into the table (in place of those of
the same size and seed) and stores the model. A prompt:

    upper wrap b d       a description of the task, or an empty line
    cab>bCABd            examples
    eh>bEHd
    jaf>                 and the model generates the rest of the line

Training shows every rule, but not every key (here b and d) and not every pair of
rules: a held-out key can only be learned from the prompt, as in "Language Models are
Few-Shot Learners" (arXiv 2005.14165), section 2, at toy scale. Read next: notebook 10.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import tyro
from jaxtyping import Bool, Int
from torch import Tensor, nn
from tqdm import tqdm

from gptcourse.records import replace_rows
from gptlib.data import Examples, TokenSplits
from gptlib.errors import require_choice
from gptlib.generation import generate
from gptlib.handler import ModelHandler
from gptlib.model import count_parameters
from gptlib.modern import ModernConfig, ModernGPT
from gptlib.tokenizer import CharTokenizer
from gptlib.training import TrainConfig, Training, train

LETTERS = "abcdefghij"  # of all words; the rules' names need more
SYMBOLS = ".-*"
TOKENIZER = CharTokenizer(
    "\n >" + SYMBOLS + "0123456789ABCDEFGHIJ" + LETTERS + "klmnopqrstuvwxyz"
)
LENGTH = 112  # characters of a prompt in training
LONGEST_ANSWER = 10
CONTEXT = LENGTH + LONGEST_ANSWER
TRAINING = TrainConfig(
    steps=1600, batch_size=32, lr=4e-3, schedule="linear", optimizer="muon"
)
PROMPTS = 100  # for each accuracy
TEST_SEED = 10_000  # of the tested prompts: training draws with smaller seeds
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
DESCRIBED = {"shift": str, "wrap": " ".join}  # the other keys stay secret
PAIRS = [
    (a, b) for a in ("reverse", "double", "rotate", "next") for b in ("upper", "wrap")
]
TRAINED_PAIRS = [pair for pair in PAIRS if pair not in HELD_OUT_PAIRS]
# How often training shows each: what is hard, and has many keys, more often.
FREQUENCIES = dict.fromkeys(FIXED, 1) | {"shift": 1, "wrap": 2, "lookup": 2, "code": 3}
FREQUENCY_OF_PAIRS = 0.3

# What is measured: a name, the rules, whether keys (or the pair) are held out.
TESTS = [
    *(("known rule", (rule,), False) for rule in (*FIXED, "shift")),
    *(("held-out key", (rule,), True) for rule in KEYED),
    *(("held-out pair", pair, True) for pair in HELD_OUT_PAIRS),
]
EXAMPLES = (0, 1, 2, 4, 8)
# How: the kind of prompt (see `Accuracy`), the number of examples.
LAYOUTS = [(kind, n) for kind in ("examples", "described") for n in EXAMPLES]
LAYOUTS += [("shuffled", n) for n in EXAMPLES if n >= 2]


@dataclass(frozen=True)
class Task:
    """One or two rules, applied one after another, with their keys (None without)."""

    rules: tuple[str, ...]
    keys: tuple

    @property
    def description(self) -> str:
        """What the first line of a prompt may say."""
        words = []
        for rule, key in zip(self.rules, self.keys, strict=True):
            words += [rule, DESCRIBED[rule](key)] if rule in DESCRIBED else [rule]
        return " ".join(words)

    def word(self, rng: random.Random) -> str:
        """A word that the task can be asked about."""
        if self.rules == ("lookup",):
            return rng.choice(list(self.keys[0]))
        letters = list(self.keys[0]) if self.rules == ("code",) else LETTERS
        word = "".join(rng.choices(letters, k=rng.randint(2, 4)))
        if self.rules == ("clean",):
            cut = rng.randrange(len(word) + 1)
            word = word[:cut] + rng.choice(SYMBOLS) + word[cut:]
        return word

    def answer(self, word: str) -> str:
        """What the rules make of a word."""
        for rule, key in zip(self.rules, self.keys, strict=True):
            word = FIXED[rule](word) if rule in FIXED else KEYED[rule](word, key)
        return word


def draw_task(
    rng: random.Random, rules: tuple[str, ...] | None = None, held_out: bool = False
) -> Task:
    """A task with keys drawn by rng; rules: which, by default as training mixes them.

    held_out: with keys that training never shows, else with others.
    """
    if rules is None:
        rules = _draw_rules(rng)
    for rule in rules:
        require_choice("rule", rule, tuple(FREQUENCIES))
    return Task(rules, tuple(_draw_key(rng, rule, held_out) for rule in rules))


def _draw_rules(rng: random.Random) -> tuple[str, ...]:
    if rng.random() < FREQUENCY_OF_PAIRS:
        return rng.choice(TRAINED_PAIRS)
    return tuple(rng.choices(list(FREQUENCIES), list(FREQUENCIES.values())))


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


def is_held_out(task: Task) -> bool:
    """Whether training must never show this task: its key, or its pair of rules."""
    return task.rules in HELD_OUT_PAIRS or any(map(_held_out, task.rules, task.keys))


def _held_out(rule: str, key) -> bool:
    if rule in FIXED:
        return False
    if rule == "shift":
        return key in (3, 7)
    # A fifth of all keys, by arithmetic on their letters: the same on every machine.
    pairs = [key] if rule == "wrap" else key.items()
    return sum(LETTERS.index(a) * 7 + LETTERS.index(b) * 3 for a, b in pairs) % 5 == 0


def few_shot_prompt(
    task: Task, examples: list[str], query: str, kind: str = "examples"
) -> str:
    """A prompt of a kind (see `Accuracy`), up to the mark after the query."""
    answers = [task.answer(word) for word in examples]
    if kind == "shuffled":
        answers = answers[1:] + answers[:1]
    lines = [task.description if kind == "described" else ""]
    lines += [f"{w}>{a}" for w, a in zip(examples, answers, strict=True)]
    return "\n".join([*lines, f"{query}>"])


def training_texts(
    count: int, seed: int
) -> tuple[Int[Tensor, "N S"], Bool[Tensor, "N S"]]:
    """Prompts to train on, full of examples, of tasks not held out.

    Returns count rows of LENGTH + 1 tokens, and which are an answer's or its line end.
    """
    rng = random.Random(seed)
    rows = [_row(rng) for _ in range(count)]
    ids = torch.tensor([TOKENIZER.encode(text) for text, _ in rows])  # (N, T + 1)
    return ids, torch.tensor([mask for _, mask in rows])  # (N, T + 1) each


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


def new_model(layers: int, width: int, seed: int) -> ModernGPT:
    """An untrained model of this size for the few-shot prompts."""
    torch.manual_seed(seed)
    size = {"n_layer": layers, "n_embd": width, "n_head": max(1, width // 24)}
    return ModernGPT(ModernConfig(TOKENIZER.vocab_size, CONTEXT, **size))


def learn(model: nn.Module, rows: Examples, seed: int = 0) -> Training:
    """The training on rows of few-shot prompts, each used once; iterate it."""
    config = replace(TRAINING, steps=len(rows) // TRAINING.batch_size, seed=seed)
    data = TokenSplits(rows, rows.idx[0], rows.idx[0], "few-shot prompts")
    return train(model, data, config)


def probes(
    rules: tuple[str, ...], held_out: bool, examples: int, prompt: str
) -> tuple[list[str], list[str]]:
    """Prompts of a task with this many examples, and their right answers.

    The queries, keys and examples are the same for every model and kind of prompt.
    """
    texts, answers = [], []
    for number in range(PROMPTS):
        rng = random.Random(TEST_SEED + number)
        task = draw_task(rng, rules, held_out)
        query = task.word(rng)
        words = _examples(task, query, rng)[:examples]
        texts.append(few_shot_prompt(task, words, query, prompt))
        answers.append(task.answer(query))
    return texts, answers


def _examples(task: Task, query: str, rng: random.Random) -> list[str]:
    """As many words as are ever shown; the query among them only if it is a key."""
    words = []
    while len(words) < max(EXAMPLES):
        word = task.word(rng)
        if word != query or task.rules == ("lookup",):
            words.append(word)
    return words


def count_correct(model: nn.Module, texts: list[str], answers: list[str]) -> int:
    """How many prompts the model, decoding greedily, completes exactly."""
    device = next(model.parameters()).device
    rows = [torch.tensor(TOKENIZER.encode(text), device=device) for text in texts]
    written = generate(model, rows, LONGEST_ANSWER + 1, temperature=0)
    return sum(
        TOKENIZER.decode(new[len(row) :]).split("\n")[0] == answer
        for row, new, answer in zip(rows, written, answers, strict=True)
    )


@dataclass(frozen=True)
class Accuracy:
    """How many of `prompts` queries of a task a model answered exactly.

    prompt: "examples", "described" (a description too) or "shuffled" (the examples'
    answers belong to one another). minutes: of the training, on a CPU.
    """

    layers: int
    width: int
    seed: int
    parameters: int
    minutes: float
    threads: int
    torch: str
    kind: str
    task: str
    prompt: str
    examples: int
    correct: int
    prompts: int


def measure(training: Training) -> list[Accuracy]:
    """All accuracies of a trained model."""
    model = training.model
    trained = {
        "layers": model.config.n_layer,
        "width": model.config.n_embd,
        "seed": training.config.seed,
        "parameters": count_parameters(model),
        "minutes": round(training.seconds / 60, 2),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__.split("+")[0],
    }
    return [
        Accuracy(
            **trained,
            kind=kind,
            task=" ".join(rules),
            prompt=prompt,
            examples=examples,
            correct=count_correct(model, *probes(rules, held_out, examples, prompt)),
            prompts=PROMPTS,
        )
        for kind, rules, held_out in TESTS
        for prompt, examples in LAYOUTS
    ]


def main(
    layers: int = 4,
    width: int = 96,
    seed: int = 0,
    steps: int = TRAINING.steps,
    table: Path | None = None,
    save: Path | None = None,
) -> None:
    """Train one model on few-shot prompts and measure it.

    Args:
        table: Where the accuracies are recorded.
        save: The folder that the model is stored in.
    """
    texts = training_texts(steps * TRAINING.batch_size, seed)
    rows = Examples.of_answers(*texts)
    training = learn(new_model(layers, width, seed), rows, seed)
    for _ in tqdm(training, total=steps, unit="step"):
        pass
    found = measure(training)
    for row in found:
        print(f"{row.task:14} {row.prompt:9} {row.examples}: {row.correct}%")
    if table is not None:
        replace_rows(table, found, ["layers", "width", "seed"])
    if save is not None:
        ModelHandler(save).save(training.model, TOKENIZER, training=training)


if __name__ == "__main__":
    tyro.cli(main)
