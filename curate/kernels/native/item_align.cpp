// Texts beside benchmark items: whether one is the same problem, another one of its kind, or neither.
//
// The longest common subsequence of item and window tells which words the text has in order; what stands in the gaps
// between them tells one problem from another. curate/benchmarks/alignment.py calls these functions and puts into words
// what they return; tests/oracles_alignment.py says plainly what that must be.
#include <algorithm>
#include <unordered_map>

#include "differences.hpp"

namespace curate {
namespace {

// From the same problem to another one: as KINDS in curate/benchmarks/alignment.py.
enum Kind : uint32_t { kVerbatim, kNear, kReworded, kVariant, kTemplate, kNone };

// What a kind rests on: as WHY there.
enum Why : uint32_t {
    kAllWords, kInOrder, kBecame, kOtherNumbers, kClauseWithNumber, kClause, kLeftOut, kTurnedRound, kMoreNumbers,
    kOtherQuestion, kVariablesRenamed, kOfFormulas, kOfRareWords,
};

// Thresholds are measured: perf/RESULTS.md, "Contamination".
constexpr double kSure = 0.8, kNearly = 0.6, kAnother = 0.55;  // least alignment of a near copy; of one whose numbers agree; of a variant
// Least share of a reworded item with three numbers, all there, no other; with two; without; in Chinese.
constexpr double kRewordedSure = 0.42, kRewordedLess = 0.5, kRewordedWithoutNumbers = 0.65, kRewordedIdeographs = 0.85;
constexpr double kSameFormulas = 0.65;  // least agreement of the signs, variables and numbers of a copy
constexpr double kFewEdits = 0.85;      // part of the words, however common, that a short copy has in order where a rare one is lost
constexpr double kLeastInOrder = 0.3;   // of a template
constexpr double kLeastDensity = 0.3;   // of a reworded item
constexpr int kRounds = 3;              // of renaming letters
constexpr size_t kShort = 15;           // below so many words anything but a near copy is chance
constexpr uint64_t kTelling = 1000;     // least weight of what a reworded item has of its rare words: chance gives a text a few
constexpr uint64_t kTwiceAsLong = 140;  // the same on top for every time that the text is twice as long as the item
constexpr size_t kFewWords = 5;         // as FEW_WORDS in item_index.py

// What is told of one text: the layout of curate.kernels.item_align.TOLD.
struct Told {
    double alignment, share;  // parts of the item's weight: in order; of its distinct content words, in any order
    double part;              // that `why` speaks of
    uint64_t one, other, end; // where the strings that `why` names begin in the buffer, and end
    int32_t item;             // -1: none
    uint32_t hits;            // items that were laid beside the text
    uint32_t kind, why;
    uint32_t row_first, row_end, item_first, item_end;  // tokens
    uint32_t count, of;       // numbers that `why` speaks of
    int32_t numbers_agree;    // -1: the item has none
    uint32_t unused;
};

struct Measured {  // how much of an item a text has
    double in_order;  // weight of the words in order, of that of all
    double plain;     // part of the words that are in order
    double share;     // weight of the distinct content words that are there, of that of all
    double density;   // part of the words of the span that are in order
    bool telling;     // what is there says more than chance gives a text of this length
    size_t n_rare;    // distinct content words of the item
    bool ideographs;  // as ItemWords has it
};

struct Rank {  // of two alignments the smaller one counts: the nearer kind, the better fit, the larger share
    uint32_t kind = UINT32_MAX;
    double fit = 0, share = 0;
    bool before(const Rank& other) const {
        if (kind != other.kind) return kind < other.kind;
        return fit != other.fit ? fit > other.fit : share > other.share;
    }
};

struct Reason {
    Why why = kInOrder;
    double part = 0;
    size_t count = 0, of = 0;
    Exchange strings;
};

struct Judged {
    Kind kind;
    Reason reason;
};

// Whether it may be near, by the words alone; the same for a reworded item, a variant, a template.
bool nearly(const Measured& m) { return m.in_order >= kNearly && m.plain >= kNearly; }
bool rewordable(const Measured& m) { return m.n_rare >= kFewWords && m.density >= kLeastDensity && m.telling; }

// How well item and text fit: part of the item that is in order, less what stands between in the text.
double fit(const Measured& m) { return m.in_order * (1 + m.density) / 2; }
bool variable(const Measured& m, double least) { return m.in_order >= least || m.plain >= kFewEdits; }
bool common(const Measured& m) { return m.in_order >= kLeastInOrder || m.share >= kAnother; }

// The nearest kind that `judge` can give, whatever the differences are.
Kind nearest_kind(const Measured& m) {
    if (nearly(m)) return kNear;
    if (rewordable(m) && m.share >= kRewordedSure) return kReworded;
    if (variable(m, kAnother)) return kVariant;
    return common(m) ? kTemplate : kNone;
}

// Whether something makes it another problem, and what.
bool another_problem(size_t size, const Differences& d, Reason& reason) {
    const double parts = static_cast<double>(std::max<size_t>(1, d.numbers));
    auto is = [&](Why why, size_t count = 0, size_t of = 0, Exchange strings = {}) {
        reason = Reason{why, 0, count, of, strings};
        return true;
    };
    if (d.n_exchanged && static_cast<double>(d.n_exchanged) / parts > std::max(0.5 * d.lost, 0.04))
        return is(kBecame, 0, 0, d.exchanged);
    if (d.missing && d.added && static_cast<double>(d.missing) / parts > std::max(d.lost, 0.08))
        return is(kOtherNumbers, d.missing, d.numbers);
    if (d.lost <= 0.25) {
        if (d.number_clause) return is(kClauseWithNumber, d.clause);
        if (d.clause >= 8 && d.numbers >= 2) return is(kClause, d.clause);
        if (d.left_out != kNoString) return is(kLeftOut, 0, 0, Exchange{d.left_out, kNoString});
    }
    if (d.lost <= 0.12) {
        if (d.asked.one != kNoString) return is(kBecame, 0, 0, d.asked);
        if (size < 60 && d.negated) return is(kTurnedRound);
        if (static_cast<double>(d.added) > 0.15 * static_cast<double>(d.numbers)) return is(kMoreNumbers, d.added);
        if (!d.renames.empty()) return is(kBecame, 0, 0, Exchange{d.renames[0].item, d.renames[0].row});
    }
    return d.other_question && is(kOtherQuestion);
}

// What kind of copy it is, and why.
Judged judge(size_t size, const Measured& m, const Differences& d, bool renamed) {
    Reason reason;
    const bool another = another_problem(size, d, reason);
    const Reason in_words{kInOrder, m.in_order, 0, 0, {}};
    const double parts = static_cast<double>(std::max<size_t>(1, d.numbers));
    const bool agree = static_cast<double>(d.missing) <= 0.2 * parts && static_cast<double>(d.added) <= std::max(1.0, 0.34 * parts);
    const bool few_words = size < kShort || m.n_rare < kFewWords;
    if (another && variable(m, few_words ? kSure : kAnother)) return {kVariant, reason};
    bool dense = m.density >= (agree || m.in_order >= kSure ? 0.5 : 0.9);
    const bool few_edits = m.in_order >= (few_words ? kSure : kNearly) || (m.in_order >= kNearly && m.plain >= kFewEdits && agree);
    if (few_words) dense = dense && m.density >= kNearly && m.plain >= kSure;
    if (few_edits && nearly(m) && dense && !another) {
        if (d.formulas >= kSameFormulas) return {kNear, renamed ? Reason{kVariablesRenamed, 0, 0, 0, {}} : in_words};
        if (m.in_order >= kSure) return {kVariant, Reason{kOfFormulas, d.formulas, 0, 0, {}}};
    }
    if (rewordable(m) && agree && !another) {
        const bool sure = d.numbers >= 3 && !d.missing && !d.added;
        double least = sure ? kRewordedSure : d.numbers >= 2 ? kRewordedLess : kRewordedWithoutNumbers;
        if (m.ideographs && d.numbers) least = std::max(least, kRewordedIdeographs);
        if (m.share >= least && d.formulas_anywhere >= kSameFormulas) return {kReworded, Reason{kOfRareWords, m.share, 0, 0, {}}};
    }
    if (common(m)) return {kTemplate, another ? reason : in_words};
    return {kNone, in_words};
}

class Aligner {
  public:
    Aligner(const Column& texts, const Column& items, const Background& background)
        : texts_(texts), items_(items), cutter_(background), layer_(cutter_.strings()), comparer_(cutter_.strings(), layer_) {}

