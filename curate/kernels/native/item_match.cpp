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

// What is known of an item: the layout of ITEM in curate/kernels/item_index.py; one line of the cache.
struct Item {
    uint64_t words;       // where its words begin: those that lead to it, others, those that weigh nothing but in order
    uint64_t tokens;      // where its tokens begin
    uint32_t n_led, n_heavy, n_words, n_tokens;  // n_led of the n_heavy words that weigh anything lead to it
    uint32_t total;       // weight of all its words
    uint32_t needed;      // weight a window must have
    uint32_t window;      // tokens of a window, at most kWindow << its level
    uint32_t order;       // weight of all its tokens in order
    uint32_t content;     // weight of its content words
    uint32_t numbers;     // how many of its words are numbers
    uint32_t in_order;    // least thousandths in order
    uint32_t unused;
};
static_assert(sizeof(Item) == 64, "the layout of ITEM");

// A distinct token of an item: the layout of WORD there.
struct Word {
    uint32_t word;
    uint32_t order;   // what all its tokens in the item weigh in order
    uint16_t weight;  // in the item
    uint8_t kind, unused;
};
static_assert(sizeof(Word) == 12, "the layout of WORD");

// Views into the index, all fields of 8 bytes: curate.kernels.item_index.ItemIndex lists them in this order.
// A word is a distinct token of the items.
struct Items {
    Table words;                      // token hash -> word
    const uint64_t* postings_of;      // word * n_levels + level -> where the items it leads to begin in `postings`
    const uint32_t* postings;         // items of the level, ascending
    const uint16_t* posting_weights;  // of the word in the item
    const uint32_t* met_of;           // item: weight that a window must have of the words that lead to it
    const Item* items;
    const Word* item_words;
    const uint32_t* item_tokens;      // their tokens in order, as words
    const uint16_t* token_weights;    // beside them, what they weigh in order
    int64_t n_items;
    int64_t n_item_words;
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

struct Met {  // an item, and the weight of the words of a chunk that led to it
    uint32_t item, weight;
};

struct Hope {  // an item that a chunk may hold, and the most its score can be
    uint32_t item, score;
};

struct Hit {  // an occurrence of a word, and the one before it in the same chunk; -1: none
    uint32_t position, word;
    int32_t before;
};

// Words, a bit for each.
class WordSet {
  public:
    explicit WordSet(size_t n_words) : bits_(n_words / 64 + 1, 0) {}
    bool has(uint32_t word) const { return (bits_[word / 64] >> (word % 64) & 1) != 0; }
    void add(uint32_t word) { bits_[word / 64] |= uint64_t(1) << (word % 64); }
    void drop(uint32_t word) { bits_[word / 64] = 0; }  // and its neighbours: for emptying a set

  private:
    std::vector<uint64_t> bits_;
};

class Matcher {
  public:
    explicit Matcher(const Items& items)
        : items_(items),
          in_text_(size_t(items.n_words)),
          in_chunk_(size_t(items.n_words)),
          last_(size_t(items.n_words), -1),
          held_(size_t(items.n_item_words), 0),
          met_weight_(size_t(items.n_items), 0),
          met_(size_t(items.n_items) + 1),
          slot_(size_t(items.n_words), kNone) {}

    // The `most` best candidates of a text, the highest score first, then the smaller item.
    // A long text is looked at in chunks of twice the longest window of a level, each half over the next, so that
    // every window lies in one: in all its words at once nearly every item would have its share.
    void match(Tokens tokens, size_t most, Candidate* out) {
        for (size_t k = 0; k < most; k++) out[k] = Candidate{-1, 0, 0, 0};
        find_words(tokens);
        if (hits_.empty()) return;
        for (int64_t level = 0; level < items_.n_levels; level++) {
            const size_t step = kWindow << level;
            const bool whole = 2 * step >= tokens.size;  // one chunk, and it is that of all levels above
            for (size_t start = 0, from = 0;; start += step) {
                while (from < hits_.size() && hits_[from].position < start) from++;
                size_t to = from;
                while (to < hits_.size() && hits_[to].position < start + 2 * step) to++;
                if (to > from) match_chunk(level, whole ? items_.n_levels : level + 1, from, to, most, out);
                if (start + 2 * step >= tokens.size) break;
            }
            if (whole) break;
        }
    }

  private:
    void find_words(Tokens tokens) {
        for (Hit hit : hits_) in_text_.drop(hit.word);
        hits_.clear();
        text_.resize(tokens.size);
        for (size_t i = 0; i < tokens.size; i++) {
            const uint64_t key = Table::key(tokens.hash[i]);
            text_[i] = items_.words.may_hold(key) ? items_.words.find(key) : kNone;
            if (text_[i] == kNone) continue;
            in_text_.add(text_[i]);
            hits_.push_back(Hit{static_cast<uint32_t>(i), text_[i], -1});
        }
    }

