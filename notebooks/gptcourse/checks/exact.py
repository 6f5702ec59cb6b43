"""Exercise of 10_prompting: the share of exact answers."""

from functools import partial

from gptcourse.checks.before.core import Case, Exercise, Mistake

WRITTEN = ["tac\nsun>", "tacx\n", "ta", "TAC\n", " tac\n", "tac"]
WANTED = ["tac"] * len(WRITTEN)


def ask_share(written, wanted):
    return lambda answer: float(answer(list(written), list(wanted)))


def each_alone(answer):
    """The share of each of the texts by itself: 1 where it is right."""
    return [float(answer([a], [b])) for a, b in zip(WRITTEN, WANTED, strict=True)]


def share(
    written, wanted, *, same=None, cut=lambda text: text.split("\n")[0], per=None
):
    """The share of exact answers, and with other settings the mistakes one makes."""
    same = same or (lambda a, b: a == b)
    right = sum(same(cut(a), b) for a, b in zip(written, wanted, strict=True))
    return right / (len(wanted) if per is None else per)


def by_characters(written, wanted):
    pairs = [(a.split("\n")[0], b) for a, b in zip(written, wanted, strict=True)]
    hits = sum(x == y for a, b in pairs for x, y in zip(a, b, strict=False))
    return hits / sum(map(len, wanted))


exact_share = Exercise(
    "exact_share",
    right=share,
    cases=[
        Case(
            "each alone, 'tac' asked for: " + ", ".join(map(repr, WRITTEN)), each_alone
        ),
        Case("one text, right", ask_share(["ab\ncd>dc"], ["ab"])),
        Case("two texts, the wrong way round", ask_share(["a\n", "b\n"], ["b", "a"])),
        Case("four texts, one right", ask_share(list("abcd"), list("axyz"))),
    ],
    mistakes=[
        Mistake(
            "whole text",
            "All that was written is compared, beyond the line's end: the answer is "
            "what stands before the first line end.",
            partial(share, cut=lambda text: text),
        ),
        Mistake(
            "prefix counts",
            "An answer that only begins rightly counts as right: 'tacx' is not 'tac'.",
            partial(share, same=lambda a, b: a.startswith(b)),
        ),
        Mistake(
            "part counts",
            "An answer that only holds the right one counts: expected equal texts.",
            partial(share, same=lambda a, b: b in a),
        ),
        Mistake(
            "case ignored",
            "Capitals are ignored: 'TAC' is another answer than 'tac'.",
            partial(share, same=lambda a, b: a.lower() == b.lower()),
        ),
        Mistake(
            "spaces ignored",
            "Spaces are cut off: the model has written one, and that is wrong here.",
            partial(share, cut=lambda text: text.split("\n")[0].strip()),
        ),
        Mistake(
            "too short counts",
            "An answer that breaks off counts as right: 'ta' is not 'tac'.",
            partial(share, same=lambda a, b: b.startswith(a)),
        ),
        Mistake(
            "number, not share",
            "This is the number of right answers: divide by how many there are.",
            partial(share, per=1),
        ),
        Mistake(
            "per cent",
            "This is in per cent: a share lies between 0 and 1.",
            lambda written, wanted: 100 * share(written, wanted),
        ),
        Mistake(
            "by characters",
            "Characters are counted, not answers: an answer is right as a whole or "
            "not at all.",
            by_characters,
        ),
        Mistake(
            "order ignored",
            "Each text is compared with all answers: the first belongs to the first.",
            lambda written, wanted: (
                sum(a.split("\n")[0] in wanted for a in written) / len(wanted)
            ),
        ),
    ],
    praise="the first line, exactly, as a share of all.",
)