    // The text that is compared from now on.
    void take(int64_t line) {
        text_ = texts_.text(line);
        tokens_ = tokenize(text_, Tokenizer::math, scratch_, true);
        has_drawing_ = has_drawing(text_);
        cut_[0] = cut_[1] = false;
    }

    // The item beside tokens [first, end) of the text and what is around them; false if they share no word, or if it
    // cannot rank before `nearest`, what another item reached.
    bool align(int32_t number, size_t first, size_t end, const Rank* nearest, Told& told, Rank& rank, Exchange& strings) {
        const ItemWords& item = this->item(number);
        const Words words{item.words.data(), item.words.size()};
        const std::vector<Word>& whole = row(item.draws);
        // A drawing amid the text is left out, and may part the item more widely than its window is.
        const size_t size = words.size(), margin = drawn_ && !item.draws ? size : size / 4 + 5;
        auto place = [&](size_t token) {
            auto is_before = [](const Word& word, size_t t) { return word.first < t; };
            return static_cast<size_t>(std::lower_bound(whole.begin(), whole.end(), token, is_before) - whole.begin());
        };
        const size_t begin_whole = std::max(place(first), margin + item.light_before) - margin - item.light_before;
        const size_t stop_whole = std::max(begin_whole, std::min(whole.size(), place(end) + margin + item.light_after));
        // What is before the first word in order, and after the last, is looked at as far as the item is long.
        const size_t before = std::min(begin_whole, size), begin = before, stop = stop_whole - begin_whole + before;
        const Words window{whole.data() + begin_whole - before, std::min(stop + size, whole.size() - begin_whole + before)};
        told = Told{};
        told.item = number;
        told.numbers_agree = -1;
        if (const size_t at = found_whole(words, window, begin, stop); at != SIZE_MAX) {
            if (!item.digits.empty()) told.numbers_agree = 1;
            told.alignment = told.share = 1;
            told.kind = kVerbatim;
            told.why = kAllWords;
            rank = Rank{kVerbatim, 1, 1};
            place_at(words, 0, size, window, at, at + size, told);
            return true;
        }
        if (!layer_.lay(words, window, begin, stop, laid_)) return false;
        Words beside = window;
        size_t letters = 0;
        bool renamed = false;
        for (int round = 0; round < kRounds; round++) {  // letters in their places show which others have another name
            layer_.exchanged_letters(words, beside, laid_, renames_);
            if (renames_.empty()) break;
            for (const Rename& one : renames_) letters += one.times;
            std::vector<Word>& row = renamed_row_[round % 2];
            row.assign(beside.begin(), beside.end());
            layer_.rename(renames_, row);
            const Words other{row.data(), row.size()};
            if (!layer_.lay(words, other, begin, stop, other_) || other_.n_kept <= laid_.n_kept) break;
            std::swap(laid_, other_);
            beside = other;
            renamed = true;
        }
        const Measured measured = measure(item, beside, whole.size());
        const Kind hoped = nearest_kind(measured);
        if (nearest && !Rank{hoped, fit(measured), measured.share}.before(*nearest)) return false;
        const Asked asked = hoped == kNone ? Asked::numbers : hoped <= kReworded ? Asked::formulas : Asked::question;
        comparer_.compare(item, beside, laid_, renamed, asked, found_);
        if (renamed) {
            size_t left = 0;
            for (const Rename& one : found_.renames) left += one.times;
            if (left * 4 <= letters) found_.renames.clear();  // r and R are one letter here
        }
        const Judged judged = judge(size, measured, found_, renamed);
        const Run &first_run = laid_.runs.front(), &last_run = laid_.runs.back();
        rank = Rank{judged.kind, fit(measured), measured.share};
        told.alignment = measured.in_order;
        told.share = measured.share;
        told.kind = judged.kind;
        told.why = judged.reason.why;
        told.part = judged.reason.part;
        told.count = static_cast<uint32_t>(judged.reason.count);
        told.of = static_cast<uint32_t>(judged.reason.of);
        strings = judged.reason.strings;
        if (found_.numbers) told.numbers_agree = !(found_.missing || found_.n_exchanged);
        place_at(words, first_run.item, last_run.item + last_run.size, beside, first_run.row, last_run.row + last_run.size, told);
        return true;
    }

