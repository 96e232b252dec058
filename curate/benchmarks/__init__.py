"""Evaluation sets: which files they are and the items in them."""
