"""Language models as parts of a pipeline: they write completions (`Generator`) and rate texts (`Scorer`).

A model is named where it runs: `server:http://HOST:PORT/v1` (anything that speaks the OpenAI protocol),
`hf:FOLDER_OR_NAME` (transformers, in this process), `vllm:FOLDER_OR_NAME` (vLLM, in this process). What the
three have in common is in `curate.models.types`; a backend is imported when a model of its kind is opened.
"""