    // Part of the item's content words that the text has, anywhere.
    double content_shared(int32_t number) {
        const std::vector<Word>& words = item(number).words;
        const std::vector<Word>& whole = row(false);
        comparer_.note(Words{whole.data(), whole.size()}, 0, whole.size());
        std::vector<uint32_t> content;
        for (const Word& word : words)
            if (cutter_.strings().is(word.stem, kContent)) content.push_back(word.stem);
        std::sort(content.begin(), content.end());
        content.erase(std::unique(content.begin(), content.end()), content.end());
        const auto there = std::count_if(content.begin(), content.end(), [&](uint32_t stem) { return comparer_.has(stem); });
        return static_cast<double>(there) / static_cast<double>(std::max<size_t>(1, content.size()));
    }

    std::string_view text_of(uint32_t string) const {
        return string == kNoString ? std::string_view() : cutter_.strings().text(string);
    }

  private:
    static void place_at(Words words, size_t first, size_t end, Words row, size_t row_first,
                         size_t row_end, Told& told) {
        told.row_first = row[row_first].first;
        told.row_end = row[row_end - 1].end;
        told.item_first = words[first].first;
        told.item_end = words[end - 1].end;
    }

    const ItemWords& item(int32_t number) {
        constexpr size_t kMostWords = size_t(1) << 21;  // kept at a time, about 70 MB
        if (n_words_kept_ > kMostWords) {
            known_.clear();
            n_words_kept_ = 0;
        }
        const auto [at, is_new] = known_.try_emplace(number);
        ItemWords& item = at->second;
        if (!is_new) return item;
        const Text text = items_.text(number);
        find_drawings(text, false, drawings_);
        item.draws = drawings_.empty() && has_drawing(text);
        cutter_.cut(text, tokenize(text, Tokenizer::math, item_scratch_, true), drawings_, item.words, &item.heavy);
        item.sum_up(cutter_.strings());
        n_words_kept_ += item.words.size();
        return item;
    }

