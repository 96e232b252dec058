#include "harness.hpp"

namespace fuzz {

void check_tokens(const Case&, Digest&);
void check_numbers(const Case&, Digest&);
void check_text_hashes(const Case&, Digest&);
void check_ngram_index(const Case&, Digest&);
void check_signatures(const Case&, Digest&);
void check_pairs(const Case&, Digest&);
void check_clusters(const Case&, Digest&);
void check_symbols(const Case&, Digest&);
void check_items(const Case&, Digest&);
void check_align(const Case&, Digest&);

const std::vector<Check> kChecks = {
    {"tokens", check_tokens},
    {"numbers", check_numbers},
    {"text-hashes", check_text_hashes},
    {"ngram-index", check_ngram_index},
    {"signatures", check_signatures},
    {"pairs", check_pairs},
    {"clusters", check_clusters},
    {"symbols", check_symbols},
    {"items", check_items},
    {"align", check_align},
};

Case read_case(const uint8_t* data, size_t size) {
    constexpr size_t kMostTexts = 12, kLongest = 9000;
    auto option = [&](size_t i) -> unsigned { return i < size ? data[i] : 0; };
    Case c;
    c.tokenizer = option(0) & 1;
    c.copies = (option(0) >> 1 & 7) == 7 ? 70 : 1;  // more than the 64 from which on a phrase is stock
    c.cap = 1 + (option(0) >> 4);
    c.ngram = 1 + (option(1) < 128 ? option(1) % 8 : option(1) % 63);
    c.bands = 1 + (option(2) & 7);
    c.rows_per_band = 1 + (option(2) >> 3 & 7);
    c.skipped = option(3) % 40;
    c.checks = option(4);
    size_t at = 5;
    while (at < size && c.size() < kMostTexts) {
        unsigned how = data[at++];
        size_t end = at;
        while (end < size && data[end] != 0xFF) end++;
        std::string part(data + at, data + end), text;
        for (unsigned times = how & 8 ? 1u << (how & 7) : 1; times > 0 && text.size() < kLongest; times--) text += part;
        c.texts.push_back(text);
        c.valid.push_back(how >> 4 != 15);
        at = end + 1;
    }
    return c;
}

Texts::Texts(const std::vector<std::string>& texts, const std::vector<uint8_t>& valid, size_t skipped)
    : offsets_(texts.size() + 1), valid_(valid) {
    size_t total = skipped;
    for (size_t i = 0; i < texts.size(); i++) {
        offsets_[i] = static_cast<int64_t>(total);
        total += texts[i].size();
    }
    offsets_[texts.size()] = static_cast<int64_t>(total);
    bytes_.reset(new uint8_t[total]);
    std::memset(bytes_.get(), '9', skipped);
    for (size_t i = 0; i < texts.size(); i++)
        if (!texts[i].empty()) std::memcpy(bytes_.get() + offsets_[i], texts[i].data(), texts[i].size());
    bool nulls = false;
    for (uint8_t v : valid_) nulls = nulls || !v;
    column_ = Column{bytes_.get(), offsets_.data(), nulls ? valid_.data() : nullptr, static_cast<int64_t>(texts.size())};
}

void check_all(const uint8_t* data, size_t size, std::vector<Digest>* digests) {
    const Case c = read_case(data, size);
    for (size_t i = 0; i < kChecks.size(); i++) {
        if (c.checks != 0 && !(c.checks >> i % 8 & 1)) continue;
        Digest best, portable;
        kChecks[i].run(c, best);
        curate::curate_use_portable(1);
        kChecks[i].run(c, portable);
        curate::curate_use_portable(0);
        REQUIRE(best.value() == portable.value());
        if (digests) (*digests)[i].add(best.value());
    }
}

void read_unicode(const char* path) {
    static std::vector<uint8_t> bytes;  // the kernels point into it
    std::FILE* file = std::fopen(path, "rb");
    if (!file) {
        std::fprintf(stderr, "expected Unicode tables at %s, found no file\n", path);
        std::exit(2);
    }
    std::fseek(file, 0, SEEK_END);
    bytes.resize(static_cast<size_t>(std::ftell(file)));
    std::rewind(file);
    size_t n = std::fread(bytes.data(), 1, bytes.size(), file);
    std::fclose(file);
    REQUIRE(n == bytes.size() && curate::curate_set_unicode(bytes.data(), static_cast<int64_t>(n)) == 0);
}

}  // namespace fuzz
