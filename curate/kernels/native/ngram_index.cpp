// The n-gram index: which benchmark item a text shares the largest part of its n-grams with.
//
// curate/kernels/ngram_index.py builds the index, holds its layout and calls these functions;
// tests/oracles_ngram.py says plainly what they must return.
#include "ngram_index.hpp"

#include <unordered_map>
#include <vector>

namespace curate {
namespace {

// An item of fewer than n tokens is looked for anywhere from this many tokens on, below it only as
// the whole text: "prove that" is part of half of all problems.
constexpr size_t kAnywhere = 4;

// An n-gram in more items than this is a stock phrase; see Best.
constexpr uint64_t kStock = 64;

constexpr size_t kRemembered = 4096;
constexpr size_t kBlock = 64;  // n-grams whose Bloom filter words are fetched ahead

struct Hit {
    uint32_t position, gram;
};

struct Choice {
    uint32_t item = kNone, shared = 0;
};

// The item with the largest containment; then the most shared grams; then the smallest id.
//
// Counting every item of every gram a text has would cost (texts x items) for stock phrases: a prompt
// template around 100,000 items is 100,000 counts for each text that holds it. So grams are counted in
// two steps. Grams of few items are counted item by item. For the stock grams of a text
//   - an item already met adds its own by merging two sorted lists, and only if they could make it best;
//   - the best of the items that share stock grams alone depends on nothing but the set of these grams,
//     which texts have in common as they have the phrase: it is counted once and remembered.
// An item in both is met with all its grams in the first step, so the second can only repeat it with
// fewer: the result is that of the plain count.
class Best {
  public:
    explicit Best(const Index& index) : index_(index), counts_(size_t(index.n_items), 0) {}

    Choice of(const std::vector<uint32_t>& grams) {  // distinct, ascending
        stock_.clear();
        for (uint32_t gram : grams) {
            if (index_.n_items_with(gram) > kStock) stock_.push_back(gram);
            else count(gram);
        }
        Choice best;
        for (uint32_t item : met_) {
            uint32_t shared = counts_[item];
            counts_[item] = 0;
            if (!stock_.empty() && better({item, shared + most_stock(item)}, best)) shared += stock_of(item);
            if (better({item, shared}, best)) best = {item, shared};
        }
        met_.clear();
        if (!stock_.empty()) {
            Choice other = best_of_stock();
            if (better(other, best)) best = other;
        }
        return best;
    }

  private:
    void count(uint32_t gram) {
        for (uint64_t p = index_.postings_of[gram]; p < index_.postings_of[gram + 1]; p++) {
            uint32_t item = index_.postings[p];
            if (counts_[item]++ == 0) met_.push_back(item);
        }
    }

    bool better(Choice a, Choice b) const {
        if (a.item == kNone || b.item == kNone) return b.item == kNone && a.item != kNone;
        uint64_t left = uint64_t(a.shared) * index_.item_ngrams[b.item];
        uint64_t right = uint64_t(b.shared) * index_.item_ngrams[a.item];
        if (left != right) return left > right;
        return a.shared != b.shared ? a.shared > b.shared : a.item < b.item;
    }

    uint32_t most_stock(uint32_t item) const {
        return uint32_t(std::min<uint64_t>(stock_.size(), index_.stock_of[item + 1] - index_.stock_of[item]));
    }

    uint32_t stock_of(uint32_t item) const {
        const uint32_t* own = index_.stock_grams + index_.stock_of[item];
        const uint32_t* end = index_.stock_grams + index_.stock_of[item + 1];
        uint32_t shared = 0;
        for (auto gram = stock_.begin(); gram != stock_.end() && own != end;) {
            shared += *gram == *own;
            if (*gram < *own) ++gram;
            else if (*own < *gram) ++own;
            else ++gram, ++own;
        }
        return shared;
    }

    Choice best_of_stock() {
        uint64_t key = stock_.size();
        for (uint32_t gram : stock_) key = fold_multiply(key ^ gram, kNgramStep);
        auto known = remembered_.find(key);
        if (known != remembered_.end() && known->second.stock == stock_) return known->second.best;
        for (uint32_t gram : stock_) count(gram);
        Choice best;
        for (uint32_t item : met_) {
            if (better({item, counts_[item]}, best)) best = {item, counts_[item]};
            counts_[item] = 0;
        }
        met_.clear();
        if (remembered_.size() >= kRemembered) remembered_.clear();
        remembered_[key] = {stock_, best};
        return best;
    }

    struct Known {
        std::vector<uint32_t> stock;
        Choice best;
    };

