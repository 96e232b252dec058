"""Stages: each file measures one thing about rows or responses. None of them decides.

`STAGES` is the catalogue: what is listed here is known to recipes, to `curate stages` and to the schema.
"""

from curate.flow import Stage
from curate.stages import (
    benchmark_match,
    benchmark_passages,
    benchmark_share,
    cross_verify,
    exact_dedup,
    gold_audit,
    judge,
    label_conflict,
    majority_vote,
    math_verify,
    near_dedup,
    ngram_overlap,
    pass_rate,
    perplexity,
    query_quality,
    repetition,
    response_match,
    response_passages,
    rollouts,
    string_similarity,
    structure,
)

STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        exact_dedup.STAGE,
        near_dedup.STAGE,
        label_conflict.STAGE,
        benchmark_match.STAGE,
        response_match.STAGE,
        benchmark_passages.STAGE,
        response_passages.STAGE,
        ngram_overlap.STAGE,
        string_similarity.STAGE,
        benchmark_share.STAGE,
        query_quality.STAGE,
        repetition.STAGE,
        structure.STAGE,
        math_verify.STAGE,
        rollouts.STAGE,
        pass_rate.STAGE,
        perplexity.STAGE,
        majority_vote.STAGE,
        cross_verify.STAGE,
        gold_audit.STAGE,
        judge.STAGE,
        judge.RESPONSE_STAGE,
    )
}
