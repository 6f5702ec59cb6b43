"""The answering study: what must be beaten, the fine-tuning, what is written."""

import pytest
import torch

from gptcourse.experiments import answering
from gptcourse.experiments.answering import (
    Run,
    best_position,
    by_blind_name,
    by_position,
    most_frequent,
)
from gptcourse.questions import (
    NAMING,
    Question,
    QuestionSet,
    load_questions,
)
from gptcourse.records import load_rows, table
from gptlib import ModelHandler
from gptlib.data import Examples
from gptlib.evaluation import evaluate
from gptlib.files.fetch import project_folder
from gptlib.lora import adapter_state, load_adapters

EXCERPT = "ROMEO:\nLady, by yonder blessed moon.\n\nJULIET:\nO, swear not."


def asked(answer, kind="speaker", excerpt=EXCERPT):
    return Question(kind, "romeo-and-juliet", excerpt, "Who?", answer)


def test_a_blind_draw_is_right_once_in_as_many_names_as_there_are():
    assert by_blind_name(asked("JULIET")) == 0.5
    assert by_blind_name(asked("NURSE")) == 0
    assert by_blind_name(asked("ROMEO", excerpt="no speaker at all")) == 0


def test_a_position_is_a_shortcut_that_ignores_the_question():
    assert by_position(asked("JULIET"), 1) and not by_position(asked("JULIET"), 0)
    assert not by_position(asked("JULIET"), 2)  # nobody speaks there
    questions = [asked("ROMEO"), *[asked("JULIET")] * 2, *[asked("ROMEO", "next")] * 9]
    assert best_position(questions, "speaker") == 1
    assert best_position(questions, "next") == 0


def test_the_most_frequent_answer_is_of_the_kind():
    questions = [asked("A"), asked("B"), asked("B"), *[asked("C", "next")] * 5]
    assert most_frequent(questions, "speaker") == "B"
    assert most_frequent(questions, "next") == "C"


@pytest.fixture(scope="module")
def few():
    """Some of the questions, of every kind; and some that ask about every name."""
    one, every = (load_questions(each=5, train_each=3, every=e) for e in (False, True))
    ends = [[o for o in part if o.kind in NAMING][::5] for part in every]
    return QuestionSet(one.train[::9], one.dev[::5], one.test[::5]), QuestionSet(*ends)


def test_windows_of_plain_text_are_learned_whole():
    rows = torch.arange(30).view(6, 5)
    answers = Examples.of_answers(rows, rows % 5 == 4)
    mixed = answering.with_plain_text(answers, torch.arange(100, 200), every=3)
    assert len(mixed) == 8 and torch.equal(mixed.idx[:6], answers.idx)
    assert torch.equal(mixed.targets[6:], mixed.idx[6:] + 1)
    other = answering.with_plain_text(answers, torch.arange(100, 200), every=3, seed=1)
    assert not torch.equal(other.idx, mixed.idx)


def test_an_excerpt_counts_when_all_its_questions_are_answered():
    other = "ROMEO:\nO, wilt thou leave me so unsatisfied?"
    three = [asked("JULIET"), asked("ROMEO", excerpt=other), asked("ROMEO")]
    for right, expected in (
        ([1, 1, 1], [True, True]),
        ([1, 0, 1], [True, False]),
        ([1, 1, 0], [False, True]),
    ):
        hits = torch.tensor(right).bool()
        assert answering.all_right(three, hits) == expected


def test_a_run_has_the_rates_it_names():
    muon = Run(rate=0.03).config
    assert (muon.optimizer, muon.muon_lr, muon.lr) == ("muon", 0.03, 0.005)
    adamw = Run(optimizer="adamw", rate=0.01, steps=7, seed=3).config
    assert (adamw.optimizer, adamw.lr) == ("adamw", 0.01)
    assert (adamw.steps, adamw.seed) == (7, 3)
    assert Run("full").recorded.rank == 0
    assert Run("none").recorded == Run("none", rank=9, rate=1.0, steps=5).recorded


@pytest.mark.parametrize(
    "run",
    [
        Run("none"),
        Run("lora", rank=4, steps=2),
        Run("full", steps=2, start="answers", every=1),
    ],
    ids=["none", "lora", "full"],
)
def test_the_command_measures_writes_a_table_and_saves(run, few, tmp_path, monkeypatch):
    monkeypatch.setattr(answering, "load_questions", lambda every=False: few[every])
    monkeypatch.setattr(answering, "evaluate", lambda m, val: evaluate(m, val[:600]))
    path, folder = tmp_path / "answers.csv", tmp_path / "saved"
    answering.main(run, shots=1, table=path, save=folder)
    rows = load_rows(answering.Result, path)
    assert {row.split for row in rows} == {"dev", "test"}
    assert len({(row.shots, row.split, row.kind) for row in rows}) == len(rows)
    assert {row.kind for row in rows} > {"line", "next" + answering.EVERY}
    method = run.method
    assert {row.shots for row in rows} == ({0, 1} if method == "none" else {0})
    assert {(row.start, row.every) for row in rows} == {(run.start, run.every)}
    moved = {row.trained for row in rows}
    base = ModelHandler(project_folder("models") / "plays").load().model
    whole = sum(p.numel() for p in base.parameters())
    if method == "none":
        assert moved == {0} and not folder.exists()
    elif method == "full":
        assert moved == {whole}
        assert ModelHandler(folder).load().model.config == base.config
    else:
        assert 0 < moved.pop() < whole
        load_adapters(base, folder / "adapters.safetensors")


def test_the_adapters_that_ship_are_of_the_rank_that_dev_chose():
    rows = load_rows(answering.Result, table("answers"))
    lines = [r for r in rows if (r.method, r.kind, r.split) == ("lora", "line", "dev")]
    assert max(lines, key=lambda row: row.right).rank == answering.RANK
    base = ModelHandler(project_folder("models") / "plays").load().model
    load_adapters(base, project_folder("models") / "adapters" / "adapters.safetensors")
    shipped = adapter_state(base)
    assert {min(one.shape) for one in shipped.values()} == {answering.RANK}
    numbers = sum(one.numel() for one in shipped.values())
    assert {row.trained for row in lines if row.rank == answering.RANK} == {numbers}
