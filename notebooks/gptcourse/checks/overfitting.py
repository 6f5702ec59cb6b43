"""Exercises of 07_overfitting: stop, average weights, find copies, put error bars."""

from itertools import pairwise

import torch
from torch import nn, tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.fixed import numbers
from gptcourse.checks.values import floats, number


class Walker(nn.Module):
    """A model whose two weights are its number of turns and its loss."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(2))
        self.turns = 0

    def walk(self, losses):
        """A training: each turn moves the weights on in place, from where they are."""
        for self.turns, (before, loss) in enumerate(pairwise([0.0, *losses]), 1):
            self.w.data += tensor([1.0, loss - before])
            yield self.turns


def stopped(losses: list[float], patience: int) -> Case:
    """A case: walk through these losses."""

    def probe(answer):
        model = Walker()
        back = answer(model.walk(losses), model, lambda m: m.w[1].item(), patience)
        left = int(model.w[0])
        return {"returned": back, "turns trained": model.turns, "weights of turn": left}

    shown = " ".join(f"{loss:g}" for loss in losses)
    return Case(f"losses {shown}, patience {patience}", probe)


SMALL = [{"weight": tensor(w)} for w in ([0.0, 6.0], [3.0, 0.0], [9.0, 0.0])]
DIP = [3.0, 1.0, 2.0, 2.0, 0.0]
SHAKY, TIES = [3.0, 2.0, 4.0, 1.0, 3.0, 2.5, 0.5], [2.0, 1.0, 1.0, 1.0, 1.0, 0.5]
WALKS = [(DIP, 2), (DIP[:3], 5), (SHAKY, 2), (TIES, 3), (DIP, 1), ([1.0, 2, 3, 4], 3)]
WALKS += [([30.0, 20.0, 11.1], 2), ([30.0, 29.9, 29.8, 29.7], 2)]

stop_early = Exercise(
    """
import copy


def my_stop(training, model, score, patience):
    best_turn, best_loss, best, waited = 0, float("inf"), None, 0
    for turn, _ in enumerate(training, 1):
        loss = score(model)
        if loss < best_loss:
            best_turn, best_loss, waited = turn, loss, 0
            best = copy.deepcopy(model.state_dict())
        else:
            waited += 1
            if waited == patience:
                break
    model.load_state_dict(best)
    return best_turn, best_loss
""",
    praise="patience counted in a row, and the best weights put back.",
    cases=[stopped(*walk) for walk in WALKS],
    mistakes="""
model.load_state_dict(best) =>
break => model.load_state_dict(best); break
    The best weights are put back only after a stop: a training may also end by itself.
best_turn, best_loss, waited = turn, loss, 0 => best_turn, best_loss = turn, loss
    All turns without a new low are counted together: a new low sets the count to 0.
loss < best_loss => (turn == 1 or loss < before, before := loss)[0]
    Each loss is compared with that of the turn before: compare with the lowest so far.
enumerate(training, 1) => enumerate(list(training), 1)
    The whole training ran before the first score: score the model after each turn.
(training, 1) => (training)
    The turn is counted from 0: the first turn is 1.
return best_turn, best_loss => return turn, loss
    This is the turn at which it stopped: return the best turn and its loss.
float("inf"), None => score(model), copy.deepcopy(model.state_dict())
    The untrained model is scored, too: only turns of the training count.
waited == patience => waited >= patience - 1
    It stops one turn too early: wait for `patience` turns in a row without a new low.
float("inf"), None => 10.0, copy.deepcopy(model.state_dict())
    All losses may lie above the number it begins with: begin with float("inf").
""",
)

# State dictionaries of one model, all their numbers different.
STATES = [{"weight": numbers(2, 3) + i, "bias": numbers(4) - i**3} for i in range(4)]

average_weights = Exercise(
    """
def my_average(states):
    return {
        name: sum(state[name] for state in states) / len(states) for name in states[0]
    }
""",
    keeps=("states",),
    praise="each weight is the mean of what it was, and the states are left alone.",
    cases=[
        Case("three states, [0, 6], [3, 0] and [9, 0]", args=(SMALL,)),
        *(Case(f"{n} states of two tensors", args=(STATES[:n],)) for n in (2, 4, 1)),
    ],
    mistakes="""
/ len(states) => / len(states[0])
    It is divided by the number of names: divide by that of states.
+ return right([my_average(states[:-1]), states[-1]]) if states[1:] else states[0]
    The last state counts half: all count alike, so sum first, then divide.
+ return right([states[0], states[-1]])
    Only the first and the last state are averaged: take all.
+ return {k: v + states[0][k] / len(states) for k, v in right(states).items()}
    The first state counts twice: begin the sum with zeros, or add from the second on.
+ return dict(states[-1])
    This is the last state alone: take the mean of all.
