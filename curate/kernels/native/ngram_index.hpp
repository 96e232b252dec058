// The n-gram index as the kernels see it: the layouts of curate/kernels/ngram_index.py.
#pragma once

#include <algorithm>

#include "text.hpp"

namespace curate {

constexpr uint32_t kNone = UINT32_MAX;

// Hashes of n-grams that can be given away without giving away the text, as each_ngram's cannot: those of two
// n-grams that follow each other tell t[n] - t[0] * S^n, a value of two tokens that a word list solves. Here a
// sum and an exclusive or of turned tokens, 128 bits, are folded into 64, so that neither can be computed back.
constexpr int kTurn = 11;  // odd: up to 64 tokens are turned by different amounts

inline uint64_t turned(uint64_t word, int bits) { return word << (bits & 63) | word >> (-bits & 63); }

// Calls emit(i, hash of tokens i .. i + n - 1) for each of the max(0, n_tokens - n + 1) n-grams.
template <class Emit>
void each_gram(const uint64_t* tokens, size_t n_tokens, size_t n, Emit&& emit) {
    if (n == 0 || n_tokens < n) return;
    uint64_t sum = 0, either = 0, oldest = 1;
    for (size_t i = 0; i < n; i++) {
        sum = sum * kNgramStep + tokens[i];
        either = turned(either, kTurn) ^ tokens[i];
        oldest *= kNgramStep;
    }
    const int left = kTurn * int(n);
    auto hash = [&] { return fold_multiply(sum ^ 0x243F6A8885A308D3ULL, either ^ 0x13198A2E03707344ULL); };
    emit(size_t(0), hash());
    for (size_t i = n; i < n_tokens; i++) {
        sum = sum * kNgramStep + (tokens[i] - tokens[i - n] * oldest);
        either = turned(either, kTurn) ^ tokens[i] ^ turned(tokens[i - n], left);
        emit(i - n + 1, hash());
    }
}

// Open addressing over hashes, 0 = free; behind a Bloom filter of three bits in one word, so that a miss
// (nearly every n-gram of a text) costs one memory access. Looks at the low 40 bits of a key alone where it
// spreads keys, so that keys may be cut short.
struct Table {
    const uint64_t* bloom;
    const uint64_t* slots;
    const uint32_t* values;
    uint64_t bloom_mask, slot_mask;  // number of words, of slots (powers of two) less one

    static uint64_t key(uint64_t hash) { return hash ? hash : 1; }
    static uint64_t bits(uint64_t key) {
        return 1ULL << (key >> 22 & 63) | 1ULL << (key >> 28 & 63) | 1ULL << (key >> 34 & 63);
    }
    bool may_hold(uint64_t key) const { return (bloom[key & bloom_mask] & bits(key)) == bits(key); }
    void prefetch(uint64_t key) const { __builtin_prefetch(slots + (key >> 16 & slot_mask)); }
    uint32_t find(uint64_t key) const {
        for (uint64_t s = key >> 16 & slot_mask;; s = (s + 1) & slot_mask) {
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
    uint64_t key_mask;            // the bits of a hash that count

    uint64_t key(uint64_t hash) const { return Table::key(hash & key_mask); }
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
