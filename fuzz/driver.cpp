// Runs the checks without libFuzzer: over files, over random cases, or over a fixed corpus with digests.
#include <chrono>
#include <cstring>

#include "harness.hpp"

namespace fuzz {
namespace {

using Bytes = std::vector<uint8_t>;

// SplitMix64, so that a seed gives the same cases with every compiler and library.
struct Random {
    uint64_t state;
    uint64_t next() { return curate::finish(state += curate::kNgramStep); }
    size_t below(size_t n) { return static_cast<size_t>(next() % n); }
};

// The three bytes of a surrogate are no UTF-8; they belong to what kernels must bear.
void append_code_point(std::string& out, uint32_t code) {
    auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | code >> 6), put(0x80 | (code & 63));
    } else if (code < 0x10000) {
        put(0xE0 | code >> 12), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
    } else {
        put(0xF0 | code >> 18), put(0x80 | (code >> 12 & 63)), put(0x80 | (code >> 6 & 63)), put(0x80 | (code & 63));
    }
}

std::string random_piece(Random& random) {
    static const std::vector<std::string> fragments = {
        "find", "the", "x", "12", "7", "00", "12345678", "123456789", " ", "  ", "\n", "+", "(", ")", "=", "^2", "\\frac{", "$",
        "\\", "\\(", "\\]", "\\left", "\\dfrac", "\\LEQ ", "\\in",
        "é", "e\u0301", "½", "²", "≤", "−", "你好", "か\u3099", "각", "\u1100\u1161", "ﷺ", "ﬃ", "\u200b", "\u00ad", "\u2028",
        "😀", "\U0001d7d9", "٣", "İ", "ß", std::string(1, '\0'), "\xc3", "\xe2\x89", "\xf0\x9f\x98", "\xed\xa0\x80", "\xfe", "\x80",
        std::string(63, 'a'), std::string(64, '('), std::string(60, ' '), "Prove that x is even."};
    std::string piece;
    switch (random.below(8)) {
        case 0:
            append_code_point(piece, static_cast<uint32_t>(random.below(0x110000)));
            break;
        case 1:
            append_code_point(piece, static_cast<uint32_t>(random.below(0x3100)));
            break;
        case 2:
            piece += static_cast<char>(random.below(255));  // never 0xFF: that parts texts
            break;
        default:
            piece = fragments[random.below(fragments.size())];
    }
    return piece;
}

Bytes random_case(uint64_t seed, size_t most_texts = 8, size_t most_pieces = 200) {
    Random random{seed};
    Bytes bytes;
    for (int i = 0; i < 4; i++) bytes.push_back(static_cast<uint8_t>(random.next()));
    bytes.push_back(0);  // every check
    std::vector<std::string> texts;
    for (size_t n = 1 + random.below(most_texts); n > 0; n--) {
        std::string text;
        if (!texts.empty() && random.below(4) == 0) text = texts[random.below(texts.size())];
        for (size_t pieces = random.below(random.below(3) ? 12 : most_pieces); pieces > 0; pieces--) text += random_piece(random);
        uint8_t how = random.below(10) == 0 ? 0xF0 : 0;
        if (random.below(10) == 0) how |= static_cast<uint8_t>(8 + random.below(8));  // repeated
        bytes.push_back(how);
        bytes.insert(bytes.end(), text.begin(), text.end());
        bytes.push_back(0xFF);
        texts.push_back(text);
    }
    return bytes;
}

