"""Opening a notebook elsewhere: the links, and the cell that installs gptlib there."""

import copy
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import nbformat
import pytest

from gptcourse import hashes, links

ROOT = Path(__file__).parents[2]
PATHS = sorted(ROOT.glob("notebooks/[0-9]*.ipynb"))
GITHUB = "https://github.com/somebody/gpt.course"
every_notebook = pytest.mark.parametrize("path", PATHS, ids=[p.stem for p in PATHS])


def last_line(notebook) -> str:
    return notebook.cells[0].source.splitlines()[-1]


@every_notebook
def test_the_notebooks_have_what_the_address_asks_for(path):
    notebook = nbformat.read(path, as_version=4)
    asked = copy.deepcopy(notebook)
    links.add(asked, path.stem, links.address())
    assert notebook == asked, "run make links"


@every_notebook
def test_links_come_and_go_and_leave_the_rest_as_it_was(path):
    notebook = nbformat.read(path, as_version=4)
    links.remove(notebook)
    before = copy.deepcopy(notebook)
    links.add(notebook, path.stem, GITHUB)
    assert hashes.is_current(notebook) == hashes.is_current(before)
    assert len(notebook.cells) == len(before.cells) + 1
    assert f"/notebooks/{path.name})" in last_line(notebook)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert first.id == hashes.ELSEWHERE and GITHUB in first.source
    nbformat.validate(notebook)

    once = copy.deepcopy(notebook)
    links.add(notebook, path.stem, GITHUB)
    assert notebook == once
    links.add(notebook, path.stem, None)
    assert notebook == before


@pytest.mark.parametrize("end", ["", ".git", "/"])
def test_what_is_on_github_opens_in_both(end):
    assert links.open_in(GITHUB + end, "01_bigram") == (
        "\n\n[Open in Colab](https://colab.research.google.com/github/somebody/"
        "gpt.course/blob/main/notebooks/01_bigram.ipynb)"
        " · [Open in Binder](https://mybinder.org/v2/gh/somebody/gpt.course/main"
        "?urlpath=lab/tree/notebooks/01_bigram.ipynb)"
    )


def test_from_anywhere_else_it_can_be_installed_but_not_opened():
    address = "https://example.org/a/b"
    code = [nbformat.v4.new_code_cell("start()")]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("A"), *code]
    )
    links.add(notebook, "01_bigram", address)
    assert [cell.id for cell in notebook.cells][1] == hashes.ELSEWHERE
    assert notebook.cells[0].source == "A" and address in notebook.cells[1].source


def test_the_address_is_read_from_pyproject(tmp_path, monkeypatch):
    text = (ROOT / "pyproject.toml").read_text()
    commented = re.search(r"# (\[project\.urls\])\n# (Repository = ).*\n", text)
    asked = f'{commented[1]}\n{commented[2]}"{GITHUB}"\n'
    monkeypatch.setattr(links, "ROOT", tmp_path)
    for written, found in ((text, None), (text.replace(commented[0], asked), GITHUB)):
        (tmp_path / "pyproject.toml").write_text(written)
        assert links.address() == found


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """A repository with the project, its address set, its links written."""
    folder = tmp_path_factory.mktemp("published")
    unwanted = shutil.ignore_patterns("my_*", "__pycache__", ".ipynb_checkpoints")
    for part in ("gptlib", "notebooks"):
        shutil.copytree(ROOT / part, folder / part, ignore=unwanted)
    for file in ("README.md", "data/tinyshakespeare.txt"):
        (folder / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, folder / file)
    text = (ROOT / "pyproject.toml").read_text()
    text = re.sub(r"(?m)^(# )?\[project\.urls\]\n.*\n", "", text)
    address = f'\n[project.urls]\nRepository = "{GITHUB}"\n'
    (folder / "pyproject.toml").write_text(text + address)
    paths = {"PYTHONPATH": f"{folder}{os.pathsep}{folder / 'notebooks'}"}
    make_links = [sys.executable, "-m", "gptcourse.links"]
    subprocess.run(make_links, check=True, cwd=folder, env=os.environ | paths)
    git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "All of it"]):
        subprocess.run(git + command, check=True, cwd=folder)
    return folder


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """A new environment that has everything but the project; nothing is downloaded."""
    folder = tmp_path_factory.mktemp("environment")
    packages = folder / "packages"
    packages.mkdir()
    for found in Path(sysconfig.get_path("purelib")).iterdir():
        if not re.match(r"(gpt|__editable__)", found.name):
            (packages / found.name).symlink_to(found)
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True
    )
    python = folder / "venv/bin/python"
    command = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    own = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    Path(own.strip(), "everything.pth").write_text(f"{packages}\n")
    return python


def run(python: Path, source: str, folder: Path, published: Path) -> str:
    """What a program prints that starts in folder, with this project out of reach.

    git takes the published folder for the address, so that no network is needed.
    """
    folder.mkdir()
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    # pip turns the second around: 0 means that it builds with what is installed.
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    offline |= {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{published.as_uri()}.insteadOf",
        "GIT_CONFIG_VALUE_0": GITHUB,
    }
    done = subprocess.run(
        [python, "-c", source],
        cwd=folder,
        env=kept | offline,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_first_cell_installs_what_the_second_needs(published, python, tmp_path):
    notebook = nbformat.read(published / "notebooks/01_bigram.ipynb", as_version=4)
    first, second = [c.source for c in notebook.cells if c.cell_type == "code"][:2]
    source = "import importlib.util as u; print(u.find_spec('gptlib'))"
    assert run(python, source, tmp_path / "before", published) == "None\n"

    report = "import gptlib, os; print(corpus.name, gptlib.__file__, os.getcwd())"
    said = run(python, f"{first}\n{second}\n{report}", tmp_path / "empty", published)
    clone = tmp_path / "empty/gpt-step-by-step"
    assert f"gptlib is not installed here: cloning {GITHUB}\n" in said
    found = f"tinyshakespeare {clone / 'gptlib/__init__.py'} {clone / 'notebooks'}\n"
    assert said.endswith(found)
    # A kernel that is started again, elsewhere: nothing is left to do.
    again = run(python, f"{first}\n{second}\n{report}", tmp_path / "again", published)
    assert again == found
