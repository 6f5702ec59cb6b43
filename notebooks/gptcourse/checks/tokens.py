"""Exercises of 09_tokenization: finding the merges, encoding by rank."""

from collections import Counter
from functools import partial
from itertools import pairwise

from gptcourse.checks.before.core import Case, Exercise, Mistake
from gptcourse.checks.before.values import Raised, same


def ask_merges(pieces: dict, count: int):
    return lambda answer: answer(dict(pieces), count)


def replace(ids, pair, new, how="left"):
    """ids with pair replaced by new, from the left, or in a way one gets wrong."""
    if how == "right":
        return replace(ids[::-1], pair[::-1], new)[::-1]
    merged, i = [], 0
    while i < len(ids):
        here = tuple(ids[i : i + 2]) == pair
        if how == "once" and new in merged:
            here = False
        merged.append(new if here else ids[i])
        i += 1
        overlapping = how == "overlapping" and tuple(ids[i : i + 2]) == pair
        if here and how != "half" and not overlapping:
            i += 1
    return tuple(merged)


def smallest(together):
    return min(together, key=lambda pair: (-together[pair], pair))


def merges(pieces, count, *, first=256, best=smallest, how="left", **counting):
    """The merges found; the other settings are the mistakes one makes."""
    found, counts = [], Counter()
    while len(found) < count:
        if counting.get("anew", True) or not found:
            counts = count_pairs(pieces, **counting)
        if not counts:
            break
        pair = best(counts)
        if counts.pop(pair) < counting.get("least", 1):
            break
        new = first + len(found)
        found.append(pair)
        pieces = [(replace(ids, pair, new, how), n) for ids, n in items(pieces)]
    return found


def items(pieces):
    return pieces.items() if isinstance(pieces, dict) else pieces


def count_pairs(pieces, *, times=True, apart=True, ordered=True, **_):
    counts = Counter()
    if not apart:
        pieces = [(sum((ids * n for ids, n in items(pieces)), ()), 1)]
    for ids, n in items(pieces):
        for pair in pairwise(ids):
            pair = pair if ordered else tuple(sorted(pair))
            counts[pair] += n if times else 1
    return counts


def stopped_by_an_error(got, expected):
    """Right wherever there were pairs enough."""
    return isinstance(got[-1], Raised) and all(
        same(a, b, 0.0) for a, b in zip(expected[:-1], got[:-1], strict=True)
    )


WORDS = {(1, 2, 3, 1, 2): 4, (2, 3, 3): 3, (4, 1, 2, 3): 2, (3, 3, 3, 3, 4): 2, (4,): 9}

bpe_merges = Exercise(
    "bpe_merges",
    right=merges,
    cases=[
        Case("1 2 1 2 3 once, two merges", ask_merges({(1, 2, 1, 2, 3): 1}, 2)),
        Case("5 5 5 7 once, two merges", ask_merges({(5, 5, 5, 7): 1}, 2)),
        Case(
            "1 2 once, 1 2 7 once, 3 4 five times, one merge",
            ask_merges({(1, 2): 1, (1, 2, 7): 1, (3, 4): 5}, 1),
        ),
        Case(
            "9 1 twice, 1 alone five times, one merge",
            ask_merges({(9, 1): 2, (1,): 5}, 1),
        ),
        Case(
            "5 6, 7 8 and 3 4, once each, one merge",
            ask_merges({(5, 6): 1, (7, 8): 1, (3, 4): 1}, 1),
        ),
        Case("five pieces, six merges", ask_merges(WORDS, 6)),
        Case("1 2 once, five merges asked for", ask_merges({(1, 2): 1}, 5)),
    ],
    mistakes=[
        Mistake(
            "ids from 0",
            "The new tokens are numbered from 0: the bytes have the numbers up to "
            "255, the first merge makes token 256.",
            partial(merges, first=0),
        ),
        Mistake(
            "not counted anew",
            "The pairs are counted once, before the first merge: each merge changes "
            "what stands beside what, so count again.",
            partial(merges, anew=False),
        ),
        Mistake(
            "overlapping",
            "5 5 5 becomes two new tokens that share the middle 5: from the left, a "
            "token that has been used is gone.",
            partial(merges, how="overlapping"),
        ),
        Mistake(
            "second half left",
            "The second token of the pair is left standing behind the new one: go on "
            "two places further.",
            partial(merges, how="half"),
        ),
        Mistake(
            "from the right",
            "5 5 5 is replaced from the right: the pair farthest left goes first.",
            partial(merges, how="right"),
        ),
        Mistake(
            "only once in a piece",
            "Only the first occurrence in a piece is replaced: expected every one.",
            partial(merges, how="once"),
        ),
        Mistake(
            "without multiplicity",
            "Each piece is counted once: a piece that occurs five times brings each "
            "of its pairs five times.",
            partial(merges, times=False),
        ),
        Mistake(
            "across pieces",
            "Pairs are counted across the end of a piece: no pair reaches from one "
            "piece into the next.",
            partial(merges, apart=False),
        ),
        Mistake(
            "first seen",
            "Of pairs that occur equally often it takes the one met first: expected "
            "the one with the smaller numbers.",
            partial(merges, best=lambda counts: max(counts, key=counts.get)),
        ),
        Mistake(
            "largest numbers",
            "Of pairs that occur equally often it takes the largest numbers: expected "
            "the smallest.",
            partial(merges, best=lambda c: max(c, key=lambda pair: (c[pair], pair))),
        ),
        Mistake(
            "rarest",
            "It takes the rarest pair: expected the one that occurs most often.",
            partial(merges, best=lambda c: min(c, key=lambda pair: (c[pair], pair))),
        ),
        Mistake(
            "order of the two",
            "1 2 and 2 1 are counted as one pair: the order matters.",
            partial(merges, ordered=False),
        ),
        Mistake(
            "not what occurs once",
            "It stops at pairs that occur once: go on as long as there are pairs.",
            partial(merges, least=2),
        ),
        Mistake(
            "an error at the end",
            "When no pair is left it breaks: return the merges found so far.",
            when=stopped_by_an_error,
        ),
    ],
    praise="counted, merged and counted again, as GPT-2's tokens were found.",
)


