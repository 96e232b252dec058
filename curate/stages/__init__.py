"""Stages: each file measures one thing about rows or responses. None of them decides."""
