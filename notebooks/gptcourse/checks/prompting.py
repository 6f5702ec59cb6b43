"""Exercises of 10_prompting: targets for answers only, few-shot prompts."""

from functools import partial

import torch

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptlib.data import IGNORED


def ask_targets(ids, is_answer):
    """A probe: inputs and targets of rows with marked answers."""

    def probe(answer):
        return answer(torch.tensor(ids), torch.tensor(is_answer, dtype=torch.bool))

    return probe


def targets_of(
    ids, is_answer, *, ahead=1, mask=1, hide="targets", value=IGNORED, marked=True
):
    """Inputs and targets, and with other settings the mistakes one makes."""
    length = ids.size(1) - 1
    idx, targets = ids[:, :-1], ids[:, ahead : ahead + length]
    keep = is_answer[:, mask : mask + length]
    keep = keep if marked else ~keep
    if hide == "inputs":
        return idx.masked_fill(keep, value), targets
    return idx, targets.masked_fill(~keep, value)


def nothing_hidden(ids, is_answer):
    return ids[:, :-1], ids[:, 1:]


def turned_round(ids, is_answer):
    idx, targets = targets_of(ids, is_answer)
    return targets, idx


def only_targets(ids, is_answer):
    return targets_of(ids, is_answer)[1]


def without_line_end(ids, is_answer):
    goes_on = torch.zeros_like(is_answer)
    goes_on[:, :-1] = is_answer[:, 1:]
    return targets_of(ids, is_answer & goes_on)


def cut_out(ids, is_answer):
    return ids[:, :-1][:, is_answer[0, 1:]], ids[:, 1:][:, is_answer[0, 1:]]


answer_targets = Exercise(
    "answer_targets",
    right=targets_of,
    cases=[
        Case(
            "one row of six tokens, of which the last three are the answer",
            ask_targets([[7, 8, 9, 1, 2, 3]], [[0, 0, 0, 1, 1, 1]]),
        ),
        Case(
            "two rows, two answers in the first",
            ask_targets(
                [[5, 1, 0, 6, 2, 0, 4], [4, 5, 6, 7, 8, 9, 0]],
                [[0, 1, 1, 0, 1, 1, 0], [0, 0, 0, 0, 0, 1, 1]],
            ),
        ),
    ],
    mistakes=[
        Mistake(
            "mask not shifted",
            "The mask is off by one: targets[t] is ids[t + 1], so its mark is "
            "is_answer[t + 1]. Like this the last token before an answer is learned "
            "and the answer's last is not.",
            partial(targets_of, mask=0),
        ),
        Mistake(
            "not shifted at all",
            "Targets are the same tokens as the inputs: the model would learn to copy "
            "what it sees. The target at t is the token at t + 1.",
            partial(targets_of, ahead=0, mask=0),
        ),
        Mistake(
            "ids not shifted",
            "Targets are the same tokens as the inputs, only their mask is shifted: "
            "the target at t is the token at t + 1.",
            partial(targets_of, ahead=0),
        ),
        Mistake(
            "turned round",
            "The mask is turned round: the question is learned, and the answer is "
            "left out.",
            partial(targets_of, marked=False),
        ),
        Mistake(
            "zeros",
            "What is left out is marked with 0, but 0 is a token, too: it would be "
            "learned. torch leaves out targets of -100.",
            partial(targets_of, value=0),
        ),
        Mistake(
            "minus one",
            "What is left out is marked with -1: torch's cross-entropy leaves out "
            "-100, and fails on -1.",
            partial(targets_of, value=-1),
        ),
        Mistake(
            "inputs hidden",
            "-100 stands in the inputs: the model must see the whole text, only the "
            "loss looks away.",
            partial(targets_of, hide="inputs"),
        ),
        Mistake(
            "nothing hidden",
            "Every token is a target: the questions, too, are learned. Put -100 "
            "where is_answer is false.",
            nothing_hidden,
        ),
        Mistake(
            "wrong order",
            "Inputs and targets are given back in the wrong order: idx first.",
            turned_round,
        ),
        Mistake(
            "only the targets",
            "These are the targets alone: give back idx and targets.",
            only_targets,
        ),
        Mistake(
            "line end left out",
            "The last token of each answer is left out: the model would never learn "
            "to stop.",
            without_line_end,
        ),
        Mistake(
            "cut out",
            "The answers are cut out of the rows: the model must read the question "
            "before. Keep idx whole and put -100 into the targets.",
            cut_out,
        ),
    ],
    praise="the whole text is read, only the answers are learned, their ends included.",
)

