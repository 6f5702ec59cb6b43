"""The playground and the chat box in JupyterLab: keyboard, width, themes, speed.

Needs Chromium, as `test_browser.py` does. GPTLIB_SCREENSHOTS=folder keeps pictures of
the boxes in light and dark, at 1,000 and 1,400 pixels.
"""

import os
from pathlib import Path

import pytest
import nbformat

from tests.browser.test_browser import (  # noqa: F401
    CELLS,
    NOTEBOOK,
    Notebook,
    browser,
    open_notebook,
    server,
)