    const Index& index_;
    std::vector<uint32_t> counts_;  // all 0 between calls
    std::vector<uint32_t> met_, stock_;
    std::unordered_map<uint64_t, Known> remembered_;
};

// Finds the grams of one text.
class Finder {
  public:
    explicit Finder(const Index& index) : index_(index) {}

    // Fills `hits`, ascending by position: n-grams first, then short items.
    void find(Tokens tokens) {
        hits.clear();
        size_t n = size_t(index_.n);
        candidates(tokens, n, index_.grams);
        const uint32_t* passed = candidates_.data();
        const uint64_t* keys = keys_.data();
        for (size_t c = 0; c < n_candidates_; c++) index_.grams.prefetch(keys[passed[c]]);
        for (size_t c = 0; c < n_candidates_; c++) add(passed[c], keys[passed[c]]);
        n_ngram_hits = hits.size();
        if (tokens.size > 0 && tokens.size < std::min(kAnywhere, n)) {
            each_gram(tokens.hash, tokens.size, tokens.size, [&](size_t i, uint64_t h) { add(i, index_.key(h)); });
        } else if (index_.starts.slot_mask > 0) {
            candidates(tokens, kAnywhere, index_.starts);
            for (size_t c = 0; c < n_candidates_; c++) add_short(tokens, candidates_.data()[c]);
        }
    }

    // Positions at which anything found begins.
    uint32_t n_positions() const {
        auto ngram = hits.begin(), middle = hits.begin() + std::ptrdiff_t(n_ngram_hits);
        uint32_t positions = uint32_t(n_ngram_hits);
        for (auto hit = middle; hit != hits.end(); ++hit) {
            if (hit != middle && hit->position == hit[-1].position) continue;
            while (ngram != middle && ngram->position < hit->position) ++ngram;
            positions += ngram == middle || ngram->position != hit->position;
        }
        return positions;
    }

    std::vector<Hit> hits;
    size_t n_ngram_hits = 0;

  private:
    // Positions whose m-gram passes the Bloom filter. The filter's words are fetched a block ahead, and the
    // list is written without a branch: a branch on a filter that lets a few in a hundred pass would be
    // mispredicted at each of them.
    void candidates(Tokens tokens, size_t m, const Table& table) {
        n_candidates_ = 0;
        if (tokens.size < m) return;
        size_t size = tokens.size - m + 1, tested = 0;
        uint64_t* keys = keys_.reserve(size);
        uint32_t* passed = candidates_.reserve(size + 1);
        size_t count = 0;
        auto test_to = [&](size_t end) {
            for (; tested < end; tested++) {
                passed[count] = uint32_t(tested);
                count += table.may_hold(keys[tested]);
            }
        };
        each_gram(tokens.hash, tokens.size, m, [&](size_t i, uint64_t h) {
            keys[i] = index_.key(h);
            __builtin_prefetch(table.bloom + (keys[i] & table.bloom_mask));
            if (i - tested >= 2 * kBlock) test_to(tested + kBlock);
        });
        test_to(size);
        n_candidates_ = count;
    }

    void add(size_t position, uint64_t key) {
        uint32_t gram = index_.grams.find(key);
        if (gram != kNone) hits.push_back({uint32_t(position), gram});
    }

    void add_short(Tokens tokens, uint32_t position) {
        uint32_t set = index_.starts.find(keys_.data()[position]);
        if (set == kNone) return;
        for (uint64_t lengths = index_.length_sets[set]; lengths; lengths &= lengths - 1) {
            size_t m = size_t(__builtin_ctzll(lengths));
            if (position + m > tokens.size) return;  // lengths ascend
            each_gram(tokens.hash + position, m, m, [&](size_t, uint64_t h) {
                if (index_.grams.may_hold(index_.key(h))) add(position, index_.key(h));
            });
        }
    }

    const Index& index_;
    Buffer<uint64_t> keys_;
    Buffer<uint32_t> candidates_;
    size_t n_candidates_ = 0;
};

bool contains(const uint32_t* begin, const uint32_t* end, uint32_t value) {
    return std::binary_search(begin, end, value);
}

// Characters in UTF-8 that begins at a character: bytes that do not continue one.
int32_t characters(const uint8_t* bytes, uint64_t size) {
    int32_t count = 0;
    for (uint64_t i = 0; i < size; i++) count += (bytes[i] & 0xC0) != 0x80;
    return count;
}

}  // namespace

}  // namespace curate

using namespace curate;

