// Splits texts into hashed tokens: 64 bytes at a time into bit masks of letters, digits and symbols, the
// edges of the masks into offsets, the bytes between two offsets into a hash.
#include <algorithm>

#include "cpu.hpp"
#include "text.hpp"
#include "unicode.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace curate {
namespace {

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "hashes are those of little-endian loads");

constexpr uint64_t kSeed = 0xa0761d6478bd642fULL, kMix = 0xe7037ed1a0b428dbULL;
constexpr uint64_t kLowerCase = 0x2020202020202020ULL;

enum Class : uint8_t { separator = 0, letter = 1, digit = 2, symbol = 4 };

// Class of each byte; a byte of 0x80 or above belongs to a letter, a mark, or a sign that the
// normaliser has put between blanks.
struct ClassTable {
    uint8_t of[256] = {};
    constexpr ClassTable() {
        for (int c = 0; c < 256; c++)
            of[c] = (c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) ? letter
                    : (c >= '0' && c <= '9')                                      ? digit
                                                                                  : separator;
        for (char c : {'+', '-', '*', '/', '=', '<', '>', '^', '%', '|', '!', '(', ')', '[', ']', '@', '#', '&'})
            of[static_cast<unsigned char>(c)] = symbol;
    }
};
constexpr ClassTable kClass;

constexpr size_t kBlock = 64, kBlocks = 64, kChunk = kBlock * kBlocks;

struct Masks {
    uint64_t letter[kBlocks], digit[kBlocks], symbol[kBlocks], backslash[kBlocks];
};

// Offsets, within a chunk, of where tokens begin and where they end (a token may begin in one chunk and
// end in another), and of where runs of digits begin; and which of the tokens that begin are commands.
struct Edges {
    uint32_t begin[kChunk + kBlock], end[kChunk + kBlock], number[kChunk / 2 + kBlock], command[kChunk / 2];
    size_t n_begin, n_end, n_numbers, n_commands;
};

// Whether the byte before the block belonged to a letter run, a digit run, a symbol, was a backslash.
struct Carry {
    uint64_t letter = 0, digit = 0, symbol = 0, backslash = 0;
};

inline const uint8_t* padded_block(const uint8_t* bytes, size_t left, uint8_t* room) {
    if (left >= kBlock) return bytes;
    std::memset(room, ' ', kBlock);
    std::memcpy(room, bytes, left);
    return room;
}

void classify_portable(const uint8_t* bytes, size_t size, Masks& masks) {
    uint8_t room[kBlock];
    for (size_t block = 0; block * kBlock < size; block++) {
        const uint8_t* p = padded_block(bytes + block * kBlock, size - block * kBlock, room);
        uint64_t letters = 0, digits = 0, symbols = 0, backslashes = 0;
        for (size_t i = 0; i < kBlock; i++) {
            uint64_t kind = kClass.of[p[i]];
            letters |= (kind & 1) << i;
            digits |= (kind >> 1 & 1) << i;
            symbols |= (kind >> 2 & 1) << i;
            backslashes |= static_cast<uint64_t>(p[i] == '\\') << i;
        }
        masks.letter[block] = letters;
        masks.digit[block] = digits;
        masks.symbol[block] = symbols;
        masks.backslash[block] = backslashes;
    }
}

// The `step` lowest set bits of `mask` are written whether they are there or not, and overwritten later:
// one branch for that many tokens instead of one for each.
template <size_t step>
inline __attribute__((always_inline)) size_t write_bits(uint64_t mask, uint32_t base, uint32_t* out) {
    size_t count = static_cast<size_t>(__builtin_popcountll(mask)), written = 0;
    do {
        for (size_t j = 0; j < step; j++) {
            out[written + j] = base + static_cast<uint32_t>(__builtin_ctzll(mask | 1ULL << 63));
            mask &= mask - 1;
        }
        written += step;
    } while (written < count);
    return count;
}

