"""Exercises of 10_prompting: answer targets, few-shot prompts, exact answers, LoRA."""

from torch import tensor

from gptcourse.checks.core import GRADIENTS, Case, Exercise
from gptcourse.checks.fixed import numbers
from gptcourse.checks.gradients import slopes
from gptcourse.checks.values import floats

answer_targets = Exercise(
    """
def my_targets(ids, is_answer):
    targets = ids.masked_fill(~is_answer, -100)
    return ids[:, :-1], targets[:, 1:]
""",
    praise="the whole text is read, only the answers are learned, their ends included.",
    parts=("idx", "the targets"),
    cases=[
        Case(f"ids {ids}", args=(tensor(ids), tensor(marks).bool()))
        for ids, marks in (
            ([[7, 8, 9, 1, 2, 3]], [[0, 0, 0, 1, 1, 1]]),
            ([[5, 1, 0, 6, 2], [4, 5, 6, 7, 8]], [[0, 1, 1, 0, 1], [1, 1, 0, 1, 1]]),
        )
    ],
    mistakes="""
masked_fill(~is_answer, -100) => masked_fill(~is_answer.roll(1, 1), -100)
    The mask is off by one: targets[t] is ids[t + 1], so its mark is is_answer[t + 1].
return ids[:, :-1], targets[:, 1:] => return ids[:, :-1], targets[:, :-1]
    The targets are the inputs: the target at t is the token at t + 1.
~is_answer => is_answer
    The mask is inverted: the question is learned, and the answer is left out.
-100 => 0
    Left out are targets of -100: 0 is a token, too, and would be learned.
return ids[:, :-1] => return targets[:, :-1]
    -100 stands in the inputs, too: only the targets are masked.
+ idx = ids.clone()
+ return idx[:, :-1], idx[:, 1:].copy_(right(ids, is_answer)[1])
    -100 stands in the inputs, too: ids[:, 1:] is a view of ids. Use a copy, clone().
masked_fill(~is_answer, -100) => clone()
    The questions are learned, too: put -100 where is_answer is false.
~is_answer => ~(is_answer & F.pad(is_answer, (0, 1), value=True)[:, 1:])
    The last token of each answer is left out: the model would never learn to stop.
ids[:, :-1], targets[:, 1:] => ids[:, 1:], targets[:, :-1]
    The shift goes the wrong way: idx is ids[:, :-1], the targets are one place further.
~is_answer => ~(is_answer & is_answer.roll(1, 1))
    The first token of each answer is left out: it is to be learned, too.
~is_answer => ~(is_answer | is_answer.roll(1, 1))
    The token after each answer is learned, too: its mark is false.
~is_answer => ~is_answer.roll(-1, 1)
    The mask is off by one, the other way: targets[t] has the mark is_answer[t + 1].
""",
)

PAIRS = [("moon", "noom"), ("cat", "tac"), ("cat", "tac")]

few_shot_text = Exercise(
    r"""
def my_prompt(description, examples, query):
    lines = [description] + [f"{word}>{answer}" for word, answer in examples]
    return "\n".join([*lines, f"{query}>"])
""",
    praise="the description, one line per example, and the query open at the end.",
    cases=[
        Case(f"arguments {args}", args=args)
        for args in (("", [], "sun"), ("reverse", PAIRS, "sun"), ("", PAIRS, "tree"))
    ],
    mistakes=r"""
[description] + => [description] * bool(description) +
    Without a description its line stays, empty: the prompt looks as in training.
in examples => in dict(examples).items()
    An example that comes twice is there once only: keep all.
{query}> => {query}>\n
    There is a line end after the last '>': the model would begin a new line.
{word}>{answer} => {word} > {answer}
{query}> => {query} >
    There are spaces around the mark: expected word>answer, as in training.
{word}>{answer} => {answer}>{word}
    Words and answers are swapped: word>answer.
""",
)

