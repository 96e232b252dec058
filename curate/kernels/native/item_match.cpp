// Which benchmark items a text may hold, in other words too: those of whose words, weighed by how rare they
// are, it has a large part within a window about as long as the item.
//
// curate/kernels/item_index.py builds the index, holds its layout and calls this function;
// tests/oracles_items.py says plainly what it must return.
#include <algorithm>
#include <vector>

#include "ngram_index.hpp"

namespace curate {
namespace {

// Views into the index, all fields of 8 bytes: curate.kernels.item_index.ItemIndex lists them in this order.
// A word is a distinct token of the items that weighs anything.
struct Items {
    Table words;                     // token hash -> word
    const uint64_t* postings_of;     // level * n_words + word -> where the items it leads to begin in `postings`
    const uint32_t* postings;        // items of the level, ascending
    const uint32_t* posting_weights; // of the word in the item
    const uint64_t* words_of;        // item -> where its words that weigh anything begin in `item_words`
    const uint32_t* item_words;
    const uint32_t* word_weights;    // beside them, the weight of the word in the item
    const uint8_t* word_kinds;       // and its kind
    const uint32_t* total_of;        // item: weight of all its words
    const uint32_t* led_of;          // item: weight of those of its words that lead to it
    const uint32_t* needed_of;       // item: weight a window must have
    const uint32_t* window_of;       // item: tokens of a window, at most kWindow << its level
    const uint64_t* tokens_of;       // item -> where its tokens begin in `item_tokens`
    const uint32_t* item_tokens;     // its tokens in order, as words
    const uint32_t* token_weights;   // beside them, what they weigh in order
    const uint32_t* content_of;      // item: weight of its content words
    const uint32_t* numbers_of;      // item: how many of its words are numbers
    const uint32_t* in_order_of;     // item: least thousandths in order
    int64_t n_items;
    int64_t n_words;
    int64_t n_levels;
    int64_t tokenizer;
};

constexpr size_t kWindow = 128;            // as WINDOW in item_index.py
constexpr uint64_t kReworded = 40;         // hundredths of the content's weight a reworded item has
constexpr uint64_t kRewordedInWords = 60;  // the same of an item of fewer than two numbers
constexpr uint64_t kSameNumbers = 65;      // hundredths of its numbers

enum Kind : uint8_t { sign = 0, content = 1, number = 2 };

// A window of a text, [first, end) in tokens, and how near the item is: thousandths of its weight that is there
// in order, and of that of its distinct words in any order, added.
struct Candidate {
    int32_t item;  // -1: none
    uint32_t score, first, end;
};

struct Hope {  // an item that a chunk may hold, and the most its score can be
    uint32_t item, score;
};

struct Hit {  // an occurrence of a word, and the one before it in the same chunk; -1: none
    uint32_t position, word;
    int32_t before;
};

class Matcher {
  public:
    explicit Matcher(const Items& items)
        : items_(items),
          last_(size_t(items.n_words), -1),
          in_text_(size_t(items.n_words), 0),
          held_(size_t(items.words_of[items.n_items]), 0),
          slot_(size_t(items.n_words), kNone),
          met_weight_(size_t(items.n_items), 0) {}

    // The `most` best candidates of a text, the highest score first, then the smaller item.
    // A long text is looked at in chunks of twice the longest window of a level, each half over the next, so that
    // every window lies in one: in all its words at once nearly every item would have its share.
    void match(Tokens tokens, size_t most, Candidate* out) {
        for (size_t k = 0; k < most; k++) out[k] = Candidate{-1, 0, 0, 0};
        find_words(tokens);
        for (int64_t level = 0; level < items_.n_levels; level++) {
            const size_t step = kWindow << level;
            for (size_t start = 0, from = 0;; start += step) {
                while (from < hits_.size() && hits_[from].position < start) from++;
                size_t to = from;
                while (to < hits_.size() && hits_[to].position < start + 2 * step) to++;
                if (to > from) match_chunk(level, from, to, most, out);
                if (start + 2 * step >= tokens.size) break;
            }
        }
    }

