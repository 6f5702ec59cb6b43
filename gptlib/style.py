"""One look for every figure: colours, sizes, type.

Train and validation have the same two colours everywhere (colour-blind safe, after
Okabe and Ito), reference lines are thin and grey. Read next: `plots.py`.
"""

import matplotlib.pyplot as plt

TRAIN, VAL, OTHER = "#0072B2", "#D55E00", "#009E73"
GREY = "#8A8A8A"
TOKEN_SHADES = ["#BFD9EC", "#F6D2B8", "#BFE3D5", "#E9CFE0"]
COLOURS = [TRAIN, VAL, OTHER, "#CC79A7", "#E69F00", "#56B4E9"]
STYLE = {
    "figure.figsize": (7.2, 3.6),
    "figure.constrained_layout.use": True,
    "savefig.facecolor": "white",
    "axes.prop_cycle": plt.cycler(color=COLOURS),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#444444",
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.labelsize": 10,
    "axes.grid": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "font.family": "DejaVu Sans",
    "font.size": 10,
}
# A text that stands beside its point.
BESIDE = {"textcoords": "offset points", "va": "center"}


def use_style() -> None:
    """Draw in the style of the series, at twice the screen's resolution."""
    from matplotlib_inline.backend_inline import set_matplotlib_formats

    plt.rcParams.update(STYLE)
    set_matplotlib_formats("retina")
