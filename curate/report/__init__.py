"""Read-only views of a finished run: the funnel, the HTML report, and explain, diff and SQL.

Nothing here writes into a run folder or decides anything; every figure comes from what the run wrote.
"""
