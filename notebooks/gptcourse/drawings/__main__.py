"""Writes the drawings, or prints the Markdown that embeds them."""

import sys

from gptcourse.drawings import MODULES, markdown, write_all

if __name__ == "__main__":
    if sys.argv[1:] == ["--markdown"]:
        for notebook in MODULES:
            print(markdown(notebook), end="\n\n")
    elif sys.argv[1:]:
        sys.exit("usage: python -m gptcourse.drawings [--markdown]")
    else:
        for path in write_all():
            print(path)
