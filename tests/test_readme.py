"""The README's Python is run as it stands, in a folder of its own."""

import re
from pathlib import Path

import pytest

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
