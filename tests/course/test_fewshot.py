"""Tasks as prompts: what they ask, and that what is tested was never trained on."""

import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gptcourse.drawings import from_examples
from gptcourse.experiments import fewshot
from gptcourse.experiments.fewshot import (
    FIXED,
    HELD_OUT_PAIRS,
    LETTERS,
    TOKENIZER,
    Task,
    draw_task,
    few_shot_prompt,
    is_held_out,
    training_texts,
)
from gptcourse.records import load_rows
from gptlib.data import IGNORED, Examples

words = st.text(LETTERS, min_size=2, max_size=4)


@pytest.mark.parametrize(
    ("rules", "keys", "word", "answer"),
    [
        (("reverse",), (None,), "abc", "cba"),
        (("upper",), (None,), "abc", "ABC"),
        (("double",), (None,), "abc", "aabbcc"),
        (("rotate",), (None,), "abc", "bca"),
        (("next",), (None,), "aij", "bja"),
        (("first",), (None,), "abc", "a"),
        (("last",), (None,), "abc", "c"),
        (("clean",), (None,), "a*bc", "abc"),
        (("shift",), (3,), "ahj", "dac"),
        (("wrap",), (("d", "e"),), "abc", "dabce"),
        (("code",), (dict(zip("abcdef", "bcdefa", strict=True)),), "fab", "abc"),
        (("reverse", "upper"), (None, None), "abc", "CBA"),
        (("double", "wrap"), (None, ("j", "i")), "ab", "jaabbi"),
    ],
)
def test_what_the_rules_do(rules, keys, word, answer):
    assert Task(rules, keys).answer(word) == answer
    assert len(answer) <= fewshot.LONGEST_ANSWER


def test_a_prompt_is_laid_out_as_in_training():
    task = Task(("reverse", "wrap"), (None, ("e", "b")))
    prompt = few_shot_prompt(task, ["hed", "aa"], "cif", "described")
    assert prompt == "reverse wrap e b\nhed>edehb\naa>eaab\ncif>"
    assert few_shot_prompt(task, [], "cif") == "\ncif>"
    assert Task(("code",), ({"a": "b"},)).description == "code"


@given(st.integers(0, 10_000), st.booleans())
def test_every_task_answers_every_word_it_draws(seed, held_out):
    rng = random.Random(seed)
    task = draw_task(rng, held_out=held_out)
    word = task.word(rng)
    answer = task.answer(word)
    assert 1 <= len(answer) <= fewshot.LONGEST_ANSWER
    prompt = few_shot_prompt(task, [word], word, "described")
    assert TOKENIZER.decode(TOKENIZER.encode(prompt)) == prompt


def test_training_never_shows_what_is_held_out(monkeypatch):
    """The first eighth of the shipped model's training prompts is looked at."""
    seen = []
    draw = fewshot.draw_task

    def watched(*arguments, **settings):
        seen.append(draw(*arguments, **settings))
        return seen[-1]

    monkeypatch.setattr(fewshot, "draw_task", watched)
    count = fewshot.TRAINING.steps * fewshot.TRAINING.batch_size // 8
    ids, _ = training_texts(count, seed=1)
    assert len(seen) == len(ids) == count
    assert not any(map(is_held_out, seen))
    assert {task.rules for task in seen if len(task.rules) == 2} == set(
        fewshot.TRAINED_PAIRS
    )
    firsts = [TOKENIZER.decode(row).split("\n")[0] for row in ids]
    described = {first for first in firsts if first}
    assert not described & {"reverse upper", "shift 3", "shift 7"}
    assert not any(first.startswith("rotate wrap") for first in described)
    assert 0.45 < len([first for first in firsts if first]) / count < 0.55


def test_what_is_tested_as_held_out_is_held_out():
    for kind, rules, held_out in fewshot.TESTS:
        tasks = [draw_task(random.Random(s), rules, held_out) for s in range(50)]
        assert all(is_held_out(task) == (kind != "known rule") for task in tasks), rules
    assert set(FIXED) | {"shift"} == {
        rules[0] for kind, rules, _ in fewshot.TESTS if kind == "known rule"
    }
    assert is_held_out(Task(HELD_OUT_PAIRS[0], (None, None)))


