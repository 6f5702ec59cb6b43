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
Address = tuple[str, str]  # module, name
ELSEWHERE = "elsewhere"  # id of the cell of `links.py`, which is no part of the lesson


def code_hash(notebook) -> str:
    """SHA-256 over the source of all code cells."""
    return _hash(_sources(notebook))


def library_hash(notebook) -> str:
    """SHA-256 over the definitions of ours that a notebook depends on.

    Docstrings and comments count only where the notebook prints source code.
    """
    trees = [ast.parse(source) for source in _sources(notebook)]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imports = [
        alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names
    ]
    used = sorted(_with_neighbours(_used(nodes)))
    return _hash([_source(*address, "inspect" in imports) for address in used])


def is_current(notebook) -> bool:
    """Whether both hashes are those that were stored with the outputs."""
    stored = notebook.metadata.get("gptlib", {})
    return stored == {"code": code_hash(notebook), "library": library_hash(notebook)}


def _hash(texts: list[str]) -> str:
    return hashlib.sha256("\x00".join(texts).encode()).hexdigest()


def _sources(notebook) -> list[str]:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [cell.source for cell in code if cell.get("id") != ELSEWHERE]


def _used(nodes: list[ast.stmt]) -> set[Address]:
    """Where the names are defined that a notebook imports, or uses as `module.name`.

    Checks are left out: of an untouched stub each says only that it is not answered.
    """
    imported = {name: _home(*at) for name, at in _imports(nodes).items()}
    used = {at for at in imported.values() if _file(".".join(at)) is None}
    for node in nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = ".".join(imported.get(node.value.id, ()))
            used.add(_home(module, node.attr))
    return {at for at in used if not at[0].startswith("gptcourse.checks")}


def _with_neighbours(used: set[Address]) -> set[Address]:
    """Add what each definition uses from its own module, and so on."""
    found, left = set(), list(used)
    while left:
        module, name = left.pop()
        node = _definitions(module).get(name)
        if node is not None and (module, name) not in found:
            found.add((module, name))
            left += [(module, n.id) for n in ast.walk(node) if isinstance(n, ast.Name)]
    return found


def _home(module: str, name: str) -> Address:
    """Follow imports from module to module until the one that defines the name."""
    address = _imports(_body(module)).get(name, (module, name))
    return address if address[0] == module else _home(*address)


def _imports(nodes: list[ast.stmt]) -> dict[str, Address]:
    found = [node for node in nodes if isinstance(node, ast.ImportFrom)]
    return {
        a.asname or a.name: (node.module, a.name) for node in found for a in node.names
    }


@cache
def _definitions(module: str) -> dict[str, ast.stmt]:
    """Functions, classes and constants of a module, by name."""
    found = {}
    for node in _body(module):
        names = [
            target.id
            for target in getattr(node, "targets", [])
            if isinstance(target, ast.Name)
        ]
        found |= dict.fromkeys(names or [getattr(node, "name", None)], node)
    return found


@cache
def _body(module: str) -> list[ast.stmt]:
    """Statements of a module of ours, none of any other."""
    file = _file(module)
    return ast.parse(file.read_text(encoding="utf-8")).body if file else []


def _file(module: str) -> Path | None:
    package, *rest = module.split(".")
    if package not in FOLDERS:
        return None
    path = FOLDERS[package].joinpath(package, *rest)
    candidates = path.with_suffix(".py"), path / "__init__.py"
    return next((file for file in candidates if file.is_file()), None)


def _source(module: str, name: str, shown: bool) -> str:
    """Source lines of a definition: unlike trees, the same with every Python."""
    node = _definitions(module)[name]
    first = min(n.lineno for n in [node, *getattr(node, "decorator_list", [])])
    lines = dict(enumerate(_file(module).read_text(encoding="utf-8").splitlines(), 1))
    if shown:
        return "\n".join(lines[n] for n in range(first, node.end_lineno + 1))
    docstrings = {
        number
        for n in ast.walk(node)
        if isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant)
        for number in range(n.lineno, n.end_lineno + 1)
    }
    kept = [lines[n] for n in range(first, node.end_lineno + 1) if n not in docstrings]
    return "\n".join(line for line in kept if line.strip()[:1] not in ("", "#"))
