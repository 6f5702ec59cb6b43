"""Questions by rule: what they are answered from, and what is new in the test's."""

import pytest
import torch
from conftest import small_config

from gptcourse.questions import (
    DEV_PLAYS,
    KINDS,
    LONGEST_TEXT,
    NAMING,
    TEST_PLAYS,
    Question,
    by_kind,
    distinctive_lines,
    exact,
    load_questions,
    offered,
    title,
    to_examples,
)
from gptlib import GPT, CharTokenizer, generate, load_corpus
from gptlib.data import IGNORED


@pytest.fixture(scope="module")
def questions():
    return load_questions(each=30, train_each=20)


def speakers(excerpt):
    return [speech.partition(":\n")[0] for speech in excerpt.split("\n\n")]


def test_the_same_questions_at_every_call(questions):
    assert load_questions(each=30, train_each=20) == questions
    for part in questions:
        assert [kind for kind, _ in by_kind(part)] == [*KINDS]
        assert max(len(one.text) for one in part) <= LONGEST_TEXT


def test_the_excerpt_answers_the_question(questions):
    every = load_questions(each=30, train_each=20, every=True)
    for one in [o for part in (*questions, *every) for o in part]:
        names = speakers(one.excerpt)
        if one.kind == "speaker":
            before = one.excerpt[: one.excerpt.index(one.subject)]
            assert speakers(before)[-1] == one.answer and len(set(names)) > 1
        elif one.kind == "next":
            assert names[names.index(one.subject) + 1] == one.answer
            assert names.count(one.subject) == 1 and len(set(names)) > 2
        elif one.kind == "line":
            assert one.excerpt.count(one.subject) == 1
            assert one.question == (
                f"How does '{one.subject[: -len(one.answer) - 1]}' go on?"
            )
        else:
            assert one.answer == title(one.play)


def test_every_name_that_can_be_the_answer_is_asked_for_once():
    asked = load_questions(each=30, train_each=20, every=True)
    assert load_questions(each=30, train_each=20, every=True) == asked
    for part in asked:
        of_excerpt = {}
        for one in (o for o in part if o.kind in NAMING):
            assert len(one.text) <= LONGEST_TEXT
            of_excerpt.setdefault((one.kind, one.play, one.excerpt), []).append(one)
        for group in of_excerpt.values():
            answers = [one.answer for one in group]
            assert len(answers) == len(set(answers)) > 1
            assert len({one.question for one in group}) == len(group)
    lines = [one for one in asked.test if one.kind == "line"]
    assert len({one.excerpt for one in lines}) == len(lines) > 30


def test_offered_are_excerpts_with_the_questions_about_each_name():
    test = load_questions(each=10, every=True).test
    offers = offered(test, each=2)
    assert len(offers) == 2 * len(TEST_PLAYS)
    asked = {one.question: one for one in test if one.kind == "next"}
    for name, (opening, questions) in offers.items():
        ones = [asked[q] for q in questions if q in asked]
        assert len(ones) >= 2 and len(questions) - len(ones) <= 1
        assert any(name.startswith(title(play)) for play in TEST_PLAYS)
        for question in questions[len(ones) :]:
            assert question.split("'")[1] in opening


def test_no_distinctive_line_of_the_test_is_in_a_training_text(questions):
    """Neither in the questions to learn from nor by the models, "which play" apart."""
    asked = distinctive_lines("\n".join(one.text for one in questions.train))
    read = distinctive_lines(load_corpus("shakespeare-plays").train)
    for one in questions.test:
        lines = distinctive_lines(one.excerpt)
        assert lines.isdisjoint(asked), one
        assert one.kind == "play" or (lines and lines.isdisjoint(read)), one


def test_plays_are_split_where_generality_is_claimed(questions):
    for kind in KINDS[:3]:
        plays = [{o.play for o in part if o.kind == kind} for part in questions]
        assert plays[1] == {*DEV_PLAYS} and plays[2] == {*TEST_PLAYS}
        assert plays[0].isdisjoint(plays[1] | plays[2])


def test_only_the_answer_is_in_the_loss(questions):
    some = questions.test[:7]
    tok = CharTokenizer("".join(one.text for one in some))
    examples = to_examples(some, tok)
    for one, idx, targets in zip(some, examples.idx, examples.targets, strict=True):
        counted = targets != IGNORED
        assert tok.decode(targets[counted]) == one.answer + "\n"
        assert tok.decode(idx[: int(counted.nonzero()[0]) + 1]) == one.prompt


def test_exact_is_what_greedy_generation_gives():
    asked = [
        Question("line", "p", "ab", "c?", "a"),
        Question("line", "p", "b", "c", "b"),
    ]
    tok = CharTokenizer("".join(one.text for one in asked) + "xyz")
    torch.manual_seed(0)
    model = GPT(small_config(tok, block_size=32))
    for seed in range(20):  # some of these untrained models happen to be right
        torch.manual_seed(seed)
        torch.nn.init.normal_(model.wte.weight, std=0.5)
        expected = []
        for one in asked:
            idx = torch.tensor([tok.encode(one.prompt)])
            text = tok.decode(generate(model, idx, 2, temperature=0)[0])
            expected.append(text == one.text)
        assert exact(model, asked, tok).tolist() == expected


def test_a_prompt_that_is_too_long_is_refused():
    asked = [Question("line", "p", "ab", "c?", "a")]
    tok = CharTokenizer(asked[0].text)
    model = GPT(small_config(tok))
    with pytest.raises(ValueError, match="block_size"):
        exact(model, asked, tok, shots=asked)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("henry-vi-part-3", "Henry VI Part Three"),
        ("a-winter-s-tale", "A Winter's Tale"),
        ("king-lear", "King Lear"),
    ],
)
def test_titles(name, expected):
    assert title(name) == expected
