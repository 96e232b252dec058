// The C interface under fuzz. The compiler reads this file before every kernel source too (-include), so
// that a kernel whose parameters have changed does not compile here until its line is changed as well.
#pragma once

#include "../curate/kernels/native/ngram_index.hpp"
#include "../curate/kernels/native/text.hpp"

namespace curate {
extern "C" {
int64_t curate_set_unicode(const uint8_t* bytes, int64_t size);
int64_t curate_use_portable(int64_t yes);
int64_t curate_composing(const Column*, uint8_t* flags);
int64_t curate_tokens(const Column*, int64_t which, int64_t* offsets, uint64_t* hash, int64_t* begin, int64_t* end);
int64_t curate_number_keys(const Column*, int64_t which, uint64_t* keys);
int64_t curate_text_hash128(const Column*, int64_t normalization, uint64_t* hash, int64_t* size);

int64_t curate_band_keys(const Column*, int64_t which, int64_t ngram, int64_t bands, int64_t rows_per_band, const uint32_t* a,
                         const uint32_t* b, int64_t numbers_agree, uint32_t* keys, int32_t* n_tokens, uint64_t* sequence,
                         uint64_t* numbers);
int64_t curate_signatures(const Column*, int64_t which, int64_t ngram, int64_t n_permutations, const uint32_t* a,
                          const uint32_t* b, uint32_t* signatures);
int64_t curate_word_gap_keys(const Column*, const int64_t* rows, int64_t n_rows, int64_t which, int64_t max_tokens,
                             int64_t numbers_agree, uint32_t* keys);
int64_t curate_shingle_sets(const Column*, const int64_t* rows, int64_t n_rows, int64_t which, int64_t ngram,
                            uint64_t* values, int64_t capacity, int64_t* ends);

int64_t curate_first_equal(const uint64_t* keys, const uint64_t* second, int64_t n, uint32_t* first);
int64_t curate_count(const uint32_t* values, int64_t n, uint32_t* counts);
int64_t curate_candidate_pairs(const uint32_t* keys, const uint32_t* nodes, int64_t n, int64_t by_node, int64_t cap,
                               int64_t part, int64_t n_parts, uint64_t* pairs, int64_t capacity);
int64_t curate_sort_unique(uint64_t* values, int64_t n);
int64_t curate_symbols(const Column*, const int64_t* rows, int64_t n_rows, int64_t kinds, uint64_t* values, int64_t capacity, int64_t* ends);
int64_t curate_jaccards(const uint64_t* pairs, int64_t n, const uint64_t* const* starts, const uint32_t* sizes,
                        const uint64_t* const* symbol_starts, const uint32_t* symbol_sizes, const uint64_t* labels,
                        double threshold, double* out);
int64_t curate_leader_clusters(const uint64_t* pairs, const double* jaccards, int64_t n_pairs, int64_t first, int64_t last,
                               const uint64_t* const* starts, const uint32_t* sizes, const uint64_t* const* symbol_starts,
                               const uint32_t* symbol_sizes, const uint64_t* labels, double threshold, uint32_t* leader,
                               double* to_leader);
int64_t curate_join_pairs(const uint64_t* pairs, int64_t n_pairs, uint32_t* parent);
int64_t curate_flatten(uint32_t* parent, int64_t n);
int64_t curate_item_candidates(const Column* texts, const uint64_t* view, int64_t most, uint32_t* candidates,
                               uint32_t* n_tokens);
int64_t curate_item_align(const Column* texts, const Column* items, const uint64_t* background, const uint32_t* candidates,
                          int64_t most, uint64_t* told, uint8_t* buffer, int64_t capacity);
int64_t curate_item_content(const Column* texts, const Column* items, const uint64_t* background, int64_t size,
                            const int64_t* lines, const int64_t* which, double* shared);
int64_t curate_without_drawings(const Column* texts, uint8_t* bytes, int64_t* offsets);
int64_t curate_links(const uint64_t* pairs, const double* jaccards, int64_t n_pairs, const uint32_t* leader, double* best,
                     double* worst);
int64_t curate_count_shingles(int64_t n_nodes, const uint64_t* const* starts, const uint32_t* sizes, uint8_t* table,
                              int64_t bits);
int64_t curate_join_sets(int64_t n_nodes, const uint64_t* const* starts, const uint32_t* sizes,
                         const uint64_t* const* symbol_starts, const uint32_t* symbol_sizes, const uint64_t* labels,
                         const uint64_t* numbers,
                         const uint8_t* table, int64_t bits, const uint64_t* pairs, const double* values, int64_t n_pairs,
                         double threshold, int64_t single, uint32_t* leader, double* to_leader);
}
}  // namespace curate

extern "C" {
int64_t curate_ngram_items(const curate::Column* items, int64_t tokenizer, int64_t n, uint64_t* hashes,
                           uint64_t* grams_of, uint32_t* item_tokens);
int64_t curate_ngram_table(const uint64_t* keys, int64_t size, uint64_t* bloom, uint64_t bloom_mask, uint64_t* slots,
                           uint32_t* values, uint64_t slot_mask);
int64_t curate_ngram_number(uint64_t* keys, int64_t size, uint64_t* slots, uint32_t* values, uint64_t slot_mask,
                            uint32_t* numbers);
int64_t curate_ngram_postings(const uint32_t* item_grams, const uint64_t* grams_of, int64_t n_items, int64_t n_grams,
                              uint32_t* last, uint64_t* postings_of, uint32_t* postings, uint32_t* item_ngrams);
int64_t curate_ngram_scan(const curate::Column* texts, const curate::Index* index, curate::Result* results);
int64_t curate_ngram_extents(const curate::Column* texts, const curate::Index* index, int64_t size, const int64_t* which,
                             const uint32_t* items, uint32_t* row_ngrams, uint32_t* covered, uint32_t* longest_run);
int64_t curate_token_characters(const curate::Column* texts, int64_t tokenizer, int64_t size, const int64_t* which,
                                const uint32_t* first_token, const uint32_t* end_token, int32_t* begin, int32_t* end);
}
