"""gptcourse: what serves the lessons and is no part of the library.

`checks` knows the exercises, `claims` and `ladder` what was measured, `figures` draws
it, `refresh` runs and stores the notebooks; `experiments` are the long studies behind
the recorded tables.
"""
