"""The drawings of the notebooks, as SVG files in `notebooks/figures`.

    python -m gptcourse.drawings              writes all of them
    python -m gptcourse.drawings --markdown   prints the line that embeds each

A module draws one notebook's picture, with numbers computed when it is drawn.
Read next: `canvas.py`.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from xml.etree import ElementTree

from gptcourse.drawings.canvas import Canvas
from gptlib.files.fetch import project_folder

MODULES = {
    "00_start_here": "course_map",
    "01_bigram": "bigram",
    "02_single_head": "one_query",
    "03_multi_head": "many_heads",
    "04_blocks": "residual_road",
    "05_gpt": "whole_gpt",
    "06_training": "training_loop",
    "07_overfitting": "dropout_mask",
    "08_generation": "sampling",
    "09_tokenization": "merges",
    "10_prompting": "from_examples",
    "11_finetuning": "low_rank",
    "12_looking_inside": "circuit",
    "13_speed": "kept_keys",
    "14_modern": "two_blocks",
    "15_reading": "score_then_learn",
    "16_gpt2": "published_file",
    "17_scaling": "budgets",
}


def draw(notebook: str) -> Canvas:
    """Draw the picture of a notebook, named without its suffix."""
    return import_module(f"gptcourse.drawings.{MODULES[notebook]}").draw()


def stored(notebook: str) -> Path:
    """Where a notebook's picture is kept."""
    return project_folder("notebooks") / "figures" / f"{notebook}.svg"


def write_all() -> Iterator[Path]:
    """Draw and store every picture; yields each file."""
    for notebook in MODULES:
        path = stored(notebook)
        path.write_text(draw(notebook).svg(), encoding="utf-8")
        yield path


def markdown(notebook: str) -> str:
    """The line that embeds a picture in its notebook, alt text included.

    The alt text is the description inside the stored file.
    """
    root = ElementTree.parse(stored(notebook)).getroot()
    desc = root.findtext("{http://www.w3.org/2000/svg}desc")
    return f"![{desc}](figures/{notebook}.svg)"
