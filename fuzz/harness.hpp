// A case of the fuzzer: a column of texts made of the fuzzer's bytes, and what must hold for it.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "kernels.hpp"

// Ends the process with a message where `condition` does not hold: the fuzzer keeps the input.
#define REQUIRE(condition)                                                                       \
    do {                                                                                         \
        if (!(condition)) {                                                                      \
            std::fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);  \
            std::abort();                                                                        \
        }                                                                                        \
    } while (0)

namespace fuzz {

using curate::Column;

// What the fuzzer's bytes ask for.
struct Case {
    int64_t tokenizer = 0;
    int64_t ngram = 1;    // 1 to 63
    int64_t bands = 1, rows_per_band = 1;
    int64_t cap = 1;      // of a bucket
    size_t copies = 1;    // of each item of the n-gram index
    size_t skipped = 0;   // bytes of the buffer before the first text, as in a sliced array
    unsigned checks = 0;  // a bit for each check to run; 0 = all
    std::vector<std::string> texts;
    std::vector<uint8_t> valid;

    size_t size() const { return texts.size(); }
    std::string text(size_t i) const { return valid[i] ? texts[i] : std::string(); }
};

// The first five bytes are options. Then come the texts, parted by 0xFF; the first byte of each says whether
// it is null and how often what follows is repeated.
Case read_case(const uint8_t* data, size_t size);

// A column in buffers of exactly its size, so that AddressSanitizer sees a read beyond them.
class Texts {
  public:
    Texts(const std::vector<std::string>& texts, const std::vector<uint8_t>& valid, size_t skipped = 0);
    explicit Texts(const Case& c) : Texts(c.texts, c.valid, c.skipped) {}
    explicit Texts(const std::string& one) : Texts({one}, {1}) {}
    const Column* column() const { return &column_; }
    size_t size() const { return valid_.size(); }

  private:
    std::vector<int64_t> offsets_;
    std::vector<uint8_t> valid_;
    std::unique_ptr<uint8_t[]> bytes_;
    Column column_;
};

// Everything the kernels have returned, as one number: equal for AVX2, portable loops and other processors.
class Digest {
  public:
    void add(uint64_t value) { state_ = curate::finish(state_ ^ value) * curate::kNgramStep; }
    template <class T>
    void add_all(const std::vector<T>& values) {
        add(values.size());
        for (T value : values) add(static_cast<uint64_t>(value));
    }
    uint64_t value() const { return curate::finish(state_); }

  private:
    uint64_t state_ = 0;
};

// Tokens of a column as the kernel finds them.
struct Found {
    std::vector<int64_t> offsets;
    std::vector<uint64_t> hash;
    std::vector<int64_t> begin, end;
    std::vector<uint64_t> of(size_t text) const {
        return {hash.begin() + offsets[text], hash.begin() + offsets[text + 1]};
    }
};
Found tokens_of(const Texts& texts, int64_t tokenizer);

// Each runs its kernels over the case, requires what must hold, and adds what they returned to the digest.
struct Check {
    const char* name;
    void (*run)(const Case&, Digest&);
};
extern const std::vector<Check> kChecks;

// Runs every check with the best loops and with the portable ones; what they return must be equal. Adds it
// to `digests`, one a check.
void check_all(const uint8_t* data, size_t size, std::vector<Digest>* digests = nullptr);

// Reads curate/kernels/native/unicode.bin; ends the process if it is not the kernels'.
void read_unicode(const char* path);

}  // namespace fuzz
