// Texts laid beside each other: a text is itself, whatever stands beside it, and everything told lies in its bounds.
#include <algorithm>
#include <cstring>

#include "harness.hpp"

namespace fuzz {
namespace {

using namespace curate;

struct Window {
    int32_t item;
    uint32_t score, first, end;
};

struct Told {
    double alignment, share, part;
    uint64_t one, other, end;
    int32_t item;
    uint32_t hits, kind, why, row_first, row_end, item_first, item_end, count, of;
    int32_t numbers_agree;
    uint32_t unused;
};

constexpr uint32_t kKinds = 6, kWhys = 13;

// The text with what means something to alignment put in after every few bytes.
std::string worded(const std::string& text) {
    static const std::vector<std::string> pieces = {
        " 3.50 ", " 1,000 ", " twenty-five ", " one hundred ", " half ", " first ", " $ABC$ ", " BANANAS ", " \\alpha ", " x ", " y ",
        "<b>", "</b>", "<a b='c d' e=f>", "<a b=", "&lt;", "&nbsp;", "&#3", "<<1+2=3>>", "<<", "[asy]", "[/asy]", " tikzpicture ",
        "#### 18", "#### -$1,2\n", "\\begin{asy}", "\\end{asy}", "$xy$", "+ab", " a ", "$a$", "$c$ C ",
        " maximum ", " minimum ", " not ", " find ", ". ", "?\n", " triangle ", " trianlge ", " \\le ", " \\dfrac ", "\xe2\x88\x92", " several "};
    constexpr size_t kEvery = 3, kLongest = 400;
    std::string made;
    for (size_t i = 0; i < std::min(text.size(), kLongest); i++) {
        made += text[i];
        if (i % kEvery == 0) made += pieces[(static_cast<uint8_t>(text[i]) + i / 64) % pieces.size()];
    }
    return made;
}

// What the tokens weigh: every other one of them is listed, and the first phrase is stock.
class Weights {
  public:
    explicit Weights(const Found& found) : hashes_(found.hash) {
        std::sort(hashes_.begin(), hashes_.end());
        hashes_.erase(std::unique(hashes_.begin(), hashes_.end()), hashes_.end());
        size_t kept = 0;
        for (size_t i = 0; i < hashes_.size(); i += 2) hashes_[kept++] = hashes_[i];
        hashes_.resize(kept);
        for (uint64_t hash : hashes_) weights_.push_back(static_cast<uint32_t>(hash >> 7 & 511));
        if (found.hash.size() >= 4) {
            uint64_t phrase = 0;
            for (size_t i = 0; i < 4; i++) phrase = phrase * kNgramStep + found.hash[i];
            stock_.push_back(phrase);
        }
        auto at = [](const auto& values) { return reinterpret_cast<uint64_t>(values.data()); };
        view_ = {at(hashes_), at(weights_), hashes_.size(), 600, at(stock_), stock_.size()};
    }
    const uint64_t* view() const { return view_.data(); }

