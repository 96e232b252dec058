"""Serve the small model with llama.cpp, as an OpenAI-compatible server: python serve.py FILE [PORT].

Prints its address, and serves until its standard input is closed.
"""

from __future__ import annotations

import sys

import xllamacpp

PARALLEL = 8
CONTEXT = 512


def serve(gguf: str, port: int = 0) -> xllamacpp.Server:
    """A server that answers 8 requests at once, each with the whole context; port 0 takes a free one.

    Thinking stays in the text: the server does not take it out.
    """
    told = xllamacpp.CommonParams()
    told.model.path = gguf
    told.model_alias = {"small"}
    told.hostnames = ["127.0.0.1"]
    told.port = port
    told.n_parallel = PARALLEL
    told.n_ctx = PARALLEL * CONTEXT
    told.n_gpu_layers = 0
    told.cpuparams.n_threads = 1
    told.warmup = False
    told.fit_params = False
    told.cache_ram_mib = 0
    told.use_jinja = True
    told.reasoning_format = xllamacpp.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
    return xllamacpp.Server(told)


if __name__ == "__main__":
    server = serve(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
    print(server.listening_address, flush=True)  # noqa: T201
    sys.stdin.read()
