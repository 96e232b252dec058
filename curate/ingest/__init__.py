"""Any input → the canonical tables of `curate.flow`: rows, responses, and the original columns."""

from curate.ingest.sources import Limits
from curate.ingest.tables import VERSION, FieldMap, Ingested, InputFile, ingest, load_ingested

__all__ = ["VERSION", "FieldMap", "Ingested", "InputFile", "Limits", "ingest", "load_ingested"]
