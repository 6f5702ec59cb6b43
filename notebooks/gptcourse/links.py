"""Links that open a notebook on Colab or Binder, and a cell that installs gptlib there.

    python -m gptcourse.links

Both follow from one address, `Repository` under `[project.urls]` in pyproject.toml.
While none is set, both are taken out. Neither makes a notebook stale.
Read next: `site.py`.
"""

import re
import tomllib
from pathlib import Path

import nbformat

from gptcourse.hashes import ELSEWHERE

ROOT = Path(__file__).resolve().parents[2]
BRANCH = "main"
LINKS = re.compile(r"\n\n\[Open in .*\Z", re.DOTALL)
# It leaves out JupyterLab and ipykernel: the kernel that runs it is there already, and
# on Colab another version would break it.
INSTALL = Path(__file__).with_name("installing_cell.txt")


def address() -> str | None:
    """Where the project can be cloned from; None while pyproject.toml does not say."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project.get("urls", {}).get("Repository")


def open_in(address: str, name: str) -> str:
    """One line of Markdown for a project on GitHub, nothing for any other."""
    found = re.fullmatch(r"https://github\.com/([^/]+/[^/]+?)(\.git)?/?", address)
    if not found:
        return ""
    project, file = found[1], f"notebooks/{name}.ipynb"
    colab = f"https://colab.research.google.com/github/{project}/blob/{BRANCH}/{file}"
    binder = f"https://mybinder.org/v2/gh/{project}/{BRANCH}?urlpath=lab/tree/{file}"
    return f"\n\n[Open in Colab]({colab}) · [Open in Binder]({binder})"


def remove(notebook) -> None:
    """Take links and installing cell out of a notebook, in place."""
    notebook.cells = [cell for cell in notebook.cells if cell.id != ELSEWHERE]
    notebook.cells[0].source = LINKS.sub("", notebook.cells[0].source)


def add(notebook, name: str, address: str | None) -> None:
    """Bring both up to date in place: the links end the first cell."""
    remove(notebook)
    if address is None:
        return
    notebook.cells[0].source += open_in(address, name)
    source = INSTALL.read_text("utf-8").strip().replace("ADDRESS", address)
    folded = {"jupyter": {"source_hidden": True}}
    install = nbformat.v4.new_code_cell(source, id=ELSEWHERE, metadata=folded)
    kinds = [cell.cell_type for cell in notebook.cells]
    notebook.cells.insert(kinds.index("code"), install)


def main() -> None:
    for path in sorted(ROOT.glob("notebooks/[0-9]*.ipynb")):
        before = nbformat.read(path, as_version=4)
        notebook = nbformat.read(path, as_version=4)
        add(notebook, path.stem, address())
        if notebook != before:
            nbformat.write(notebook, path)
    print(f"links and installing cells: {address() or 'none, no address is set'}")


if __name__ == "__main__":
    main()
