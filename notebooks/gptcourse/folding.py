"""Outputs folded under a line to click, in JupyterLab and in every static view.

Read next: `predict.py`, which folds the answers to questions nobody guessed.
"""

import base64
import html
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def fold(summary: str) -> Iterator[None]:
    """Show what is printed and displayed inside under the line `summary`.

    What was shown before an error is folded, too; the error goes on as usual.
    """
    from IPython.display import display
    from IPython.utils.capture import capture_output

    captured = None
    try:
        with capture_output() as captured:
            yield
    finally:
        # Without HTML, as in a terminal, the answer stays hidden.
        bundle = {"text/html": folded(captured, summary), "text/plain": summary}
        display(bundle, raw=True)


def folded(captured, summary: str) -> str:
    """Write captured output as HTML under a line to click: texts and pictures."""
    parts = [f"<pre>{html.escape(captured.stdout)}</pre>"] if captured.stdout else []
    for output in captured.outputs:
        data, metadata = output.data, output.metadata or {}
        if "image/png" in data:
            known = metadata.get("image/png", {})
            alt = html.escape(known.get("alt", ""), quote=True)
            width = f" width={known['width']}" if "width" in known else ""
            picture = f"data:image/png;base64,{_base64(data['image/png'])}"
            parts.append(f'<img alt="{alt}"{width} src="{picture}">')
        else:
            plain = f"<pre>{html.escape(data.get('text/plain', ''))}</pre>"
            parts.append(data.get("text/html", plain))
    inner = "\n".join(parts)
    return f"<details><summary>{html.escape(summary)}</summary>\n{inner}\n</details>"


def _base64(picture: bytes | str) -> str:
    if isinstance(picture, bytes):
        return base64.b64encode(picture).decode()
    return picture.strip()
