"""Small changes of a source, one at a time: a check must reject each."""

import ast
import copy
from collections.abc import Iterator

SWAPS = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.FloorDiv: [ast.Div],
    ast.Pow: [ast.Mult],
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.In: [ast.NotIn],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
}


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """(what was changed, the changed source) for every small change that is known."""
    tree = ast.parse(source)
    before = ast.unparse(tree)
    seen = {before}
    for node in [*ast.walk(tree)]:
        for change in _changes(node, tree):
            kind, fields = node.__class__, dict(node.__dict__)
            change()
            after = ast.unparse(tree)
            node.__class__, node.__dict__ = kind, fields
            if after in seen:
                continue
            seen.add(after)
            yield _difference(before.splitlines(), after.splitlines()), after


def _difference(before: list[str], after: list[str]) -> str:
    lines = zip(before, after, strict=False)
    old, new = next(((a, b) for a, b in lines if a != b), (before[-1], "nothing"))
    return f"{old.strip()}  ->  {new.strip()}"


def _changes(node, tree) -> list:
    """Functions that change the node, each in another way."""
    if isinstance(node, ast.BinOp | ast.AugAssign | ast.BoolOp):
        kinds = SWAPS.get(type(node.op), [])
        changes = [_setter(node, "op", kind()) for kind in kinds]
        if isinstance(node, ast.BinOp):
            changes += [_become(node, node.left), _become(node, node.right)]
        return changes
    if isinstance(node, ast.Compare):
        kinds = SWAPS.get(type(node.ops[0]), [])
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
        return _other_arguments(node, tree)
    if isinstance(node, ast.Expr | ast.AugAssign | ast.Break | ast.Continue):
        return [_become(node, ast.Pass())]
    return []


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


def _other_arguments(node, tree) -> list:
    """The function's other arguments instead of this one."""
    function = tree.body[-1]
    names = [a.arg for a in function.args.args]
    if node.id not in names:
        return []
    return [_setter(node, "id", name) for name in names if name != node.id]


def _setter(node, field, value):
    return lambda: setattr(node, field, value)


def _become(node, other):
    def change():
        other_copy = copy.copy(other)
        node.__class__ = other_copy.__class__
        node.__dict__ = other_copy.__dict__

    return change