  private:
    void find_words(Tokens tokens) {
        for (Hit hit : hits_) in_text_[hit.word] = 0;
        hits_.clear();
        text_.resize(tokens.size);
        for (size_t i = 0; i < tokens.size; i++) {
            const uint64_t key = Table::key(tokens.hash[i]);
            text_[i] = items_.words.may_hold(key) ? items_.words.find(key) : kNone;
            if (text_[i] == kNone) continue;
            in_text_[text_[i]] = 1;
            hits_.push_back(Hit{static_cast<uint32_t>(i), text_[i], -1});
        }
    }

    void match_chunk(int64_t level, size_t from, size_t to, size_t most, Candidate* out) {
        words_.clear();
        met_.clear();
        for (size_t i = from; i < to; i++) {
            const uint32_t word = hits_[i].word;
            hits_[i].before = last_[word];
            if (last_[word] < 0) words_.push_back(word);
            last_[word] = static_cast<int32_t>(i);
        }
        const uint64_t* postings_of = items_.postings_of + level * items_.n_words;
        for (uint32_t word : words_)
            for (uint64_t p = postings_of[word]; p < postings_of[word + 1]; p++) {
                const uint32_t item = items_.postings[p];
                if (met_weight_[item] == 0) met_.push_back(item);
                met_weight_[item] += items_.posting_weights[p];
            }
        hopes_.clear();
        for (uint32_t item : met_) {
            const uint32_t unled = items_.total_of[item] - items_.led_of[item];
            if (met_weight_[item] + unled >= items_.needed_of[item]) hope(item);
            met_weight_[item] = 0;
        }
        std::sort(hopes_.begin(), hopes_.end(), [](const Hope& one, const Hope& other) {
            return one.score != other.score ? one.score > other.score : one.item < other.item;
        });
        for (const Hope& one : hopes_) {
            if (out[most - 1].item >= 0 && one.score < out[most - 1].score) break;
            consider(one.item, most, out);
        }
        for (uint32_t word : words_) last_[word] = -1;
    }

    // Notes an item of whose words the chunk has enough, with what its score is at most: were all its words that the
    // text has anywhere there in order. Nearly every item is told to be too far away here, without an alignment.
    void hope(uint32_t item) {
        uint32_t weight = 0;
        uint64_t content_there = 0, numbers_there = 0;
        for (uint64_t p = items_.words_of[item]; p < items_.words_of[item + 1]; p++) {
            const uint32_t word = items_.item_words[p];
            if (last_[word] >= 0) weight += items_.word_weights[p];
            if (!in_text_[word]) continue;
            if (items_.word_kinds[p] == content) content_there += items_.word_weights[p];
            if (items_.word_kinds[p] == number) numbers_there++;
        }
        if (weight < items_.needed_of[item]) return;
        uint64_t there = 0, all = 0;
        for (uint64_t t = items_.tokens_of[item]; t < items_.tokens_of[item + 1]; t++) {
            all += items_.token_weights[t];
            if (in_text_[items_.item_tokens[t]]) there += items_.token_weights[t];
        }
        if (there * 1000 < all * items_.in_order_of[item] && !may_be_reworded(item, content_there, numbers_there)) return;
        const uint64_t share = uint64_t(1000) * weight / items_.total_of[item];
        hopes_.push_back(Hope{item, static_cast<uint32_t>(1000 * there / all + share)});
    }

    bool may_be_reworded(uint32_t item, uint64_t content_seen, uint64_t numbers_seen) const {
        const uint64_t numbers = items_.numbers_of[item], all_content = items_.content_of[item];
        const uint64_t least = numbers < 2 ? kRewordedInWords : kReworded;
        return all_content && content_seen * 100 >= all_content * least && numbers_seen * 100 >= numbers * kSameNumbers;
    }