// Those of the places that hold ( ) [ ] or !.
inline uint64_t brackets_among(uint64_t places, const uint8_t* bytes) {
    uint64_t found = 0;
    for (; places; places &= places - 1) {
        const uint8_t byte = bytes[__builtin_ctzll(places)];
        if (byte == '(' || byte == ')' || byte == '[' || byte == ']' || byte == '!') found |= places & -places;
    }
    return found;
}

inline __attribute__((always_inline)) void find_edges(const uint8_t* bytes, const Masks& masks, size_t n_blocks, bool math, Carry& carry, Edges& edges) {
    size_t n_begin = 0, n_end = 0, n_numbers = 0, n_commands = 0;
    for (size_t block = 0; block < n_blocks; block++) {
        uint64_t letters = masks.letter[block], digits = masks.digit[block], symbols = 0;
        uint64_t after_digit = digits << 1 | carry.digit, numbers = digits & ~after_digit;
        uint64_t begins = 0, ends = 0, after_backslash = 0;
        if (math) {
            symbols = masks.symbol[block];
            after_backslash = masks.backslash[block] << 1 | carry.backslash;
            if (after_backslash & symbols) symbols &= ~brackets_among(after_backslash & symbols, bytes + block * kBlock);
            begins = numbers | symbols;
            ends = (after_digit & ~digits) | symbols << 1 | carry.symbol;
        } else {
            letters |= digits;
        }
        uint64_t after_letter = letters << 1 | carry.letter;
        begins |= letters & ~after_letter;
        ends |= after_letter & ~letters;
        for (uint64_t commands = letters & after_backslash; commands; commands &= commands - 1) {
            const uint64_t before = (commands & -commands) - 1;
            edges.command[n_commands++] = static_cast<uint32_t>(n_begin) + static_cast<uint32_t>(__builtin_popcountll(begins & before));
        }
        carry = Carry{letters >> 63, digits >> 63, symbols >> 63, masks.backslash[block] >> 63};
        uint32_t base = static_cast<uint32_t>(block * kBlock);
        n_begin += write_bits<8>(begins, base, edges.begin + n_begin);
        n_end += write_bits<8>(ends, base, edges.end + n_end);
        n_numbers += write_bits<4>(numbers, base, edges.number + n_numbers);
    }
    edges.n_begin = n_begin;
    edges.n_end = n_end;
    edges.n_numbers = n_numbers;
    edges.n_commands = n_commands;
}

void split_portable(const uint8_t* bytes, size_t size, bool math, Carry& carry, Edges& edges) {
    Masks masks;
    classify_portable(bytes, size, masks);
    find_edges(bytes, masks, (size + kBlock - 1) / kBlock, math, carry, edges);
}

#if defined(__x86_64__)
#define CURATE_AVX2 __attribute__((target("avx2,bmi,popcnt")))

