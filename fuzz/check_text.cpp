// Tokens, their places, number keys and whole-text hashes.
#include <algorithm>
#include <map>

#include "harness.hpp"

namespace fuzz {

using namespace curate;

Found tokens_of(const Texts& texts, int64_t tokenizer) {
    Found found;
    found.offsets.resize(texts.size() + 1);
    const int64_t total = curate_tokens(texts.column(), tokenizer, found.offsets.data(), nullptr, nullptr, nullptr);
    REQUIRE(total >= 0 && found.offsets[0] == 0 && found.offsets[texts.size()] == total);
    REQUIRE(std::is_sorted(found.offsets.begin(), found.offsets.end()));
    const size_t n = static_cast<size_t>(total);
    std::vector<int64_t> offsets(texts.size() + 1);
    found.hash.resize(n);
    found.begin.reserve(n + 1);  // an empty vector may have no address, and none means: no places
    found.end.reserve(n + 1);
    found.begin.resize(n);
    found.end.resize(n);
    REQUIRE(curate_tokens(texts.column(), tokenizer, offsets.data(), found.hash.data(), found.begin.data(), found.end.data()) == total);
    REQUIRE(offsets == found.offsets);
    return found;
}

// The places of the tokens [first, end) of `found` ascend, lie in the text and overlap only where one
// character became several tokens.
void require_places(const Found& found, int64_t first, int64_t end, const std::string& text) {
    for (int64_t t = first; t < end; t++) {
        REQUIRE(0 <= found.begin[t] && found.begin[t] < found.end[t] && found.end[t] <= int64_t(text.size()));
        if (t == first) continue;
        REQUIRE(found.begin[t - 1] <= found.begin[t] && found.end[t - 1] <= found.end[t]);
        REQUIRE(found.end[t - 1] <= found.begin[t] || uint8_t(text[size_t(found.end[t - 1]) - 1]) >= 0x80);
    }
}

void check_tokens(const Case& c, Digest& digest) {
    Texts texts(c);
    std::vector<uint8_t> composing(c.size());
    int64_t n_composing = curate_composing(texts.column(), composing.data());
    REQUIRE(n_composing == std::count(composing.begin(), composing.end(), 1));
    digest.add_all(composing);
    for (int64_t tokenizer : {0, 1}) {
        const Found found = tokens_of(texts, tokenizer);
        digest.add_all(found.offsets);
        digest.add_all(found.hash);
        digest.add_all(found.begin);
        digest.add_all(found.end);
        std::vector<int64_t> offsets(c.size() + 1);
        std::vector<uint64_t> hash(found.hash.size());
        curate_tokens(texts.column(), tokenizer, offsets.data(), hash.data(), nullptr, nullptr);
        REQUIRE(hash == found.hash && offsets == found.offsets);
        for (size_t i = 0; i < c.size(); i++) {
            const std::string text = c.text(i);
            REQUIRE(found.of(i).size() <= 2 * text.size());  // callers reserve that much
            require_places(found, found.offsets[i], found.offsets[i + 1], text);
            // A text by itself has the tokens it has among others: no neighbour reaches into it.
            Texts alone(text);
            const Found own = tokens_of(alone, tokenizer);
            REQUIRE(own.hash == found.of(i));
            REQUIRE(std::equal(own.begin.begin(), own.begin.end(), found.begin.begin() + found.offsets[i]));
            REQUIRE(std::equal(own.end.begin(), own.end.end(), found.end.begin() + found.offsets[i]));
            uint8_t flag = 2;
            curate_composing(alone.column(), &flag);
            REQUIRE(flag == composing[i]);
        }
    }
}

// The number key of an ASCII text, plainly.
uint64_t plain_number_key(const std::string& text) {
    uint64_t sum = 0;
    auto is_digit = [&](size_t i) { return i < text.size() && text[i] >= '0' && text[i] <= '9'; };
    for (size_t i = 0; i < text.size(); i++) {
        if (!is_digit(i) || (i > 0 && is_digit(i - 1))) continue;
        uint64_t h = 0, word = 0;
        size_t n = 0;
        for (size_t j = i; is_digit(j); j++) {
            word |= uint64_t(uint8_t(text[j])) << 8 * (n++ % 8);
            if (n % 8 == 0) h = finish(h ^ word), word = 0;
        }
        sum += finish(h ^ word);
    }
    return sum;
}

void check_numbers(const Case& c, Digest& digest) {
    Texts texts(c);
    std::vector<uint64_t> words(c.size()), math(c.size());
    REQUIRE(curate_number_keys(texts.column(), 0, words.data()) == int64_t(c.size()));
    REQUIRE(curate_number_keys(texts.column(), 1, math.data()) == int64_t(c.size()));
    REQUIRE(words == math);
    digest.add_all(words);
    for (size_t i = 0; i < c.size(); i++) {
        const std::string text = c.text(i);
        uint64_t alone = 0;
        curate_number_keys(Texts(text).column(), 1, &alone);
        REQUIRE(alone == words[i]);
        bool ascii = std::all_of(text.begin(), text.end(), [](char byte) { return uint8_t(byte) < 0x80; });
        if (ascii) REQUIRE(words[i] == plain_number_key(text));
    }
}

// The text with every run of blanks as one blank and none at the ends, plainly.
std::string plain_collapse(const std::string& text) {
    static const std::vector<std::string> blanks = {
        " ", "\t", "\n", "\v", "\f", "\r", "\x1c", "\x1d", "\x1e", "\x1f", "\u0085", "\u00a0", "\u1680", "\u2000", "\u2001",
        "\u2002", "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029",
        "\u202f", "\u205f", "\u3000"};
    std::string out;
    for (size_t i = 0; i < text.size();) {
        const uint8_t first = uint8_t(text[i]);
        const bool may_be = first <= ' ' || first == 0xC2 || (first >= 0xE1 && first <= 0xE3);
        auto blank = !may_be ? blanks.end() : std::find_if(blanks.begin(), blanks.end(), [&](const std::string& b) { return text.compare(i, b.size(), b) == 0; });
        if (blank == blanks.end()) out += text[i++];
        else {
            if (!out.empty() && out.back() != ' ') out += ' ';
            i += blank->size();
        }
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

// Requires that texts have equal hashes exactly where their normal forms are equal, and the sizes of these.
template <class Form>
void require_same_split(const std::vector<Form>& forms, const std::vector<uint64_t>& hash, const std::vector<int64_t>& size) {
    std::map<Form, std::pair<uint64_t, uint64_t>> hash_of;
    std::map<std::pair<uint64_t, uint64_t>, Form> form_of;
    for (size_t i = 0; i < forms.size(); i++) {
        REQUIRE(size[i] == int64_t(forms[i].size()));
        std::pair<uint64_t, uint64_t> h{hash[2 * i], hash[2 * i + 1]};
        REQUIRE(hash_of.emplace(forms[i], h).first->second == h);
        REQUIRE(form_of.emplace(h, forms[i]).first->second == forms[i]);
    }
}

void check_text_hashes(const Case& c, Digest& digest) {
    Texts texts(c);
    std::vector<std::string> raw, collapsed;
    for (size_t i = 0; i < c.size(); i++) raw.push_back(c.text(i));
    for (const std::string& text : raw) collapsed.push_back(plain_collapse(text));
    for (int64_t normalization : {0, 1, 2, 3}) {
        std::vector<uint64_t> hash(2 * c.size());
        std::vector<int64_t> size(c.size());
        REQUIRE(curate_text_hash128(texts.column(), normalization, hash.data(), size.data()) == int64_t(c.size()));
        digest.add_all(hash);
        digest.add_all(size);
        if (normalization < 2) {
            require_same_split(normalization == 0 ? raw : collapsed, hash, size);
        } else {
            Found found = tokens_of(texts, normalization - 2);
            std::vector<std::vector<uint64_t>> tokens;
            for (size_t i = 0; i < c.size(); i++) tokens.push_back(found.of(i));
            require_same_split(tokens, hash, size);
        }
    }
}

}  // namespace fuzz