    // Items of levels [level, end_level) in the hits [from, to).
    void match_chunk(int64_t level, int64_t end_level, size_t from, size_t to, size_t most, Candidate* out) {
        words_.clear();
        for (size_t i = from; i < to; i++) {
            const uint32_t word = hits_[i].word;
            hits_[i].before = last_[word];
            if (last_[word] < 0) words_.push_back(word);
            last_[word] = static_cast<int32_t>(i);
        }
        size_t n_met = 0;
        const uint32_t* postings = items_.postings;
        const uint16_t* weights = items_.posting_weights;
        uint32_t *met = met_.data(), *met_weight = met_weight_.data();
        for (uint32_t word : words_) {
            in_chunk_.add(word);
            const uint64_t* postings_of = items_.postings_of + word * items_.n_levels;
            for (uint64_t p = postings_of[level], end = postings_of[end_level]; p < end; p++) {
                const uint32_t item = postings[p], before = met_weight[item];
                met[n_met] = item;  // written whether it is new or not: one branch less
                n_met += before == 0;
                met_weight[item] = before + weights[p];
            }
        }
        hopes_.clear();
        opened_.clear();
        for (size_t i = 0; i < n_met; i++) {
            const uint32_t item = met[i], weight = met_weight[item];
            met_weight[item] = 0;
            if (weight >= items_.met_of[item]) opened_.push_back(Met{item, weight});
        }
        constexpr size_t kAhead = 8;  // what is looked at next is on its way from memory
        for (size_t i = 0; i < opened_.size() + 2 * kAhead; i++) {
            if (i < opened_.size()) __builtin_prefetch(items_.items + opened_[i].item);
            if (i >= kAhead && i - kAhead < opened_.size()) prefetch_words(items_.items[opened_[i - kAhead].item]);
            if (i >= 2 * kAhead) hope(opened_[i - 2 * kAhead]);
        }
        std::sort(hopes_.begin(), hopes_.end(), [](const Hope& one, const Hope& other) {
            return one.score != other.score ? one.score > other.score : one.item < other.item;
        });
        for (const Hope& one : hopes_) {
            if (out[most - 1].item >= 0 && one.score < out[most - 1].score) break;
            consider(one.item, most, out);
        }
        for (uint32_t word : words_) {
            last_[word] = -1;
            in_chunk_.drop(word);
        }
    }

    void prefetch_words(const Item& item) {
        const Word* words = items_.item_words + item.words;
        __builtin_prefetch(words + item.n_led);
        __builtin_prefetch(words + (item.n_led + item.n_heavy) / 2);
        __builtin_prefetch(words + item.n_heavy);
    }

    // Notes an item of whose words the chunk has enough, with what its score is at most: were all its words that the
    // text has anywhere there in order. Nearly every item is told to be too far away here, without an alignment.
    void hope(Met met) {
        const Item& item = items_.items[met.item];
        const Word *words = items_.item_words + item.words, *heavy = words + item.n_heavy;
        uint32_t weight = met.weight;
        for (const Word* one = words + item.n_led; one != heavy; one++) weight += in_chunk_.has(one->word) ? one->weight : 0;
        if (weight < item.needed) return;
        uint64_t content_there = 0, numbers_there = 0, there = 0;
        for (const Word* one = words; one != words + item.n_words; one++) {
            if (!in_text_.has(one->word)) continue;
            there += one->order;
            if (one->kind == content) content_there += one->weight;
            if (one->kind == number) numbers_there++;
        }
        if (there * 1000 < uint64_t(item.order) * item.in_order && !may_be_reworded(item, content_there, numbers_there)) return;
        const uint64_t share = uint64_t(1000) * weight / item.total;
        hopes_.push_back(Hope{met.item, static_cast<uint32_t>(1000 * there / item.order + share)});
    }

    static bool may_be_reworded(const Item& item, uint64_t content_seen, uint64_t numbers_seen) {
        const uint64_t numbers = item.numbers, all_content = item.content;
        const uint64_t least = numbers < 2 ? kRewordedInWords : kReworded;
        return all_content && content_seen * 100 >= all_content * least && numbers_seen * 100 >= numbers * kSameNumbers;
    }

    void consider(uint32_t number, size_t most, Candidate* out) {
        const Item& item = items_.items[number];
        uint32_t weight = 0, first = UINT32_MAX, end = 0;
        places_.clear();
        for (uint64_t p = item.words; p < item.words + item.n_heavy; p++) {
            const Word& one = items_.item_words[p];
            if (last_[one.word] >= 0) weight += one.weight;
            for (int32_t at = last_[one.word]; at >= 0; at = hits_[size_t(at)].before) {
                const uint32_t position = hits_[size_t(at)].position;
                places_.push_back(uint64_t(position) << 32 | p);
                first = std::min(first, position);
                end = std::max(end, position + 1);
            }
        }
        if (end - first > item.window) {
            std::sort(places_.begin(), places_.end());
            weight = best_window(item.window, first, end);
            if (weight < item.needed) return;
        }
        const uint32_t in_order = thousandths_in_order(item, first, end);
        if (!in_order) return;
        const uint32_t share = static_cast<uint32_t>(uint64_t(1000) * weight / item.total);
        insert(Candidate{static_cast<int32_t>(number), in_order + share, first, end}, most, out);
    }

