"""The project around the library: set-up files, layers, what must not be there."""

import csv
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

import gptlib

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
PYTHONS = ("3.11.0", "3.12.0", "3.13.0")
TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
).stdout.splitlines()


def requirements():
    return [Requirement(r) for r in PROJECT["dependencies"] + EXTRAS["test"]]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = [line.split("==") for line in lines if not line.startswith("#")]
    return {normal(name): version for name, version in pinned}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_requirement_is_pinned_inside_its_range():
    for requirement in requirements():
        version = pins()[normal(requirement.name)]
        assert requirement.specifier.contains(version), requirement
    assert pins()["torch"] == "2.13.0"


def test_every_pin_runs_on_every_promised_python():
    with (ROOT / "tests/requires_python.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    recorded = {normal(row["package"]): row["version"] for row in rows}
    assert recorded == pins(), "run make pins"
    for row in rows:
        runs_on = SpecifierSet(row["requires_python"])
        refused = [python for python in PYTHONS if python not in runs_on]
        assert not refused, f"{row['package']} {row['version']} refuses {refused}"


def test_installed_versions_are_the_pinned_ones():
    from importlib.metadata import version

    for requirement in requirements():
        installed = version(requirement.name).split("+")[0]
        assert installed == pins()[normal(requirement.name)], requirement.name


def test_both_packages_are_found_from_any_folder(tmp_path):
    code = "import gptlib, gptcourse; print(gptlib.__file__, gptcourse.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    library, course = ROOT / "gptlib", ROOT / "notebooks/gptcourse"
    assert found == f"{library / '__init__.py'} {course / '__init__.py'}"


def test_conda_environment_installs_the_same():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    assert environment["name"] == PROJECT["name"]
    python, pip, by_pip = environment["dependencies"]
    asked = PROJECT["requires-python"].split(",")
    assert sorted(python.removeprefix("python").split(",")) == sorted(asked)
    assert pip == "pip"
    assert by_pip["pip"] == ["-c constraints.txt", "-e .[test]"]


def test_python_versions_are_declared():
    assert PROJECT["requires-python"] == ">=3.11,<3.14"
    promised = SpecifierSet(PROJECT["requires-python"])
    assert all(python in promised for python in PYTHONS)
    assert "(3, 11) <= v < (3, 14)" in (ROOT / "Makefile").read_text()


def test_imports_run_downwards_only():
    command = [str(Path(sys.executable).parent / "lint-imports")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_the_library_stays_small():
    def lines(pattern):
        return {p: len(p.read_text().splitlines()) for p in ROOT.glob(pattern)}

    taught, course = lines("gptlib/*.py"), lines("notebooks/gptcourse/**/*.py")
    # The scripts of the drawings are pictures, which nobody reads as code.
    course = {p: n for p, n in course.items() if p.parent.name != "drawings"}
    everything = lines("gptlib/**/*.py") | course
    assert len(taught) <= 20 and sum(taught.values()) <= 4_000
    # 19,000 with fourteen notebooks; four more came, what model folders promise, the
    # attention view, a model as a page, the check of a GPU, models that teach another.
    checks = [n for p, n in course.items() if p.parent.name == "checks"]
    assert sum(everything.values()) <= 22_700 and sum(checks) <= 4_800
    assert {p.name: n for p, n in everything.items() if n > 355} == {}


def test_public_names_have_docstrings():
    public = {
        name: value
        for name, value in vars(gptlib).items()
        if getattr(value, "__module__", "").startswith("gptlib")
    }
    assert {"GPT", "ModelHandler", "load_corpus", "train", "generate"} < set(public)
    assert [name for name, value in public.items() if not value.__doc__] == []


def test_opening_the_library_does_not_open_the_front_end():
    """What draws and what talks to a browser is loaded when it is used."""
    code = "import gptlib, sys; print(sorted(sys.modules))"
    modules = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    for heavy in ("matplotlib", "ipywidgets", "transformers", "tyro", "pooch"):
        assert f"'{heavy}'" not in modules, heavy


def test_nothing_is_committed_that_belongs_elsewhere():
    assert [p for p in TRACKED if p.startswith("data/")] == ["data/README.md"]
    for name in TRACKED:
        path = ROOT / name
        assert path.suffix not in {".pt", ".pth", ".pkl", ".bin"}, name
        if path.exists():
            assert path.stat().st_size < 25_000_000, name


@pytest.mark.parametrize(
    "target", ["lab", "test", "browser-test", "notebooks", "train", "ladder"]
)
def test_make_targets_of_the_readme_exist(target):
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(rf"(?m)^{target}:", makefile)


def test_ci_runs_what_a_reader_runs():
    script = (ROOT / ".ci/run").read_text()
    commands = [li for li in script.splitlines() if li and not li.startswith("#")]
    assert commands[-1] == "GPTLIB_NEED_BROWSER=1 make test browser-test"
    assert not re.search(r"\bpip3? |python|venv", script), "make does all of that"


def test_readme_shows_the_two_commands_and_the_whole_series():
    readme = (ROOT / "README.md").read_text()
    first_screen = "\n".join(readme.splitlines()[:60])
    assert "make lab" in first_screen and "make test" in first_screen
    for notebook in ROOT.glob("notebooks/[0-9]*.ipynb"):
        assert notebook.name in readme
    for link in re.findall(r"\]\((?!http|#)([^)#]+)\)", readme):
        assert (ROOT / link).exists(), link
