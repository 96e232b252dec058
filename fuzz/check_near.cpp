// Signatures and shingle sets, candidate pairs, exact Jaccards and clusters, beside their plain reading.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "harness.hpp"

namespace fuzz {
namespace {

using namespace curate;
using Pair = std::pair<uint32_t, uint32_t>;  // lower, higher
using Set = std::vector<uint64_t>;

Set plain_shingles(const std::vector<uint64_t>& tokens, size_t n) {
    std::set<uint64_t> shingles;
    if (!tokens.empty() && tokens.size() < n) {
        uint64_t h = tokens.size();
        for (uint64_t token : tokens) h = finish(h ^ token) * kNgramStep;
        shingles.insert(finish(h));
    }
    for (size_t i = 0; i + n <= tokens.size(); i++) {
        uint64_t h = 0;
        for (size_t j = i; j < i + n; j++) h = h * kNgramStep + tokens[j];
        shingles.insert(finish(h));
    }
    return Set(shingles.begin(), shingles.end());
}

// What datasketch makes of a hash before it permutes it: the 32-bit finalizer of MurmurHash3.
uint32_t premixed(uint64_t shingle) {
    uint32_t x = uint32_t(shingle >> 32);
    x = (x ^ x >> 16) * 0x85ebca6bu;
    x = (x ^ x >> 13) * 0xc2b2ae35u;
    return x ^ x >> 16;
}

std::vector<int64_t> all_rows(size_t n) {
    std::vector<int64_t> rows(n);
    std::iota(rows.begin(), rows.end(), 0);
    return rows;
}

// The shingle sets of a case as the kernel makes them, required to be the plain ones.
std::vector<Set> shingle_sets(const Case& c) {
    constexpr size_t kMostCompared = 2000;
    Texts texts(c);
    size_t capacity = c.size();
    for (size_t i = 0; i < c.size(); i++) capacity += 2 * c.text(i).size();
    std::vector<uint64_t> values(capacity);
    std::vector<int64_t> rows = all_rows(c.size()), ends(c.size());
    const int64_t total = curate_shingle_sets(texts.column(), rows.data(), int64_t(rows.size()), c.tokenizer, c.ngram,
                                              values.data(), int64_t(capacity), ends.data());
    REQUIRE(total <= int64_t(capacity) && (ends.empty() || ends.back() == total));
    const Found found = tokens_of(texts, c.tokenizer);
    std::vector<Set> sets;
    for (size_t i = 0; i < c.size(); i++) {
        sets.emplace_back(values.begin() + (i ? ends[i - 1] : 0), values.begin() + ends[i]);
        REQUIRE(std::is_sorted(sets[i].begin(), sets[i].end(), std::less_equal<uint64_t>()));  // each once
        if (found.of(i).size() <= kMostCompared) REQUIRE(sets[i] == plain_shingles(found.of(i), size_t(c.ngram)));
    }
    return sets;
}

double plain_jaccard(const Set& a, const Set& b) {
    Set both;
    std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
    const size_t either = a.size() + b.size() - both.size();
    return either ? double(both.size()) / double(either) : 0.0;
}

uint64_t packed(Pair pair) { return uint64_t(pair.second) << 32 | pair.first; }

// Pairs of nodes with equal keys by the rule of curate_candidate_pairs, ascending as packed.
std::vector<uint64_t> plain_pairs(const std::vector<uint32_t>& keys, size_t cap) {
    std::vector<uint64_t> pairs;
    for (uint32_t high = 0; high < keys.size(); high++) {
        const size_t size = size_t(std::count(keys.begin(), keys.end(), keys[high]));
        std::vector<uint32_t> lower;
        for (uint32_t low = 0; low < high; low++)
            if (keys[low] == keys[high]) lower.push_back(low);
        const size_t half = cap / 2;
        for (size_t j = 0; j < lower.size(); j++)
            if (size <= cap || j < half || j + half >= lower.size()) pairs.push_back(packed({lower[j], high}));
    }
    return pairs;
}

// The leader of every node and its Jaccard to it, by leader linkage over all pairs.
void plain_leaders(const std::vector<std::vector<double>>& jaccard, double threshold, std::vector<uint32_t>& leader,
                   std::vector<double>& to_leader) {
    for (uint32_t node = 0; node < jaccard.size(); node++) {
        leader.push_back(node);
        to_leader.push_back(1.0);
        double best = -1.0;
        for (uint32_t other = 0; other < node; other++) {
            const double value = jaccard[node][other];
            if (leader[other] != other || !(value >= threshold) || value <= best) continue;
            best = to_leader[node] = value;
            leader[node] = other;
        }
    }
}

// The smallest node of the component of every node.
std::vector<uint32_t> plain_components(const std::vector<std::vector<double>>& jaccard, double threshold) {
    std::vector<uint32_t> component(jaccard.size());
    std::iota(component.begin(), component.end(), 0u);
    for (bool changed = true; changed;) {
        changed = false;
        for (size_t high = 0; high < jaccard.size(); high++)
            for (size_t low = 0; low < high; low++) {
                if (!(jaccard[high][low] >= threshold) || component[low] == component[high]) continue;
                component[low] = component[high] = std::min(component[low], component[high]);
                changed = true;
            }
    }
    return component;
}

}  // namespace

void check_signatures(const Case& c, Digest& digest) {
    const std::vector<Set> sets = shingle_sets(c);
    for (const Set& set : sets) digest.add_all(set);
    Texts texts(c);
    const size_t n = c.size(), bands = size_t(c.bands), k = bands * size_t(c.rows_per_band);
    const int64_t agree = c.cap & 1;
    std::vector<uint32_t> a(k), b(k), keys(bands * n), signatures(n * k);
    for (size_t j = 0; j < k; j++) {
        a[j] = uint32_t(finish(2 * j + 1)) | 1;
        b[j] = uint32_t(finish(2 * j + 2));
    }
    std::vector<int32_t> n_tokens(n);
    std::vector<uint64_t> sequence(2 * n), numbers(n), hash(2 * n), plain_numbers(n);
    std::vector<int64_t> size(n);
    REQUIRE(curate_band_keys(texts.column(), c.tokenizer, c.ngram, c.bands, c.rows_per_band, a.data(), b.data(), agree,
                             keys.data(), n_tokens.data(), sequence.data(), numbers.data()) == int64_t(n));
    REQUIRE(curate_signatures(texts.column(), c.tokenizer, c.ngram, int64_t(k), a.data(), b.data(), signatures.data()) == int64_t(n));
    curate_text_hash128(texts.column(), 2 + c.tokenizer, hash.data(), size.data());
    curate_number_keys(texts.column(), c.tokenizer, plain_numbers.data());
    REQUIRE(numbers == plain_numbers);
    digest.add_all(keys);
    digest.add_all(signatures);
    for (size_t i = 0; i < n; i++) {
        REQUIRE(n_tokens[i] == size[i] && sequence[i] == hash[2 * i] && sequence[n + i] == hash[2 * i + 1]);
        for (size_t j = 0; j < k && sets[i].size() <= 200; j++) {
            uint32_t least = ~uint32_t(0);
            for (uint64_t shingle : sets[i]) least = std::min(least, a[j] * premixed(shingle) + b[j]);
            REQUIRE(signatures[i * k + j] == least);
        }
        for (size_t other = 0; other < i; other++)
            for (size_t band = 0; band < bands; band++) {
                auto part = [&](size_t row) { return signatures.begin() + long(row * k + band * size_t(c.rows_per_band)); };
                const bool alike = sets[i].empty() == sets[other].empty() && (!agree || numbers[i] == numbers[other]) &&
                                   std::equal(part(i), part(i) + c.rows_per_band, part(other));
                if (alike) REQUIRE(keys[band * n + i] == keys[band * n + other]);
            }
        for (size_t band = 0; band < bands && sets[i].empty(); band++) REQUIRE(keys[band * n + i] == 0);
    }
    const int64_t most = 1 + c.cap * 4;
    std::vector<int64_t> rows = all_rows(n);
    std::vector<uint32_t> gaps(n * size_t(most) + 1);
    REQUIRE(curate_word_gap_keys(texts.column(), rows.data(), int64_t(n), c.tokenizer, most, agree, gaps.data()) == int64_t(n));
    for (size_t i = 0; i < n; i++)
        for (int64_t token = 0; token < most; token++)
            if (gaps[size_t(token) * n + i]) REQUIRE(token < n_tokens[i] && n_tokens[i] <= most);
    digest.add_all(gaps);
}

void check_pairs(const Case& c, Digest& digest) {
    constexpr size_t kMostNodes = 400;
    std::vector<uint32_t> keys;  // few distinct ones, so that buckets are large
    for (const std::string& text : c.texts)
        for (size_t i = 0; i < text.size() && keys.size() < kMostNodes; i++) keys.push_back(uint32_t(uint8_t(text[i]) & 31) * 0x08000001u);
    const size_t n = keys.size();
    std::vector<uint32_t> nodes(n);
    std::iota(nodes.begin(), nodes.end(), 0u);
    const std::vector<uint64_t> expected = plain_pairs(keys, size_t(c.cap));
    for (int64_t by_node : {0, 1})
        for (int64_t n_parts : {1, 3}) {
            std::vector<uint64_t> all;
            for (int64_t part = 0; part < n_parts; part++) {
                const int64_t count = curate_candidate_pairs(keys.data(), nodes.data(), int64_t(n), by_node, c.cap, part, n_parts, nullptr, 0);
                std::vector<uint64_t> pairs(static_cast<size_t>(count));
                REQUIRE(curate_candidate_pairs(keys.data(), nodes.data(), int64_t(n), by_node, c.cap, part, n_parts, pairs.data(), count) == count);
                all.insert(all.end(), pairs.begin(), pairs.end());
            }
            all.resize(size_t(curate_sort_unique(all.data(), int64_t(all.size()))));
            REQUIRE(all == expected);
        }
    digest.add_all(expected);
    std::vector<uint64_t> first_keys, second_keys;
    for (uint32_t i = 0; i < n; i++) {
        first_keys.push_back(keys[i] & 3);
        second_keys.push_back(keys[i] >> 27);
    }
    std::vector<uint32_t> first(n);
    const int64_t groups = curate_first_equal(first_keys.data(), second_keys.data(), int64_t(n), first.data());
    std::set<uint32_t> distinct(first.begin(), first.end());
    REQUIRE(groups == int64_t(distinct.size()));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t other = 0;
        while (first_keys[other] != first_keys[i] || second_keys[other] != second_keys[i]) other++;
        REQUIRE(first[i] == other);
    }
    std::vector<uint32_t> counts(n);
    curate_count(first.data(), int64_t(n), counts.data());
    for (uint32_t i = 0; i < n; i++) REQUIRE(counts[i] == uint32_t(std::count(first.begin(), first.end(), i)));
}