// Hash of every gram of every item, in order; `grams_of` and `item_tokens` say how many. With
// `hashes` null they are only counted. Returns the number of hashes.
CURATE_API int64_t curate_ngram_items(const Column* items, int64_t tokenizer, int64_t n, uint64_t* hashes,
                                      uint64_t* grams_of, uint32_t* item_tokens) {
    return guarded([&] {
        Scratch scratch;
        uint64_t total = 0;
        for (int64_t i = 0; i < items->size; i++) {
            Tokens tokens = tokenize(items->text(i), Tokenizer(tokenizer), scratch);
            size_t m = std::min(size_t(n), tokens.size);
            grams_of[i] = total;
            item_tokens[i] = uint32_t(tokens.size);
            if (hashes) each_gram(tokens.hash, tokens.size, m, [&](size_t j, uint64_t h) { hashes[total + j] = Table::key(h); });
            total += m ? tokens.size - m + 1 : 0;
        }
        grams_of[items->size] = total;
        return int64_t(total);
    });
}

// Fills a table in which `keys` (distinct, not 0) have the values 0, 1, 2, ...
CURATE_API int64_t curate_ngram_table(const uint64_t* keys, int64_t size, uint64_t* bloom, uint64_t bloom_mask,
                                   uint64_t* slots, uint32_t* values, uint64_t slot_mask) {
    for (int64_t i = 0; i < size; i++) {
        bloom[keys[i] & bloom_mask] |= Table::bits(keys[i]);
        uint64_t s = keys[i] >> 16 & slot_mask;
        while (slots[s]) s = (s + 1) & slot_mask;
        slots[s] = keys[i];
        values[s] = uint32_t(i);
    }
    return size;
}

// Numbers the distinct keys (not 0) in the order in which they are first met: `numbers` for each of `keys`,
// the distinct ones moved to the front of `keys`. `slots` (0) and `values` are working memory, slot_mask + 1
// of each, more than `size`. Returns how many are distinct.
CURATE_API int64_t curate_ngram_number(uint64_t* keys, int64_t size, uint64_t* slots, uint32_t* values,
                                       uint64_t slot_mask, uint32_t* numbers) {
    uint32_t count = 0;
    for (int64_t i = 0; i < size; i++) {
        if (i + 16 < size) __builtin_prefetch(slots + (keys[i + 16] >> 16 & slot_mask));
        uint64_t key = keys[i], s = key >> 16 & slot_mask;
        while (slots[s] && slots[s] != key) s = (s + 1) & slot_mask;
        if (!slots[s]) {
            slots[s] = key;
            values[s] = count;
            keys[count++] = key;  // count <= i
        }
        numbers[i] = values[s];
    }
    return int64_t(count);
}

// The items of every gram, each once and ascending: `postings_of` (n_grams + 1, all 0 before) says where those
// of a gram begin in `postings`. `item_ngrams` gets the distinct grams of each item. `last` (n_grams) is
// working memory, all 0 before. Returns the number of postings.
CURATE_API int64_t curate_ngram_postings(const uint32_t* item_grams, const uint64_t* grams_of, int64_t n_items,
                                         int64_t n_grams, uint32_t* last, uint64_t* postings_of,
                                         uint32_t* postings, uint32_t* item_ngrams) {
    return guarded([&] {
        for (uint32_t item = 0; item < n_items; item++)
            for (uint64_t j = grams_of[item]; j < grams_of[item + 1]; j++) {
                uint32_t gram = item_grams[j];
                if (last[gram] == item + 1) continue;
                last[gram] = item + 1;
                item_ngrams[item]++;
                postings_of[gram + 1]++;
            }
        for (int64_t gram = 0; gram < n_grams; gram++) {
            postings_of[gram + 1] += postings_of[gram];
            last[gram] = 0;
        }
        std::vector<uint64_t> next(postings_of, postings_of + n_grams);
        for (uint32_t item = 0; item < n_items; item++)
            for (uint64_t j = grams_of[item]; j < grams_of[item + 1]; j++) {
                uint32_t gram = item_grams[j];
                if (last[gram] == item + 1) continue;
                last[gram] = item + 1;
                postings[next[gram]++] = item;
            }
        return int64_t(postings_of[n_grams]);
    });
}