// A byte's class by its two halves: row_of[high half] & row_of_low[low half] leaves a bit for each
// (row of the ASCII chart, class) the byte is in.
CURATE_AVX2 void classify_avx2(const uint8_t* bytes, size_t size, Masks& masks) {
    constexpr char s2 = 1, d3 = 2, s3 = 4, a46 = 8, s4 = 16, a57 = 32, s5 = 64, s7 = char(128);
    const __m256i by_high = _mm256_setr_epi8(
        0, 0, s2, d3 | s3, a46 | s4, a57 | s5, a46, a57 | s7, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, s2, d3 | s3, a46 | s4, a57 | s5, a46, a57 | s7, 0, 0, 0, 0, 0, 0, 0, 0);
    constexpr char x0 = d3 | s4 | a57, x1 = s2 | d3 | a46 | a57, x2 = d3 | a46 | a57, x8 = s2 | d3 | a46 | a57,
                   xA = s2 | a46 | a57, xB = s2 | a46 | s5, xC = s3 | a46 | s7, xD = s2 | s3 | a46 | s5,
                   xE = s3 | a46 | s5, xF = s2 | a46;
    const __m256i by_low = _mm256_setr_epi8(
        x0, x1, x2, x1, x2, x1, x1, x2, x8, x8, xA, xB, xC, xD, xE, xF,
        x0, x1, x2, x1, x2, x1, x1, x2, x8, x8, xA, xB, xC, xD, xE, xF);
    const __m256i low_half = _mm256_set1_epi8(15), zero = _mm256_setzero_si256(), backslash = _mm256_set1_epi8('\\');
    const __m256i is_letter = _mm256_set1_epi8(a46 | a57), is_digit = _mm256_set1_epi8(d3);
    uint8_t room[kBlock];
    for (size_t block = 0; block * kBlock < size; block++) {
        const uint8_t* p = padded_block(bytes + block * kBlock, size - block * kBlock, room);
        uint64_t letters = 0, digits = 0, others = 0, backslashes = 0;
        for (int half = 0; half < 2; half++) {
            __m256i v = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32 * half));
            __m256i high = _mm256_and_si256(_mm256_srli_epi16(v, 4), low_half);
            __m256i bits = _mm256_and_si256(_mm256_shuffle_epi8(by_high, high),
                                            _mm256_shuffle_epi8(by_low, _mm256_and_si256(v, low_half)));
            __m256i no_letter = _mm256_cmpeq_epi8(_mm256_and_si256(bits, is_letter), zero);
            __m256i no_digit = _mm256_cmpeq_epi8(_mm256_and_si256(bits, is_digit), zero);
            __m256i none = _mm256_cmpeq_epi8(bits, zero);
            uint32_t beyond_ascii = static_cast<uint32_t>(_mm256_movemask_epi8(v));
            letters |= static_cast<uint64_t>(~static_cast<uint32_t>(_mm256_movemask_epi8(no_letter)) | beyond_ascii) << (32 * half);
            digits |= static_cast<uint64_t>(~static_cast<uint32_t>(_mm256_movemask_epi8(no_digit))) << (32 * half);
            others |= static_cast<uint64_t>(~static_cast<uint32_t>(_mm256_movemask_epi8(none))) << (32 * half);
            backslashes |= static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(v, backslash)))) << (32 * half);
        }
        masks.letter[block] = letters;
        masks.digit[block] = digits;
        masks.symbol[block] = others & ~letters & ~digits;
        masks.backslash[block] = backslashes;
    }
}

CURATE_AVX2 void split_avx2(const uint8_t* bytes, size_t size, bool math, Carry& carry, Edges& edges) {
    Masks masks;
    classify_avx2(bytes, size, masks);
    find_edges(bytes, masks, (size + kBlock - 1) / kBlock, math, carry, edges);
}
#endif

using Split = void (*)(const uint8_t*, size_t, bool, Carry&, Edges&);

Split best_split() {
#if defined(__x86_64__)
    if (has_avx2()) return split_avx2;
#endif
    return split_portable;
}

// Hash of a token's bytes, eight at a time. `normal`: the text is normalised; otherwise it is ASCII and
// setting bit 5 makes letters lower case, leaves digits alone and keeps symbols apart. In a normalised
// text a token of one byte is ASCII too, and gets the same bit, so that both ways give one hash.
template <bool normal>
inline uint64_t token_hash(const uint8_t* p, size_t size, size_t readable) {
    uint64_t h = kSeed ^ size * kMix;
    const uint64_t set = normal ? static_cast<uint64_t>(size == 1) << 5 : kLowerCase;
    while (__builtin_expect(size > 8, 0)) {
        h = fold_multiply(h ^ (load8(p) | set), kMix);
        p += 8;
        size -= 8;
        readable -= 8;
    }
    uint64_t word = 0;
    if (__builtin_expect(readable >= 8, 1))
        word = load8(p);
    else
        std::memcpy(&word, p, size);
    return fold_multiply(h ^ ((word | set) & ~0ULL >> (64 - 8 * size)), kMix);
}

// How many of the eight bytes of `word`, from the lowest on, are digits.
inline size_t digits_first(uint64_t word) {
    constexpr uint64_t ones = 0x0101010101010101ULL;
    word ^= ones * '0';  // a digit becomes 0 to 9; a sum that carries does so above the first other byte
    uint64_t others = ((word + ones * (0x80 - 10)) | word) & ones * 0x80;
    return others ? static_cast<size_t>(__builtin_ctzll(others)) / 8 : 8;
}

