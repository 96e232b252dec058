// The n-gram index: built as curate/kernels/ngram_index.py builds it, compared with plain counting.
#include <algorithm>
#include <map>
#include <set>

#include "harness.hpp"

namespace fuzz {
namespace {

using namespace curate;
using Tokens = std::vector<uint64_t>;

constexpr size_t kAnywhere = 4, kStock = 64;

struct HashTable {
    std::vector<uint64_t> bloom, slots;
    std::vector<uint32_t> values;

    explicit HashTable(const std::vector<uint64_t>& keys) {
        size_t n_slots = 1;
        while (n_slots < 2 * keys.size()) n_slots *= 2;
        bloom.resize(std::max<size_t>(1, n_slots / 16));
        slots.resize(n_slots);
        values.resize(n_slots);
        curate_ngram_table(keys.data(), int64_t(keys.size()), bloom.data(), bloom.size() - 1, slots.data(), values.data(), n_slots - 1);
        for (size_t i = 0; i < keys.size(); i++) REQUIRE(view().may_hold(keys[i]) && view().find(keys[i]) == i);
    }
    Table view() const { return Table{bloom.data(), slots.data(), values.data(), bloom.size() - 1, slots.size() - 1}; }
};

// Hashes of the grams of all items, in order, and where each item's begin.
struct Grams {
    std::vector<uint64_t> hashes, grams_of;
    std::vector<uint32_t> item_tokens;

    Grams(const Texts& items, int64_t tokenizer, int64_t n) : grams_of(items.size() + 1), item_tokens(items.size()) {
        int64_t total = curate_ngram_items(items.column(), tokenizer, n, nullptr, grams_of.data(), item_tokens.data());
        std::vector<uint64_t> counted = grams_of;
        hashes.resize(size_t(total));
        REQUIRE(curate_ngram_items(items.column(), tokenizer, n, hashes.data(), grams_of.data(), item_tokens.data()) == total);
        REQUIRE(counted == grams_of && std::is_sorted(grams_of.begin(), grams_of.end()));
    }
};

std::vector<uint64_t> sorted_unique(std::vector<uint64_t> values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
    return values;
}

template <class T>
std::vector<T> joined(const std::vector<std::vector<T>>& lists, std::vector<uint64_t>& starts) {
    std::vector<T> all;
    starts.assign(1, 0);
    for (const std::vector<T>& list : lists) {
        all.insert(all.end(), list.begin(), list.end());
        starts.push_back(all.size());
    }
    return all;
}

class BuiltIndex {
  public:
    BuiltIndex(const std::vector<std::string>& items, int64_t tokenizer, int64_t n)
        : grams_(Texts(items, std::vector<uint8_t>(items.size(), 1)), tokenizer, n),
          keys_(sorted_unique(grams_.hashes)),
          table_(keys_),
          starts_(short_starts(items, tokenizer, n)) {
        std::vector<std::set<uint32_t>> items_with(keys_.size());
        std::vector<std::vector<uint32_t>> stock(items.size()), postings;
        for (uint32_t item = 0; item < items.size(); item++) {
            std::set<uint32_t> distinct;
            for (uint64_t g = grams_.grams_of[item]; g < grams_.grams_of[item + 1]; g++) {
                auto key = std::lower_bound(keys_.begin(), keys_.end(), grams_.hashes[g]);
                item_grams_.push_back(uint32_t(key - keys_.begin()));
                distinct.insert(item_grams_.back());
            }
            for (uint32_t gram : distinct) items_with[gram].insert(item);
            item_ngrams_.push_back(uint32_t(distinct.size()));
        }
        for (uint32_t gram = 0; gram < keys_.size(); gram++) {
            postings.emplace_back(items_with[gram].begin(), items_with[gram].end());
            if (items_with[gram].size() > kStock)
                for (uint32_t item : items_with[gram]) stock[item].push_back(gram);
        }
        postings_ = joined(postings, postings_of_);
        stock_grams_ = joined(stock, stock_of_);
        index_ = Index{table_.view(), starts_->view(), length_sets_.data(), postings_of_.data(), postings_.data(),
                       grams_.grams_of.data(), item_grams_.data(), stock_of_.data(), stock_grams_.data(),
                       item_ngrams_.data(), grams_.item_tokens.data(), int64_t(items.size()), n, tokenizer, ~0ULL};
        check_numbers();
    }
    const Index* view() const { return &index_; }
    const Grams& grams() const { return grams_; }

