// The n-gram index as the kernels see it: the layouts of curate/kernels/ngram_index.py.
#pragma once

#include <algorithm>

#include "text.hpp"

namespace curate {

constexpr uint32_t kNone = UINT32_MAX;

// Open addressing over 64-bit hashes, 0 = free; behind a Bloom filter of three bits in one word,
// so that a miss (nearly every n-gram of a text) costs one memory access.
struct Table {
    const uint64_t* bloom;
    const uint64_t* slots;
    const uint32_t* values;
    uint64_t bloom_mask, slot_mask;  // number of words, of slots (powers of two) less one

    static uint64_t key(uint64_t hash) { return hash ? hash : 1; }
    static uint64_t bits(uint64_t key) {
        return 1ULL << (key >> 40 & 63) | 1ULL << (key >> 46 & 63) | 1ULL << (key >> 52 & 63);
    }
    bool may_hold(uint64_t key) const { return (bloom[key & bloom_mask] & bits(key)) == bits(key); }
    void prefetch(uint64_t key) const { __builtin_prefetch(slots + (key >> 20 & slot_mask)); }
    uint32_t find(uint64_t key) const {
        for (uint64_t s = key >> 20 & slot_mask;; s = (s + 1) & slot_mask) {
            if (slots[s] == key) return values[s];
            if (slots[s] == 0) return kNone;
        }
    }
};

// Views into the index file, all fields of 8 bytes: curate.kernels.ngram_index.Index.view lists them in
// this order.
// A gram is a distinct n-gram, or the whole of an item of fewer than n tokens.
struct Index {
    Table grams;                  // hash -> gram
    Table starts;                 // hash of the first kAnywhere tokens of a short item -> set of lengths
    const uint64_t* length_sets;  // bit m: there is a short item of m tokens with this start
    const uint64_t* postings_of;  // gram -> where its items begin in `postings`
    const uint32_t* postings;     // items, ascending
    const uint64_t* grams_of;     // item -> where its grams begin in `item_grams`
    const uint32_t* item_grams;   // gram at each position of the item
    const uint64_t* stock_of;     // item -> where its stock grams begin in `stock_grams`
    const uint32_t* stock_grams;  // ascending
    const uint32_t* item_ngrams;  // distinct grams of the item
    const uint32_t* item_tokens;
    int64_t n_items;
    int64_t n;
    int64_t tokenizer;

    uint64_t n_items_with(uint32_t gram) const { return postings_of[gram + 1] - postings_of[gram]; }
    size_t gram_length(uint32_t item) const { return std::min<size_t>(size_t(n), item_tokens[item]); }
};

// What each text shares with its best item: the layout of curate.kernels.ngram_index.RESULT.
struct Result {
    uint32_t n_tokens, hits;
    int32_t item;  // -1: none
    uint32_t shared;
    uint32_t row_first, row_end, item_first, item_end;  // tokens, half open
};

}  // namespace curate