void check_clusters(const Case& c, Digest& digest) {
    const std::vector<Set> sets = shingle_sets(c);
    const size_t n = sets.size();
    const double threshold = 0.05 * double(c.cap);
    std::vector<const uint64_t*> starts;
    std::vector<uint32_t> sizes;
    for (const Set& set : sets) {
        starts.push_back(set.data());
        sizes.push_back(uint32_t(set.size()));
    }
    std::vector<std::vector<double>> jaccard(n, std::vector<double>(n));
    std::vector<uint64_t> pairs, near;
    for (uint32_t high = 0; high < n; high++)
        for (uint32_t low = 0; low < high; low++) {
            jaccard[high][low] = jaccard[low][high] = plain_jaccard(sets[high], sets[low]);
            pairs.push_back(packed({low, high}));
        }
    std::vector<double> values(pairs.size()), near_values;
    curate_jaccards(pairs.data(), int64_t(pairs.size()), starts.data(), sizes.data(), nullptr, nullptr, nullptr, threshold,
                    values.data());
    for (size_t i = 0; i < pairs.size(); i++) {
        const double expected = jaccard[pairs[i] >> 32][uint32_t(pairs[i])];
        const bool both_empty = sizes[pairs[i] >> 32] + sizes[uint32_t(pairs[i])] == 0;
        REQUIRE(both_empty ? values[i] == 0.0 : expected >= threshold ? values[i] == expected : std::isnan(values[i]));
        if (!(expected >= threshold)) continue;
        near.push_back(pairs[i]);
        near_values.push_back(expected);
    }
    std::vector<uint32_t> leader, found(n), parent(n);
    std::vector<double> to_leader, found_to(n), best(n, NAN), worst(n, NAN);
    plain_leaders(jaccard, threshold, leader, to_leader);
    curate_leader_clusters(near.data(), near_values.data(), int64_t(near.size()), 0, int64_t(n), starts.data(), sizes.data(),
                           nullptr, nullptr, nullptr, threshold, found.data(), found_to.data());
    REQUIRE(found == leader && found_to == to_leader);
    const std::vector<uint32_t> component = plain_components(jaccard, threshold);
    std::iota(parent.begin(), parent.end(), 0u);
    curate_join_pairs(near.data(), int64_t(near.size()), parent.data());
    curate_flatten(parent.data(), int64_t(n));
    REQUIRE(parent == component);
    constexpr int64_t kBits = 10;  // few places: shingles share them
    std::vector<uint8_t> table(size_t(1) << kBits);
    curate_count_shingles(int64_t(n), starts.data(), sizes.data(), table.data(), kBits);
    for (int64_t single : {0, 1}) {
        curate_join_sets(int64_t(n), starts.data(), sizes.data(), nullptr, nullptr, nullptr, nullptr, table.data(), kBits, nullptr,
                         nullptr, 0, threshold, single, found.data(), found_to.data());
        REQUIRE(found == (single ? component : leader) && (single || found_to == to_leader));
    }
    curate_links(near.data(), near_values.data(), int64_t(near.size()), leader.data(), best.data(), worst.data());
    for (size_t i = 0; i < n; i++) REQUIRE(std::isnan(best[i]) ? std::isnan(worst[i]) : worst[i] <= best[i]);
    digest.add_all(leader);
    digest.add_all(component);
    for (double value : values) digest.add(std::isnan(value) ? ~0ULL : uint64_t(value * 1e15));
}

