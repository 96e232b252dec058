// Texts of an Arrow string column, and the tokenizers every kernel shares.
//
// A text goes in as it lies in the Arrow buffer. curate.kernels.native.texts has replaced, before any
// kernel sees them, the few texts whose characters compose with a neighbour (Unicode NFKC) by their
// NFKC form, so that here every character can be looked up by itself, and tokenize never fails.
// What the tokens are is written in curate/kernels/text.py; tests/oracles.py is its plain reading.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#define CURATE_API extern "C" __attribute__((visibility("default")))

namespace curate {

enum class Tokenizer : int32_t { words = 0, math = 1, formulas = 2 };

// One text. `readable` bytes from `bytes` on may be read (>= size): the rest of the Arrow buffer.
struct Text {
    const uint8_t* bytes = nullptr;
    size_t size = 0;
    size_t readable = 0;
};

// A large_string column: the layout of ctypes structure curate.kernels.native.Column.
struct Column {
    const uint8_t* bytes;
    const int64_t* offsets;    // size + 1 of them
    const uint8_t* valid;      // one byte a text, 0 = null; nullptr = no nulls
    int64_t size;

    bool is_null(int64_t i) const { return valid != nullptr && valid[i] == 0; }
    // A null text reads as the empty text.
    Text text(int64_t i) const {
        if (is_null(i)) return Text{};
        return Text{bytes + offsets[i], size_t(offsets[i + 1] - offsets[i]), size_t(offsets[size] - offsets[i])};
    }
};

// A growing array without constructors: what `reserve` adds is not written before it is used.
template <class T>
class Buffer {
  public:
    T* reserve(size_t n, size_t used = 0) {  // room for n items, the first `used` kept
        if (n <= capacity_) return items_.get();
        size_t grown = capacity_ + capacity_ / 2;
        size_t next = n > grown ? n : grown;
        std::unique_ptr<T[]> bigger(new T[next]);
        if (used) std::memcpy(bigger.get(), items_.get(), used * sizeof(T));
        items_ = std::move(bigger);
        capacity_ = next;
        return items_.get();
    }
    T* data() { return items_.get(); }
    size_t capacity() const { return capacity_; }

  private:
    std::unique_ptr<T[]> items_;
    size_t capacity_ = 0;
};

// Tokens of one text; valid until the next call with the same Scratch.
struct Tokens {
    const uint64_t* hash = nullptr;   // 64-bit hash of each token's normalised bytes
    const uint64_t* begin = nullptr;  // byte offsets into the text given, only if spans were asked for;
    const uint64_t* end = nullptr;    // ends are exclusive
    size_t size = 0;
    uint64_t numbers = 0;  // the sum of number_hash over the runs of ASCII digits of the normalised text:
};                         // the same numbers in another order give the same sum, no number gives 0

// Where a byte of the normalised text comes from.
struct Origin {
    uint64_t normal, source;
};

// Working memory of one thread, reused from text to text.
struct Scratch {
    Buffer<uint8_t> normal;
    Buffer<uint64_t> hash, begin, end, commands;
    Buffer<Origin> origins;
    Buffer<uint64_t> shingles, sorted;
};

Tokens tokenize(Text text, Tokenizer which, Scratch& scratch, bool spans = false);

inline uint64_t load8(const uint8_t* p) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    return word;
}

// 64x64 -> 128 bit product, folded: the mixing step of all hashes here.
inline uint64_t fold_multiply(uint64_t a, uint64_t b) {
    unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

// A bijection of 64 bits in which every input bit reaches every output bit.
inline uint64_t finish(uint64_t h) {
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdULL;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53ULL;
    h ^= h >> 33;
    return h;
}

constexpr uint64_t kNgramStep = 0x9E3779B97F4A7C15ULL;  // odd, so that multiplying loses nothing

// Calls emit(i, hash of tokens i .. i + n - 1) for each of the max(0, n_tokens - n + 1) n-grams.
// The hash of tokens t is finish(t[0] * S^(n-1) + ... + t[n-1]) modulo 2^64, S = kNgramStep.
template <class Emit>
void each_ngram(const uint64_t* tokens, size_t n_tokens, size_t n, Emit&& emit) {
    if (n == 0 || n_tokens < n) return;
    uint64_t rolling = 0, oldest = 1;
    for (size_t i = 0; i < n; i++) {
        rolling = rolling * kNgramStep + tokens[i];
        oldest *= kNgramStep;
    }
    emit(size_t(0), finish(rolling));
    for (size_t i = n; i < n_tokens; i++) {
        rolling = rolling * kNgramStep + (tokens[i] - tokens[i - n] * oldest);
        emit(i - n + 1, finish(rolling));
    }
}

// Runs body() and turns a failed allocation into -1: no exception may cross the C interface.
template <class Body>
int64_t guarded(Body&& body) {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        return -1;
    }
}

}  // namespace curate