    // The words of the text; `draws`: those of drawing code are among them.
    const std::vector<Word>& row(bool draws) {
        draws = draws && has_drawing_;
        if (!cut_[draws]) {
            drawings_.clear();
            if (has_drawing_ && !draws) find_drawings(text_, true, drawings_);
            if (!draws) drawn_ = !drawings_.empty();
            cutter_.cut(text_, tokens_, drawings_, row_[draws], nullptr);
            cut_[draws] = true;
        }
        return row_[draws];
    }

    Measured measure(const ItemWords& item, Words row, size_t n_whole) {
        uint64_t in_order = 0, held_weight = 0;
        for (size_t k = 0; k < item.words.size(); k++) in_order += laid_.kept[k] ? item.heavy[k].weight : 0;
        comparer_.note(row, laid_.first_around(), laid_.end_around());
        for (const Count& one : item.rare) held_weight += comparer_.has(one.string) ? one.times : 0;
        size_t aligned = 0;
        for (const Run& run : laid_.runs) aligned += run.size;
        uint64_t telling = kTelling;
        for (size_t n = 2 * item.words.size(); n <= n_whole; n *= 2) telling += kTwiceAsLong;
        auto part = [](uint64_t some, uint64_t of) { return static_cast<double>(some) / static_cast<double>(of); };
        return Measured{part(in_order, item.weight), part(laid_.n_kept, item.words.size()),
                        part(held_weight, std::max<uint64_t>(1, item.rare_weight)),
                        part(aligned, laid_.end() - laid_.first()), held_weight >= telling, item.rare.size(), item.ideographs};
    }

