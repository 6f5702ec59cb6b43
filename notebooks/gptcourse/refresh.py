"""Run the notebooks, clean and store them: make notebooks, make ladder, make claims.

Beside each notebook's outputs the hashes of `hashes.py` are stored; tests compare them.
Without arguments only notebooks whose hashes have changed run, with --all all of them.
Seconds go to `ledger.csv`. With --ladder every notebook runs once per seed, in memory,
and what its models reached becomes `ladder.csv`. With --claims what the notebooks claim
(`claims.csv`) is replaced by what they measure in this run.
"""

import argparse
import csv
import json
import re
import time
from pathlib import Path

import matplotlib
import nbformat
from nbclient import NotebookClient

from gptcourse import claims, figures, ladder, links, paragraph
from gptcourse.hashes import code_hash, is_current, library_hash
from gptlib import plots
from gptlib.files.atomic import write_table

FOLDER = Path(__file__).resolve().parents[1]
LEDGER = FOLDER / "records" / "ledger.csv"
SEEDS = (0, 1, 2)
# Claims are recorded for the seeds that a reader runs; the ladder takes others.
NO_CLAIMS = "from gptcourse import claims\nclaims.load_claims = lambda *_: []"
REPORT = (
    "import dataclasses, json\nfrom gptcourse import claims, ladder, paragraph\n"
    "modules = {'claims': claims, 'ladder': ladder, 'paragraph': paragraph}\n"
    "print(json.dumps({name: [dataclasses.asdict(row) for row in module.measured]"
    " for name, module in modules.items()}))"
)
WIDGET = "application/vnd.jupyter.widget-view+json"
KEPT_CELL_METADATA = ("tags", "jupyter", "collapsed", "jp-MarkdownHeadingCollapsed")
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def execute(notebook, cell_timeout: int = 600) -> tuple[float, dict[str, list]]:
    """Run all cells in place, as nbval would.

    Returns seconds, and what was measured: rows of claims, ladder and paragraph.
    """
    notebook.cells.append(nbformat.v4.new_code_cell(REPORT))
    started = time.perf_counter()
    NotebookClient(
        notebook,
        timeout=cell_timeout,
        kernel_name="python3",
        coalesce_streams=True,
        resources={"metadata": {"path": str(FOLDER)}},
    ).execute()
    seconds = time.perf_counter() - started
    report = json.loads(notebook.cells.pop().outputs[0].text)
    return seconds, {name: list(map(_row, rows)) for name, rows in report.items()}


def _row(fields: dict) -> dict:
    """A row as it was before JSON made lists of its tuples."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}


def clean(notebook) -> None:
    """Take out what differs from run to run without telling a reader anything."""
    hashes = {"code": code_hash(notebook), "library": library_hash(notebook)}
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    notebook.metadata = nbformat.from_dict(metadata | {"gptlib": hashes})
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        kept = {k: v for k, v in cell.metadata.items() if k in KEPT_CELL_METADATA}
        cell.metadata = nbformat.from_dict(kept)
        for output in cell.get("outputs", []):
            # Without its kernel a widget is shown as an error; its text is not.
            output.get("data", {}).pop(WIDGET, None)


def refresh(path: Path) -> None:
    """Run, clean and store one notebook, and enter its seconds in the ledger."""
    notebook = nbformat.read(path, as_version=4)
    links.remove(notebook)
    stored_code = notebook.metadata.get("gptlib", {}).get("code")
    seconds, made = execute(notebook)
    claims.update(path.stem, [claims.Record(**row) for row in made["claims"]])
    paragraph.update(path.stem, [paragraph.Losses(**row) for row in made["paragraph"]])
    clean(notebook)
    links.add(notebook, path.stem, links.address())
    nbformat.write(notebook, path)
    rows = dict(csv.reader(LEDGER.open())) if LEDGER.is_file() else {}
    rows.pop("what", None)
    if stored_code == code_hash(notebook):
        # A busy machine is slower, never faster: the best run counts.
        seconds = min(seconds, float(rows.get(path.stem, "inf")))
    rows[path.stem] = f"{seconds:.0f}"
    write_table(LEDGER, ("what", "seconds"), sorted(rows.items()))
    print(f"{path.name}: {seconds:.0f} s, {path.stat().st_size / 1e3:.0f} KB")


def measure(path: Path, seed: int) -> list[dict]:
    """Run a copy of a notebook with another seed; returns the rungs it measured."""
    notebook = nbformat.read(path, as_version=4)
    links.remove(notebook)
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    first.source, found = re.subn(r"(?m)^seed = 0$", f"seed = {seed}", first.source)
    if found != 1:
        raise ValueError(f"{path}: expected one line `seed = 0` in the first cell")
    notebook.cells.insert(0, nbformat.v4.new_code_cell(NO_CLAIMS))
    return execute(notebook)[1]["ladder"]


def measure_ladder(paths: list[Path]) -> None:
    """Replace the rungs of these notebooks in ladder.csv by newly measured ones."""
    for path in paths:
        before = ladder.load_ladder()
        kept = [rung for rung in before if rung.notebook != path.stem]
        # What is measured anew is not to be judged by what it replaces.
        ladder.save_ladder(kept)
        try:
            runs = [measure(path, seed) for seed in SEEDS]
        except BaseException:
            ladder.save_ladder(before)
            raise
        rungs = [
            ladder.combine([ladder.Rung(**run) for run in same])
            for same in zip(*runs, strict=True)
        ]
        ladder.save_ladder([*kept, *rungs])
        for rung in rungs:
            print(f"{rung.name}: {rung.loss:.4f} ({rung.low:.4f} to {rung.high:.4f})")
    draw_ladder()


def draw_ladder() -> None:
    """Draw the whole ladder for the README."""
    matplotlib.use("agg")
    with matplotlib.rc_context(plots.STYLE):
        figures.loss_ladder(everything=True).savefig(
            FOLDER / "figures" / "ladder.png", dpi=200
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: the changed")
    parser.add_argument("--all", action="store_true", help="the unchanged as well")
    parser.add_argument("--ladder", action="store_true")
    parser.add_argument("--claims", action="store_true")
    arguments = parser.parse_args()
    paths = arguments.notebooks or sorted(FOLDER.glob("[0-9]*.ipynb"))
    everything = arguments.notebooks or arguments.all or arguments.claims
    if arguments.ladder:
        measure_ladder(paths)
        return
    for path in paths if arguments.claims else ():
        claims.update(path.stem, [])
    for path in paths:
        if everything or not is_current(nbformat.read(path, as_version=4)):
            refresh(path)


if __name__ == "__main__":
    main()