    void consider(uint32_t item, size_t most, Candidate* out) {
        uint32_t weight = 0, first = UINT32_MAX, end = 0;
        places_.clear();
        for (uint64_t p = items_.words_of[item]; p < items_.words_of[item + 1]; p++) {
            const uint32_t word = items_.item_words[p];
            if (last_[word] >= 0) weight += items_.word_weights[p];
            for (int32_t at = last_[word]; at >= 0; at = hits_[size_t(at)].before) {
                const uint32_t position = hits_[size_t(at)].position;
                places_.push_back(uint64_t(position) << 32 | p);
                first = std::min(first, position);
                end = std::max(end, position + 1);
            }
        }
        if (end - first > items_.window_of[item]) {
            std::sort(places_.begin(), places_.end());
            weight = best_window(items_.window_of[item], first, end);
            if (weight < items_.needed_of[item]) return;
        }
        const uint32_t in_order = thousandths_in_order(item, first, end);
        if (!in_order) return;
        const uint32_t share = static_cast<uint32_t>(uint64_t(1000) * weight / items_.total_of[item]);
        insert(Candidate{static_cast<int32_t>(item), in_order + share, first, end}, most, out);
    }

    // Thousandths of the weight of the item's tokens that the window and a margin have in order (the longest common
    // subsequence, 64 tokens of the item at a time: Hyyro 2004), or 0 if the item cannot be there: less than
    // `in_order_of`, and less than `kReworded` of its content words, or other numbers.
    uint32_t thousandths_in_order(uint32_t item, size_t first, size_t end) {
        const uint32_t* token = items_.item_tokens + items_.tokens_of[item];
        const size_t size = items_.tokens_of[item + 1] - items_.tokens_of[item];
        const size_t blocks = (size + 63) / 64, margin = size / 4 + 5;
        masks_.clear();
        slots_.clear();
        for (size_t k = 0; k < size; k++) {
            if (slot_[token[k]] == kNone) {
                slot_[token[k]] = static_cast<uint32_t>(slots_.size());
                slots_.push_back(token[k]);
                masks_.resize(masks_.size() + blocks, 0);
            }
            masks_[slot_[token[k]] * blocks + k / 64] |= uint64_t(1) << (k % 64);
        }
        seen_.assign(slots_.size(), 0);
        state_.assign(blocks, ~uint64_t(0));
        const size_t stop = std::min(text_.size(), end + margin);
        for (size_t i = first > margin ? first - margin : 0; i < stop; i++) {
            const uint32_t slot = text_[i] == kNone ? kNone : slot_[text_[i]];
            if (slot == kNone) continue;
            seen_[slot] = 1;
            const uint64_t* mask = masks_.data() + slot * blocks;
            uint64_t carry = 0;
            for (size_t b = 0; b < blocks; b++) {
                const uint64_t v = state_[b], u = v & mask[b];
                uint64_t sum;
                const bool over = __builtin_add_overflow(v, u, &sum);
                const bool more = __builtin_add_overflow(sum, carry, &sum);
                carry = over | more;
                state_[b] = sum | (v & ~mask[b]);
            }
        }
        uint64_t common = 0, all = 0;
        for (size_t k = 0; k < size; k++) {
            const uint32_t weight = items_.token_weights[items_.tokens_of[item] + k];
            all += weight;
            if (!(state_[k / 64] >> (k % 64) & 1)) common += weight;
        }
        uint64_t content_seen = 0, numbers_seen = 0;
        for (uint64_t p = items_.words_of[item]; p < items_.words_of[item + 1]; p++) {
            if (!seen_[slot_[items_.item_words[p]]]) continue;
            if (items_.word_kinds[p] == content) content_seen += items_.word_weights[p];
            if (items_.word_kinds[p] == number) numbers_seen++;
        }
        for (uint32_t word : slots_) slot_[word] = kNone;
        if (common * 1000 < all * items_.in_order_of[item] && !may_be_reworded(item, content_seen, numbers_seen)) return 0;
        return static_cast<uint32_t>(1000 * common / all);
    }

