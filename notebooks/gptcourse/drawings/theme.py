"""Colours and type of the drawings, light and dark, as one style sheet.

Colours stand in classes, not in CSS variables: renderers that know no variables, and
no media queries, then show the light theme instead of black shapes. Each drawing has
its own opaque card, so it is legible on any page. Read next: `canvas.py`.
"""

# role: (light, dark)
LINES = {
    "ink": ("#18212b", "#e6edf3"),
    "soft": ("#4a5866", "#a9b6c3"),
    "faint": ("#94a1ae", "#6b7785"),
    "blue": ("#0069a6", "#6cb8f0"),
    "orange": ("#b04a00", "#f2a065"),
    "green": ("#00734f", "#4fd1a5"),
    "purple": ("#8b3a8e", "#d9a0dc"),
}
FILLS = {
    "card": ("#ffffff", "#161b22"),
    "edge": ("#dde3e9", "#30363d"),
    "panel": ("#f2f5f8", "#1f2630"),
    "road": ("#d5dee7", "#36424f"),
    "hatch-paper": ("#f0f2f4", "#1b212a"),
    "hatch-line": ("#c3ccd5", "#3d4853"),
    "ink": LINES["ink"],
    "faint": LINES["faint"],
    "blue": ("#0072b2", "#2b83c6"),
    "orange": ("#d55e00", "#c8600f"),
    "green": ("#009e73", "#12946d"),
    "purple": ("#aa4499", "#a0549f"),
}
# How strongly the largest number of a grid is coloured: its text stays readable.
STRONGEST, FAINTEST = 0.72, 0.07
SANS = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"
MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"


def style_sheet() -> str:
    """CSS: `t-`, `s-` and `f-` classes colour text, strokes and fills by role."""
    return (
        f"text{{font-family:{SANS}}}.m{{font-family:{MONO}}}.b{{font-weight:600}}"
        + _rules(0)
        + f"@media (prefers-color-scheme:dark){{{_rules(1)}}}"
    )


def _rules(theme: int) -> str:
    rules = []
    for role, shades in LINES.items():
        rules.append(f".t-{role}{{fill:{shades[theme]}}}")
        rules.append(f".s-{role}{{stroke:{shades[theme]}}}")
        rules.append(f".h-{role}{{fill:{shades[theme]}}}")
    for role, shades in FILLS.items():
        rules.append(f".f-{role}{{fill:{shades[theme]}}}")
    for role in ("edge", "road", "hatch-line"):
        rules.append(f".s-{role}{{stroke:{FILLS[role][theme]}}}")
    return "".join(rules)