def ask_encoded(ids: list, ranks: dict):
    return lambda answer: answer(list(ids), dict(ranks))


def encode(ids, ranks, *, choose=min, first=256, how="left", rounds=99):
    """The piece's tokens; the other settings are the mistakes one makes."""
    for _ in range(rounds):
        known = {pair: ranks[pair] for pair in pairwise(ids) if pair in ranks}
        if not known:
            break
        pair = choose(known, key=known.get)
        ids = list(replace(ids, pair, first + ranks[pair], how))
    return list(ids)


def first_from_left(known, key):
    return next(iter(known))


def in_one_pass(ids, ranks):
    """From left to right, merging with what has been merged, never looking back."""
    done = []
    for i in ids:
        pair = (done[-1], i) if done else None
        done[-1:] = [256 + ranks[pair]] if pair in ranks else [*done[-1:], i]
    return done


def as_listed(ids, ranks):
    for pair in ranks:
        ids = list(replace(ids, pair, 256 + ranks[pair]))
    return ids


def fewest_tokens(ids, ranks):
    """At each place the longest token that fits."""
    spelt = {}
    for pair in sorted(ranks, key=ranks.get):
        spelt[256 + ranks[pair]] = sum((spelt.get(i, (i,)) for i in pair), ())
    out, i = [], 0
    while i < len(ids):
        fits = [t for t, s in spelt.items() if tuple(ids[i : i + len(s)]) == s]
        token = max(fits, key=lambda t: len(spelt[t]), default=ids[i])
        out.append(token)
        i += len(spelt.get(token, (0,)))
    return out


encode_by_rank = Exercise(
    "encode_by_rank",
    right=encode,
    cases=[
        Case(
            "1 2 3; (2, 3) has rank 0, (1, 2) rank 1",
            ask_encoded([1, 2, 3], {(1, 2): 1, (2, 3): 0}),
        ),
        Case(
            "1 2 3; (1, 2) has rank 0, (2, 3) rank 1",
            ask_encoded([1, 2, 3], {(1, 2): 0, (2, 3): 1}),
        ),
        Case(
            "1 2 1 2; (1, 2) has rank 0, (256, 256) rank 1",
            ask_encoded([1, 2, 1, 2], {(1, 2): 0, (256, 256): 1}),
        ),
        Case("5 5 5 5 5; (5, 5) has rank 0", ask_encoded([5] * 5, {(5, 5): 0})),
        Case(
            "1 2 3 4; ranks 0 to 2 for (3, 4), (1, 2), (257, 256)",
            ask_encoded([1, 2, 3, 4], {(257, 256): 2, (1, 2): 1, (3, 4): 0}),
        ),
        Case(
            "1 2 3; ranks 0 to 2 for (2, 3), (1, 2), (1, 256)",
            ask_encoded([1, 2, 3], {(2, 3): 0, (1, 2): 1, (1, 256): 2}),
        ),
        Case(
            "1 2 3 4; ranks 0 to 2 for (2, 3), (1, 2), (257, 3)",
            ask_encoded([1, 2, 3, 4], {(2, 3): 0, (1, 2): 1, (257, 3): 2}),
        ),
        Case("7 alone", ask_encoded([7], {(1, 2): 0})),
    ],
    mistakes=[
        Mistake(
            "by position",
            "The pair farthest left is merged first: expected the pair of the lowest "
            "rank, wherever it stands.",
            partial(encode, choose=first_from_left),
        ),
        Mistake(
            "one pass",
            "It goes through the piece once, from left to right: the merge that was "
            "found first comes first, wherever it stands.",
            in_one_pass,
        ),
        Mistake(
            "as listed",
            "The merges are done in the order in which the dictionary lists them: "
            "their ranks decide.",
            as_listed,
        ),
        Mistake(
            "highest rank",
            "The pair of the highest rank is merged first: the lowest was found first.",
            partial(encode, choose=max),
        ),
        Mistake(
            "longest token",
            "At each place it takes the longest token that fits: a token is reached "
            "only by its merges, in their order.",
            fewest_tokens,
        ),
        Mistake(
            "rank for id",
            "The new token has the rank as its number: expected 256 + rank.",
            partial(encode, first=0),
        ),
        Mistake(
            "one merge",
            "It stops after one merge: again and again, until no pair has a rank.",
            partial(encode, rounds=1),
        ),
        Mistake(
            "overlapping",
            "5 5 5 becomes two new tokens that share the middle 5: a token that has "
            "been used is gone.",
            partial(encode, how="overlapping", rounds=1),
        ),
        Mistake(
            "from the right",
            "5 5 5 is merged from the right: the pair farthest left goes first.",
            partial(encode, how="right"),
        ),
        Mistake(
            "nothing merged",
            "Nothing is merged.",
            partial(encode, rounds=0),
        ),
    ],
    praise="the merge that was found first comes first, until none applies.",
)
