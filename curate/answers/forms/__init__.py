"""Answers as exact typed values: read a text, compare two values. No floating point, no computer algebra."""