    // The heaviest window of at most `length` tokens over the places, the first of equals.
    uint32_t best_window(uint32_t length, uint32_t& first, uint32_t& end) {
        uint32_t weight = 0, best = 0;
        size_t from = 0, best_from = 0, best_to = 0;
        for (size_t to = 0; to < places_.size(); to++) {
            const uint32_t word = static_cast<uint32_t>(places_[to]);
            if (held_[word]++ == 0) weight += items_.word_weights[word];
            while ((places_[to] >> 32) - (places_[from] >> 32) >= length) {
                const uint32_t gone = static_cast<uint32_t>(places_[from++]);
                if (--held_[gone] == 0) weight -= items_.word_weights[gone];
            }
            if (weight > best) {
                best = weight;
                best_from = from;
                best_to = to;
            }
        }
        for (; from < places_.size(); from++) held_[static_cast<uint32_t>(places_[from])] = 0;
        first = static_cast<uint32_t>(places_[best_from] >> 32);
        end = static_cast<uint32_t>(places_[best_to] >> 32) + 1;
        return best;
    }

    static bool better(const Candidate& one, const Candidate& than) {
        if (one.score != than.score) return one.score > than.score;
        return static_cast<uint32_t>(one.item) < static_cast<uint32_t>(than.item);
    }

    // Puts a candidate where it belongs; of two windows for one item the better, then the first, stays.
    void insert(Candidate found, size_t most, Candidate* out) const {
        size_t end = most - 1;  // the place that falls free
        for (size_t k = 0; k < most; k++)
            if (out[k].item == found.item) {
                if (found.score <= out[k].score) return;
                end = k;
            }
        size_t k = end + 1;
        while (k > 0 && better(found, out[k - 1])) k--;
        if (k > end) return;
        for (size_t j = end; j > k; j--) out[j] = out[j - 1];
        out[k] = found;
    }

    const Items& items_;
    std::vector<int32_t> last_;         // word -> its last occurrence in the chunk, in `hits_`; -1: none
    std::vector<uint8_t> in_text_;      // word: the text has it
    std::vector<uint32_t> held_;        // word of an item -> occurrences in the window
    std::vector<uint32_t> met_weight_;  // item -> weight of the words that led to it
    std::vector<uint32_t> words_, met_;
    std::vector<Hope> hopes_;
    std::vector<Hit> hits_;
    std::vector<uint32_t> text_;    // token -> word, kNone if no item has it
    std::vector<uint64_t> places_;  // position << 32 | word of the item, as its place in `item_words`
    std::vector<uint32_t> slot_;    // word -> its place in `slots_`, kNone if the item does not have it
    std::vector<uint32_t> slots_;
    std::vector<uint8_t> seen_;     // slot: the window has the word
    std::vector<uint64_t> masks_;   // slot * blocks -> where in the item the word is
    std::vector<uint64_t> state_;   // bit k is 0 where token k of the item ends a longer common subsequence
};

}  // namespace

// candidates[i * most ...]: the best candidates of text i; n_tokens[i]: its tokens.
CURATE_API int64_t curate_item_candidates(const Column* texts, const uint64_t* view, int64_t most, uint32_t* candidates,
                                          uint32_t* n_tokens) {
    return guarded([&]() -> int64_t {
        Items items;
        std::memcpy(&items, view, sizeof items);
        Matcher matcher(items);
        Scratch scratch;
        auto* out = reinterpret_cast<Candidate*>(candidates);
        for (int64_t i = 0; i < texts->size; i++) {
            Tokens tokens = tokenize(texts->text(i), static_cast<Tokenizer>(items.tokenizer), scratch);
            n_tokens[i] = static_cast<uint32_t>(std::min<size_t>(tokens.size, UINT32_MAX));
            matcher.match(tokens, size_t(most), out + i * most);
        }
        return texts->size;
    });
}

}  // namespace curate
