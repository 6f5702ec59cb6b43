"""gptcourse: what serves the lessons and is no part of the library.

A notebook begins with `start`; `check` knows the exercises, `predict` asks for a
guess, `claim` and `ladder` record what was measured, `figures` draws it. `refresh`
runs and stores the notebooks; `experiments` are the long studies behind the recorded
tables. Read next: `start.py`.
"""

from gptcourse import checks as check
from gptcourse import plots
from gptcourse.claims import claim
from gptcourse.predict import predict
from gptcourse.start import start

__all__ = ["check", "claim", "plots", "predict", "start"]
