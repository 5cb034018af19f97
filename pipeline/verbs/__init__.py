"""The verbs of `visionpipe`: a module each, whose function returns the exit code.

What takes long to import is imported in the function, so that `--help` answers at once.
"""
