// The item index: built from weights that the hashes give, compared with every item beside every window.
#include <algorithm>
#include <cstring>
#include <map>
#include <set>

#include "harness.hpp"

namespace fuzz {
namespace {

using namespace curate;
using Tokens = std::vector<uint64_t>;

constexpr size_t kWindow = 128;
constexpr uint32_t kStockWeight = 30;
enum Kind : uint8_t { sign = 0, content = 1, number = 2 };

struct Candidate {
    int32_t item;
    uint32_t score, first, end;
    bool operator==(const Candidate& other) const {
        return item == other.item && score == other.score && first == other.first && end == other.end;
    }
};

uint32_t weight_of(uint64_t token) {
    static const uint32_t weights[] = {0, 20, 90, 300};
    return weights[token >> 7 & 3];
}

Kind kind_of(uint64_t token) { return static_cast<Kind>(token >> 9 & 3) > number ? content : static_cast<Kind>(token >> 9 & 3); }

struct Item {
    Tokens tokens;
    std::map<uint64_t, uint32_t> words;  // those that weigh anything
    uint32_t total = 0, content_weight = 0, numbers = 0, needed = 0, in_order = 0;
    size_t window = 0, level = 0;

    Item(Tokens given, uint32_t fifths) : tokens(std::move(given)) {
        size_t n_content = 0;
        for (uint64_t token : tokens)
            if (weight_of(token)) words[token] = weight_of(token);
        for (auto [token, weight] : words) {
            total += weight;
            if (kind_of(token) == content) content_weight += weight, n_content++;
            if (kind_of(token) == number) numbers++;
        }
        if (n_content < 5) content_weight = 0;
        in_order = n_content < 5 ? 700 : 500;
        window = tokens.size() * 8 / 5 + 10;
        while (window > kWindow << level) level++;
        needed = std::max((total * fifths + 4) / 5, level ? (total + 1) / 2 : 1);
        needed = std::max<uint32_t>(needed, 1);
    }
};

// The arrays of curate.kernels.item_index, and the words it would let lead to the items.
class BuiltItems {
  public:
    BuiltItems(const std::vector<Item>& items, int64_t tokenizer, uint32_t fifths) {
        std::map<uint64_t, uint32_t> number_of;
        size_t n_levels = 1;
        for (const Item& item : items) {
            for (uint64_t token : item.tokens) number_of.emplace(Table::key(token), 0);
            n_levels = std::max(n_levels, item.level + 1);
        }
        std::vector<uint64_t> keys;
        for (auto& [key, word] : number_of) {
            word = uint32_t(keys.size());
            keys.push_back(key);
        }
        size_t n_slots = 1;
        while (n_slots < 2 * keys.size()) n_slots *= 2;
        bloom_.resize(std::max<size_t>(1, n_slots / 16));
        slots_.resize(n_slots);
        values_.resize(n_slots);
        curate_ngram_table(keys.data(), int64_t(keys.size()), bloom_.data(), bloom_.size() - 1, slots_.data(), values_.data(), n_slots - 1);
        std::vector<std::vector<std::pair<uint32_t, uint32_t>>> postings(n_levels * keys.size());
        for (uint32_t i = 0; i < items.size(); i++) {
            const Item& item = items[i];
            std::vector<std::pair<uint32_t, uint64_t>> heaviest;
            for (auto [token, weight] : item.words) heaviest.emplace_back(weight, token);
            std::sort(heaviest.rbegin(), heaviest.rend());
            const std::set<uint64_t> distinct(item.tokens.begin(), item.tokens.end());
            for (uint64_t token : distinct)
                if (!item.words.count(token)) heaviest.emplace_back(0, token);
            Facts facts{item_words_.size(), item_tokens_.size(), 0, uint32_t(item.words.size()), uint32_t(heaviest.size()),
                        uint32_t(item.tokens.size()), item.total, item.needed, uint32_t(item.window), 0, item.content_weight,
                        item.numbers, item.in_order, 0};
            uint32_t led = 0;
            for (auto [weight, token] : heaviest) {
                const uint32_t word = number_of[Table::key(token)];
                if (uint64_t(led) * 10 < uint64_t(item.total) * (10 - std::min(2u, fifths))) {
                    postings[word * n_levels + item.level].emplace_back(i, weight);
                    led += weight;
                    facts.n_led++;
                }
                const long times = std::count(item.tokens.begin(), item.tokens.end(), token);
                item_words_.push_back(Word{word, uint32_t(times) * std::max(weight, kStockWeight), uint16_t(weight),
                                           weight ? kind_of(token) : sign, 0});
            }
            for (uint64_t token : item.tokens) {
                item_tokens_.push_back(number_of[Table::key(token)]);
                token_weights_.push_back(uint16_t(std::max(weight_of(token), kStockWeight)));
                facts.order += token_weights_.back();
            }
            met_.push_back(item.needed - std::min(item.needed, item.total - led));
            items_.push_back(facts);
        }
        postings_of_ = {0};
        for (const auto& list : postings) {
            for (auto [item, weight] : list) {
                postings_.push_back(item);
                posting_weights_.push_back(uint16_t(weight));
            }
            postings_of_.push_back(postings_.size());
        }
        auto at = [](const auto& values) { return reinterpret_cast<uint64_t>(values.data()); };
        view_ = {at(bloom_), at(slots_), at(values_), bloom_.size() - 1, slots_.size() - 1, at(postings_of_), at(postings_),
                 at(posting_weights_), at(met_), at(items_), at(item_words_), at(item_tokens_), at(token_weights_),
                 items.size(), item_words_.size(), keys.size(), n_levels, uint64_t(tokenizer)};
    }
    const uint64_t* view() const { return view_.data(); }

