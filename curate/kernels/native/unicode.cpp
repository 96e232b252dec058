#include "unicode.hpp"

namespace curate {
namespace {

constexpr uint64_t kHighBits = 0x8080808080808080ULL;
constexpr size_t kPagesPerTokenizer = 0x110000 / 256;
constexpr uint16_t kComposes = 0x8000;
enum Entry : uint16_t { itself = 0, own_token = 1, blank = 2, nothing = 3 };

// Set once, before any kernel runs (curate.kernels.native.library).
struct Tables {
    const uint16_t* page_of[2] = {nullptr, nullptr};
    const uint16_t* pages = nullptr;
    const uint32_t* entries = nullptr;
    const uint8_t* pool = nullptr;
} tables;

uint16_t entry_of(uint32_t code_point, Tokenizer which) {
    size_t page = tables.page_of[static_cast<int>(which)][code_point >> 8];
    return tables.pages[page * 256 + (code_point & 255)];
}

bool continues(uint8_t byte) { return (byte & 0xC0) == 0x80; }

// Decodes the code point whose first byte (>= 0x80) is at `p`; returns its length, 0 if it is not UTF-8.
size_t decode(const uint8_t* p, size_t left, uint32_t& code_point) {
    uint32_t first = p[0];
    if (first < 0xC2 || first > 0xF4) return 0;
    if (first < 0xE0) {
        if (left < 2 || !continues(p[1])) return 0;
        code_point = (first & 31) << 6 | (p[1] & 63);
        return 2;
    }
    if (first < 0xF0) {
        if (left < 3 || !continues(p[1]) || !continues(p[2])) return 0;
        code_point = (first & 15) << 12 | (p[1] & 63u) << 6 | (p[2] & 63);
        return code_point >= 0x800 ? 3 : 0;
    }
    if (left < 4 || !continues(p[1]) || !continues(p[2]) || !continues(p[3])) return 0;
    code_point = (first & 7) << 18 | (p[1] & 63u) << 12 | (p[2] & 63u) << 6 | (p[3] & 63);
    return code_point >= 0x10000 && code_point <= 0x10FFFF ? 4 : 0;
}

// Eight ASCII bytes with A-Z made a-z: bit 7 of a byte of `upper` is set for those alone.
uint64_t lower8(uint64_t word) {
    uint64_t upper = (word + 0x3f3f3f3f3f3f3f3fULL) & ~(word + 0x2525252525252525ULL) & kHighBits;
    return word | upper >> 2;
}

}  // namespace

bool is_ascii(Text text) {
    uint64_t seen = 0;
    if (text.size >= 8) {
        for (size_t i = 0; i + 8 < text.size; i += 8) seen |= load8(text.bytes + i);
        seen |= load8(text.bytes + text.size - 8);
    } else {
        for (size_t i = 0; i < text.size; i++) seen |= text.bytes[i];
    }
    return (seen & kHighBits) == 0;
}

size_t normalize(Text text, Tokenizer which, Scratch& scratch, bool origins, size_t& n_origins) {
    constexpr size_t kRoom = 272;  // an entry is at most 255 bytes long, copied in steps of 16
    const uint8_t* in = text.bytes;
    size_t i = 0, k = 0;
    n_origins = 0;
    uint8_t* out = scratch.normal.reserve(text.size + text.size / 8 + kRoom);
    auto note = [&] {
        if (!origins) return;
        Origin* list = scratch.origins.reserve(n_origins + 1, n_origins);
        list[n_origins++] = Origin{k, i};
    };
    note();
    while (i < text.size) {
        if (k + kRoom > scratch.normal.capacity()) out = scratch.normal.reserve(k + kRoom + text.size - i, k);
        if (i + 8 <= text.size) {
            uint64_t word = load8(in + i);
            if ((word & kHighBits) == 0) {
                word = lower8(word);
                std::memcpy(out + k, &word, 8);
                k += 8;
                i += 8;
                continue;
            }
        }
        // At most seven ASCII bytes before the next other character, or before the end.
        while (i < text.size && in[i] < 0x80) {
            uint8_t byte = in[i++];
            out[k++] = byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
        }
        if (i == text.size) break;
        note();
        uint32_t code_point = 0;
        size_t length = decode(in + i, text.size - i, code_point);
        uint16_t entry = length ? entry_of(code_point, which) & ~kComposes : uint16_t(blank);
        if (length == 0) length = 1;
        if (entry <= own_token) {
            out[k] = ' ';
            k += entry;
            for (size_t b = 0; b < length; b++) out[k++] = in[i + b];
            out[k] = ' ';
            k += entry;
        } else if (entry == blank) {
            out[k++] = ' ';
        } else if (entry != nothing) {
            uint32_t listed = tables.entries[entry];
            std::memcpy(out + k, tables.pool + (listed >> 8), listed & 255);
            k += listed & 255;
        }
        i += length;
        note();
    }
    note();
    return k;
}

CURATE_API int64_t curate_set_unicode(const uint8_t* bytes, int64_t size) {
    constexpr int64_t kHeader = 40;
    if (size < kHeader || std::memcmp(bytes, "curateU1", 8) != 0) return 1;
    uint32_t n_pages, n_entries, pool_size;
    std::memcpy(&n_pages, bytes + 24, 4);
    std::memcpy(&n_entries, bytes + 28, 4);
    std::memcpy(&pool_size, bytes + 32, 4);
    int64_t expected = kHeader + 4 * int64_t(kPagesPerTokenizer) + 512 * int64_t(n_pages) + 4 * int64_t(n_entries) + pool_size;
    if (size != expected) return 1;
    const uint16_t* page_of = reinterpret_cast<const uint16_t*>(bytes + kHeader);
    Tables read;
    read.page_of[0] = page_of;
    read.page_of[1] = page_of + kPagesPerTokenizer;
    read.pages = page_of + 2 * kPagesPerTokenizer;
    read.entries = reinterpret_cast<const uint32_t*>(read.pages + 256 * size_t(n_pages));
    read.pool = reinterpret_cast<const uint8_t*>(read.entries + n_entries);
    tables = read;
    return 0;
}

// flags[i] = 1 for each text with a code point that may compose with what stands before it; returns how many.
CURATE_API int64_t curate_composing(const Column* column, uint8_t* flags) {
    int64_t found = 0;
    for (int64_t row = 0; row < column->size; row++) {
        Text text = column->text(row);
        const uint8_t* p = text.bytes;
        bool composes = false;
        for (size_t i = 0; i < text.size && !composes;) {
            if (i + 8 <= text.size && (load8(p + i) & kHighBits) == 0) {
                i += 8;
            } else if (p[i] < 0xCC) {  // no code point below U+0300 composes
                i += 1;
            } else {
                uint32_t code_point = 0;
                size_t length = decode(p + i, text.size - i, code_point);
                composes = length && (entry_of(code_point, Tokenizer::words) & kComposes);
                i += length ? length : 1;
            }
        }
        flags[row] = composes;
        found += composes;
    }
    return found;
}

}  // namespace curate