""",
)

RUNS = [
    *[("cdab", "xabcy"), ("ace", "abcde"), ("abc", "abxabc"), ("aab", "ab")],
    *[("xyabc", "xya yabc"), ("The cat", "the cat"), (" is ", "a is b"), ("", "abc")],
    *[("abc", ""), ("?abcdef", "abcdef!"), ("a b", "a\nb"), ("xabcy", "zabcw")],
    *[("a cat,\n\nbut", "one at,\n\nbig"), ("aaaa", "aab"), ("bcd", "abcd")],
    *[("abc", "abc"), ("abc", "xyz"), ("abcd", "dcba")],
]

longest_run = Exercise(
    '''
def my_longest(text, source):
    """If a run of n + 1 is shared, so is one of n: try ever longer ones."""
    n = 0
    while any(text[i : i + n + 1] in source for i in range(len(text) - n)):
        n += 1
    return n
''',
    praise="a run may begin anywhere, and has no gaps.",
    result=number,
    cases=[
        Case(f"text {text!r}, source {source!r}", args=(text, source))
        for text, source in RUNS
    ]
    + [Case("text 'zxyx', source 'xy' 100 times", args=("zxyx", "xy" * 100))]
    + [Case("'abcdefg' 10 times, in itself", args=("abcdefg" * 10,) * 2)],
    mistakes=r"""
- any(text[i : i + n + 1] in source for i in range(len(text) - n))
+ n < min(len(text), len(source)) and text[n] == source[n]
    Only runs at the beginning of both are found: a run may begin anywhere in either.
range(len(text) - n) => range(min(1, len(text) - n))
    Only runs from the text's beginning are found: a run may begin anywhere in it.
+ same = "".join("x" if a == b else " " for a, b in zip(text, source))
+ return max(map(len, same.split()), default=0)
    The texts are compared position by position: a run may begin anywhere in either.
+ row = [0] * (len(source) + 1)
+ for char in text:
+     above, row = row, [0]
+     for j, other in enumerate(source):
+         row.append(above[j] + 1 if char == other else max(above[j + 1], row[j]))
+ return row[-1]
    Characters with gaps between them are counted: a run has no gaps.
len(text) - n) => len(text) - n - 1)
    The last character of the text is never looked at: `range(len(text) - n + 1)`.
n = 0 => text, source, n = text.lower(), source.lower(), 0
    Capitals and small letters are taken for the same: they are different characters.
n = 0 => text, source, n = text.strip(), source.strip(), 0
    Spaces at the ends are cut off: they count like any other character.
+ from difflib import SequenceMatcher
+ return SequenceMatcher(None, text, source).find_longest_match().size
    difflib ignores what is frequent in a long source: pass autojunk=False.
+ common = {*text.split()} & {*source.split()}
+ return max(map(len, common), default=0)
    Whole words are compared: a run may begin and end inside a word.
n = 0 => text, source, n = text.replace(" ", ""), source.replace(" ", ""), 0
    Spaces are left out: they count like any other character.
+ run, longest = "", 0
+ for char in text:
+     run = run + char if run + char in source else ""
+     longest = max(longest, len(run))
+ return longest
    A run that ends is dropped whole: the next may begin inside it ('ab' in 'aab').
n = 0 => text, source, n = *(t.replace("\n", " ") for t in (text, source)), 0
    Line breaks are taken for spaces: they are different characters.
""",
)

GAPS = tensor([[1.0, 2.0, 3.0], [3.0, 4.0, 8.0]])
LEVELS = tensor([[2.0, 9.0, 4.0], [1.0, 5.0, 2.0]])

paired_difference = Exercise(
    """
def my_errors(a, b):
    d = a - b
    windows, seeds = d.mean(dim=0), d.mean(dim=1)
    over_windows = windows.std() / len(windows) ** 0.5
    over_seeds = seeds.std() / len(seeds) ** 0.5
    return d.mean(), over_windows, over_seeds
""",
    praise="paired, and one error for the windows, one for the seeds.",
    parts=("the mean", "the error over windows", "the error over seeds"),
    result=floats,
    gradients=False,
    cases=[
        Case("a - b = [[1, 2, 3], [3, 4, 8]]", args=(LEVELS + GAPS, LEVELS)),
        Case("3 seeds, 5 windows", args=(numbers(3, 5), numbers(3, 5, start=40))),
        Case("every difference 0.5", args=(numbers(2, 4) + 0.5, numbers(2, 4))),
    ],
    mistakes="""
+ mean, *errors = zip(right(a, 0 * b), right(b, 0 * a), strict=True)
+ return mean[0] - mean[1], *(torch.hypot(*both) for both in errors)
    The errors are those of two separate means: take the differences first.
mean(dim=0), d.mean(dim=1) => mean(dim=1), d.mean(dim=0)
    The two errors are exchanged: that over windows needs the mean over seeds, axis 0.
windows.std() => d.std()
seeds.std() => d.std()
    The spread is that of all single differences: average over the other axis first.
windows.std() => windows.std(correction=0)
seeds.std() => seeds.std(correction=0)
    The squares are divided by n: divide by n - 1, as `std` does by itself.
/ len(windows) ** 0.5 =>
/ len(seeds) ** 0.5 =>
    These are standard deviations: those of a mean of n are smaller, divide by √n.
len(windows) ** 0.5 => len(windows)
len(seeds) ** 0.5 => len(seeds)
    It is divided by n: the error of a mean of n is smaller by √n.
windows.std() => d.std(dim=1).mean()
seeds.std() => d.std(dim=0).mean()
    The spread is taken first, and averaged: average first, over the other axis.
d = a - b => d = (a - b).abs()
    The differences have lost their signs.
windows.std() / len(windows) => windows.std() / len(seeds)
seeds.std() / len(seeds) => seeds.std() / len(windows)
    The numbers of windows and of seeds are exchanged under the roots.
+ return (a - b).mean(), *right(a, 0 * b)[1:]
    These are the errors of A's losses alone: take those of the differences.
""",
)
