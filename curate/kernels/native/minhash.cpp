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

constexpr uint64_t kBandMix = 0xe7037ed1a0b428dbULL;

// The 32-bit finalizer of MurmurHash3: a bijection that datasketch applies to every hash before it permutes it.
inline __attribute__((always_inline)) uint32_t premixed(uint32_t x) {
    x ^= x >> 16;
    x *= 0x85ebca6bU;
    x ^= x >> 13;
    x *= 0xc2b2ae35U;
    return x ^ x >> 16;
}

// Minimum over the shingles of a[j] * x + b[j] modulo 2^32, for every permutation j; x is the upper half of a
// shingle, premixed. Eight at a time keep the minima in registers longer.
inline __attribute__((always_inline)) void minima_of(const uint64_t* shingle, size_t n, const uint32_t* __restrict a,
                                                     const uint32_t* __restrict b, uint32_t* __restrict minima,
                                                     size_t n_permutations) {
    constexpr size_t kAtOnce = 256;
    auto lower = [](uint32_t v, uint32_t w) { return v < w ? v : w; };
    for (size_t j = 0; j < n_permutations; j++) minima[j] = ~uint32_t(0);
    uint32_t x[kAtOnce];
    for (size_t base = 0; base < n; base += kAtOnce) {
        const size_t some = n - base < kAtOnce ? n - base : kAtOnce;
        for (size_t i = 0; i < some; i++) x[i] = premixed(static_cast<uint32_t>(shingle[base + i] >> 32));
        size_t i = 0;
        for (; i + 8 <= some; i += 8) {
            const uint32_t x0 = x[i], x1 = x[i + 1], x2 = x[i + 2], x3 = x[i + 3];
            const uint32_t x4 = x[i + 4], x5 = x[i + 5], x6 = x[i + 6], x7 = x[i + 7];
            for (size_t j = 0; j < n_permutations; j++) {
                const uint32_t p = a[j], q = b[j];
                uint32_t v0 = lower(p * x0 + q, p * x1 + q), v1 = lower(p * x2 + q, p * x3 + q);
                uint32_t v2 = lower(p * x4 + q, p * x5 + q), v3 = lower(p * x6 + q, p * x7 + q);
                minima[j] = lower(minima[j], lower(lower(v0, v1), lower(v2, v3)));
            }
        }
        for (; i < some; i++)
            for (size_t j = 0; j < n_permutations; j++) minima[j] = lower(minima[j], a[j] * x[i] + b[j]);
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

// Random permutations of the 32-bit numbers, and the signatures of texts under them.
class Signer {
  public:
    Signer(const uint32_t* a, const uint32_t* b, size_t n_permutations)
        : padded_((n_permutations + 15) / 16 * 16) {  // whole vectors
        for (auto [room, given] : {std::pair{&a_, a}, std::pair{&b_, b}}) {
            std::memset(room->reserve(padded_), 0, padded_ * sizeof(uint32_t));
            std::memcpy(room->data(), given, n_permutations * sizeof(uint32_t));
        }
        minima_.reserve(padded_);
    }
    // The least image of the upper halves of the shingles under each permutation; all ones without a shingle.
    const uint32_t* sign(const uint64_t* shingle, size_t n) {
        const Minima minima = best_minima();
        minima(shingle, n, a_.data(), b_.data(), minima_.data(), padded_);
        return minima_.data();
    }

  private:
    size_t padded_;
    Buffer<uint32_t> a_, b_, minima_;
};

}  // namespace

// A text gets its number of tokens, the 128-bit hash of their sequence (sequence[row], sequence[size + row]),
// the key of its numbers, and the key of band j in keys[j * size + row], mixed with that of its numbers if
// they are to agree; 0 in all bands if it has no tokens.
CURATE_API int64_t curate_band_keys(const Column* column, int64_t which, int64_t ngram, int64_t bands, int64_t rows_per_band,
                                    const uint32_t* a, const uint32_t* b, int64_t numbers_agree, uint32_t* keys,
                                    int32_t* n_tokens, uint64_t* sequence, uint64_t* numbers) {
    return guarded([&]() -> int64_t {
        Signer signer(a, b, static_cast<size_t>(bands * rows_per_band));
        Scratch scratch;
        const int64_t size = column->size;
        for (int64_t row = 0; row < size; row++) {
            Tokens tokens = tokenize(column->text(row), static_cast<Tokenizer>(which), scratch);
            n_tokens[row] = static_cast<int32_t>(std::min<size_t>(tokens.size, INT32_MAX));
            numbers[row] = tokens.numbers;
            Hash128 whole = hash_tokens(tokens);
            sequence[row] = whole.first;
            sequence[size + row] = whole.second;
            size_t n = shingles(tokens, size_t(ngram), scratch);
            const uint64_t start = numbers_agree ? tokens.numbers : 0;
            const uint32_t* part = n ? signer.sign(scratch.shingles.data(), n) : nullptr;
            for (int64_t band = 0; band < bands; band++) {
                if (n == 0) {
                    keys[band * size + row] = 0;
                    continue;
                }
                uint64_t h = (start ^ static_cast<uint64_t>(band + 1)) * kNgramStep;
                int64_t r = 0;
                for (; r + 2 <= rows_per_band; r += 2, part += 2)
                    h = fold_multiply(h ^ (part[0] | static_cast<uint64_t>(part[1]) << 32), kBandMix);
                if (r < rows_per_band) h = fold_multiply(h ^ *part++, kBandMix);
                keys[band * size + row] = static_cast<uint32_t>(finish(h) >> 32);
            }
        }
        return size;
    });
}

// The signature of text i in signatures[i * n_permutations ...]; all ones for a text without tokens.
CURATE_API int64_t curate_signatures(const Column* column, int64_t which, int64_t ngram, int64_t n_permutations,
                                     const uint32_t* a, const uint32_t* b, uint32_t* signatures) {
    return guarded([&]() -> int64_t {
        Signer signer(a, b, static_cast<size_t>(n_permutations));
        Scratch scratch;
        for (int64_t row = 0; row < column->size; row++) {
            Tokens tokens = tokenize(column->text(row), static_cast<Tokenizer>(which), scratch);
            size_t n = shingles(tokens, size_t(ngram), scratch);
            std::memcpy(signatures + row * n_permutations, signer.sign(scratch.shingles.data(), n),
                        static_cast<size_t>(n_permutations) * sizeof(uint32_t));
        }
        return column->size;
    });
}

// Whether a token of the text is a word that may be misspelt: three letters or more, not ideographs or kana (each
// of which is a token of one letter), nothing but letters.
bool is_word(Text text, uint64_t begin, uint64_t end) {
    size_t characters = 0;
    for (uint64_t i = begin; i < end; i++) {
        const uint8_t c = text.bytes[i];
        characters += (c & 0xC0) != 0x80;
        if (c < 0x80 && !((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) return false;
    }
    return characters >= 3;
}

// keys[i * n_rows + k]: hash of all tokens of text rows[k] but word i; 0 where there is no such word, or where the
// text has more than max_tokens tokens. Two texts that share it differ in that word at most.
CURATE_API int64_t curate_word_gap_keys(const Column* column, const int64_t* rows, int64_t n_rows, int64_t which,
                                        int64_t max_tokens, int64_t numbers_agree, uint32_t* keys) {
    return guarded([&]() -> int64_t {
        Scratch scratch;
        std::memset(keys, 0, static_cast<size_t>(n_rows * max_tokens) * sizeof(uint32_t));
        for (int64_t k = 0; k < n_rows; k++) {
            Text text = column->text(rows[k]);
            Tokens tokens = tokenize(text, static_cast<Tokenizer>(which), scratch, true);
            if (tokens.size > static_cast<size_t>(max_tokens)) continue;
            uint64_t all = 0, weight = 1;
            for (size_t i = 0; i < tokens.size; i++) all = all * kNgramStep + tokens.hash[i];
            const uint64_t start = finish(tokens.size + 1) ^ (numbers_agree ? tokens.numbers : 0);
            for (size_t i = tokens.size; i-- > 0; weight *= kNgramStep) {
                if (!is_word(text, tokens.begin[i], tokens.end[i])) continue;
                const uint64_t others = finish((all - tokens.hash[i] * weight) ^ start) * kNgramStep + i;
                keys[static_cast<int64_t>(i) * n_rows + k] = static_cast<uint32_t>(finish(others) >> 32) | 1;
            }
        }
        return n_rows;
    });
}

// Sorted shingle sets of the texts in `rows`, one after the other; set i ends at ends[i]. `capacity` values fit
// into `values`: two for each byte of these texts, and one for each text, are always enough.
CURATE_API int64_t curate_shingle_sets(const Column* column, const int64_t* rows, int64_t n_rows, int64_t which,
                                       int64_t ngram, uint64_t* values, int64_t capacity, int64_t* ends) {
    return guarded([&]() -> int64_t {
        Scratch scratch;
        Buffer<uint32_t> bins;
        int64_t total = 0;
        for (int64_t i = 0; i < n_rows; i++) {
            Tokens tokens = tokenize(column->text(rows[i]), static_cast<Tokenizer>(which), scratch);
            size_t n = shingles(tokens, size_t(ngram), scratch);
            uint64_t* set = scratch.shingles.data();
            sort_hashes(set, n, scratch, bins);
            n = static_cast<size_t>(std::unique(set, set + n) - set);
            if (total + static_cast<int64_t>(n) > capacity) return capacity + 1;
            if (n) std::memcpy(values + total, set, n * sizeof(uint64_t));
            total += static_cast<int64_t>(n);
            ends[i] = total;
        }
        return total;
    });
}

}  // namespace curate
