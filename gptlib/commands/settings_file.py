"""Settings that people write: one object in a JSON or YAML file, read strictly.

Read next: `recipe.py`, which describes one training in such a file.
"""

import json
import re
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import yaml

from gptlib.errors import require_choice
from gptlib.files.atomic import to_json, write_atomically

YAML = (".yaml", ".yml")


class StrictLoader(yaml.SafeLoader):
    """YAML without repeated keys and aliases; 1e-3 is a number, as in YAML 1.2."""

    def compose_node(self, parent, index):
        # A few aliases of aliases stand for more than any memory holds.
        if self.check_event(yaml.AliasEvent):
            says = "an alias (*name) is not read: write out what it stands for"
            mark = self.peek_event().start_mark
            raise yaml.MarkedYAMLError(problem=says, problem_mark=mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if str(key.value) in seen:
                says = f"the key {key.value!r} occurs twice"
                raise yaml.MarkedYAMLError(problem=says, problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def read_settings(path: str | Path) -> dict:
    """Return the object in a JSON file, or in a YAML file (.yaml, .yml).

    Raises OSError, or ValueError that names the file and what is wrong in it.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
        if Path(path).suffix in YAML:
            stored = yaml.load(text, StrictLoader)
        else:
            stored = json.loads(text, object_pairs_hook=without_repetition)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1
        raise ValueError(f"{path}, line {line}: {error.problem}") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
    if not isinstance(stored, dict):
        raise ValueError(f"{path}: expected an object, {{name: value, ...}}")
    return stored


def without_repetition(pairs: list[tuple]) -> dict:
    """The object of a JSON file; ValueError for a key that occurs twice."""
    found = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the key {name!r} occurs twice")
        found[name] = value
    return found


def write_settings(path: str | Path, settings: dict) -> None:
    """Write an object as JSON or YAML. Raises OSError, or ValueError for the suffix."""
    require_choice("the file's suffix", Path(path).suffix, (".json", *YAML))
    text = to_json(settings, indent=1, ensure_ascii=False) + "\n"
    if Path(path).suffix in YAML:
        settings = json.loads(text)
        text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    write_atomically(Path(path), text.encode())


def build(kind: type, settings, source: str | Path):
    """A dataclass from a file's section. Raises ValueError that begins with source."""
    if not isinstance(settings, dict):
        raise ValueError(f"{source}={settings!r}: expected an object of settings")
    for name in settings:
        require_choice(f"{source}: key", name, [f.name for f in fields(kind)])
    try:
        return kind(**settings)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{source}: {error}") from None


def require_types(settings) -> None:
    """Raise TypeError for a field of a dataclass that is not of its annotated type."""
    for name, kind in get_type_hints(type(settings)).items():
        value = getattr(settings, name)
        if not isinstance(value, kind):
            expected = getattr(kind, "__name__", kind)
            raise TypeError(f"{name}={value!r}: expected {expected}")