PAIRS = [("cat", "tac"), ("moon", "noom")]


def ask_prompt(examples, query, description=""):
    def probe(answer):
        return answer(description, list(examples), query)

    return probe


def prompt_of(
    description, examples, query, *, first="always", end=">", between="\n", spaced=""
):
    """A prompt, and with other settings the mistakes one makes in it."""
    lines = [description] if first == "always" or description else []
    lines += [f"{word}{spaced}>{spaced}{answer}" for word, answer in examples]
    return between.join([*lines, query + end])


def with_answer(description, examples, query):
    return prompt_of(description, examples, query) + query[::-1]


def query_first(description, examples, query):
    return "\n".join([description, f"{query}>", *(f"{a}>{b}" for a, b in examples)])


def examples_reversed(description, examples, query):
    return prompt_of(description, examples[::-1], query)


def pairs_reversed(description, examples, query):
    return prompt_of(description, [(b, a) for a, b in examples], query)


def inputs_only(description, examples, query):
    return "\n".join([description, *(f"{a}>" for a, _ in examples), f"{query}>"])


def description_each(description, examples, query):
    lines = [f"{a}>{b}" for a, b in examples] + [f"{query}>"]
    return "\n".join(f"{description}\n{line}" for line in lines)


few_shot_text = Exercise(
    "few_shot_text",
    right=prompt_of,
    cases=[
        Case("no description, no example", ask_prompt([], "sun")),
        Case("a description, no example", ask_prompt([], "sun", "reverse")),
        Case("a description, two examples", ask_prompt(PAIRS, "sun", "reverse")),
        Case("two examples, no description", ask_prompt(PAIRS, "sun")),
    ],
    mistakes=[
        Mistake(
            "first line dropped",
            "Without a description its line is missing: it stays, empty, so that the "
            "prompt looks as in training.",
            partial(prompt_of, first="if any"),
        ),
        Mistake(
            "answer given away",
            "The query's answer stands in the prompt: nothing is left to write.",
            with_answer,
        ),
        Mistake(
            "line end after the mark",
            "There is a line end after the last '>': the model would begin a new line "
            "instead of the answer.",
            partial(prompt_of, end=">\n"),
        ),
        Mistake(
            "space after the mark",
            "There is a space after the last '>': no answer in training began with "
            "one.",
            partial(prompt_of, end="> "),
        ),
        Mistake(
            "mark missing",
            "The mark '>' after the query is missing: the model would go on with the "
            "word.",
            partial(prompt_of, end=""),
        ),
        Mistake(
            "spaces round the mark",
            "There are spaces round the mark: expected word>answer, as in training.",
            partial(prompt_of, spaced=" "),
        ),
        Mistake(
            "one line",
            "All stands in one line: each example has its own.",
            partial(prompt_of, between=" "),
        ),
        Mistake(
            "empty lines",
            "There are empty lines between the examples: one line end is enough.",
            partial(prompt_of, between="\n\n"),
        ),
        Mistake(
            "query first",
            "The query stands before the examples: it comes last, where the model "
            "goes on.",
            query_first,
        ),
        Mistake(
            "answers missing",
            "The examples' answers are missing: from them the model learns the task.",
            inputs_only,
        ),
        Mistake(
            "pairs turned round",
            "Words and answers have changed places: word>answer.",
            pairs_reversed,
        ),
        Mistake(
            "order changed",
            "The examples are in another order: keep the order they are given in.",
            examples_reversed,
        ),
        Mistake(
            "description repeated",
            "The description stands before each example: once, at the top.",
            description_each,
        ),
    ],
    praise="a description's line, one line an example, and the query open at the end.",
)