exact_share = Exercise(
    r"""
def my_share(written, wanted):
    lines = [text.split("\n")[0] for text in written]
    return sum(a == b for a, b in zip(lines, wanted, strict=True)) / len(wanted)
""",
    praise="the first line, exactly, as a share of all.",
    result=floats,
    tolerance=1e-6,
    cases=[
        *(
            Case(f"written {text!r}, wanted 'tac'", args=([text], ["tac"]))
            for text in (
                *("tac\nsun>", "tac", "tac\n", "tacx\n", "tacx", "ta", "act", "TAC\n"),
                *(" tac\n", "tac \n", "\ntac\n", "no\ntac", "", "tac\ntac\n"),
            )
        ),
        Case("['a\\n', 'b\\n'], wanted ['b', 'a']", args=(["a\n", "b\n"], ["b", "a"])),
        Case("a, b and c, wanted a, x and y", args=(list("abc"), list("axy"))),
        Case("a, b, c and b, wanted x, b, c and b", args=(list("abcb"), list("xbcb"))),
    ],
    mistakes=r"""
text.split("\n")[0] => text
    The whole text is compared: the answer ends before the first line end.
a == b => a.startswith(b)
    An answer that only begins rightly counts as right: 'tacx' is not 'tac'.
text.split("\n")[0] => text
a == b => b in a
    The answer is looked for anywhere in the text: the first line must equal it.
text.split("\n")[0] => text[: text.find("\n")]
    A text without a line end is all answer (find gives -1 there): 'tac' is right.
text.split("\n")[0] => text.split("\n")[0].strip()
    Spaces are cut off: an answer with a space before or after it is wrong.
text.split("\n")[0] => text.strip("\n").split("\n")[0]
    Line ends at the beginning are cut off: what stands before the first one is empty.
 / len(wanted) =>
    This is the number of right answers: divide by how many there are.
return => return 100 *
    This is in per cent: a share lies between 0 and 1.
a == b => a in wanted
    Each text is compared with all answers: the first belongs to the first.
a == b => a.lower() == b.lower()
    Capitals and small letters are taken for the same: they differ.
text.split("\n")[0] => (text.split() or [""])[0]
    Spaces are not kept: the answer is the first line, with all its spaces.
zip(lines, wanted, strict=True)) / len(wanted) => zip(lines[:1], wanted)) / 1
    Only the first text is looked at: take the share of all.
a == b => b.startswith(a)
    A beginning of the answer counts as right: 'ta' is not 'tac'.
a == b => sum(map(str.__eq__, a, b)) / max(len(a), len(b), 1)
    An answer that is right in part counts in part: it is right as a whole, or wrong.
""",
)

SQUARE = tensor([[1.0, 1, 0, 2], [1, 0, 1, 1], [0, 1, 2, 0], [1, 0, 1, 1]])


def thin(*axes):
    """Arguments without two equal sizes in a product: C = 4, D = 5, r = 3."""
    W, A = numbers(5, 4, start=10), numbers(3, 4, start=30)
    return numbers(*axes, 4), W, A, numbers(5, 3, start=50), 7.0


def gradients(answer):
    """Those of A and B: W is frozen, its gradient may be there or not."""
    found = slopes(["x", "W", "A", "B", "alpha"], Case("", args=thin(2)), answer)
    return {k: found[k] for k in "AB"} if isinstance(found, dict) else found


lora_linear = Exercise(
    """
def my_lora(x, W, A, B, alpha):
    r = A.size(0)
    change = (x @ A.T) @ B.T  # (..., D)
    return x @ W.T + alpha / r * change
""",
    keeps=("x", "W", "A", "B"),
    praise="W as it was, and beside it alpha / r of B A, which alone is learned.",
    gradients=False,  # below, of A and B only
    learns=True,
    cases=[
        Case("all matrices 2 x 2, alpha = 6", args=(*SQUARE.view(4, 2, 2), 6.0)),
        Case("two rows, C = 4, D = 5, r = 3, alpha = 7", args=thin(2)),
        Case("two texts, two heads, three positions", args=thin(2, 2, 3)),
        Case(f"{GRADIENTS}of A and B", gradients),
    ],
    mistakes="""
+ return W @ x + alpha / A.size(0) * B @ (A @ x)
    The matrices stand left of x, but x holds rows: W x becomes x @ W.T.
- x @ W.T + alpha / r * change
+ alpha / r * (x @ W.T + change)
    W x is scaled, too: alpha / r belongs to the change alone.
alpha / r => alpha // r
    `//` drops the decimals of the quotient: the factor is alpha / r.
alpha / r * change => change
    The change is not scaled: alpha / r stands before it.
alpha / r => alpha
    The factor is alpha alone: divide it by r, A's number of rows.
""",
)