    // Thousandths of the weight of the item's tokens that the window and a margin have in order (the longest common
    // subsequence, 64 tokens of the item at a time: Hyyro 2004), or 0 if the item cannot be there: less than
    // `in_order`, and less than `kReworded` of its content words, or other numbers.
    uint32_t thousandths_in_order(const Item& item, size_t first, size_t end) {
        const uint32_t* token = items_.item_tokens + item.tokens;
        const uint16_t* weights = items_.token_weights + item.tokens;
        const size_t size = item.n_tokens, blocks = (size + 63) / 64, margin = size / 4 + 5;
        masks_.assign(size * blocks, 0);
        slots_.clear();
        for (size_t k = 0; k < size; k++) {
            uint32_t& slot = slot_[token[k]];
            if (slot == kNone) {
                slot = static_cast<uint32_t>(slots_.size());
                slots_.push_back(token[k]);
            }
            masks_[slot * blocks + k / 64] |= uint64_t(1) << (k % 64);
        }
        seen_.assign(slots_.size(), 0);
        state_.assign(blocks, ~uint64_t(0));
        const size_t start = first > margin ? first - margin : 0, stop = std::min(text_.size(), end + margin);
        const uint64_t* masks = masks_.data();
        if (blocks == 1) {
            uint64_t v = ~uint64_t(0);
            each_slot(start, stop, [&v, masks](uint32_t slot) {
                const uint64_t u = v & masks[slot];
                v = (v + u) | (v & ~u);
            });
            state_[0] = v;
        } else {
            each_slot(start, stop, [this, masks, blocks](uint32_t slot) {
                const uint64_t* mask = masks + slot * blocks;
                uint64_t carry = 0;
                for (size_t b = 0; b < blocks; b++) {
                    const uint64_t v = state_[b], u = v & mask[b];
                    uint64_t sum;
                    const bool over = __builtin_add_overflow(v, u, &sum);
                    const bool more = __builtin_add_overflow(sum, carry, &sum);
                    carry = over | more;
                    state_[b] = sum | (v & ~u);
                }
            });
        }
        uint64_t common = 0, content_seen = 0, numbers_seen = 0;
        for (size_t k = 0; k < size; k++)
            if (!(state_[k / 64] >> (k % 64) & 1)) common += weights[k];
        const Word* words = items_.item_words + item.words;
        for (const Word* one = words; one != words + item.n_heavy; one++) {
            if (!seen_[slot_[one->word]]) continue;
            if (one->kind == content) content_seen += one->weight;
            if (one->kind == number) numbers_seen++;
        }
        for (uint32_t word : slots_) slot_[word] = kNone;
        if (common * 1000 < uint64_t(item.order) * item.in_order && !may_be_reworded(item, content_seen, numbers_seen)) return 0;
        return static_cast<uint32_t>(1000 * common / item.order);
    }

    // Calls each(slot) for tokens [start, stop) of the text that the item has, and notes them.
    template <class Each>
    void each_slot(size_t start, size_t stop, Each&& each) {
        const uint32_t *text = text_.data(), *slot_of = slot_.data();
        uint8_t* seen = seen_.data();  // pointers here: a write through them might else change the vectors
        for (size_t i = start; i < stop; i++) {
            const uint32_t slot = text[i] == kNone ? kNone : slot_of[text[i]];
            if (slot == kNone) continue;
            seen[slot] = 1;
            each(slot);
        }
    }

    // The heaviest window of at most `length` tokens over the places, the first of equals.
    uint32_t best_window(uint32_t length, uint32_t& first, uint32_t& end) {
        uint32_t weight = 0, best = 0;
        size_t from = 0, best_from = 0, best_to = 0;
        for (size_t to = 0; to < places_.size(); to++) {
            const uint32_t word = static_cast<uint32_t>(places_[to]);
            if (held_[word]++ == 0) weight += items_.item_words[word].weight;
            while ((places_[to] >> 32) - (places_[from] >> 32) >= length) {
                const uint32_t gone = static_cast<uint32_t>(places_[from++]);
                if (--held_[gone] == 0) weight -= items_.item_words[gone].weight;
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
    WordSet in_text_, in_chunk_;
    std::vector<int32_t> last_;         // word -> its last occurrence in the chunk, in `hits_`; -1: none
    std::vector<uint32_t> held_;        // word of an item -> occurrences in the window
    std::vector<uint32_t> met_weight_;  // item -> weight of the words that led to it
    std::vector<uint32_t> met_;         // the items that words led to
    std::vector<Met> opened_;           // those that may have their share
    std::vector<uint32_t> words_;
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
