"""Links that open a notebook on Colab or Binder, and a cell that installs gptlib there.

    python -m gptcourse.links

Both follow from one address, `Repository` under `[project.urls]` in pyproject.toml.
While none is set, both are taken out. Neither makes a notebook stale.
Read next: `site.py`.
"""

import re
import tomllib
from pathlib import Path
from urllib.parse import quote

import nbformat

from gptcourse.hashes import ELSEWHERE

ROOT = Path(__file__).resolve().parents[2]
BRANCH = "main"
LINKS = re.compile(r"\n\n\[Open in .*\Z", re.DOTALL)
# JupyterLab and ipykernel are left out: the kernel that runs this cell is there, and on
# Colab another version would break it.
INSTALL = """\
# Only where gptlib is not installed, as on Colab: fetch and install it.
import importlib.util
import os
import site
import subprocess
import sys
from pathlib import Path

if not importlib.util.find_spec("gptcourse"):
    import tomllib

    address = "ADDRESS"
    print(f"gptlib is not installed here: cloning {address}")
    clone = Path("gpt-step-by-step").absolute()
    if not clone.exists():
        command = ["git", "clone", "--quiet", "--depth=1", address, clone]
        subprocess.run(command, check=True)
    print("installing it, and what it needs: this takes some minutes")
    project = tomllib.loads((clone / "pyproject.toml").read_text())["project"]
    own = ("jupyterlab", "ipykernel")
    needed = [n for n in project["dependencies"] if not n.startswith(own)]
    pip = [sys.executable, "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *needed], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", clone], check=True)
    for folder in site.getsitepackages():
        site.addsitedir(folder)
if not Path("records").is_dir():
    os.chdir(Path(importlib.util.find_spec("gptcourse").origin).parents[1])"""


def address() -> str | None:
    """Where the project can be cloned from; None while pyproject.toml does not say."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return project.get("urls", {}).get("Repository")


def open_in(address: str, name: str) -> str:
    """One line of Markdown: Colab opens what is on GitHub, Binder any public code."""
    file, links = f"notebooks/{name}.ipynb", []
    github = re.fullmatch(r"https://github\.com/([^/]+/[^/]+?)(\.git)?/?", address)
    if github:
        at = f"https://colab.research.google.com/github/{github[1]}/blob/{BRANCH}"
        links.append(f"[Open in Colab]({at}/{file})")
    if address.startswith("https://"):
        where = f"gh/{github[1]}" if github else f"git/{quote(address, safe='')}"
        at = f"https://mybinder.org/v2/{where}/{BRANCH}?urlpath=lab/tree"
        links.append(f"[Open in Binder]({at}/{file})")
    return " · ".join(links)


def remove(notebook) -> None:
    """Take links and installing cell out of a notebook, in place."""
    notebook.cells = [cell for cell in notebook.cells if cell.id != ELSEWHERE]
    notebook.cells[0].source = LINKS.sub("", notebook.cells[0].source)


def add(notebook, name: str, address: str | None) -> None:
    """Bring both up to date in place: the links end the first cell."""
    remove(notebook)
    if address is None:
        return
    if links := open_in(address, name):
        notebook.cells[0].source += f"\n\n{links}"
    install = nbformat.v4.new_code_cell(
        INSTALL.replace("ADDRESS", address),
        id=ELSEWHERE,
        metadata={"jupyter": {"source_hidden": True}},
    )
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