// Returns 0, or -1 where memory ran out.
CURATE_API int64_t curate_ngram_scan(const Column* texts, const Index* index, Result* results) {
    return guarded([&]() -> int64_t {
        Scratch scratch;
        Finder finder(*index);
        Best best(*index);
        std::vector<uint32_t> grams;
        for (int64_t i = 0; i < texts->size; i++) {
            Result& result = results[i] = Result{0, 0, -1, 0, 0, 0, 0, 0};
            Tokens tokens = tokenize(texts->text(i), Tokenizer(index->tokenizer), scratch);
            result.n_tokens = uint32_t(tokens.size);
            finder.find(tokens);
            if (finder.hits.empty()) continue;
            result.hits = finder.n_positions();
            grams.clear();
            for (Hit hit : finder.hits) grams.push_back(hit.gram);
            std::sort(grams.begin(), grams.end());
            grams.erase(std::unique(grams.begin(), grams.end()), grams.end());
            Choice choice = best.of(grams);
            result.item = int32_t(choice.item);
            result.shared = choice.shared;
            uint32_t length = uint32_t(index->gram_length(choice.item));
            result.row_first = kNone;
            for (Hit hit : finder.hits) {
                const uint64_t* of = index->postings_of + hit.gram;
                if (!contains(index->postings + of[0], index->postings + of[1], choice.item)) continue;
                result.row_first = std::min(result.row_first, hit.position);
                result.row_end = std::max(result.row_end, hit.position + length);
            }
            const uint32_t* own = index->item_grams + index->grams_of[choice.item];
            uint32_t first = 0, last = uint32_t(index->grams_of[choice.item + 1] - index->grams_of[choice.item]) - 1;
            while (!contains(grams.data(), grams.data() + grams.size(), own[first])) first++;
            while (!contains(grams.data(), grams.data() + grams.size(), own[last])) last--;
            result.item_first = first;
            result.item_end = last + length;
        }
        return 0;
    });
}

// Of text which[i] its distinct n-grams (a text of fewer than n tokens is one), and of items[i], which has n tokens
// or more, how many tokens the n-grams cover that the text has, and the tokens of the longest stretch of them.
CURATE_API int64_t curate_ngram_extents(const Column* texts, const Index* index, int64_t size, const int64_t* which,
                                        const uint32_t* items, uint32_t* row_ngrams, uint32_t* covered,
                                        uint32_t* longest_run) {
    return guarded([&]() -> int64_t {
        Scratch scratch;
        const size_t n = size_t(index->n);
        std::vector<uint64_t> hashes;
        std::vector<uint32_t> grams;
        for (int64_t i = 0; i < size; i++) {
            Tokens tokens = tokenize(texts->text(which[i]), Tokenizer(index->tokenizer), scratch);
            hashes.clear();
            if (tokens.size >= n) each_gram(tokens.hash, tokens.size, n, [&](size_t, uint64_t h) { hashes.push_back(h); });
            std::sort(hashes.begin(), hashes.end());
            hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
            row_ngrams[i] = uint32_t(std::max<size_t>(hashes.size(), tokens.size > 0));
            grams.clear();
            for (uint64_t hash : hashes) {
                const uint64_t key = index->key(hash);
                const uint32_t gram = index->grams.may_hold(key) ? index->grams.find(key) : kNone;
                if (gram != kNone) grams.push_back(gram);
            }
            std::sort(grams.begin(), grams.end());
            const uint32_t* own = index->item_grams + index->grams_of[items[i]];
            const uint32_t n_own = uint32_t(index->grams_of[items[i] + 1] - index->grams_of[items[i]]);
            uint32_t end = 0, run = 0;  // of what is covered, and of the stretch
            covered[i] = longest_run[i] = 0;
            for (uint32_t j = 0; j < n_own; j++) {
                if (!contains(grams.data(), grams.data() + grams.size(), own[j])) {
                    run = 0;
                    continue;
                }
                covered[i] += j + uint32_t(n) - std::max(end, j);
                end = j + uint32_t(n);
                run = run ? run + 1 : uint32_t(n);
                longest_run[i] = std::max(longest_run[i], run);
            }
        }
        return 0;
    });
}

// Characters [begin, end) that tokens [first, end) of texts `which` cover.
CURATE_API int64_t curate_token_characters(const Column* texts, int64_t tokenizer, int64_t size,
                                           const int64_t* which, const uint32_t* first_token,
                                           const uint32_t* end_token, int32_t* begin, int32_t* end) {
    return guarded([&]() -> int64_t {
        Scratch scratch;
        for (int64_t i = 0; i < size; i++) {
            Text text = texts->text(which[i]);
            Tokens tokens = tokenize(text, Tokenizer(tokenizer), scratch, true);
            uint64_t first_byte = tokens.begin[first_token[i]], end_byte = tokens.end[end_token[i] - 1];
            begin[i] = characters(text.bytes, first_byte);
            end[i] = begin[i] + characters(text.bytes + first_byte, end_byte - first_byte);
        }
        return 0;
    });
}
