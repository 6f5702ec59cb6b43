"""Which lab which cell shows: running a cell again must not lose its training.

Read next: `training_lab.py`.
"""

from dataclasses import dataclass, field


@dataclass
class Shown:
    """The labs that one run of a cell has shown. message: the request that ran it."""

    message: str
    labs: list = field(default_factory=list)


_shown: dict[str, Shown] = {}  # cell -> its latest run; keeps these labs alive


def earlier_of_this_cell() -> list:
    """The labs that the previous run of the running cell has shown."""
    cell, message = cell_and_message()
    shown = _shown.get(cell)
    return list(shown.labs) if shown and shown.message != message else []


def show_in_this_cell(lab) -> list:
    """Note that the running cell shows a lab; return those it replaces."""
    cell, message = cell_and_message()
    if cell is None:
        return []
    earlier = [old for old in earlier_of_this_cell() if old is not lab]
    shown = _shown.get(cell)
    if shown is None or shown.message != message:
        shown = _shown[cell] = Shown(message)
    if lab not in shown.labs:
        shown.labs.append(lab)
    return earlier


def cell_and_message() -> tuple[str | None, str | None]:
    """The ids of the running cell and of its request, if the front end sends them."""
    from IPython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    if kernel is None:
        return None, None
    parent = kernel.get_parent("shell")
    return parent.get("metadata", {}).get("cellId"), parent["header"]["msg_id"]