  private:
    std::vector<uint64_t> hashes_, stock_, view_;
    std::vector<uint32_t> weights_;
};

struct Result {
    std::vector<Told> told;
    std::string strings;
};

Result align(const Column* texts, const Column* items, const Weights& weights, const std::vector<Window>& windows, int64_t most) {
    Result result;
    result.told.resize(static_cast<size_t>(texts->size));
    std::vector<uint8_t> room(1);
    const auto* candidates = reinterpret_cast<const uint32_t*>(windows.data());
    auto run = [&](int64_t capacity) {
        return curate_item_align(texts, items, weights.view(), candidates, most, reinterpret_cast<uint64_t*>(result.told.data()),
                                 room.data(), capacity);
    };
    const int64_t size = run(0);
    REQUIRE(size >= 0);
    const std::vector<Told> before = result.told;
    room.resize(static_cast<size_t>(size) + 1);
    REQUIRE(run(size) == size);  // with room for them the strings are written, and nothing else changes
    REQUIRE(before.empty() || std::memcmp(before.data(), result.told.data(), before.size() * sizeof(Told)) == 0);
    result.strings.assign(room.begin(), room.begin() + long(size));
    return result;
}

std::string named(const Result& result, size_t line) {
    return result.strings.substr(result.told[line].one, result.told[line].end - result.told[line].one);
}

void require_in_bounds(const Result& result, size_t line, uint32_t hits, const std::vector<size_t>& n_tokens) {
    const Told& told = result.told[line];
    REQUIRE(told.one <= told.other && told.other <= told.end && told.end <= result.strings.size());
    REQUIRE(told.hits <= hits);
    if (told.item < 0) return;
    REQUIRE(told.hits > 0 && told.kind < kKinds && told.why < kWhys && told.numbers_agree >= -1 && told.numbers_agree <= 1);
    REQUIRE(0 <= told.alignment && told.alignment <= 1 && 0 <= told.share && told.share <= 1);
    REQUIRE(told.row_first < told.row_end && told.row_end <= n_tokens[line]);
    REQUIRE(told.item_first < told.item_end && told.item_end <= n_tokens[size_t(told.item)]);
}

}  // namespace

void check_align(const Case& given, Digest& digest) {
    if (given.size() == 0) return;
    Case c = given;
    for (size_t i = 0; i < c.size(); i++)
        if (i % 3 || c.texts[i].size() > 2000) c.texts[i] = worded(c.texts[i]);
    const int64_t most = 1 + c.cap % 4;
    Texts texts(c);
    const Found found = tokens_of(texts, 1);
    const Weights weights(found);
    std::vector<size_t> n_tokens;
    for (size_t i = 0; i < c.size(); i++) n_tokens.push_back(found.of(i).size());
    std::vector<Window> beside_itself, beside_others;
    for (size_t i = 0; i < c.size(); i++) {
        for (size_t k = 0; k < size_t(most); k++) {
            const size_t other = (i + k) % c.size(), next = (i + 1 + k * size_t(c.ngram)) % c.size();
            const uint32_t n = uint32_t(n_tokens[i]), first = n ? uint32_t(c.bands * 7 * int64_t(k) % n) : 0;
            beside_itself.push_back(Window{int32_t(other), 0, 0, n});
            beside_others.push_back(Window{n && k <= i ? int32_t(next) : -1, 0, first, std::min(n, first + uint32_t(c.rows_per_band) * 20)});
        }
    }
    const Result itself = align(texts.column(), texts.column(), weights, beside_itself, most);
    const Result others = align(texts.column(), texts.column(), weights, beside_others, most);
    for (size_t i = 0; i < c.size(); i++) {
        require_in_bounds(itself, i, uint32_t(most), n_tokens);
        require_in_bounds(others, i, uint32_t(most), n_tokens);
        const Told& own = itself.told[i];
        REQUIRE(own.item < 0 || (own.item == int32_t(i) && own.hits == 1 && own.kind == 0 && own.alignment == 1));
        // A text by itself is told what it is told among others: nothing of theirs is left behind.
        const std::vector<Window> windows(beside_others.begin() + long(i) * most, beside_others.begin() + long(i + 1) * most);
        const Texts alone(c.text(i));
        Told one = align(alone.column(), texts.column(), weights, windows, most).told[0];
        const Told& among = others.told[i];
        REQUIRE(one.end - one.one == among.end - among.one && one.other - one.one == among.other - among.one);
        one.one = among.one, one.other = among.other, one.end = among.end;
        REQUIRE(std::memcmp(&one, &among, sizeof one) == 0);
        for (double value : {among.alignment, among.share, among.part}) {
            uint64_t bits;
            std::memcpy(&bits, &value, sizeof bits);
            digest.add(bits);
        }
        for (uint32_t value : {uint32_t(among.item), among.hits, among.kind, among.why, among.row_first, among.row_end,
                               among.item_first, among.item_end, among.count, among.of, uint32_t(among.numbers_agree)})
            digest.add(value);
        for (char letter : named(others, i)) digest.add(static_cast<uint8_t>(letter));
    }

    std::vector<int64_t> lines, which;
    for (size_t i = 0; i < c.size(); i++)
        for (size_t j = 0; j < c.size(); j++) {
            lines.push_back(int64_t(i));
            which.push_back(int64_t(j));
        }
    std::vector<double> shared(lines.size());
    REQUIRE(curate_item_content(texts.column(), texts.column(), weights.view(), int64_t(lines.size()), lines.data(), which.data(),
                                shared.data()) == int64_t(lines.size()));
    for (size_t i = 0; i < c.size(); i++)
        for (size_t j = 0; j < c.size(); j++) {
            const double value = shared[i * c.size() + j];
            REQUIRE(0 <= value && value <= 1);
            digest.add(static_cast<uint64_t>(1000 * value));
        }

    size_t n_bytes = 0;
    for (size_t i = 0; i < c.size(); i++) n_bytes += c.text(i).size();
    std::vector<uint8_t> bytes(n_bytes + 1);
    std::vector<int64_t> offsets(c.size() + 1);
    const int64_t written = curate_without_drawings(texts.column(), bytes.data(), offsets.data());
    REQUIRE(written == offsets[c.size()] && size_t(written) <= n_bytes);
    for (size_t i = 0; i < c.size(); i++) {
        const std::string text = c.text(i), blanked(bytes.begin() + offsets[i], bytes.begin() + offsets[i + 1]);
        if (text.find("[asy]") == std::string::npos && text.find("{asy}") == std::string::npos && text.find("tikzpicture") == std::string::npos)
            REQUIRE(blanked == text);
        for (char letter : blanked) digest.add(static_cast<uint8_t>(letter));
    }
}

}  // namespace fuzz