  private:
    std::unique_ptr<HashTable> short_starts(const std::vector<std::string>& items, int64_t tokenizer, int64_t n) {
        std::vector<std::string> few;
        std::vector<uint32_t> lengths;
        for (size_t i = 0; i < items.size(); i++) {
            uint32_t length = grams_.item_tokens[i];
            if (length < kAnywhere || length >= size_t(n)) continue;
            few.push_back(items[i]);
            lengths.push_back(length);
        }
        Grams first(Texts(few, std::vector<uint8_t>(few.size(), 1)), tokenizer, kAnywhere);
        std::map<uint64_t, uint64_t> lengths_of;
        for (size_t i = 0; i < few.size(); i++) lengths_of[first.hashes[first.grams_of[i]]] |= 1ULL << lengths[i];
        std::vector<uint64_t> keys;
        for (auto [key, set] : lengths_of) {
            keys.push_back(key);
            length_sets_.push_back(set);
        }
        return std::make_unique<HashTable>(keys);
    }

    // The kernels that number grams and gather postings, against the sets above: other numbers, the same grams.
    void check_numbers() {
        std::vector<uint64_t> met = grams_.hashes;
        std::vector<uint32_t> numbers(met.size());
        size_t n_slots = 1;
        while (n_slots < 2 * met.size()) n_slots *= 2;
        std::vector<uint64_t> slots(n_slots), postings_of(keys_.size() + 1);
        std::vector<uint32_t> values(n_slots), last(keys_.size()), postings(met.size()), item_ngrams(item_ngrams_.size());
        int64_t count = curate_ngram_number(met.data(), int64_t(met.size()), slots.data(), values.data(), n_slots - 1, numbers.data());
        REQUIRE(size_t(count) == keys_.size());
        for (size_t i = 0; i < numbers.size(); i++) REQUIRE(numbers[i] < keys_.size() && met[numbers[i]] == grams_.hashes[i]);
        int64_t size = curate_ngram_postings(numbers.data(), grams_.grams_of.data(), int64_t(item_ngrams.size()), count,
                                             last.data(), postings_of.data(), postings.data(), item_ngrams.data());
        REQUIRE(size_t(size) == postings_.size() && item_ngrams == item_ngrams_);
        for (size_t number = 0; number < keys_.size(); number++) {
            size_t gram = size_t(std::lower_bound(keys_.begin(), keys_.end(), met[number]) - keys_.begin());
            std::vector<uint32_t> found(postings.begin() + std::ptrdiff_t(postings_of[number]),
                                        postings.begin() + std::ptrdiff_t(postings_of[number + 1]));
            REQUIRE(found == std::vector<uint32_t>(postings_.begin() + std::ptrdiff_t(postings_of_[gram]),
                                                   postings_.begin() + std::ptrdiff_t(postings_of_[gram + 1])));
        }
    }

