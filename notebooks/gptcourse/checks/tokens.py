"""Exercises of 09_tokenization: find the merges, encode by rank, score fairly."""

from torch import tensor

from gptcourse.checks.core import Case, Exercise
from gptcourse.checks.values import number
from gptlib.bpe import merge

WORDS = {(1, 2, 3, 1, 2): 4, (2, 3, 3): 3, (4, 1, 2, 3): 2, (3, 3, 3, 3, 4): 2, (4,): 9}

bpe_merges = Exercise(
    """
def replaced(ids, pair, new):
    merged = []
    while ids:
        here = tuple(ids[:2]) == pair
        merged.append(new if here else ids[0])
        ids = ids[2 if here else 1 :]
    return tuple(merged)


def my_merges(pieces, count):
    merges = []
    while len(merges) < count:
        together = Counter()
        for ids, times in pieces.items():
            for pair in pairwise(ids):
                together[pair] += times
        if not together:
            break
        pair = min(together, key=lambda p: (-together[p], p))
        new = 256 + len(merges)
        merges.append(pair)
        pieces = {replaced(ids, pair, new): n for ids, n in pieces.items()}
    return merges
""",
    praise="counted, merged and counted again, as GPT-2's tokens were found.",
    cases=[
        Case(f"pieces {pieces}, count = {count}", args=(pieces, count))
        for pieces, count in (
            *(({(1, 2, 1, 2, 3): 1}, 2), ({(5, 5, 5, 7): 1}, 2)),
            *(({(1, 2): 1, (1, 2, 7): 1, (3, 4): 5}, 1), ({(9, 1): 2, (1,): 5}, 1)),
            *(({(5, 6): 1, (7, 8): 1, (3, 4): 1}, 1), (WORDS, 6), ({(1, 2): 1}, 5)),
            ({(5, 5, 5): 1, (1, 2): 1}, 1),
        )
    ],
    mistakes="""
256 + len(merges) => 257 + len(merges)
    The new tokens begin at 257: the first merge makes token 256.
merges = [] => merges, start = [], pieces
for ids, times in pieces => for ids, times in start
in pairwise(ids) => in (p for p in pairwise(ids) if p not in merges)
    The pairs are counted only once: a merge changes the neighbours, so count again.
== pair => == pair and new not in merged
    Only the first occurrence in a text is replaced: replace every one.
+= times => += 1
    Each text is counted once: one that occurs five times has its pairs five times.
+ return right({sum((ids * n for ids, n in pieces.items()), ()): 1}, count)
    Pairs are counted across the end of a text: no pair reaches into the next text.
min(together, key=lambda p: (-together[p], p)) => max(together, key=together.get)
    Of equally frequent pairs it takes the one met first: take the smaller numbers.
min(together, key=lambda p: (-together => max(together, key=lambda p: (together
    Of equally frequent pairs it takes the largest numbers: take the smallest.
if not together => if not together or max(together.values()) == 1
    It stops at pairs that occur once: go on as long as there are pairs.
in pairwise(ids) => in set(pairwise(ids))
    A pair counts once in a text, however often it occurs there: count each time.
key=lambda p: (-together => key=lambda p: (together
    The rarest pair is merged: take the most frequent one.
256 + len(merges) => 256
    Every new token is 256: the second is 257, and so on.
merges = [] => merges, old = [], Counter()
together = Counter() => together = old
    The counts of all rounds add up: begin each round with a new Counter.
replaced(ids, pair, new): n => replaced(ids[::-1], pair[::-1], new)[::-1]: n
    Pairs are replaced from the right: from the left, 5 5 5 becomes 256 5.
ids[2 if here else 1 :] => ids[1:]
    The second number of a merged pair stays in the text: go on behind the pair.
""",
)

