"""Hashes that tell whether a notebook's stored outputs are those of today's code.

`code_hash` covers the notebook's own cells, `library_hash` what it imports of gptlib
and gptcourse: each imported definition, together with the definitions that it uses
from its own module. A change elsewhere leaves the hash as it is.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {"gptlib": ROOT, "gptcourse": ROOT / "notebooks"}
Definition = tuple[str, str]  # module, name


def code_hash(notebook) -> str:
    """SHA-256 over the source of all code cells."""
    return hashlib.sha256("\x00".join(_sources(notebook)).encode()).hexdigest()


def library_hash(notebook) -> str:
    """SHA-256 over the definitions of ours that a notebook depends on.

    Docstrings and comments count only where the notebook prints source code.
    """
    trees = [ast.parse(source) for source in _sources(notebook)]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    shown = any(
        isinstance(n, ast.Import) and n.names[0].name == "inspect" for n in nodes
    )
    sources = [_source(*item, shown) for item in sorted(_used(nodes))]
    return hashlib.sha256("\x00".join(sources).encode()).hexdigest()


def is_current(notebook) -> bool:
    """Whether both hashes are those that were stored with the outputs."""
    stored = notebook.metadata.get("gptlib", {})
    return stored == {"code": code_hash(notebook), "library": library_hash(notebook)}


def _sources(notebook) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def _used(nodes: list[ast.AST]) -> set[Definition]:
    """Definitions that a notebook imports, or reaches as `module.name`."""
    imported = {}
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                imported[alias.asname or alias.name] = node.module, alias.name
    attributes = [n for n in nodes if isinstance(n, ast.Attribute)]
    wanted = set()
    for name, (module, original) in imported.items():
        module, original = _home(module, original)
        if _file(f"{module}.{original}") is None:
            wanted.add((module, original))
            continue
        for node in attributes:
            if isinstance(node.value, ast.Name) and node.value.id == name:
                wanted.add(_home(f"{module}.{original}", node.attr))
    return _with_neighbours(wanted)


def _with_neighbours(wanted: set[Definition]) -> set[Definition]:
    """Add what each definition uses from its own module, and so on."""
    found, left = set(), list(wanted)
    while left:
        module, name = left.pop()
        node = _definitions(module).get(name)
        if node is None or (module, name) in found:
            continue
        found.add((module, name))
        left += [(module, n.id) for n in ast.walk(node) if isinstance(n, ast.Name)]
    return found


def _home(module: str, name: str) -> Definition:
    """Follow imports to the module that defines a name."""
    for node in _tree(module).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name and node.module != module:
                    return _home(node.module, alias.name)
                if alias.asname == name:
                    return node.module, alias.name
    return module, name


@cache
def _definitions(module: str) -> dict[str, ast.stmt]:
    """Functions, classes and constants of a module, by name."""
    found = {}
    for node in _tree(module).body:
        targets = node.targets if isinstance(node, ast.Assign) else []
        names = [
            getattr(node, "name", None),
            *(getattr(t, "id", None) for t in targets),
        ]
        found |= {name: node for name in names if name}
    return found


@cache
def _tree(module: str) -> ast.Module:
    """Syntax tree of a module of ours, an empty one of any other."""
    file = _file(module)
    return ast.parse(file.read_text(encoding="utf-8") if file else "")


def _file(module: str) -> Path | None:
    package, *rest = module.split(".")
    if package not in FOLDERS:
        return None
    path = FOLDERS[package].joinpath(package, *rest)
    candidates = path.with_suffix(".py"), path / "__init__.py"
    return next((file for file in candidates if file.is_file()), None)


def _source(module: str, name: str, shown: bool) -> str:
    """Source lines of a definition; the same text with every version of Python."""
    node = _definitions(module)[name]
    lines = _file(module).read_text(encoding="utf-8").splitlines()
    first = min([node, *getattr(node, "decorator_list", [])], key=lambda n: n.lineno)
    numbers = set(range(first.lineno, node.end_lineno + 1))
    if not shown:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant):
                numbers -= set(range(inner.lineno, inner.end_lineno + 1))
    kept = [lines[number - 1] for number in sorted(numbers)]
    if not shown:
        kept = [line for line in kept if not line.lstrip().startswith("#")]
    return "\n".join([f"{module}.{name}", *filter(str.strip, kept)])
