"""python -m gptlib: the commands, recipes, sweeps and the benchmark."""
