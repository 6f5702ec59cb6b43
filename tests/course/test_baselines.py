"""What answers without a network: blind names, frequent answers, counted n-grams."""

from gptcourse.experiments.answers import Question, exact, load_questions
from gptcourse.experiments.baselines import (
    best_place,
    by_blind_name,
    by_place,
    count_questions,
    likeliest_play,
    most_frequent,
    read_plays,
)
from gptlib import CharTokenizer

EXCERPT = "ROMEO:\nLady, by yonder blessed moon.\n\nJULIET:\nO, swear not."


def asked(answer, kind="speaker", excerpt=EXCERPT):
    return Question(kind, "romeo-and-juliet", excerpt, "Who?", answer)


def test_a_blind_draw_is_right_once_in_as_many_names_as_there_are():
    assert by_blind_name(asked("JULIET")) == 0.5
    assert by_blind_name(asked("NURSE")) == 0
    assert by_blind_name(asked("ROMEO", excerpt="no speaker at all")) == 0


def test_a_place_is_a_shortcut_that_reads_no_question():
    assert by_place(asked("JULIET"), 1) and not by_place(asked("JULIET"), 0)
    assert not by_place(asked("JULIET"), 2)  # nobody speaks there
    questions = [asked("ROMEO"), *[asked("JULIET")] * 2, *[asked("ROMEO", "next")] * 9]
    assert best_place(questions, "speaker") == 1
    assert best_place(questions, "next") == 0


def test_the_most_frequent_answer_is_of_the_kind():
    questions = [asked("A"), asked("B"), asked("B"), *[asked("C", "next")] * 5]
    assert most_frequent(questions, "speaker") == "B"
    assert most_frequent(questions, "next") == "C"


def test_counted_questions_know_what_they_counted():
    known, other = asked("JULIET"), asked("ROMEO")
    tok = CharTokenizer(known.text)
    model = count_questions([known] * 3, tok, order=6)
    assert exact(model, [known, other], tok).tolist() == [True, False]


def test_a_passage_is_likeliest_in_its_own_play(tok):
    a, b, c, d = tok.chars[2:6]
    plays = {"One": (a + b) * 200, "Two": (c + d + c) * 200}
    questions = [asked("", excerpt=t) for t in ((c + d + c) * 9, (a + b) * 9, a + b)]
    assert likeliest_play(questions, plays, tok) == ["Two", "One", "One"]


def test_the_plays_counted_hold_no_question_of_the_test():
    plays = read_plays()
    assert "Hamlet" not in plays and "The Tempest" not in plays
    test = [one for one in load_questions().test if one.kind == "play"]
    assert {one.answer for one in test} == set(plays)
    assert not any(one.excerpt in plays[one.answer] for one in test)
