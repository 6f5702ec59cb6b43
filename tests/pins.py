"""Completes constraints.txt and records which Pythons its versions run on.

`make pins` keeps every pinned version; delete a line first to move that package to
the newest version that runs on the oldest Python of pyproject.toml.
Read next: test_project.py.
"""

import csv
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
REQUIRES_PYTHON = ROOT / "tests" / "requires_python.csv"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OLDEST = re.search(r">=([\d.]+)", PROJECT["requires-python"])[1] + ".0"
# What the CUDA build of torch brings along; torch itself pins these.
BROUGHT_BY_TORCH = re.compile(r"(nvidia|cuda|triton)\b")


def resolve() -> list[dict]:
    """The metadata of everything that pip would install on the oldest Python."""
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["test"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [sys.executable, "-m", "pip", "install", "--dry-run"]
        command += ["--ignore-installed", "--target", folder, "--report", report]
        command += ["--only-binary", ":all:", "--python-version", OLDEST]
        subprocess.run([*command, "--constraint", CONSTRAINTS, *wanted], check=True)
        installed = json.loads(report.read_text())["install"]
    found = [package["metadata"] for package in installed]
    kept = [m for m in found if not BROUGHT_BY_TORCH.match(m["name"])]
    return sorted(kept, key=lambda m: m["name"].lower() + "=")


def main() -> None:
    found = resolve()
    lines = CONSTRAINTS.read_text().splitlines()
    comments = [line for line in lines if line.startswith("#")]
    # A build of torch is named behind a plus: 2.13.0+cpu.
    pins = [(m["name"], m["version"].split("+")[0]) for m in found]
    text = "\n".join(comments + [f"{name}=={version}" for name, version in pins])
    CONSTRAINTS.write_text(text + "\n")
    with REQUIRES_PYTHON.open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["package", "version", "requires_python"])
        for pin, metadata in zip(pins, found, strict=True):
            rows.writerow([*pin, metadata.get("requires_python", "")])


if __name__ == "__main__":
    main()
