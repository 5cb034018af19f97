"""The verbs of `python -m pipeline`: a module each, whose `run` returns the exit code.

What takes long to import is imported in `run`, so that `--help` answers at once.
"""