// Hash of the run of digits at p, eight at a time; the last word holds fewer than eight, so that runs of
// any length differ. `left` bytes of the text follow, and `readable` (>= left) may be read.
inline uint64_t number_hash(const uint8_t* p, size_t left, size_t readable) {
    for (uint64_t h = 0;; p += 8, left -= 8, readable -= 8) {
        uint64_t word = 0;
        if (__builtin_expect(readable >= 8, 1))
            word = load8(p);
        else
            std::memcpy(&word, p, left);
        if (left < 8) word &= (1ULL << 8 * left) - 1;  // what follows the text is not its own
        size_t digits = digits_first(word);
        if (__builtin_expect(digits < 8, 1)) return finish(h ^ (word & ((1ULL << 8 * digits) - 1)));
        h = finish(h ^ word);
    }
}

// LaTeX commands that are read as something else: as what stands after the '=', or as nothing. Case is folded.
constexpr const char* kReadAs =
    "left right middle big bigg bigl bigr biggl biggr bigm displaystyle textstyle scriptstyle limits nolimits "
    "quad qquad enspace thinspace noindent text mathrm textrm rm textbf mathbf bf boldsymbol bm textit mathit it "
    "emph em underline mbox hbox textnormal mathsf textsf mathtt texttt mathbb mathcal cal mathscr mathfrak "
    "operatorname lbrace rbrace colon cdot dots ldots cdots dotsc dotsb dotsm dotsi dotso hdots "
    "dfrac=frac tfrac=frac cfrac=frac lvert=| rvert=| vert=| mid=| lt=< gt=> ast=* varepsilon=epsilon varphi=phi "
    "vartheta=theta ell=l le=\u2264 leq=\u2264 leqslant=\u2264 leqq=\u2264 ge=\u2265 geq=\u2265 geqslant=\u2265 geqq=\u2265 ne=\u2260 "
    "neq=\u2260 times=\u00d7 div=\u00f7 pm=\u00b1 mp=\u2213 in=\u2208 notin=\u2209 cup=\u222a cap=\u2229 subset=\u2282 "
    "subseteq=\u2286 emptyset=\u2205 varnothing=\u2205 to=\u2192 rightarrow=\u2192 vartriangle=triangle equiv=\u2261 approx=\u2248 "
    "infty=\u221e land=\u2227 wedge=\u2227 lor=\u2228 vee=\u2228 neg=\u00ac lnot=\u00ac forall=\u2200 exists=\u2203 ";

// The same by hash.
class Commands {
  public:
    struct Entry {
        uint64_t command = 0, read_as = 0;  // 0: nothing
    };
    Commands() {
        auto hash_of = [](const char* begin, const char* end) {
            const size_t size = static_cast<size_t>(end - begin);
            return size ? token_hash<true>(reinterpret_cast<const uint8_t*>(begin), size, size) : 0;
        };
        for (const char* word = kReadAs; *word;) {
            const char* end = std::strchr(word, ' ');
            const char* equals = std::find(word, end, '=');
            const uint64_t command = hash_of(word, equals);
            size_t at = command % kSlots;
            while (slots_[at].command) at = (at + 1) % kSlots;
            slots_[at] = {command, hash_of(equals + (equals != end), end)};
            word = end + 1;
        }
    }
    // Null for a command that is read as its name.
    const Entry* find(uint64_t command) const {
        for (size_t at = command % kSlots; slots_[at].command; at = (at + 1) % kSlots)
            if (slots_[at].command == command) return &slots_[at];
        return nullptr;
    }

  private:
    static constexpr size_t kSlots = 512;
    Entry slots_[kSlots];
};

