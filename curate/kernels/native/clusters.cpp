// From band keys to candidate pairs, from pairs to exact Jaccards, from Jaccards to clusters.
//
// A node is a position in an array whose order is ascending row_id. A pair of nodes low < high is packed
// as high << 32 | low, so that sorted pairs are grouped by their higher node.
#include <algorithm>
#include <vector>

#include "sets.hpp"

namespace curate {
namespace {

constexpr uint32_t kNobody = ~uint32_t(0);

template <class Key>
struct Item {
    Key key;
    uint32_t node;
};

// Working memory of `each_bucket`. A thread keeps it until it ends: fresh memory costs more than using it.
template <class Key>
struct Room {
    Buffer<Item<Key>> items, parted;
    Buffer<uint64_t> once, often;
    std::vector<size_t> starts, next;
    std::vector<uint32_t> table, bucket_of, size_of, place, members;
};

template <class Key>
Room<Key>& room() {
    thread_local Room<Key> own;
    return own;
}

uint64_t spread(uint32_t key) { return key * kNgramStep; }
uint64_t spread(uint64_t key) { return finish(key); }

// Drops most of the keys that only one item has, in place; returns how many items are left. Two bits for each of
// about 16 places a key tell whether a place was met once or more often: a key alone in its place is alone.
template <class Key>
size_t drop_unmet(Item<Key>* items, size_t n) {
    int bits = 9;
    while (bits < 40 && (n >> (bits - 4)) > 0) bits++;
    const size_t n_words = size_t(1) << (bits - 6);
    uint64_t *once = room<Key>().once.reserve(n_words), *often = room<Key>().often.reserve(n_words);
    std::memset(once, 0, n_words * sizeof(uint64_t));
    std::memset(often, 0, n_words * sizeof(uint64_t));
    auto place_of = [bits](Key key) { return spread(key) >> (64 - bits); };
    constexpr size_t kAhead = 16;
    for (size_t i = 0; i < n; i++) {
        if (i + kAhead < n) __builtin_prefetch(&once[place_of(items[i + kAhead].key) >> 6], 1);
        const uint64_t place = place_of(items[i].key), bit = 1ULL << (place & 63);
        const uint64_t met = once[place >> 6] & bit;
        once[place >> 6] |= bit;
        if (met) often[place >> 6] |= bit;
    }
    size_t left = 0;
    for (size_t i = 0; i < n; i++) {
        if (i + kAhead < n) __builtin_prefetch(&often[place_of(items[i + kAhead].key) >> 6]);
        const uint64_t place = place_of(items[i].key);
        items[left] = items[i];
        left += often[place >> 6] >> (place & 63) & 1;
    }
    return left;
}

// Calls visit(members, n) for every group of at least two of the first n items of `room` with equal keys; members
// are their nodes, in the order of the items. The items are spread into parts of about 2,000, so that the table
// of each fits the cache.
template <class Key, class Visit>
void each_bucket(Room<Key>& room, size_t n, Visit&& visit) {
    Item<Key>* items = room.items.data();
    n = drop_unmet(items, n);
    int bits = 0;
    while (bits < 16 && (n >> bits) > 2048) bits++;
    const size_t n_parts = size_t(1) << bits;
    auto part_of = [bits](Key key) { return bits ? static_cast<size_t>(spread(key) >> (64 - bits)) : 0; };
    std::vector<size_t>& starts = room.starts;
    starts.assign(n_parts + 1, 0);
    for (size_t i = 0; i < n; i++) starts[part_of(items[i].key) + 1]++;
    for (size_t part = 0; part < n_parts; part++) starts[part + 1] += starts[part];
    if (bits) {
        Item<Key>* parted = room.parted.reserve(n);
        std::vector<size_t>& next = room.next;
        next.assign(starts.begin(), starts.end() - 1);
        for (size_t i = 0; i < n; i++) parted[next[part_of(items[i].key)]++] = items[i];
        items = parted;
    }
    auto &table = room.table, &bucket_of = room.bucket_of, &size_of = room.size_of, &place = room.place, &members = room.members;
    for (size_t part = 0; part < n_parts; part++) {
        const Item<Key>* item = items + starts[part];
        const size_t m = starts[part + 1] - starts[part];
        if (m < 2) continue;
        size_t slots = 4;
        while (slots < 2 * m) slots *= 2;
        table.assign(slots, kNobody);  // slot -> first item of the bucket
        bucket_of.resize(m);
        size_of.assign(m, 0);
        size_t n_buckets = 0;
        for (size_t i = 0; i < m; i++) {
            size_t slot = spread(item[i].key) & (slots - 1);
            while (table[slot] != kNobody && item[table[slot]].key != item[i].key) slot = (slot + 1) & (slots - 1);
            if (table[slot] == kNobody) {
                table[slot] = static_cast<uint32_t>(i);
                n_buckets++;
            }
            bucket_of[i] = table[slot];
            size_of[table[slot]]++;
        }
        if (n_buckets == m) continue;
        place.assign(m, 0);  // first item of a bucket -> where its next member goes
        uint32_t used = 0;
        for (size_t i = 0; i < m; i++)
            if (size_of[i] > 1) {
                place[i] = used;
                used += size_of[i];
            }
        members.resize(used);
        for (size_t i = 0; i < m; i++)
            if (size_of[bucket_of[i]] > 1) members[place[bucket_of[i]]++] = item[i].node;
        for (size_t i = 0; i < m; i++)
            if (size_of[i] > 1) visit(members.data() + place[i] - size_of[i], size_of[i]);
    }
}

// Sorts `values` by their upper bits into parts small enough for the cache, then each part.
void sort_spread(std::vector<uint64_t>& parted, uint64_t* values, size_t n) {
    uint64_t largest = 0;
    for (size_t i = 0; i < n; i++) largest |= values[i];
    int used = 0;
    while (used < 64 && largest >> used) used++;
    int bits = 0;
    while (bits < 12 && bits < used && (n >> bits) > 2048) bits++;
    if (bits == 0) {
        std::sort(values, values + n);
        return;
    }
    const int shift = used - bits;
    std::vector<size_t> starts((size_t(1) << bits) + 1, 0);
    for (size_t i = 0; i < n; i++) starts[(values[i] >> shift) + 1]++;
    for (size_t part = 1; part < starts.size(); part++) starts[part] += starts[part - 1];
    parted.resize(n);
    std::vector<size_t> next(starts.begin(), starts.end() - 1);
    for (size_t i = 0; i < n; i++) parted[next[values[i] >> shift]++] = values[i];
    for (size_t part = 0; part + 1 < starts.size(); part++)
        std::sort(parted.begin() + static_cast<std::ptrdiff_t>(starts[part]),
                  parted.begin() + static_cast<std::ptrdiff_t>(starts[part + 1]));
    std::memcpy(values, parted.data(), n * sizeof(uint64_t));
}

uint32_t high_of(uint64_t pair) { return static_cast<uint32_t>(pair >> 32); }
uint32_t low_of(uint64_t pair) { return static_cast<uint32_t>(pair); }

}  // namespace

// first[i] = smallest i with the keys of i. Returns how many groups there are.
CURATE_API int64_t curate_first_equal(const uint64_t* keys, const uint64_t* second, int64_t n, uint32_t* first) {
    return guarded([&]() -> int64_t {
        Item<uint64_t>* items = room<uint64_t>().items.reserve(static_cast<size_t>(n));
        for (int64_t i = 0; i < n; i++) {
            first[i] = static_cast<uint32_t>(i);
            items[i] = {keys[i], static_cast<uint32_t>(i)};
        }
        int64_t groups = n;
        std::vector<uint32_t> sorted;
        each_bucket(room<uint64_t>(), static_cast<size_t>(n), [&](const uint32_t* members, size_t size) {
            sorted.assign(members, members + size);
            std::stable_sort(sorted.begin(), sorted.end(), [&](uint32_t a, uint32_t b) { return second[a] < second[b]; });
            uint32_t start = sorted[0];
            for (size_t i = 1; i < size; i++) {
                if (second[sorted[i]] != second[start]) {
                    start = sorted[i];
                } else {
                    first[sorted[i]] = start;
                    groups--;
                }
            }
        });
        return groups;
    });
}

// counts[i] = how often i is among the values; counts begin at 0.
CURATE_API int64_t curate_count(const uint32_t* values, int64_t n, uint32_t* counts) {
    for (int64_t i = 0; i < n; i++) counts[values[i]]++;
    return n;
}

// Pairs of nodes with equal keys; keys[i] is that of nodes[i], or, with `by_node`, keys[nodes[i]] is. Only keys
// of slice `part` of the `n_parts` slices of all 32-bit numbers are looked at. In a bucket of up to `cap` nodes
// every two make a pair; in a larger one each node with the first cap / 2 nodes and the last cap / 2 before it,
// so that work stays linear. Returns how many there are; only the first `capacity` are written.
CURATE_API int64_t curate_candidate_pairs(const uint32_t* keys, const uint32_t* nodes, int64_t n, int64_t by_node,
                                          int64_t cap, int64_t part, int64_t n_parts, uint64_t* pairs, int64_t capacity) {
    return guarded([&]() -> int64_t {
        auto mine = [&](uint32_t key) { return static_cast<int64_t>(static_cast<uint64_t>(key) * n_parts >> 32) == part; };
        auto key_of = [&](int64_t i) { return by_node ? keys[nodes[i]] : keys[i]; };
        size_t n_mine = 0;
        for (int64_t i = 0; n_parts > 1 && i < n; i++) n_mine += mine(key_of(i));
        if (n_parts == 1) n_mine = static_cast<size_t>(n);
        Item<uint32_t>* items = room<uint32_t>().items.reserve(n_mine);
        for (int64_t i = 0, at = 0; i < n; i++) {
            const uint32_t key = key_of(i);
            if (n_parts == 1 || mine(key)) items[at++] = {key, nodes[i]};
        }
        int64_t found = 0;
        each_bucket(room<uint32_t>(), n_mine, [&](const uint32_t* members, size_t size) {
            auto add = [&](size_t low, size_t high) {
                if (found < capacity) pairs[found] = static_cast<uint64_t>(members[high]) << 32 | members[low];
                found++;
            };
            const size_t half = static_cast<size_t>(cap) / 2;
            const bool all = size <= static_cast<size_t>(cap);
            for (size_t i = 1; i < size; i++) {
                if (all || i <= 2 * half) {
                    for (size_t j = 0; j < i; j++) add(j, i);
                } else {
                    for (size_t j = 0; j < half; j++) add(j, i);
                    for (size_t j = i - half; j < i; j++) add(j, i);
                }
            }
        });
        return found;
    });
}

// Sorts the values in place, each once; returns how many there are.
CURATE_API int64_t curate_sort_unique(uint64_t* values, int64_t n) {
    return guarded([&]() -> int64_t {
        std::vector<uint64_t> room;
        sort_spread(room, values, static_cast<size_t>(n));
        return std::unique(values, values + n) - values;
    });
}

// Jaccard of every pair whose Jaccard is at least `threshold`, NaN for the others.
CURATE_API int64_t curate_jaccards(const uint64_t* pairs, int64_t n, const uint64_t* const* starts, const uint32_t* sizes,
                                    const uint64_t* const* symbol_starts, const uint32_t* symbol_sizes, const uint64_t* labels,
                                   double threshold, double* out) {
    Sets sets{starts, sizes, symbol_starts, symbol_sizes, labels};
    constexpr int64_t kAhead = 8;  // the lower set of a pair is seldom in the cache: ask for it in time
    for (int64_t i = 0; i < n; i++) {
        if (i + kAhead < n) sets.prefetch(low_of(pairs[i + kAhead]));
        out[i] = sets.between(high_of(pairs[i]), low_of(pairs[i]), threshold);
    }
    return n;
}

// Leader linkage of the nodes from `first` to `last`, those before them done already. Nodes come in ascending
// order; a node joins the leader with the highest Jaccard of at least `threshold` (the smaller node on a tie)
// among the leaders of its lower neighbours, else it leads. `pairs` ascend and are those of the nodes;
// `jaccards` are theirs, at least `threshold`. Returns how many had to be computed besides.
CURATE_API int64_t curate_leader_clusters(const uint64_t* pairs, const double* jaccards, int64_t n_pairs, int64_t first,
                                          int64_t last, const uint64_t* const* starts, const uint32_t* sizes,
                                    const uint64_t* const* symbol_starts, const uint32_t* symbol_sizes, const uint64_t* labels,
                                          double threshold, uint32_t* leader, double* to_leader) {
    return guarded([&]() -> int64_t {
        Sets sets{starts, sizes, symbol_starts, symbol_sizes, labels};
        std::vector<uint32_t> seen;
        int64_t at = 0, computed = 0;
        for (uint32_t node = static_cast<uint32_t>(first); node < static_cast<uint32_t>(last); node++) {
            int64_t end = at;
            while (end < n_pairs && high_of(pairs[end]) == node) end++;
            leader[node] = node;
            to_leader[node] = 1.0;
            double best = -1.0;
            seen.clear();
            for (int64_t i = at; i < end; i++) {
                uint32_t candidate = leader[low_of(pairs[i])];
                if (std::find(seen.begin(), seen.end(), candidate) != seen.end()) continue;
                seen.push_back(candidate);
                const uint64_t wanted = static_cast<uint64_t>(node) << 32 | candidate;
                const uint64_t* known = std::lower_bound(pairs + at, pairs + end, wanted);
                double value;
                if (known != pairs + end && *known == wanted) {
                    value = jaccards[known - pairs];
                } else {
                    value = sets.between(node, candidate, threshold);
                    computed++;
                }
                if (value >= threshold && (value > best || (value == best && candidate < leader[node]))) {
                    best = value;
                    leader[node] = candidate;
                    to_leader[node] = value;
                }
            }
            at = end;
        }
        return computed;
    });
}

// Joins the nodes of every pair; the root of a component is its smallest node. `parent` begins as 0, 1, 2, ...
CURATE_API int64_t curate_join_pairs(const uint64_t* pairs, int64_t n_pairs, uint32_t* parent) {
    for (int64_t i = 0; i < n_pairs; i++) join(parent, low_of(pairs[i]), high_of(pairs[i]));
    return n_pairs;
}

// parent[i] = root of i.
CURATE_API int64_t curate_flatten(uint32_t* parent, int64_t n) {
    for (int64_t i = 0; i < n; i++) parent[i] = root_of(parent, static_cast<uint32_t>(i));
    return n;
}

// Highest and lowest of best, worst and `jaccards` over the pairs whose nodes have one leader.
CURATE_API int64_t curate_links(const uint64_t* pairs, const double* jaccards, int64_t n_pairs, const uint32_t* leader,
                                double* best, double* worst) {
    auto note = [&](uint32_t node, double value) {
        if (!(best[node] >= value)) best[node] = value;  // also where it holds NaN
        if (!(worst[node] <= value)) worst[node] = value;
    };
    for (int64_t i = 0; i < n_pairs; i++) {
        uint32_t low = low_of(pairs[i]), high = high_of(pairs[i]);
        if (leader[low] != leader[high] || jaccards[i] != jaccards[i]) continue;
        note(low, jaccards[i]);
        note(high, jaccards[i]);
    }
    return n_pairs;
}

}  // namespace curate
