"""The command line. One file a command; each builds a recipe or reads a run, there is no second code path.

Nothing heavy is imported before a command runs: `curate --help` loads no Polars, Arrow, DuckDB or sympy.
"""
