// Shingles (hashed n-grams of tokens), their MinHash signatures and the band keys of LSH.
#include <algorithm>

#include "cpu.hpp"
#include "hash128.hpp"

namespace curate {
namespace {

// Shingles of the tokens in scratch.shingles; a text with fewer than n tokens has one, over all of them
// (its length mixed in, so that it equals no n-gram), and one without tokens has none.
size_t shingles(Tokens tokens, size_t n, Scratch& scratch) {
    if (tokens.size == 0) return 0;
    uint64_t* out = scratch.shingles.reserve(tokens.size);
    if (tokens.size < n) {
        uint64_t h = tokens.size;
        for (size_t i = 0; i < tokens.size; i++) h = finish(h ^ tokens.hash[i]) * kNgramStep;
        out[0] = finish(h);
        return 1;
    }
    each_ngram(tokens.hash, tokens.size, n, [&](size_t i, uint64_t h) { out[i] = h; });
    return tokens.size - n + 1;
}

// Sorts values that are spread evenly, as hashes are: one pass into about as many bins as values by
// their top bits, then insertion within and across neighbouring bins.
void sort_hashes(uint64_t* values, size_t n, Scratch& scratch, Buffer<uint32_t>& bins) {
    if (n < 48 || n >= ~uint32_t(0)) {
        std::sort(values, values + n);
        return;
    }
    int bits = 5;
    while (bits < 20 && (n >> bits) > 1) bits++;
    const size_t n_bins = size_t(1) << bits;
    const int shift = 64 - bits;
    uint32_t* at = bins.reserve(n_bins + 1);
    std::memset(at, 0, (n_bins + 1) * sizeof(uint32_t));
    for (size_t i = 0; i < n; i++) at[(values[i] >> shift) + 1]++;
    uint32_t largest = 0;
    for (size_t i = 0; i < n_bins; i++) {
        largest = std::max(largest, at[i + 1]);
        at[i + 1] += at[i];
    }
    if (largest > 64) {  // many equal values, or bins too few: insertion would be quadratic
        std::sort(values, values + n);
        return;
    }
    uint64_t* sorted = scratch.sorted.reserve(n);
    for (size_t i = 0; i < n; i++) sorted[at[values[i] >> shift]++] = values[i];
    for (size_t i = 1; i < n; i++) {
        uint64_t value = sorted[i];
        size_t j = i;
        for (; j > 0 && sorted[j - 1] > value; j--) sorted[j] = sorted[j - 1];
        sorted[j] = value;
    }
    std::memcpy(values, sorted, n * sizeof(uint64_t));
}

uint64_t next_random(uint64_t& state) {  // SplitMix64
    state += 0x9e3779b97f4a7c15ULL;
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

// Minimum over the shingles x of a[j] * x + b[j] modulo 2^32, for every permutation j; x is the upper half
// of a shingle. Four shingles at a time keep the minima in registers longer.
inline __attribute__((always_inline)) void minima_of(const uint64_t* shingle, size_t n,
                                                     const uint32_t* __restrict a, const uint32_t* __restrict b,
                                                     uint32_t* __restrict minima, size_t n_permutations) {
    for (size_t j = 0; j < n_permutations; j++) minima[j] = ~uint32_t(0);
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const uint32_t x0 = shingle[i] >> 32, x1 = shingle[i + 1] >> 32, x2 = shingle[i + 2] >> 32, x3 = shingle[i + 3] >> 32;
        for (size_t j = 0; j < n_permutations; j++) {
            uint32_t v0 = a[j] * x0 + b[j], v1 = a[j] * x1 + b[j], v2 = a[j] * x2 + b[j], v3 = a[j] * x3 + b[j];
            uint32_t low = v0 < v1 ? v0 : v1, other = v2 < v3 ? v2 : v3;
            low = low < other ? low : other;
            minima[j] = low < minima[j] ? low : minima[j];
        }
    }
    for (; i < n; i++) {
        const uint32_t x = shingle[i] >> 32;
        for (size_t j = 0; j < n_permutations; j++) {
            uint32_t value = a[j] * x + b[j];
            minima[j] = value < minima[j] ? value : minima[j];
        }
    }
}

void minima_portable(const uint64_t* shingle, size_t n, const uint32_t* a, const uint32_t* b, uint32_t* minima, size_t k) {
    minima_of(shingle, n, a, b, minima, k);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) void minima_avx2(const uint64_t* shingle, size_t n, const uint32_t* a, const uint32_t* b,
                                                 uint32_t* minima, size_t k) {
    minima_of(shingle, n, a, b, minima, k);
}
#endif

using Minima = void (*)(const uint64_t*, size_t, const uint32_t*, const uint32_t*, uint32_t*, size_t);

Minima best_minima() {
#if defined(__x86_64__)
    if (has_avx2()) return minima_avx2;
#endif
    return minima_portable;
}

}  // namespace

// A text: `bands` keys (0 if it has no tokens), its number of tokens, the 128-bit hash of their sequence.
CURATE_API int64_t curate_band_keys(const Column* column, int64_t which, int64_t ngram, int64_t bands,
                                    int64_t rows_per_band, int64_t seed, uint64_t* keys, int64_t* n_tokens,
                                    uint64_t* sequence) {
    return guarded([&]() -> int64_t {
        static const Minima minima = best_minima();
        const size_t k = size_t(bands) * size_t(rows_per_band), padded = (k + 15) / 16 * 16;  // whole vectors
        Buffer<uint32_t> a, b, signature;
        a.reserve(padded);
        b.reserve(padded);
        signature.reserve(padded);
        uint64_t state = static_cast<uint64_t>(seed);
        for (size_t j = 0; j < padded; j++) {
            uint64_t random = next_random(state);
            a.data()[j] = static_cast<uint32_t>(random) | 1;  // odd: a permutation of the 32-bit numbers
            b.data()[j] = static_cast<uint32_t>(random >> 32);
        }
        Scratch scratch;
        for (int64_t row = 0; row < column->size; row++) {
            Tokens tokens = tokenize(column->text(row), static_cast<Tokenizer>(which), scratch);
            n_tokens[row] = static_cast<int64_t>(tokens.size);
            Hash128 h = hash_tokens(tokens);
            sequence[2 * row] = h.first;
            sequence[2 * row + 1] = h.second;
            uint64_t* key = keys + row * bands;
            size_t n = shingles(tokens, size_t(ngram), scratch);
            if (n == 0) {
                std::memset(key, 0, size_t(bands) * sizeof(uint64_t));
                continue;
            }
            minima(scratch.shingles.data(), n, a.data(), b.data(), signature.data(), padded);
            const uint32_t* part = signature.data();
            for (int64_t band = 0; band < bands; band++, part += rows_per_band) {
                uint64_t band_hash = static_cast<uint64_t>(band + 1) * kNgramStep;
                for (int64_t r = 0; r < rows_per_band; r++)
                    band_hash = fold_multiply(band_hash ^ part[r], 0xe7037ed1a0b428dbULL);
                key[band] = finish(band_hash);
            }
        }
        return column->size;
    });
}

// Sorted shingle sets, one after the other; set i ends at ends[i]. `capacity` values fit into `values`:
// the sum over the texts of max(1, tokens) is always enough.
CURATE_API int64_t curate_shingle_sets(const Column* column, int64_t which, int64_t ngram, uint64_t* values,
                                       int64_t capacity, int64_t* ends) {
    return guarded([&]() -> int64_t {
        Scratch scratch;
        Buffer<uint32_t> bins;
        int64_t total = 0;
        for (int64_t row = 0; row < column->size; row++) {
            Tokens tokens = tokenize(column->text(row), static_cast<Tokenizer>(which), scratch);
            size_t n = shingles(tokens, size_t(ngram), scratch);
            uint64_t* set = scratch.shingles.data();
            sort_hashes(set, n, scratch, bins);
            n = static_cast<size_t>(std::unique(set, set + n) - set);
            if (total + static_cast<int64_t>(n) > capacity) return capacity + 1;
            if (n) std::memcpy(values + total, set, n * sizeof(uint64_t));
            total += static_cast<int64_t>(n);
            ends[row] = total;
        }
        return total;
    });
}

}  // namespace curate