// Reads the commands among n tokens, those numbered in scratch.commands, as the table says; returns how many
// tokens are left.
size_t read_commands(Scratch& scratch, size_t n, size_t n_commands, bool spans) {
    static const Commands known;
    uint64_t* columns[] = {scratch.hash.data(), scratch.begin.data(), scratch.end.data()};
    size_t from = 0, to = 0;  // tokens before `from` are where they belong, before `to`
    auto move_until = [&](size_t until) {
        for (size_t c = 0; c < (spans ? 3 : 1) && from != to; c++)
            for (size_t i = from; i < until; i++) columns[c][to + i - from] = columns[c][i];
        to += until - from;
    };
    for (size_t i = 0; i < n_commands; i++) {
        const size_t at = scratch.commands.data()[i];
        const Commands::Entry* entry = known.find(columns[0][at]);
        if (!entry) continue;
        if (entry->read_as) {
            columns[0][at] = entry->read_as;
        } else {
            move_until(at);
            from = at + 1;
        }
    }
    move_until(n);
    return to;
}

template <bool normal>
Tokens split_and_hash(Text text, Tokenizer which, Scratch& scratch, bool spans) {
    const Split split = best_split();
    const bool math = which == Tokenizer::math;
    Edges edges;
    Carry carry;
    constexpr size_t kNone = ~size_t(0);
    size_t n = 0, open_at = kNone;  // open_at: where a token began that has not ended yet
    size_t n_commands = 0;
    uint64_t numbers = 0;
    for (size_t base = 0;; base += kChunk) {
        if (base >= text.size) {
            if (open_at == kNone) break;
            base = text.size;  // the text ends with a whole block, inside a token
            edges.n_begin = 0;
            edges.n_end = 1;
            edges.end[0] = 0;
            edges.n_numbers = 0;
            edges.n_commands = 0;
        } else {
            split(text.bytes + base, text.size - base < kChunk ? text.size - base : kChunk, math, carry, edges);
        }
        if (edges.n_commands) {
            const size_t first = n + (open_at != kNone);  // the token that begins first in this chunk
            uint64_t* commands = scratch.commands.reserve(n_commands + edges.n_commands, n_commands) + n_commands;
            for (size_t i = 0; i < edges.n_commands; i++) commands[i] = first + edges.command[i];
            n_commands += edges.n_commands;
        }
        const size_t n_new = edges.n_end, begun_before = open_at != kNone && n_new > 0;
        if (begun_before) {  // from here on the i-th token begins at begin[i], relative to base
            size_t size = base + edges.end[0] - open_at;
            scratch.hash.reserve(n + 1, n)[n] = token_hash<normal>(text.bytes + open_at, size, text.readable - open_at);
        }
        uint64_t* hash = scratch.hash.reserve(n + n_new + 1, n + begun_before) + n;
        const uint8_t* bytes = text.bytes + base;
        const size_t readable = text.readable - base;
        for (size_t i = begun_before; i < n_new; i++) {
            size_t begin = edges.begin[i - begun_before];
            hash[i] = token_hash<normal>(bytes + begin, edges.end[i] - begin, readable - begin);
        }
        for (size_t i = 0; i < edges.n_numbers; i++) {
            size_t begin = edges.number[i];
            numbers += number_hash(bytes + begin, text.size - base - begin, readable - begin);
        }
        if (spans) {
            uint64_t* begins = scratch.begin.reserve(n + n_new + 1, n) + n;
            uint64_t* ends = scratch.end.reserve(n + n_new + 1, n) + n;
            for (size_t i = 0; i < n_new; i++) {
                begins[i] = i < begun_before ? open_at : base + edges.begin[i - begun_before];
                ends[i] = base + edges.end[i];
            }
        }
        n += n_new;
        const size_t n_begun = n_new - begun_before;
        if (edges.n_begin > n_begun)
            open_at = base + edges.begin[n_begun];
        else if (n_new > 0)
            open_at = kNone;
    }
    if (n_commands) n = read_commands(scratch, n, n_commands, spans);
    return Tokens{scratch.hash.data(), scratch.begin.data(), scratch.end.data(), n, numbers};
}

