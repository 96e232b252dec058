"""curate: from raw reasoning data to training-ready Parquet, with a reason for every row."""

__version__ = "0.1.0"
