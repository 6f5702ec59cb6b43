"""The README's Python is run as it stands, in a folder of its own."""

import csv
import re
from pathlib import Path

import pytest

from gptcourse.drawings import course_map
from gptlib import ModelHandler

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.filterwarnings("ignore")
def test_the_snippets_run_one_after_the_other(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models").mkdir()
    (tmp_path / "models/model3").symlink_to(ROOT / "models/model3")
    names = {}
    for snippet in SNIPPETS:
        # Fewer steps: what is tested is the text, not the training.
        exec(re.sub(r"steps=\d+", "steps=2", snippet), names)
    assert len(SNIPPETS) == 3 and (tmp_path / "models/my_first").is_dir()
    assert "JULIET:" in capsys.readouterr().out


def test_the_text_that_it_opens_with_is_the_models():
    shown = re.search(r"(?s)<pre>(.*?)</pre>", README)[1].split()
    model = ModelHandler(ROOT / "models/model3").load()
    text = model.generate("ROMEO:", len(" ".join(shown)), temperature=0.7, seed=2)
    assert text.split()[: len(shown)] == shown


def test_run_times_are_those_of_the_ledger():
    ledger = dict(csv.reader((ROOT / "notebooks/records/ledger.csv").open()))
    rows = re.findall(r"\| \[`(\w+)\.ipynb`\].*\| (\d+) s \|", README)
    notebooks = {path.stem for path in ROOT.glob("notebooks/[0-9]*.ipynb")}
    assert {name for name, _ in rows} == notebooks
    assert dict(rows) == {name: ledger[name] for name in notebooks}


def test_hours_are_those_of_the_map():
    there = course_map.notebooks()
    for part, name, goal, _, numbers in course_map.PARTS:
        hours = course_map.hours(sum(course_map.minutes(there[n]) for n in numbers))
        assert f"**{part} · {name}**: {goal}, {hours} |" in README


def test_its_losses_are_the_records():
    records = (ROOT / "models/RECORDS.md").read_text()
    rows = re.findall(r"(?m)^\| ([\d.]+) ± [\d.]+ \|.*`(model\d)` \|$", records)
    recorded = {name: f"{float(loss):.3f}" for loss, name in rows}
    shown = dict(re.findall(r"(?m)^\| `(model\d)` \|.* ([\d.]+) \|$", README))
    assert shown == recorded and len(shown) == 3
    lead = README[README.index("**How good it gets.**") :].partition("\n## ")[0]
    for name in ("model1", "model2"):
        alone = re.search(rf"(?m)^\| [^|]*\| ([\d.]+) \|.*`{name}` \|$", records)[1]
        assert recorded[name] in lead and f"{float(alone):.3f}" in lead