// Turns spans of the normalised text into spans of the text it was made from. A token that begins or
// ends inside what one character became (the 2 of a fraction sign) gets the whole character.
void spans_of_source(Tokens tokens, Scratch& scratch, size_t n_origins) {
    const Origin* origin = scratch.origins.data();
    size_t at = 0;
    auto stretch_of = [&](uint64_t position) {
        while (at + 1 < n_origins && origin[at + 1].normal <= position) at++;
        return at;
    };
    auto as_it_was = [](size_t stretch) { return stretch % 2 == 0; };
    for (size_t i = 0; i < tokens.size; i++) {
        uint64_t begin = tokens.begin[i], last = tokens.end[i] - 1;
        size_t first = stretch_of(begin);
        scratch.begin.data()[i] = origin[first].source + (as_it_was(first) ? begin - origin[first].normal : 0);
        size_t final = stretch_of(last);
        scratch.end.data()[i] = as_it_was(final) ? origin[final].source + (last - origin[final].normal) + 1
                                                : origin[final + 1].source;
    }
}

// Whether a token of the math tokenizer, as it stands in the text, is one in any language: digits, a sign, one
// letter that is no English word by itself (a, I, and s and t after an apostrophe).
bool is_formula(Text text, uint64_t begin, uint64_t end) {
    const uint8_t first = text.bytes[begin], lower = first | 0x20;
    if (first >= '0' && first <= '9') return true;
    if (first >= 0x80 || end - begin != 1) return false;
    return lower != 'a' && lower != 'i' && lower != 's' && lower != 't';
}

Tokens formulas(Text text, Scratch& scratch) {
    const Tokens all = tokenize(text, Tokenizer::math, scratch, true);
    Tokens some = all;
    some.size = 0;
    uint64_t *hash = scratch.hash.data(), *begin = scratch.begin.data(), *end = scratch.end.data();
    for (size_t i = 0; i < all.size; i++) {
        if (!is_formula(text, all.begin[i], all.end[i])) continue;
        hash[some.size] = all.hash[i];
        begin[some.size] = all.begin[i];
        end[some.size++] = all.end[i];
    }
    return some;
}

}  // namespace

Tokens tokenize(Text text, Tokenizer which, Scratch& scratch, bool spans) {
    if (which == Tokenizer::formulas) return formulas(text, scratch);
    if (is_ascii(text)) return split_and_hash<false>(text, which, scratch, spans);
    size_t n_origins = 0;
    size_t size = normalize(text, which, scratch, spans, n_origins);
    Text normal{scratch.normal.data(), size, scratch.normal.capacity()};
    Tokens tokens = split_and_hash<true>(normal, which, scratch, spans);
    if (spans) spans_of_source(tokens, scratch, n_origins);
    return tokens;
}

// offsets[i + 1] - offsets[i] = number of tokens of text i. Call it first without `hash` to learn how
// many there are; `begin` and `end` (byte offsets into the text) may be left out too.
CURATE_API int64_t curate_tokens(const Column* column, int64_t which, int64_t* offsets, uint64_t* hash,
                                 int64_t* begin, int64_t* end) {
    return guarded([&]() -> int64_t {
        Scratch scratch;
        int64_t total = 0;
        offsets[0] = 0;
        for (int64_t row = 0; row < column->size; row++) {
            Tokens tokens = tokenize(column->text(row), static_cast<Tokenizer>(which), scratch, begin != nullptr);
            if (hash && tokens.size) std::memcpy(hash + total, tokens.hash, tokens.size * 8);
            if (begin && tokens.size) {
                std::memcpy(begin + total, tokens.begin, tokens.size * 8);
                std::memcpy(end + total, tokens.end, tokens.size * 8);
            }
            total += static_cast<int64_t>(tokens.size);
            offsets[row + 1] = total;
        }
        return total;
    });
}

// keys[i] = Tokens::numbers of text i; it is the same for both tokenizers.
CURATE_API int64_t curate_number_keys(const Column* column, int64_t which, uint64_t* keys) {
    return guarded([&]() -> int64_t {
        Scratch scratch;
        for (int64_t row = 0; row < column->size; row++)
            keys[row] = tokenize(column->text(row), static_cast<Tokenizer>(which), scratch).numbers;
        return column->size;
    });
}

// From now on every kernel takes its portable loops (1) or the best ones for this processor (0).
CURATE_API int64_t curate_use_portable(int64_t yes) {
    portable_only = yes != 0;
    return yes;
}

}  // namespace curate
