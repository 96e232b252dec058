// Hashes of whole texts after the normalisation asked for.
#include "hash128.hpp"

namespace curate {
namespace {

// Length in bytes of the blank character (as Python's str.isspace has it) at p; 0 if it is none.
size_t blank_length(const uint8_t* p, size_t left) {
    if (p[0] < 0x80) return p[0] == ' ' || (p[0] >= 9 && p[0] <= 13) || (p[0] >= 0x1c && p[0] <= 0x1f);
    if (p[0] == 0xC2) return left >= 2 && (p[1] == 0x85 || p[1] == 0xA0) ? 2 : 0;
    if (left < 3) return 0;
    uint32_t three = p[0] << 16 | p[1] << 8 | p[2];
    bool blank = three == 0xE19A80 || (three >= 0xE28080 && three <= 0xE2808A) || three == 0xE280A8 ||
                 three == 0xE280A9 || three == 0xE280AF || three == 0xE2819F || three == 0xE38080;
    return blank ? 3 : 0;
}

// 0x80 in each byte of `word` that is below `limit` (at most 0x80); exact if no byte is 0x80 or above.
uint64_t bytes_below(uint64_t word, uint64_t limit) {
    constexpr uint64_t ones = 0x0101010101010101ULL;
    return ~(word + ones * (0x80 - limit)) & (ones << 7);
}

// Writes the text with every run of blanks as one ' ' and none at the ends; returns its size.
size_t collapse_blanks(Text text, Buffer<uint8_t>& room) {
    constexpr uint64_t high_bits = 0x8080808080808080ULL;
    uint8_t* out = room.reserve(text.size + 8);
    size_t k = 0;
    uint64_t after_blank = 1;  // so that blanks at the start are dropped
    for (size_t i = 0; i < text.size;) {
        if (i + 8 <= text.size) {
            uint64_t word = load8(text.bytes + i);
            uint64_t blanks = bytes_below(word, 0x21);
            uint64_t second = blanks & (blanks << 8 | after_blank << 7);
            if (((word & high_bits) | second | bytes_below(word, 0x20)) == 0) {
                std::memcpy(out + k, &word, 8);
                after_blank = blanks >> 63;
                k += 8;
                i += 8;
                continue;
            }
        }
        size_t stop = i + 8 < text.size ? i + 8 : text.size;
        while (i < stop) {
            size_t blank = blank_length(text.bytes + i, text.size - i);
            out[k] = blank ? ' ' : text.bytes[i];
            k += !(blank && after_blank);
            after_blank = blank != 0;
            i += blank ? blank : 1;
        }
    }
    return k > 0 && out[k - 1] == ' ' ? k - 1 : k;
}

}  // namespace

enum class Normalization : int64_t { none = 0, whitespace = 1, words = 2, math = 3 };

// hash: two words a text; size: bytes (none, whitespace) or tokens (words, math) that were hashed.
CURATE_API int64_t curate_text_hash128(const Column* column, int64_t normalization, uint64_t* hash, int64_t* size) {
    return guarded([&]() -> int64_t {
        Scratch scratch;
        for (int64_t row = 0; row < column->size; row++) {
            Text text = column->text(row);
            size_t n = text.size;
            Hash128 h;
            switch (static_cast<Normalization>(normalization)) {
                case Normalization::whitespace:
                    n = collapse_blanks(text, scratch.normal);
                    h = hash_bytes(scratch.normal.data(), n);
                    break;
                case Normalization::words:
                case Normalization::math: {
                    bool words = static_cast<Normalization>(normalization) == Normalization::words;
                    Tokens tokens = tokenize(text, words ? Tokenizer::words : Tokenizer::math, scratch);
                    n = tokens.size;
                    h = hash_tokens(tokens);
                    break;
                }
                default:
                    h = hash_bytes(text.bytes, n);
            }
            hash[2 * row] = h.first;
            hash[2 * row + 1] = h.second;
            size[row] = static_cast<int64_t>(n);
        }
        return column->size;
    });
}

}  // namespace curate