    Grams grams_;
    std::vector<uint64_t> keys_, length_sets_;
    HashTable table_;
    std::unique_ptr<HashTable> starts_;
    std::vector<uint64_t> postings_of_, stock_of_;
    std::vector<uint32_t> postings_, item_grams_, stock_grams_, item_ngrams_;
    Index index_;
};

// Places at which the tokens `gram` stand in `text`.
std::vector<uint32_t> places(const Tokens& text, const Tokens& gram) {
    std::vector<uint32_t> found;
    for (auto at = text.begin(); (at = std::search(at, text.end(), gram.begin(), gram.end())) != text.end(); ++at)
        found.push_back(uint32_t(at - text.begin()));
    return found;
}

// What curate_ngram_scan must find for one text, by looking for every gram of every item in turn.
Result plain_scan(const Tokens& text, const std::vector<Tokens>& items, size_t n) {
    Result best{uint32_t(text.size()), 0, -1, 0, 0, 0, 0, 0};
    size_t best_of = 1;  // distinct grams of the best item
    std::set<uint32_t> hits;
    for (size_t item = 0; item < items.size(); item++) {
        const size_t m = std::min(n, items[item].size());
        if (m == 0 || (m < std::min(kAnywhere, n) && items[item] != text)) continue;
        std::set<Tokens> all, shared;
        Result own{uint32_t(text.size()), 0, int32_t(item), 0, kNone, 0, kNone, 0};
        for (size_t start = 0; start + m <= items[item].size(); start++) {
            Tokens gram(items[item].begin() + long(start), items[item].begin() + long(start + m));
            std::vector<uint32_t> at = places(text, gram);
            all.insert(gram);
            if (at.empty()) continue;
            shared.insert(gram);
            hits.insert(at.begin(), at.end());
            own.row_first = std::min(own.row_first, at.front());
            own.row_end = std::max(own.row_end, at.back() + uint32_t(m));
            own.item_first = std::min(own.item_first, uint32_t(start));
            own.item_end = uint32_t(start + m);
        }
        own.shared = uint32_t(shared.size());
        if (own.shared == 0) continue;
        uint64_t left = uint64_t(own.shared) * best_of, right = uint64_t(best.shared) * all.size();
        if (left > right || (left == right && own.shared > best.shared)) {
            best = own;
            best_of = all.size();
        }
    }
    best.hits = uint32_t(hits.size());
    return best;
}

}  // namespace

void check_ngram_index(const Case& given, Digest& digest) {
    constexpr size_t kMostItems = 4, kMostCompared = 60;
    Case c = given;
    std::vector<std::string> items;
    for (size_t i = 0; i < std::min(c.size(), kMostItems); i++)
        for (size_t copy = 0; copy < c.copies && (copy == 0 || c.texts[i].size() < 200); copy++)
            items.push_back(copy % 3 ? c.text(i) + " " + std::to_string(copy) : c.text(i));
    if (c.copies > 1 && c.size() > 0) {  // a text with a gram of few items beside the stock phrases of many
        c.texts.push_back(c.text(0) + " 1");
        c.valid.push_back(1);
    }
    BuiltIndex index(items, c.tokenizer, c.ngram);
    Texts texts(c);
    std::vector<Result> results(c.size());
    REQUIRE(curate_ngram_scan(texts.column(), index.view(), results.data()) == 0);
    Found found = tokens_of(texts, c.tokenizer);
    Found item_tokens = tokens_of(Texts(items, std::vector<uint8_t>(items.size(), 1)), c.tokenizer);
    digest.add_all(index.grams().hashes);
    std::vector<int64_t> which;
    std::vector<uint32_t> first, end;
    for (size_t i = 0; i < c.size(); i++) {
        const Result& r = results[i];
        for (uint32_t value : {r.n_tokens, r.hits, uint32_t(r.item), r.shared, r.row_first, r.row_end, r.item_first, r.item_end})
            digest.add(value);
        REQUIRE(r.n_tokens == found.of(i).size() && r.hits <= r.n_tokens && (r.item >= 0) == (r.shared > 0));
        if (r.n_tokens > 0) {
            which.push_back(int64_t(i));
            first.push_back(r.item >= 0 ? r.row_first : 0);
            end.push_back(r.item >= 0 ? r.row_end : r.n_tokens);
        }
        if (r.item < 0) continue;
        REQUIRE(r.row_first < r.row_end && r.row_end <= r.n_tokens);
        REQUIRE(r.item_first < r.item_end && r.item_end <= index.grams().item_tokens[size_t(r.item)]);
    }
    if (found.hash.size() <= kMostCompared && item_tokens.hash.size() <= kMostCompared * c.copies) {
        std::vector<Tokens> plain;
        for (size_t i = 0; i < items.size(); i++) plain.push_back(item_tokens.of(i));
        for (size_t i = 0; i < c.size(); i++) {
            Result expected = plain_scan(found.of(i), plain, size_t(c.ngram));
            REQUIRE(std::memcmp(&expected, &results[i], sizeof(Result)) == 0);
        }
    }
    std::vector<int32_t> from(which.size()), to(which.size());
    REQUIRE(curate_token_characters(texts.column(), c.tokenizer, int64_t(which.size()), which.data(), first.data(), end.data(),
                                    from.data(), to.data()) == 0);
    for (size_t i = 0; i < which.size(); i++)
        REQUIRE(0 <= from[i] && from[i] <= to[i] && size_t(to[i]) <= c.texts[size_t(which[i])].size());
    digest.add_all(from);
    digest.add_all(to);
}

}  // namespace fuzz