// Symbols ascend and fit; those of some kinds are those of all, of these kinds. Two texts are kept apart where their
// labels are odd and differ, or where each has a symbol of a kind that the other has less often, but for logic, amounts,
// negations and words, which differ freely where labels are equal; and amounts and negations where they differ at all.
void check_symbols(const Case& c, Digest& digest) {
    constexpr int64_t kAll = 0x3FF, kSymbols = 0x3F;
    constexpr uint64_t kLogic = 6, kAmount = 7, kNegation = 8, kWord = 9;
    const Texts texts(c);
    const size_t n = c.size();
    const std::vector<int64_t> rows = all_rows(n);
    size_t n_bytes = 0;
    for (size_t i = 0; i < n; i++) n_bytes += c.text(i).size();
    std::vector<uint64_t> values(2 * n_bytes + n), fewer(2 * n_bytes + n);
    std::vector<int64_t> ends(n), fewer_ends(n);
    const int64_t total = curate_symbols(texts.column(), rows.data(), int64_t(n), kAll, values.data(), int64_t(values.size()), ends.data());
    REQUIRE(total <= int64_t(values.size()) && (n == 0 || ends[n - 1] == total));
    values.resize(size_t(total));
    digest.add_all(values);
    fewer.resize(size_t(curate_symbols(texts.column(), rows.data(), int64_t(n), kSymbols, fewer.data(), int64_t(fewer.size()), fewer_ends.data())));
    std::vector<uint64_t> some;
    std::copy_if(values.begin(), values.end(), std::back_inserter(some), [](uint64_t symbol) { return symbol >> 60 < kLogic; });
    REQUIRE(some == fewer);
    std::vector<const uint64_t*> starts;
    std::vector<uint32_t> sizes;
    std::vector<uint64_t> labels;
    for (size_t i = 0; i < n; i++) {
        const int64_t begin = i ? ends[i - 1] : 0;
        REQUIRE(begin <= ends[i] && std::is_sorted(values.begin() + begin, values.begin() + ends[i]));
        starts.push_back(values.data() + begin);
        sizes.push_back(uint32_t(ends[i] - begin));
        labels.push_back(c.text(i).size() % 4);
    }
    const uint64_t one[] = {7};  // every node has the same shingle set
    const std::vector<const uint64_t*> same(n, one);
    const std::vector<uint32_t> ones(n, 1);
    for (uint32_t high = 0; high < n; high++)
        for (uint32_t low = 0; low < high; low++) {
            auto more = [&](uint32_t a, uint32_t b) {  // kinds of which a has one that b has less often
                std::set<uint64_t> kinds;
                for (uint32_t i = 0; i < sizes[a]; i++) {
                    const uint64_t symbol = starts[a][i];
                    if (std::count(starts[a], starts[a] + sizes[a], symbol) > std::count(starts[b], starts[b] + sizes[b], symbol))
                        kinds.insert(symbol >> 60);
                }
                return kinds;
            };
            if (sizes[high] > 200 || sizes[low] > 200) continue;  // counting is quadratic
            const std::set<uint64_t> ours = more(high, low), theirs = more(low, high);
            auto exchanged = [&](uint64_t first, uint64_t last) {
                return std::any_of(ours.begin(), ours.end(), [&](uint64_t kind) { return kind >= first && kind <= last && theirs.count(kind) > 0; });
            };
            const bool other_label = (labels[high] & labels[low] & 1) && labels[high] != labels[low];
            const bool excused = labels[high] && labels[high] == labels[low];
            const bool differ = ours.count(kAmount) || theirs.count(kAmount) || ours.count(kNegation) || theirs.count(kNegation);
            const bool apart = other_label || exchanged(0, kLogic - 1) || (!excused && (differ || exchanged(kLogic, kLogic)));
            const uint64_t pair = packed({low, high});
            double value, alone;
            curate_jaccards(&pair, 1, same.data(), ones.data(), starts.data(), sizes.data(), labels.data(), 0.5, &value);
            REQUIRE(!apart || std::isnan(value));
            REQUIRE(apart || !std::isnan(value) || (!excused && exchanged(kWord, kWord)));  // some words are the same word
            curate_jaccards(&pair, 1, same.data(), ones.data(), starts.data(), sizes.data(), nullptr, 0.5, &alone);
            REQUIRE(std::isnan(alone) == exchanged(0, kLogic - 1));
        }
}

}  // namespace fuzz