  private:
    struct Facts {
        uint64_t words, tokens;
        uint32_t n_led, n_heavy, n_words, n_tokens, total, needed, window, order, content, numbers, in_order, unused;
    };
    struct Word {
        uint32_t word, order;
        uint16_t weight;
        uint8_t kind, unused;
    };

    std::vector<uint64_t> bloom_, slots_, postings_of_, view_;
    std::vector<uint32_t> values_, postings_, met_, item_tokens_;
    std::vector<uint16_t> posting_weights_, token_weights_;
    std::vector<Facts> items_;
    std::vector<Word> item_words_;
};

// Weight of the tokens of the item that end a longer common subsequence of its beginning and the text.
uint64_t weight_in_order(const Item& item, const uint64_t* text, size_t size) {
    std::vector<uint32_t> before(size + 1), now(size + 1);
    uint64_t weight = 0;
    for (uint64_t token : item.tokens) {
        for (size_t i = 0; i < size; i++) now[i + 1] = text[i] == token ? before[i] + 1 : std::max(before[i + 1], now[i]);
        if (now[size] > before[size]) weight += std::max(weight_of(token), kStockWeight);
        before = now;
    }
    return weight;
}

uint32_t plain_score(const Item& item, const Tokens& text, uint32_t weight, size_t first, size_t end) {
    const size_t margin = item.tokens.size() / 4 + 5, from = first > margin ? first - margin : 0;
    const size_t to = std::min(text.size(), end + margin);
    uint64_t all = 0, content_seen = 0, numbers_seen = 0;
    for (uint64_t token : item.tokens) all += std::max(weight_of(token), kStockWeight);
    const uint64_t common = weight_in_order(item, text.data() + from, to - from);
    const std::set<uint64_t> held(text.begin() + long(from), text.begin() + long(to));
    for (auto [token, its_weight] : item.words) {
        if (!held.count(token)) continue;
        if (kind_of(token) == content) content_seen += its_weight;
        if (kind_of(token) == number) numbers_seen++;
    }
    const bool reworded = item.content_weight && content_seen * 100 >= item.content_weight * (item.numbers < 2 ? 60u : 40u) &&
                          numbers_seen * 100 >= item.numbers * 65u;
    if (common * 1000 < all * item.in_order && !reworded) return 0;
    const uint32_t thousandths = uint32_t(common * 1000 / all);
    return thousandths ? thousandths + uint32_t(uint64_t(1000) * weight / item.total) : 0;
}

// What curate_item_candidates must find in one text, by looking at each item in turn.
std::vector<Candidate> plain_candidates(const Tokens& text, const std::vector<Item>& items, size_t most) {
    std::vector<Candidate> found;
    for (size_t number = 0; number < items.size(); number++) {
        const Item& item = items[number];
        const size_t step = kWindow << item.level;
        Candidate best{int32_t(number), 0, 0, 0};
        for (size_t start = 0; start == 0 || start + step < text.size(); start += step) {
            std::vector<size_t> places;
            for (size_t i = start; i < std::min(start + 2 * step, text.size()); i++)
                if (item.words.count(text[i])) places.push_back(i);
            if (places.empty()) continue;
            const bool fits = places.back() + 1 - places.front() <= item.window;
            uint32_t weight = 0;
            size_t first = 0, end = 0;
            for (size_t last : fits ? std::vector<size_t>{places.back()} : places) {
                std::set<uint64_t> held;
                size_t earliest = last;
                for (size_t i : places)
                    if (i <= last && i + item.window > last) {
                        held.insert(text[i]);
                        earliest = std::min(earliest, i);
                    }
                uint32_t here = 0;
                for (uint64_t token : held) here += item.words.at(token);
                if (here > weight) weight = here, first = earliest, end = last + 1;
            }
            if (weight < item.needed) continue;
            const uint32_t score = plain_score(item, text, weight, first, end);
            if (score > best.score) best = Candidate{int32_t(number), score, uint32_t(first), uint32_t(end)};
        }
        if (best.score) found.push_back(best);
    }
    std::stable_sort(found.begin(), found.end(), [](const Candidate& a, const Candidate& b) { return a.score > b.score; });
    found.resize(most, Candidate{-1, 0, 0, 0});
    return found;
}

}  // namespace

void check_items(const Case& c, Digest& digest) {
    constexpr size_t kMostItems = 5, kMostCompared = 400;
    const uint32_t fifths = 1 + uint32_t(c.ngram) % 4;
    const size_t most = 1 + size_t(c.cap) % 4;
    Texts texts(c);
    const Found found = tokens_of(texts, c.tokenizer);
    std::vector<Item> items;
    bool small = found.hash.size() <= 3 * kMostCompared;
    for (size_t i = 0; i < std::min(c.size(), kMostItems); i++) {
        items.emplace_back(found.of(i), fifths);
        small = small && items.back().tokens.size() <= kMostCompared;
    }
    const BuiltItems index(items, c.tokenizer, fifths);
    std::vector<Candidate> best(c.size() * most);
    std::vector<uint32_t> n_tokens(c.size());
    REQUIRE(curate_item_candidates(texts.column(), index.view(), int64_t(most), reinterpret_cast<uint32_t*>(best.data()),
                                   n_tokens.data()) == int64_t(c.size()));
    for (size_t i = 0; i < c.size(); i++) {
        const Tokens text = found.of(i);
        REQUIRE(n_tokens[i] == text.size());
        const std::vector<Candidate> own(best.begin() + long(i * most), best.begin() + long((i + 1) * most));
        if (small) REQUIRE(own == plain_candidates(text, items, most));
        for (const Candidate& one : own) {
            for (uint32_t value : {uint32_t(one.item), one.score, one.first, one.end}) digest.add(value);
            if (one.item < 0) continue;
            REQUIRE(size_t(one.item) < items.size() && one.score <= 2000);
            REQUIRE(one.first < one.end && one.end <= text.size() && one.end - one.first <= items[size_t(one.item)].window);
        }
    }
}

}  // namespace fuzz