encode_by_rank = Exercise(
    """
def my_encode(ids, ranks):
    while True:
        known = [pair for pair in pairwise(ids) if pair in ranks]
        if not known:
            return ids
        pair = min(known, key=ranks.get)
        ids = merge(ids, pair, 256 + ranks[pair])
""",
    praise="the merge that was found first comes first, until none applies.",
    names={"merge": merge},
    cases=[
        Case(f"ids {ids}, ranks {ranks}", args=(ids, ranks))
        for ids, ranks in (
            *(([1, 2, 3], {(1, 2): rank, (2, 3): 1 - rank}) for rank in (1, 0)),
            *(([1, 2, 1, 2], {(1, 2): 0, (256, 256): 1}), ([5] * 5, {(5, 5): 0})),
            ([1, 2, 3, 4], {(257, 256): 2, (1, 2): 1, (3, 4): 0}),
            ([1, 2, 3], {(2, 3): 0, (1, 2): 1, (1, 256): 2}),
            ([1, 2, 3, 4], {(2, 3): 0, (1, 2): 1, (257, 3): 2}),
            ([3, 1, 2], {(3, 1): 0, (1, 2): 1}),
            *(([1, 2, 3, 2, 3], {(1, 2): 0, (2, 3): 1}), ([7], {(1, 2): 0})),
            ([1, 2], {(1, 2): 0}),
        )
    ],
    mistakes="""
min(known, key=ranks.get) => known[0]
    The pair farthest left is merged first: merge the one of the lowest rank.
min(known, key=ranks.get) => min(known)
    The pair of the smallest ids is merged first: merge the one of the lowest rank.
min => max
    The pair of the highest rank is merged first: the lowest was found first.
256 + ranks[pair] => ranks[pair]
    The new token has the rank as its number: its number is 256 + rank.
while True => for new in range(256, 300)
256 + ranks[pair] => new
    The new tokens are numbered as they appear here: a token's number is 256 + rank.
+ for pair in sorted({*pairwise(ids)} & {*ranks}, key=ranks.get):
+     ids = merge(ids, pair, 256 + ranks[pair])
+ return ids
    The pairs are looked up once: a merge makes new pairs, so look again.
while True => for _ in range(1)
ids = merge => return merge
    It stops after one merge: merge again and again, until no pair has a rank.
min(known, key=ranks.get) => max(known, key=known.count)
    The most frequent pair is merged first, as in training: the lowest rank comes first.
+ pair = tuple(ids[:2])
+ if pair in ranks: return [256 + ranks[pair], *my_encode(ids[2:], ranks)]
+ return [*ids[:1], *my_encode(ids[1:], ranks)] if ids else []
    It goes once from left to right: look for the lowest rank in the whole list.
256 + ranks[pair] => 257 + ranks[pair]
    The new tokens are one too high: that of rank 0 is 256.
if pair in ranks] => if ranks.get(pair)]
    Rank 0 counts as false, so the first merge is never made: ask `pair in ranks`.
+ for pair in sorted(ranks, key=ranks.get):
+     if pair in [*pairwise(ids)]:
+         at = [*pairwise(ids)].index(pair)
+         ids = [*ids[:at], 256 + ranks[pair], *ids[at + 2 :]]
+ return ids
    A merge is made at its first place only: merge the pair wherever it stands.
min(known, key=ranks.get) => min(pairwise(ids), key=lambda two: ranks.get(two, 0))
- ids = merge
+ if pair not in ranks: return ids
+         ids = merge
    A pair without a merge is taken to have rank 0, the best: give it the worst.
""",
)

SPELT = [b"a", b" the", b"\xc3", b"\xa9", b"MIRANDA", b"\n", "–é".encode()]


def decode(ids):
    return b"".join(SPELT[i] for i in ids).decode(errors="replace")


bits_per_char = Exercise(
    """
def my_bits(losses, ids, decode):
    text = decode(ids[1:])
    return losses.sum() / math.log(2) / len(text)
""",
    praise="the surprise at the whole text, over its characters.",
    result=number,
    gradients=False,
    cases=[
        Case(title, args=(tensor(losses), ids, decode))
        for title, losses, ids in (
            ("'a', then ' the' and a line end, 3 and 2 nats", [3.0, 2.0], [0, 1, 5]),
            ("'a', then 'é' in two tokens and ' the'", [1.0, 2.0, 4.0], [0, 2, 3, 1]),
            ("five tokens", [0.5, 6.0, 1.5, 2.5], [1, 4, 6, 0, 1]),
        )
    ],
    mistakes="""
/ math.log(2) => * math.log(2)
    It is multiplied by ln 2: a nat is more than a bit, so divide.
+ each = [loss / len(decode([i])) for loss, i in zip(losses, ids[1:])]
+ return sum(each) / math.log(2) / len(each)
    Bits per character are averaged over tokens: divide all bits by all characters.
/ len(text) => / len(losses)
    These are bits per *token*: divide the sum by the number of characters.
len(text) => (len(decode(ids)) - 1)
    One character is taken off for ids[0], which may have several: decode(ids[1:]).
decode(ids[1:]) => "".join(decode([i]) for i in ids[1:])
    The tokens are decoded one by one, so 'é', two tokens, counts twice: decode all.
len(text) => len(text.encode())
    It is divided by the number of bytes: 'é' has two, and is one character.
decode(ids[1:]) => decode(ids[1:]).strip()
    Spaces and line ends at the ends are cut off: they are characters, too.
len(text) => len(text.replace(" ", ""))
    Spaces are not counted: they are characters, too.
ids[1:] => ids[:-1]
    The last token's characters are left out, those of ids[0] counted: decode(ids[1:]).
""",
)
