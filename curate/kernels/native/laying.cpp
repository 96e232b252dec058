#include "laying.hpp"

#include <algorithm>

namespace curate {

size_t Laid::first_around() const {
    size_t at = first();
    for (const Gap& gap : gaps)
        if (gap.edge) at = std::min(at, gap.row_first);
    return at;
}

size_t Laid::end_around() const {
    size_t at = end();
    for (const Gap& gap : gaps)
        if (gap.edge) at = std::max(at, gap.row_end);
    return at;
}

size_t found_whole(Words item, Words row, size_t begin, size_t stop) {
    if (item.size() == 0) return SIZE_MAX;
    for (; begin + item.size() <= stop; begin++) {
        size_t same = 0;
        while (same < item.size() && row[begin + same].stem == item[same].stem) same++;
        if (same == item.size()) return begin;
    }
    return SIZE_MAX;
}

bool Layer::lay(Words item, Words row, size_t begin, size_t stop, Laid& laid) {
    laid.runs.clear();
    laid.gaps.clear();
    find_runs(item, row, begin, stop, laid);
    if (laid.runs.empty()) return false;
    for (size_t k = 0; k + 1 < laid.runs.size(); k++) {
        const Run &x = laid.runs[k], &y = laid.runs[k + 1];
        laid.gaps.push_back(Gap{x.item + x.size, y.item, x.row + x.size, y.row, false});
    }
    const Run &first = laid.runs.front(), &last = laid.runs.back();
    const size_t head = first.item, tail = item.size() - last.item - last.size, after = last.row + last.size;
    if (head) laid.gaps.push_back(Gap{0, head, first.row > head ? first.row - head : 0, first.row, true});
    if (tail) laid.gaps.push_back(Gap{item.size() - tail, item.size(), after, std::min(row.size(), after + tail), true});
    find_kept(item, row, laid);
    return true;
}

// Runs of the longest common subsequence. Short runs far out at either end are chance ("the" a line before the
// problem) and are left out.
void Layer::find_runs(Words item, Words row, size_t begin, size_t stop, Laid& laid) {
    size_t head = 0, tail = 0;
    const size_t n = item.size(), m = stop > begin ? stop - begin : 0;
    while (head < n && head < m && item[head].stem == row[begin + head].stem) head++;
    while (head + tail < n && head + tail < m && item[n - 1 - tail].stem == row[begin + m - 1 - tail].stem) tail++;
    if (head) laid.runs.push_back(Run{0, begin, head});
    common_subsequence(item.data() + head, n - head - tail, row.data() + begin + head, m - head - tail, head, begin + head, laid);
    if (tail) laid.runs.push_back(Run{n - tail, begin + m - tail, tail});

    size_t from = 0, to = laid.runs.size();
    auto stray = [](const Run& end, size_t gap) { return end.size < 3 && gap > 4 * end.size + 2; };
    while (to - from > 1) {
        const Run &first = laid.runs[from], &second = laid.runs[from + 1], &last = laid.runs[to - 1], &before = laid.runs[to - 2];
        if (stray(first, second.row - first.row - first.size))
            from++;
        else if (stray(last, last.row - before.row - before.size))
            to--;
        else
            break;
    }
    laid.runs.erase(laid.runs.begin() + long(to), laid.runs.end());
    laid.runs.erase(laid.runs.begin(), laid.runs.begin() + long(from));
}

// Adds the runs of a longest common subsequence: 64 words of the item at a time (Hyyro 2004), a row of states for each
// word of the text, then back from the end of both, where words of the item are passed over first.
void Layer::common_subsequence(const Word* item, size_t n, const Word* row, size_t m, size_t item_at, size_t row_at, Laid& laid) {
    if (n == 0 || m == 0) return;
    const size_t blocks = (n + 63) / 64;
    if (slot_.size() < strings_.size()) slot_.resize(strings_.size() * 2, kNoString);
    masks_.clear();
    for (size_t k = 0; k < n; k++) {
        uint32_t& slot = slot_[item[k].stem];
        if (slot == kNoString) {
            slot = static_cast<uint32_t>(masks_.size());
            masks_.resize(masks_.size() + blocks, 0);
        }
        masks_[slot + k / 64] |= uint64_t(1) << (k % 64);
    }
    states_.resize((m + 1) * blocks);
    std::fill_n(states_.begin(), blocks, ~uint64_t(0));
    for (size_t i = 0; i < m; i++) {
        const uint64_t* before = states_.data() + i * blocks;
        uint64_t* after = states_.data() + (i + 1) * blocks;
        const uint32_t slot = slot_[row[i].stem];
        if (slot == kNoString) {
            std::copy_n(before, blocks, after);
            continue;
        }
        uint64_t carry = 0;
        for (size_t b = 0; b < blocks; b++) {
            const uint64_t v = before[b], u = v & masks_[slot + b];
            uint64_t sum;
            const bool over = __builtin_add_overflow(v, u, &sum);
            const bool more = __builtin_add_overflow(sum, carry, &sum);
            carry = over | more;
            after[b] = sum | (v & ~u);
        }
    }
    for (size_t k = 0; k < n; k++) slot_[item[k].stem] = kNoString;

    const size_t first_run = laid.runs.size();
    auto is_set = [&](size_t i, size_t k) { return (states_[i * blocks + (k - 1) / 64] >> ((k - 1) % 64) & 1) != 0; };
    for (size_t i = m, k = n; i && k;) {
        if (is_set(i, k)) {
            k--;
        } else if (--i == 0 || is_set(i, k)) {  // word k of the item is that of the text
            k--;
            Run* last = laid.runs.size() > first_run ? &laid.runs.back() : nullptr;
            if (last && last->item == item_at + k + 1 && last->row == row_at + i + 1)
                *last = Run{item_at + k, row_at + i, last->size + 1};
            else
                laid.runs.push_back(Run{item_at + k, row_at + i, 1});
        }
    }
    std::reverse(laid.runs.begin() + long(first_run), laid.runs.end());
}

// Whether a word and another are one but for spelling: at most three edits in ten letters, a swap of neighbours is one
// (optimal string alignment).
bool Layer::alike(uint32_t one, uint32_t other) {
    const Strings::Entry &a = strings_[one], &b = strings_[other];
    const size_t longer = std::max(a.n_letters, b.n_letters), edits = longer * 3 / 10;
    if (longer - std::min(a.n_letters, b.n_letters) > edits) return false;
    // A letter that the other has not is an edit, at least.
    if (static_cast<size_t>(__builtin_popcountll(a.letters & ~b.letters)) > edits) return false;
    if (static_cast<size_t>(__builtin_popcountll(b.letters & ~a.letters)) > edits) return false;
    for (int side = 0; side < 2; side++) {
        letters_[side].clear();
        each_code_point(side ? b.text : a.text, [&](uint32_t code) { letters_[side].push_back(code); });
    }
    const std::vector<uint32_t>&x = letters_[0], &y = letters_[1];
    for (auto& line : distance_) line.resize(y.size() + 1);
    for (size_t j = 0; j <= y.size(); j++) distance_[0][j] = static_cast<uint32_t>(j);
    for (size_t i = 1; i <= x.size(); i++) {
        const auto &before = distance_[(i - 1) % 3], &second = distance_[(i + 1) % 3];
        auto& now = distance_[i % 3];
        now[0] = static_cast<uint32_t>(i);
        uint32_t least = now[0];
        for (size_t j = 1; j <= y.size(); j++) {
            uint32_t best = std::min({before[j] + 1, now[j - 1] + 1, before[j - 1] + (x[i - 1] != y[j - 1])});
            if (i > 1 && j > 1 && x[i - 1] == y[j - 2] && x[i - 2] == y[j - 1]) best = std::min(best, second[j - 2] + 1);
            now[j] = best;
            least = std::min(least, best);
        }
        if (least > edits) return false;
    }
    return distance_[x.size() % 3][y.size()] <= edits;
}

// Which words of the item the text has in order; a misspelling or another form counts as the word.
void Layer::find_kept(Words item, Words row, Laid& laid) {
    constexpr uint32_t kLeast = 4;  // letters of a word that may be misspelt
    laid.kept.assign(item.size(), 0);
    laid.n_kept = 0;
    for (const Run& run : laid.runs) {
        std::fill_n(laid.kept.begin() + long(run.item), run.size, uint8_t(1));
        laid.n_kept += run.size;
    }
    for (const Gap& gap : laid.gaps) {
        size_t at = gap.row_first;
        for (size_t k = gap.item_first; k < gap.item_end; k++) {
            const Strings::Entry& word = strings_[item[k].stem];
            if (word.n_letters < kLeast || item[k].value != kNoString || word.groups) continue;
            for (size_t j = at; j < gap.row_end; j++) {
                if (strings_[row[j].stem].n_letters < kLeast || !alike(item[k].stem, row[j].stem)) continue;
                laid.kept[k] = 1;
                laid.n_kept++;
                at = j + 1;
                break;
            }
        }
    }
}

// Letters that differ, where both sides of a gap have the same number of labels of the same lengths.
void Layer::exchanged_letters(Words item, Words row, const Laid& laid,
                              std::vector<Rename>& renames) {
    pairs_.clear();
    for (const Gap& gap : laid.gaps) {
        for (auto& labels : labels_) labels.clear();
        for (size_t k = gap.item_first; k < gap.item_end; k++)
            if (item[k].label != kNoString) labels_[0].push_back(item[k].label);
        if (labels_[0].empty()) continue;
        for (size_t j = gap.row_first; j < gap.row_end; j++)
            if (row[j].label != kNoString) labels_[1].push_back(row[j].label);
        if (labels_[0].size() != labels_[1].size()) continue;
        for (size_t l = 0; l < labels_[0].size(); l++) {
            const uint32_t a = labels_[0][l], b = labels_[1][l];
            if (a == b) continue;
            const std::string &x = strings_[a].text, &y = strings_[b].text;
            if (strings_.is(a, kGreek) || strings_.is(b, kGreek) || (x.size() == 1 && y.size() == 1)) {
                pairs_.push_back(Rename{a, b, 1});
            } else if (x.size() == y.size() && x.size() < kSpelt) {
                for (size_t c = 0; c < x.size(); c++)
                    if (x[c] != y[c])
                        pairs_.push_back(Rename{strings_.add(x.substr(c, 1)), strings_.add(y.substr(c, 1)), 1});
            }
        }
    }
    std::sort(pairs_.begin(), pairs_.end(), [&](const Rename& one, const Rename& other) {
        const int order = strings_[one.item].text.compare(strings_[other.item].text);
        return order ? order < 0 : strings_[one.row].text < strings_[other.row].text;
    });
    renames.clear();
    for (const Rename& pair : pairs_) {
        if (!renames.empty() && renames.back().item == pair.item && renames.back().row == pair.row)
            renames.back().times++;
        else
            renames.push_back(pair);
    }
}

void Layer::rename(const std::vector<Rename>& renames, std::vector<Word>& row) {
    pairs_ = renames;
    std::stable_sort(pairs_.begin(), pairs_.end(), [](const Rename& one, const Rename& other) { return one.times > other.times; });
    std::vector<Rename> names;  // no letter is in two
    for (const Rename& pair : pairs_)
        if (std::none_of(names.begin(), names.end(), [&](const Rename& name) { return name.item == pair.item || name.row == pair.row; }))
            names.push_back(pair);
    auto name_of = [&](uint32_t letter) {
        for (const Rename& name : names)
            if (name.row == letter) return name.item;
        return kNoString;
    };
    for (Word& word : row) {
        if (word.label == kNoString) continue;
        const std::string& label = strings_[word.label].text;
        uint32_t renamed = name_of(word.label);
        if (!strings_.is(word.label, kGreek)) {
            bool all = true;
            std::string letters;
            for (char c : label) {
                const uint32_t name = name_of(strings_.find(std::string_view(&c, 1)));
                all = all && name != kNoString;
                letters += name == kNoString ? std::string(1, c) : strings_[name].text;
            }
            if (label.size() >= kSpelt && !all) continue;
            if (renamed == kNoString) renamed = strings_.add(letters);
        }
        if (renamed == kNoString) continue;
        if (renamed == word.label) continue;
        std::string lower = strings_[renamed].text;
        for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c;
        word.label = renamed;
        word.stem = strings_.add(lower);
    }
}

}  // namespace curate
