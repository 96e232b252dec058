"""A data set of invented problems and responses with planted defects, and a score of what was found."""

from curate.sample.write import SampleFiles, write_sample

__all__ = ["SampleFiles", "write_sample"]
