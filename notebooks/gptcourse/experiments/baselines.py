"""Answers to questions about the plays that no neural network gives.

What a model that answers has to beat: a name drawn blindly or always taken at the
same place, the answer most frequent in training, n-grams counted in the questions, and
for each play n-grams counted in that play alone. Read next: `tuning.py`.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gptcourse.experiments.answers import Question, known_parts, title
from gptlib.cache import run
from gptlib.data import shakespeare_plays
from gptlib.ngram import CountedNGrams

NAME = re.compile(r"(?:\A|\n\n)([^\n]+):\n")  # a speech's first line


def read_plays() -> dict[str, str]:
    """Title -> the part of a play that questions to learn from are about.

    The first eight tenths of each play that is in neither dev nor test as a whole.
    """
    parts = known_parts(dict(shakespeare_plays()))
    return {title(name): first for name, (first, _, _) in parts.items()}


def by_blind_name(question: Question) -> float:
    """The chance that a speaker of the excerpt, drawn blindly, is the answer."""
    names = set(NAME.findall(question.excerpt))
    return (question.answer in names) / max(1, len(names))


def by_place(question: Question, place: int) -> bool:
    """Whether the speaker named at this place (0, 1, ...) of the excerpt is the answer.

    It does not look at the question at all: a shortcut a model may find.
    """
    names = NAME.findall(question.excerpt)
    return place < len(names) and names[place] == question.answer


def best_place(questions: Sequence[Question], kind: str) -> int:
    """The place out of the first three where answers of a kind stand most often."""
    of_kind = [one for one in questions if one.kind == kind]
    return max(range(3), key=lambda place: sum(by_place(q, place) for q in of_kind))


def most_frequent(questions: Sequence[Question], kind: str) -> str:
    """The answer that questions of a kind have most often."""
    answers = Counter(one.answer for one in questions if one.kind == kind)
    return answers.most_common(1)[0][0]


def count_questions(
    questions: Sequence[Question], tokenizer, order: int = 6
) -> CountedNGrams:
    """N-grams counted in questions with their answers; `exact` asks it like a GPT."""
    text = "".join(one.text + "\n" for one in questions)
    tokens = torch.tensor(tokenizer.encode(text))
    return CountedNGrams.fit(tokens, tokenizer.vocab_size, order).eval()


def likeliest_play(
    questions: Sequence[Question],
    plays: Mapping[str, str],
    tokenizer,
    order: int = 4,
) -> list[str]:
    """Of each excerpt, the title under whose counted n-grams it is likeliest.

    plays: title -> script. This is naive Bayes with all plays equally likely, over
    n-grams instead of words.
    """
    rows = [torch.tensor(tokenizer.encode(one.excerpt)) for one in questions]
    text = nn.utils.rnn.pad_sequence(rows, batch_first=True)  # (N, T)
    lengths = torch.tensor([len(row) for row in rows])
    found = []
    for script in plays.values():
        tokens = torch.tensor(tokenizer.encode(script))
        counted = CountedNGrams.fit(tokens, tokenizer.vocab_size, order).eval()
        found.append(_log_likelihood(counted, text, lengths))
    titles = list(plays)
    return [titles[i] for i in torch.stack(found).argmax(dim=0).tolist()]


@torch.inference_mode()
def _log_likelihood(
    model: nn.Module, text: Tensor, lengths: Tensor
) -> Float[Tensor, " N"]:
    log_p = run(model, text[:, :-1]).log_softmax(-1)  # (N, T - 1, V)
    log_p = log_p.gather(2, text[:, 1:, None])[..., 0]  # (N, T - 1)
    inside = torch.arange(1, text.size(1)) < lengths[:, None]  # (N, T - 1)
    return (log_p * inside).sum(dim=1)