    const Column& texts_;
    const Column& items_;
    Cutter cutter_;
    Layer layer_;
    Comparer comparer_;
    Scratch scratch_, item_scratch_;
    Text text_;
    Tokens tokens_;
    bool has_drawing_ = false;
    bool drawn_ = false;  // drawings are left out of row_[0]
    bool cut_[2] = {false, false};
    std::vector<Word> row_[2], renamed_row_[2];
    std::unordered_map<int32_t, ItemWords> known_;
    size_t n_words_kept_ = 0;
    std::vector<Stretch> drawings_;
    Laid laid_, other_;
    std::vector<Rename> renames_;
    Differences found_;
};

}  // namespace

// A text's candidate: the layout of curate.kernels.item_index.CANDIDATE.
struct Window {
    int32_t item;  // -1: none
    uint32_t score, first, end;
};

// told[i]: the nearest of the `most` candidates of text i. The strings that `why` names are written to `buffer` as far as
// they have room; returns how many bytes they need.
CURATE_API int64_t curate_item_align(const Column* texts, const Column* items, const uint64_t* background, const uint32_t* candidates,
                                     int64_t most, uint64_t* told, uint8_t* buffer, int64_t capacity) {
    return guarded([&]() -> int64_t {
        Background weights;
        std::memcpy(&weights, background, sizeof weights);
        Aligner aligner(*texts, *items, weights);
        const auto* windows = reinterpret_cast<const Window*>(candidates);
        auto* out = reinterpret_cast<Told*>(told);
        uint64_t written = 0;
        auto write = [&](uint32_t string) {
            const std::string_view text = aligner.text_of(string);
            if (written + text.size() <= static_cast<uint64_t>(capacity)) std::copy(text.begin(), text.end(), buffer + written);
            written += text.size();
        };
        for (int64_t i = 0; i < texts->size; i++) {
            const Window *at = windows + i * most, *end = at + most;
            Told best{}, told{};
            Exchange best_strings;
            Rank nearest;
            best.item = best.numbers_agree = -1;
            if (at->item >= 0) aligner.take(i);
            uint32_t hits = 0;
            while (at != end && at->item >= 0 && nearest.kind != kVerbatim) {
                Exchange strings;
                Rank rank;
                const bool laid = aligner.align(at->item, at->first, at->end, best.item >= 0 ? &nearest : nullptr, told, rank, strings);
                if (laid && rank.before(nearest)) {
                    nearest = rank;
                    best = told;
                    best_strings = strings;
                }
                hits++;
                at++;
            }
            best.hits = hits;
            best.one = written;
            write(best_strings.one);
            best.other = written;
            write(best_strings.other);
            best.end = written;
            out[i] = best;
        }
        return static_cast<int64_t>(written);
    });
}

// shared[i]: the part of the content words of item `which[i]` that text `lines[i]` has; lines ascend.
CURATE_API int64_t curate_item_content(const Column* texts, const Column* items, const uint64_t* background, int64_t size,
                                       const int64_t* lines, const int64_t* which, double* shared) {
    return guarded([&]() -> int64_t {
        Background weights;
        std::memcpy(&weights, background, sizeof weights);
        Aligner aligner(*texts, *items, weights);
        for (int64_t i = 0; i < size; i++) {
            if (i == 0 || lines[i] != lines[i - 1]) aligner.take(lines[i]);
            shared[i] = aligner.content_shared(static_cast<int32_t>(which[i]));
        }
        return size;
    });
}

// Writes the texts with a blank for every character of their drawings, where enough words stand beside these, and where
// each ends; `bytes` has room for the texts as they are.
CURATE_API int64_t curate_without_drawings(const Column* texts, uint8_t* bytes, int64_t* offsets) {
    return guarded([&]() -> int64_t {
        std::vector<Stretch> drawings;
        uint64_t written = 0;
        offsets[0] = 0;
        for (int64_t i = 0; i < texts->size; i++) {
            const Text text = texts->text(i);
            find_drawings(text, false, drawings);
            if (drawings.empty()) {
                std::copy_n(text.bytes, text.size, bytes + written);
                written += text.size;
                offsets[i + 1] = static_cast<int64_t>(written);
                continue;
            }
            size_t next = 0, until = 0;
            for (size_t b = 0; b < text.size; b++) {
                while (next < drawings.size() && drawings[next].begin <= b) until = std::max(until, drawings[next++].end);
                if (b >= until)
                    bytes[written++] = text.bytes[b];
                else if ((text.bytes[b] & 0xC0) != 0x80)
                    bytes[written++] = ' ';
            }
            offsets[i + 1] = static_cast<int64_t>(written);
        }
        return static_cast<int64_t>(written);
    });
}

}  // namespace curate
