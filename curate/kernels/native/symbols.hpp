// Symbols of a text as numbers: the kind in the upper bits, a hash of the name below, or the letters of the word.
#pragma once

#include <algorithm>

#include "text.hpp"

namespace curate {

enum class Symbol : uint8_t { letter, name, sign, relation, function, number, logic, amount, negation, word };
constexpr int kSymbolShift = 60;
constexpr uint32_t bit_of(Symbol kind) { return 1U << static_cast<int>(kind); }

// A word of at most kLetters letters is those letters, five bits each, the first lowest; of a longer one there are the
// first kPrefix, then 31, then twenty bits of its hash.
constexpr size_t kLetters = 12, kPrefix = 7;

inline uint64_t word_hash(const uint8_t* letters, size_t n) {
    uint64_t h = n;
    for (size_t i = 0; i < n; i++) h = fold_multiply(h ^ (letters[i] & 31), kNgramStep);
    return finish(h) >> 44;
}

// The lower bits of a word; case is folded.
inline uint64_t packed_word(const uint8_t* letters, size_t n) {
    if (n > kLetters && (letters[n - 1] | 32) == 's') n--;  // a plural
    uint64_t value = 0;
    for (size_t i = 0; i < (n <= kLetters ? n : kPrefix); i++) value |= static_cast<uint64_t>(letters[i] & 31) << 5 * i;
    return n <= kLetters ? value : value | 31ULL << 5 * kPrefix | word_hash(letters, n) << 5 * (kPrefix + 1);
}

// Whether two words, as they are in symbols, are one: misspelt, in another spelling, or inflected.
bool same_word(uint64_t a, uint64_t b);

// Whether two texts are kept apart by their symbols, which ascend. Of most kinds they may not exchange one: each has one
// that the other has not, or has less often. Amounts and negations must agree. Words are exchanged
// if each text has one left when those are taken away that are the same word as one of the other.
// `excused`: logic, amounts, negations and words may differ.
inline bool kept_apart(const uint64_t* a, size_t n_a, const uint64_t* b, size_t n_b, bool excused) {
    constexpr size_t kMost = 64;  // words that one text alone has; more are taken to hold one that the other has not
    uint64_t words_a[kMost], words_b[kMost];
    size_t n_words_a = 0, n_words_b = 0;
    uint32_t only_a = 0, only_b = 0;  // a bit for each kind
    auto note = [](uint64_t symbol, uint32_t& only, uint64_t* words, size_t& n_words) {
        const uint32_t kind = 1U << (symbol >> kSymbolShift);
        only |= kind;
        if (kind != bit_of(Symbol::word)) return;
        if (n_words < kMost) words[n_words] = symbol;
        n_words++;
    };
    size_t i = 0, j = 0;
    while (i < n_a || j < n_b) {
        if (j == n_b || (i < n_a && a[i] < b[j])) {
            note(a[i++], only_a, words_a, n_words_a);
        } else if (i == n_a || b[j] < a[i]) {
            note(b[j++], only_b, words_b, n_words_b);
        } else {
            i++;
            j++;
        }
    }
    constexpr uint32_t kAgree = bit_of(Symbol::amount) | bit_of(Symbol::negation), kWord = bit_of(Symbol::word);
    constexpr uint32_t kExcused = bit_of(Symbol::logic) | kAgree | kWord;
    if (((only_a & only_b) & ~kExcused) != 0) return true;
    if (excused) return false;
    if ((only_a & only_b & bit_of(Symbol::logic)) != 0 || ((only_a | only_b) & kAgree) != 0) return true;
    if (n_words_a == 0 || n_words_b == 0) return false;
    if (n_words_a > kMost || n_words_b > kMost) return true;
    size_t left_a = n_words_a, left_b = n_words_b;
    for (size_t x = 0; x < n_words_a; x++) {
        uint64_t* end = words_b + n_words_b;
        uint64_t* same = std::find_if(words_b, end, [&](uint64_t word) { return word != 0 && same_word(words_a[x], word); });
        if (same == end) continue;
        *same = 0;  // it stands for one word only
        left_a--;
        left_b--;
    }
    return left_a > 0 && left_b > 0;
}

}  // namespace curate
