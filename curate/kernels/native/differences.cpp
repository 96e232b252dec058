#include "differences.hpp"

#include <algorithm>

namespace curate {
namespace {

constexpr size_t kFewSigns = 4;  // an item of fewer signs, variables and numbers is words; nothing is asked of its formulas

bool any_number(const Word& word) { return word.value != kNoString; }
bool in_digits(const Word& word) { return word.value != kNoString && !word.spelt; }

// Words of the text that may stand for those of the gap; before and after the item many stand there by chance.
size_t near_gap(const Gap& gap) {
    return gap.edge && gap.item_end - gap.item_first > 4 ? 0 : gap.row_end - gap.row_first;
}

// Counts the numbers that `is` chooses among n words.
template <class Is>
void count(const Word* words, size_t n, Is&& is, Counts& counts) {
    counts.clear();
    for (size_t k = 0; k < n; k++)
        if (is(words[k])) counts.push_back(Count{words[k].value, 1});
    std::sort(counts.begin(), counts.end(), [](const Count& one, const Count& other) { return one.string < other.string; });
    size_t to = 0;
    for (const Count& one : counts) {
        if (to && counts[to - 1].string == one.string)
            counts[to - 1].times++;
        else
            counts[to++] = one;
    }
    counts.resize(to);
}

uint32_t times(const Counts& counts, uint32_t string) {
    auto found = std::lower_bound(counts.begin(), counts.end(), string, [](const Count& one, uint32_t s) { return one.string < s; });
    return found != counts.end() && found->string == string ? found->times : 0;
}

}  // namespace

void ItemWords::sum_up(const Strings& strings) {
    std::vector<size_t> found_by;  // places of the words that it is found by
    for (size_t k = 0; k < words.size(); k++) {
        weight += heavy[k].weight;
        if (heavy[k].weight <= kStockWeight) continue;
        found_by.push_back(k);
        if (strings.is(words[k].stem, kContent)) rare.push_back(Count{words[k].stem, heavy[k].weight});
    }
    if (!found_by.empty()) {
        light_before = found_by.front();
        light_after = words.size() - 1 - found_by.back();
    }
    // Of a word that is there more than once the last place counts.
    std::stable_sort(rare.begin(), rare.end(), [](const Count& one, const Count& other) { return one.string < other.string; });
    const auto other = [](const Count& one, const Count& next) { return one.string == next.string; };
    rare.erase(rare.begin(), std::unique(rare.rbegin(), rare.rend(), other).base());
    size_t n_ideographs = 0;
    for (const Count& one : rare) {
        rare_weight += one.times;
        n_ideographs += strings[one.string].n_letters == 1;
    }
    ideographs = n_ideographs * 2 > rare.size();
    count(words.data(), words.size(), any_number, numbers);
    count(words.data(), words.size(), in_digits, digits);
}

void Comparer::note(Words words, size_t first, size_t end) {
    round_++;
    if (noted_.size() < strings_.size()) noted_.resize(2 * strings_.size(), 0);
    for (size_t k = first; k < end; k++) noted_[words[k].stem] = round_;
}

void Comparer::compare(const ItemWords& item, Words row, const Laid& laid, bool renamed, Asked asked,
                       Differences& found) {
    found = Differences{};
    const Words words{item.words.data(), item.words.size()};
    const size_t around = laid.first_around(), first = laid.first();
    count(row.data() + around, laid.end_around() - around, any_number, of_row_);
    count(row.data() + first, laid.end() - first, in_digits, in_span_);
    for (const Count& one : in_span_) {
        const uint32_t there = times(item.numbers, one.string);
        found.added += one.times > there ? one.times - there : 0;
    }
    missing_.clear();
    for (const Count& one : item.digits) {
        const uint32_t there = times(of_row_, one.string);
        found.numbers += one.times;
        if (one.times > there) missing_.push_back(Count{one.string, one.times - there});
        found.missing += one.times > there ? one.times - there : 0;
    }
    for (const Gap& gap : laid.gaps) exchanged_numbers(item, row, gap, found);
    if (asked == Asked::numbers) return;

    size_t plain = 0, plain_kept = 0, negations = 0;
    unaligned_.resize(std::max(unaligned_.size(), 2 * strings_.size()), 0);
    for (size_t k = 0; k < words.size(); k++) {
        const bool is_plain = words[k].value == kNoString;
        plain += is_plain;
        plain_kept += is_plain && laid.kept[k];
        negations += strings_.is(words[k].stem, kNegation);
        if (!laid.kept[k]) unaligned_[words[k].stem] = 1;
    }
    found.lost = 1.0 - static_cast<double>(plain_kept) / static_cast<double>(std::max<size_t>(1, plain));
    for (size_t j = first; j < laid.end(); j++) negations -= strings_.is(row[j].stem, kNegation);
    found.negated = negations != 0;
    for (const Gap& gap : laid.gaps) compare_gap(item, row, gap, renamed, found);
    for (const Word& word : words) unaligned_[word.stem] = 0;
    found.other_question = asks_otherwise(item, row, laid);
    layer_.exchanged_letters(words, row, laid, found.renames);
    if (asked == Asked::formulas) compare_formulas(item, row, laid, found);
}

// Numbers of the item that another stands for; and one that is no longer told.
void Comparer::exchanged_numbers(const ItemWords& item, Words row, const Gap& gap, Differences& found) {
    const Word *words = item.words.data() + gap.item_first, *there = row.data() + gap.row_first;
    const size_t n = gap.item_end - gap.item_first, m = gap.row_end - gap.row_first;
    const bool any_there = std::any_of(there, there + m, any_number);
    if (!any_there && std::none_of(words, words + n, any_number)) return;
    // One, first and twice are words as often as numbers; from three on they tell something.
    auto telling = [&](const Word& word) {
        if (word.value == kNoString || !word.spelt) return word.value != kNoString;
        const std::string& digits = strings_[word.value].text;
        return digits.find('.') == std::string::npos && (digits.size() > 1 || digits[0] >= '3');
    };
    // Numbers of one side that the other has not, in order of how they are written.
    auto only = [&](const Word* mine, size_t n_mine, const Word* others, size_t n_others, std::vector<uint32_t>& out) {
        count(mine, n_mine, telling, source_);
        count(others, n_others, any_number, target_);
        out.clear();
        for (const Count& one : source_)
            for (uint32_t t = times(target_, one.string); t < one.times; t++) out.push_back(one.string);
        std::sort(out.begin(), out.end(), [&](uint32_t a, uint32_t b) { return before(a, b); });
    };
    only(words, n, there, m, gone_);
    only(there, m, words, n, come_);
    for (size_t k = 0; k < std::min(gone_.size(), come_.size()); k++) {
        const uint32_t a = gone_[k], b = come_[k], in_row = times(of_row_, a);
        if (in_row && times(item.numbers, b)) continue;
        if ((gap.edge ? in_row : 0) >= times(item.numbers, a)) continue;
        if (!found.n_exchanged++) found.exchanged = Exchange{a, b};
    }
    if (!come_.empty()) return;
    auto lost = std::find_if(words, words + n, [&](const Word& word) { return in_digits(word) && times(missing_, word.value); });
    const auto starts = [&](size_t k) { return k == item.words.size() || item.heavy[k].starts; };
    if (lost == words + n || (starts(gap.item_first) && starts(gap.item_end))) return;  // a whole sentence is gone
    const size_t m_there = near_gap(gap);
    auto untold = [&](const Word& word) { return strings_.is(word.stem, kIndefinite) || strings_.is(word.stem, kVariable); };
    if ((n >= 3 && n <= 8 && n >= m_there + 2) || std::any_of(there, there + m_there, untold)) found.left_out = lost->value;
}

void Comparer::compare_gap(const ItemWords& item, Words row, const Gap& gap, bool renamed, Differences& found) {
    const Word *words = item.words.data() + gap.item_first, *there = row.data() + gap.row_first;
    const size_t n = gap.item_end - gap.item_first, m = near_gap(gap);
    if (!gap.edge) {
        size_t longer = 0;
        for (size_t j = 0; j < m; j++) longer += !unaligned_[there[j].stem];
        if (longer > n) found.clause = std::max(found.clause, longer - n);
        if (longer >= n + 5)
            for (size_t j = 0; j < m; j++)
                found.number_clause |= there[j].value != kNoString && !times(item.numbers, there[j].value);
    }
    if (found.asked.one == kNoString) found.asked = asked_for(words, n, there, m);
    if (found.asked.one == kNoString && !renamed) found.asked = spelt(words, n, there, gap.row_end - gap.row_first);
}

// The first of some strings that are not among the others.
uint32_t Comparer::first_only(const std::vector<uint32_t>& mine, const std::vector<uint32_t>& others) const {
    uint32_t first = kNoString;
    for (uint32_t string : mine)
        if (std::find(others.begin(), others.end(), string) == others.end() && (first == kNoString || before(string, first)))
            first = string;
    return first;
}

Exchange Comparer::asked_for(const Word* words, size_t n, const Word* others, size_t m) {
    uint64_t groups = 0, there = 0;
    for (size_t k = 0; k < n; k++) groups |= strings_[words[k].stem].groups;
    for (size_t j = 0; groups && j < m; j++) there |= strings_[others[j].stem].groups;
    for (groups &= there; groups; groups &= groups - 1) {
        const uint64_t group = groups & -groups;
        for (auto& strings : strings_of_) strings.clear();
        for (size_t k = 0; k < n; k++)
            if (strings_[words[k].stem].groups & group) strings_of_[0].push_back(words[k].stem);
        for (size_t j = 0; j < m; j++)
            if (strings_[others[j].stem].groups & group) strings_of_[1].push_back(others[j].stem);
        const Exchange found{first_only(strings_of_[0], strings_of_[1]), first_only(strings_of_[1], strings_of_[0])};
        if (found.one != kNoString && found.other != kNoString) return found;
    }
    auto only_sign = [&](const Word* side, size_t size) {
        uint32_t sign = kNoString;
        for (size_t k = 0; k < size; k++) {
            if (!strings_.is(side[k].stem, kOperator)) continue;
            if (sign != kNoString) return kNoString;
            sign = side[k].stem;
        }
        return sign;
    };
    const uint32_t sign = only_sign(words, n);
    const uint32_t other = sign == kNoString ? sign : only_sign(others, m);
    return other == kNoString || other == sign ? Exchange{} : Exchange{sign, other};
}

// Words in capitals that stand one for another ("the letters of BANANA").
Exchange Comparer::spelt(const Word* words, size_t n, const Word* others, size_t m) {
    auto is_long = [&](uint32_t label) { return strings_[label].text.size() >= kSpelt; };
    auto labels = [&](const Word* side, size_t size, std::vector<uint32_t>& out) {
        out.clear();
        for (size_t k = 0; k < size; k++) {
            const uint32_t label = side[k].label;
            if (label != kNoString && !strings_.is(label, kGreek) && strings_[label].text.size() + 1 >= kSpelt) out.push_back(label);
        }
    };
    labels(words, n, strings_of_[0]);
    if (std::none_of(strings_of_[0].begin(), strings_of_[0].end(), is_long)) return Exchange{};
    labels(others, m, strings_of_[1]);
    auto missing = [&](const std::vector<uint32_t>& mine, const std::vector<uint32_t>& theirs) { return first_only(mine, theirs) != kNoString; };
    if (!missing(strings_of_[0], strings_of_[1]) || !missing(strings_of_[1], strings_of_[0])) return Exchange{};
    return Exchange{first_only(strings_of_[0], {}), first_only(strings_of_[1], {})};
}

// Dice of the signs, variables and numbers of both.
void Comparer::compare_formulas(const ItemWords& item, Words row, const Laid& laid, Differences& found) {
    auto formulas = [&](const Word* words, size_t n, std::vector<uint32_t>& out) {
        out.clear();
        for (size_t k = 0; k < n; k++)
            if (strings_.is(words[k].stem, kFormula)) out.push_back(words[k].stem);
    };
    auto& [mine, others] = strings_of_;
    formulas(item.words.data(), item.words.size(), mine);
    const auto is_sign = [&](uint32_t stem) { return !strings_.is(stem, kNumberSign); };
    if (std::count_if(mine.begin(), mine.end(), is_sign) < long(kFewSigns)) return;
    formulas(row.data() + laid.first(), laid.end() - laid.first(), others);
    size_t aligned = 0, common = 0;
    for (size_t k = 0; k < item.words.size(); k++) aligned += laid.kept[k] && strings_.is(item.words[k].stem, kFormula);
    std::sort(mine.begin(), mine.end());
    std::sort(others.begin(), others.end());
    for (auto one = mine.begin(), other = others.begin(); one != mine.end() && other != others.end();) {
        common += *one == *other;
        const bool first = *one <= *other, second = *other <= *one;
        one += first;
        other += second;
    }
    const double both = static_cast<double>(mine.size() + others.size());
    found.formulas = static_cast<double>(2 * aligned) / both;
    found.formulas_anywhere = static_cast<double>(2 * common) / both;
}

// Whether another sentence asks, in the place of the one that did, and the rest is as it was.
bool Comparer::asks_otherwise(const ItemWords& item, Words row, const Laid& laid) {
    const size_t size = item.words.size();
    size_t begin = size, end = size;  // the last sentence that asks
    for (size_t from = 0; from < size;) {
        size_t to = from + 1;
        while (to < size && !item.heavy[to].starts) to++;
        const auto asks = [&](const Word& word) { return strings_.is(word.stem, kAsking); };
        if (to - from >= 3 && std::any_of(item.words.begin() + long(from), item.words.begin() + long(to), asks)) {
            begin = from;
            end = to;
        }
        from = to;
    }
    if (begin == size) return false;
    const size_t n_question = end - begin, n_rest = size - n_question;
    size_t question = 0;
    for (size_t k = begin; k < end; k++) question += laid.kept[k];
    const size_t rest = laid.n_kept - question;
    if (n_rest < 12 || static_cast<double>(question) >= 0.5 * static_cast<double>(n_question) ||
        static_cast<double>(rest) < 0.85 * static_cast<double>(n_rest))
        return false;
    note(row, laid.first_around(), laid.end_around());
    size_t lost = 0, elsewhere = 0;
    for (size_t k = begin; k < end; k++) {
        if (laid.kept[k]) continue;
        lost++;
        elsewhere += has(item.words[k].stem);
    }
    if (static_cast<double>(elsewhere) >= 0.8 * static_cast<double>(lost)) return false;  // it has moved
    return std::any_of(laid.gaps.begin(), laid.gaps.end(), [&](const Gap& gap) {
        return gap.row_end - gap.row_first >= 2 && begin < gap.item_end && gap.item_first < end;
    });
}

}  // namespace curate
