"""A small language model, trained here: it does sums in the chat format, and gets some of them wrong."""