// Every code point between letters and digits; texts that end at, before and after each block the kernels
// work in; random cases. The same for every compiler, processor and run.
template <class Visit>
void each_case(Visit&& visit) {
    constexpr uint32_t kCodePoints = 0x110000, kPerText = 256, kPerCase = 8 * kPerText;
    constexpr uint8_t kOfTexts = 0x0F;  // checks that look at characters: the first four
    for (uint32_t start = 0; start < kCodePoints; start += kPerCase) {
        Bytes bytes = {static_cast<uint8_t>(start >> 11 & 1), 2, 3, static_cast<uint8_t>(start >> 11 & 31), kOfTexts};
        for (uint32_t code = start; code < start + kPerCase; code++) {
            if (code % kPerText == 0 && code != start) bytes.push_back(0xFF);
            if (code % kPerText == 0) bytes.push_back(0);
            std::string text;
            append_code_point(text, code);
            text += code & 1 ? "c1 " : "2";
            bytes.insert(bytes.end(), text.begin(), text.end());
        }
        visit(bytes);
    }
    for (size_t size : {0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 62, 63, 64, 65, 127, 128, 129, 4094, 4095, 4096, 4097, 8192, 8193})
        for (const char* part : {"x", "7", "(", "é", "你", "x1", " ", "12345678"}) {
            Bytes bytes = {static_cast<uint8_t>(size & 1), 4, 5, 6, 0};
            for (const char* end : {"", "y", " 9", "\u00ad", "½"}) {
                bytes.push_back(0);
                for (size_t n = 0; n < size; n += std::strlen(part)) bytes.insert(bytes.end(), part, part + std::strlen(part));
                bytes.insert(bytes.end(), end, end + std::strlen(end));
                bytes.push_back(0xFF);
            }
            visit(bytes);
        }
    for (uint64_t seed = 0; seed < 300; seed++) visit(random_case(seed));
    for (uint64_t seed = 300; seed < 400; seed++) {  // short texts, 70 copies of each item: stock phrases
        Bytes bytes = random_case(seed, 2, 12);
        bytes[0] |= 14, bytes[1] &= 3, bytes[4] = 8;
        visit(bytes);
    }
}

int print_digests() {
    std::vector<Digest> digests(kChecks.size());
    each_case([&](const Bytes& bytes) { check_all(bytes.data(), bytes.size(), &digests); });
    for (size_t i = 0; i < kChecks.size(); i++)
        std::printf("%-12s %016llx\n", kChecks[i].name, static_cast<unsigned long long>(digests[i].value()));
    return 0;
}

int run_random(double seconds, uint64_t seed) {
    const auto start = std::chrono::steady_clock::now();
    uint64_t cases = 0;
    Random random{seed};
    while (std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() < seconds) {
        const uint64_t case_seed = random.next();
        if (const char* path = std::getenv("CURATE_FUZZ_LAST")) {  // what to look at after a crash
            Bytes bytes = random_case(case_seed);
            std::FILE* file = std::fopen(path, "wb");
            REQUIRE(file && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
            std::fclose(file);
        }
        Bytes bytes = random_case(case_seed);
        check_all(bytes.data(), bytes.size());
        cases++;
    }
    std::printf("%llu random cases, seed %llu: all checks hold\n", static_cast<unsigned long long>(cases), static_cast<unsigned long long>(seed));
    return 0;
}

Bytes read_file(const char* path) {
    Bytes bytes;
    std::FILE* file = std::fopen(path, "rb");
    REQUIRE(file);
    for (int byte; (byte = std::fgetc(file)) != EOF;) bytes.push_back(static_cast<uint8_t>(byte));
    std::fclose(file);
    return bytes;
}

int write_seeds(const std::string& folder) {
    size_t n = 0;
    each_case([&](const Bytes& bytes) {
        if (bytes.size() > 400 || n >= 400) return;
        std::FILE* file = std::fopen((folder + "/seed-" + std::to_string(n++)).c_str(), "wb");
        REQUIRE(file && std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
        std::fclose(file);
    });
    return 0;
}

}  // namespace
}  // namespace fuzz

int main(int argc, char** argv) {
    using namespace fuzz;
    const std::string mode = argc > 2 ? argv[2] : "";
    if (mode.empty()) {
        std::fprintf(stderr, "usage: driver UNICODE.BIN digest | random SECONDS SEED | seeds FOLDER | FILE...\n");
        return 2;
    }
    read_unicode(argv[1]);
    if (mode == "digest") return print_digests();
    if (mode == "random" && argc == 5) return run_random(std::atof(argv[3]), std::strtoull(argv[4], nullptr, 10));
    if (mode == "seeds" && argc == 4) return write_seeds(argv[3]);
    for (int i = 2; i < argc; i++) {
        std::vector<uint8_t> bytes = read_file(argv[i]);
        check_all(bytes.data(), bytes.size());
    }
    return 0;
}
