"""Slips: small changes of a source, one at a time, as they happen to whoever types it.

Read as mistakes they explain a wrong answer that no known mistake explains
(`recognise.py`); the tests try `mutants` on every exercise: its cases must reject each.
"""

import ast
from collections.abc import Iterator

SWAPS = "Add -,Sub +,Mult /,Div *,FloorDiv /,Pow *,Lt <= >,LtE < >=,Gt >= <,GtE > <="
SWAPS = dict(pair.split(" ", 1) for pair in SWAPS.split(","))
SWAPS |= {"Eq": "!=", "NotEq": "==", "And": "or", "Or": "and"}
SIGNS = {"Add": "*-", "Mult": "+-", "Sub": "+*", "Div": ("//", "%")}  # more, where wide
TWINS = """sin cos, log log2 log10 log1p, exp square exp2, mean sum amax, mean median,
var std, max min sum, amax amin, argmax argmin, maximum minimum, tril triu, zeros ones,
any all, floor ceil round trunc, sqrt square, log_softmax softmax log sigmoid"""
TWINS = [group.split() for group in TWINS.split(",")]
ITEMS = ["{}[1:]", "{}[:-1]", "{}[::-1]", "{}.flip(0)", "{}[:1]", "{}[-1:]"]
WRAPS = """0,1,2,4,8,16,64,2 * {},{} / 2,{} ** 2,{} ** 0.5,-{},1 - {},1 / {},{} + 1,
{} - 1"""
WRAPS = [wrap.strip() for wrap in WRAPS.split(",")]
MODULES = ("torch.", "nn.", "F.", "math.", "np.")
PIECE = ast.BinOp | ast.BoolOp | ast.Compare | ast.Call | ast.IfExp | ast.Subscript


def mutants(source: str, wide: bool = False) -> Iterator[tuple[str, str, str]]:
    """(the old piece, the new one, the changed source) of every small change.

    wide: also of those that may change no result.
    """
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    parents = {c: node for node in ast.walk(tree) for c in ast.iter_child_nodes(node)}
    arguments = [a.arg for a in tree.body[-1].args.args]
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    names = [*arguments, *(n.id for n in names if isinstance(n.ctx, ast.Store))]
    for node in [*ast.walk(tree)]:
        shown = node  # the smallest piece around it that can be read by itself
        while not isinstance(shown, PIECE | ast.stmt) and shown in parents:
            shown = parents[shown]
        above = parents.get(node)
        texts = _changes(node, above, arguments)
        if wide and isinstance(node, ast.expr):
            texts += _slips(node, above, names)
        old = _line(shown)
        for text in texts:
            new = ast.parse(text).body[0]
            new = new if isinstance(node, ast.stmt) else new.value
            kept = node.__class__, node.__dict__
            node.__class__, node.__dict__ = new.__class__, new.__dict__
            after, piece = ast.unparse(tree), _line(shown)
            node.__class__, node.__dict__ = kept
            if after not in seen:
                seen.add(after)
                yield old, piece, after


def _line(node) -> str:
    return ast.unparse(node).split("\n")[0]


def _changes(node, above, arguments) -> list[str]:
    """What may stand there instead: another sign or name, a part of it, nothing."""
    text, sign = ast.unparse, SWAPS.get(type(getattr(node, "op", None)).__name__, "")
    texts = (
        ["True", "False"] if isinstance(above, ast.If) and node is above.test else []
    )
    match node:
        case ast.BinOp(a, _, b):
            texts += [f"({text(a)}) {s} ({text(b)})" for s in sign.split()]
            texts += [text(a), text(b)]
        case ast.AugAssign(a, _, b):
            texts += ["pass", *(f"{text(a)} {s}= {text(b)}" for s in sign.split())]
        case ast.BoolOp(_, values):
            texts += [
                f" {s} ".join(f"({text(v)})" for v in values) for s in sign.split()
            ]
        case ast.Compare(a, [op], [b]):
            signs = SWAPS.get(type(op).__name__, "").split()
            signs += {ast.Is: ["is not"], ast.In: ["not in"]}.get(type(op), [])
            texts += [f"({text(a)}) {s} ({text(b)})" for s in signs]
        case ast.Constant(bool(value)):
            texts += [str(not value)]
        case ast.Constant(int(value)):
            texts += [str(value + 1), str(value - 1)]
        case ast.Constant(float(value)):
            texts += [str(value * 1.5 + 0.25)]
        case ast.UnaryOp(_, a):
            texts += [text(a)]
        case ast.IfExp(_, a, b):
            texts += [text(a), text(b)]
        case ast.Call(f, args, keywords):
            for k in keywords:
                rest = [other for other in keywords if other is not k]
                texts += [text(ast.Call(f, args, rest))]
            if isinstance(f, ast.Attribute):  # x.f(…) -> x
                texts += [text(f.value)]
            elif len(args) == 1:  # f(x) -> x
                texts += [text(args[0])]
            if len(args) > 1:
                swapped = [args[1], args[0], *args[2:]]
                texts += [text(ast.Call(f, swapped, keywords))]
        case ast.Name(name, ast.Load()) if name in arguments:
            texts += arguments
        case ast.Expr() | ast.Break() | ast.Continue():
            texts += ["pass"]
    return texts


def _slips(node, above, names) -> list[str]:
    """More changes: another function or variable, brackets, a factor, a part only."""
    text = ast.unparse(node)
    if isinstance(above, ast.Call) and above.func is node:
        module, dot, name = text.rpartition(".")
        return [f"{module}{dot}{twin}" for g in TWINS if name in g for twin in g]
    texts = []
    match node:
        case ast.Name(name, ast.Load()) if name in names:
            texts += names
        case ast.Subscript(a, _, ast.Load()) | ast.Attribute(a, _, ast.Load()):
            texts += [ast.unparse(a)]
        case ast.BinOp(a, op, b):
            a, b, kind = ast.unparse(a), ast.unparse(b), type(op).__name__
            sign = ast.unparse(ast.BinOp(ast.Name("a"), op, ast.Name("b")))[2:-2]
            texts += [f"({a}) {other} ({b})" for other in SIGNS.get(kind, ())]
            texts += [f"{a} {sign} {b}", f"({b}) {sign} ({a})"] if kind != "Pow" else []
        case ast.Constant(int() | float()) | ast.Call() | ast.ListComp():
            pass
        case _:
            return []
    if text.startswith(MODULES) and not isinstance(node, ast.Call):
        return []
    if isinstance(above, ast.For | ast.comprehension):
        return texts + [wrap.format(f"[*{text}]") for wrap in ITEMS]
    items = [] if isinstance(node, ast.Constant) else ITEMS
    return texts + [wrap.format(f"({text})") for wrap in (*WRAPS, *items)]
