"""Slips: small changes of a source, one at a time, as they happen to whoever types it.

Read as mistakes they explain a wrong answer that no known mistake explains
(`recognise.py`); the tests try `mutants` on every exercise: its cases must reject each.
"""

import ast
import copy
from collections.abc import Iterator

SWAPS = (
    "Add: Sub|Sub: Add|Mult: Div|Div: Mult|FloorDiv: Div|Pow: Mult|Lt: LtE Gt|LtE: Lt "
    "GtE|Gt: GtE Lt|GtE: Gt LtE|Eq: NotEq|NotEq: Eq|Is: IsNot|In: NotIn|And: Or|Or: And"
)
SWAPS = dict(pair.split(": ") for pair in SWAPS.split("|"))
SIGNS = {"+": "*-", "*": "+-", "-": "+*", "/": ("//", "%")}
TWINS = (
    "sin cos|log log2 log10 log1p|exp square exp2|mean sum amax|mean median|var std"
    "|max min sum|amax amin|argmax argmin|maximum minimum|tril triu|zeros ones|any all"
    "|floor ceil round trunc|sqrt square|log_softmax softmax log sigmoid"
)
TWINS = [group.split() for group in TWINS.split("|")]
WRAPS = "0|1|2|4|8|16|64|2 * {}|{} / 2|{} ** 2|{} ** 0.5|-{}|1 - {}|1 / {}|{} + 1|{} - 1".split(
    "|"
)
ITEMS = "{}[1:]|{}[:-1]|{}[::-1]|{}.flip(0)|{}[:1]|{}[-1:]".split("|")
MODULES = ("torch.", "nn.", "F.", "math.", "np.")
PIECE = ast.BinOp | ast.BoolOp | ast.Compare | ast.Call | ast.IfExp | ast.Subscript


def mutants(source: str, wide: bool = False) -> Iterator[tuple[str, str, str]]:
    """(the old piece, the new one, the changed source) of every small change.

    wide: also of those that may change no result.
    """
    tree = ast.parse(source)
    seen = {ast.unparse(tree)}
    parents = {c: node for node in ast.walk(tree) for c in ast.iter_child_nodes(node)}
    for node in [*ast.walk(tree)]:
        shown = node  # the smallest piece around it that can be read by itself
        while not isinstance(shown, PIECE | ast.stmt) and shown in parents:
            shown = parents[shown]
        changes = _changes(node, tree)
        if wide and isinstance(node, ast.expr):
            changes += _slips(node, parents[node], _names(tree))
        old = _piece(shown)
        for change in changes:
            kind, fields = node.__class__, dict(node.__dict__)
            change()
            after, new = ast.unparse(tree), _piece(shown)
            node.__class__, node.__dict__ = kind, fields
            if after not in seen:
                seen.add(after)
                yield old, new, after


def _piece(node) -> str:
    return ast.unparse(node.test if isinstance(node, ast.If) else node).split("\n")[0]


def _changes(node, tree) -> list:
    """Functions that change the node, each in another way."""
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp):
        changes = [_setter(node, "op", kind()) for kind in _swaps(node.op)]
        if isinstance(node, ast.BinOp):
            changes += [_become(node, node.left), _become(node, node.right)]
        return changes
    if isinstance(node, ast.Compare):
        kinds = _swaps(node.ops[0])
        return [_setter(node, "ops", [kind(), *node.ops[1:]]) for kind in kinds]
    if isinstance(node, ast.Constant):
        return [_setter(node, "value", v) for v in _other_constants(node.value)]
    if isinstance(node, ast.UnaryOp):
        return [_become(node, node.operand)]
    if isinstance(node, ast.IfExp):
        return [_become(node, node.body), _become(node, node.orelse)]
    if isinstance(node, ast.Call):
        return _call_changes(node)
    if isinstance(node, ast.If):
        return [_setter(node, "test", ast.Constant(value)) for value in (True, False)]
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return _other_names(node, [a.arg for a in tree.body[-1].args.args])
    if isinstance(node, ast.Expr | ast.AugAssign | ast.Break | ast.Continue):
        return [_become(node, ast.Pass())]
    return []


def _swaps(operator) -> list:
    names = SWAPS.get(type(operator).__name__, "").split()
    return [getattr(ast, name) for name in names]


def _other_constants(value) -> list:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1]
    return [value * 1.5 + 0.25] if isinstance(value, float) else []


def _call_changes(node) -> list:
    changes = [
        _setter(node, "keywords", [k for k in node.keywords if k is not keyword])
        for keyword in node.keywords
    ]
    if isinstance(node.func, ast.Attribute):  # x.f(…) -> x
        changes.append(_become(node, node.func.value))
    elif len(node.args) == 1:  # f(x) -> x
        changes.append(_become(node, node.args[0]))
    if len(node.args) > 1:
        a, b, *rest = node.args
        changes.append(_setter(node, "args", [b, a, *rest]))
    return changes


def _other_names(node, names) -> list:
    found = [_setter(node, "id", name) for name in names if name != node.id]
    return found if node.id in names else []


def _names(tree) -> list[str]:
    """Of the arguments and local variables."""
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    stored = [n.id for n in names if isinstance(n.ctx, ast.Store)]
    return [*dict.fromkeys([a.arg for a in tree.body[-1].args.args] + stored)]


def _slips(node, above, names) -> list:
    """More changes: another function or variable, brackets, a factor, a part only."""
    field = "attr" if isinstance(node, ast.Attribute) else "id"
    name = getattr(node, field, None)
    if isinstance(above, ast.Call) and above.func is node:
        twins = {twin for group in TWINS if name in group for twin in group}
        return [_setter(node, field, twin) for twin in sorted(twins - {name})]
    text, texts, changes = ast.unparse(node), [], []
    if isinstance(node, ast.Name):
        if isinstance(node.ctx, ast.Store) or name not in names:
            return []
        changes += _other_names(node, names)
    elif isinstance(node, ast.Subscript | ast.Attribute):
        if isinstance(node.ctx, ast.Store) or text.startswith(MODULES):
            return [_reads(node, "180")] if text == "math.pi" else []
        changes.append(_become(node, node.value))
    elif isinstance(node, ast.BinOp):
        a, b = ast.unparse(node.left), ast.unparse(node.right)
        sign = ast.unparse(ast.BinOp(ast.Name("a"), node.op, ast.Name("b")))[2:-2]
        texts += [f"{a} {sign} {b}"]  # without their brackets
        texts += [f"({b}) {sign} ({a})"] if sign != "**" else []
        texts += [f"({a}) {other} ({b})" for other in SIGNS.get(sign, ())]
    elif isinstance(node, ast.Constant):
        if type(node.value) not in (int, float):
            return []
    elif not isinstance(node, ast.Call | ast.ListComp):
        return []
    wraps = [*WRAPS, *ITEMS] if not isinstance(node, ast.Constant) else WRAPS
    inner = f"({text})"
    if isinstance(above, ast.For | ast.comprehension):
        wraps, inner = ITEMS, f"[*{text}]"
    texts += [wrap.format(inner) for wrap in wraps]
    return changes + [_reads(node, new) for new in texts]


def _reads(node, text):
    return _become(node, ast.parse(text, mode="eval").body)


def _setter(node, field, value):
    return lambda: setattr(node, field, value)


def _become(node, other):
    def change():
        other_copy = copy.copy(other)
        node.__class__ = other_copy.__class__
        node.__dict__ = other_copy.__dict__

    return change