def test_rows_have_the_answers_as_targets():
    rows, again = (Examples.of_answers(*training_texts(20, seed=3)) for _ in range(2))
    assert torch.equal(rows.idx, again.idx) and rows.idx.shape == (20, fewshot.LENGTH)
    for idx, targets in zip(rows.idx, rows.targets, strict=True):
        text = TOKENIZER.decode(idx)
        # After ">" come the answer and the line's end; nothing else is asked for.
        asked, inside = [], False
        for char in text:
            inside = char == ">" or (inside and char != "\n")
            asked.append(inside)
        assert (targets != IGNORED).tolist() == asked
        follows = idx[1:]
        kept = targets[:-1] != IGNORED
        assert torch.equal(targets[:-1][kept], follows[kept])


def test_prompts_of_a_test_are_nested_and_end_in_a_new_query():
    none, some, many = (
        fewshot.probes(("reverse",), False, n, "examples")[0] for n in (0, 2, 8)
    )
    for short, middle, long in zip(none, some, many, strict=True):
        lines = long.split("\n")
        assert middle.split("\n") == [*lines[:3], lines[-1]]
        assert short == f"\n{lines[-1]}" and lines[-1] not in {
            line.split(">")[0] + ">" for line in lines[:-1]
        }
    shuffled, answers = fewshot.probes(("reverse",), False, 8, "shuffled")
    assert answers == fewshot.probes(("reverse",), False, 8, "examples")[1]
    assert shuffled != many
    for a, b in zip(shuffled, many, strict=True):
        assert sorted(a.replace(">", "\n").split()) == sorted(
            b.replace(">", "\n").split()
        )


def test_the_right_answers_are_counted(monkeypatch):
    """A model that writes what it should gets all of them, one that does not none."""
    monkeypatch.setattr(fewshot, "PROMPTS", 7)
    texts, answers = fewshot.probes(("upper",), False, 2, "examples")

    def write(answers):
        def generate(model, rows, count, temperature):
            assert temperature == 0
            return [
                torch.cat([row, torch.tensor(TOKENIZER.encode(f"{answer}\njunk"))])
                for row, answer in zip(rows, answers, strict=True)
            ]

        return generate

    model = fewshot.new_model(1, 24, seed=0)
    monkeypatch.setattr(fewshot, "generate", write(answers))
    assert fewshot.count_correct(model, texts, answers) == 7
    monkeypatch.setattr(fewshot, "generate", write(["abc"] * 7))
    assert fewshot.count_correct(model, texts, answers) == 0


def test_a_small_training_is_measured_and_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fewshot, "TESTS", fewshot.TESTS[:1])
    table = tmp_path / "few.csv"
    for seed in (1, 0, 1):
        fewshot.main(1, 24, seed, steps=2, table=table, save=tmp_path / "model")
    rows = load_rows(fewshot.Accuracy, table)
    assert [row.seed for row in rows[::13]] == [0, 1]
    assert len({(r.seed, r.prompt, r.examples) for r in rows}) == len(rows) == 2 * 13
    handler = fewshot.ModelHandler(tmp_path / "model").load()
    assert handler.trained_on["corpus"] == "few-shot prompts"


def test_unknown_rules_are_refused():
    with pytest.raises(ValueError, match=r"'swap'.*'reverse'"):
        draw_task(random.Random(0), ("swap",))


def test_the_drawn_code_is_met_nowhere_but_in_its_examples():
    n = from_examples.example()
    shown = {a: b for pair in n["lines"] for a, b in zip(*pair, strict=True)}
    assert is_held_out(n["task"])
    assert [shown[letter] for letter in n["query"]] == list(n["answer"])
    assert n["query"] not in {word for word, _ in n["lines"]}
    assert [found[0][0] for found in n["letters"][6]] == list(n["answer"])
    lacks = [n["query"][1] not in word for word, _ in n["lines"]]
    assert lacks == [True] * from_examples.BEFORE + [False, True]
    assert n["chances"]["shuffled"] < 0.1 < 0.9 < n["chances"]["6"]
