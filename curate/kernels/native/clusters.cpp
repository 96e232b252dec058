// From keys to candidate pairs, from pairs to exact Jaccards, from Jaccards to clusters.
//
// A node is a position in an array whose order is ascending row_id. A pair of nodes low < high is packed
// as high << 32 | low, so that sorted pairs are grouped by their higher node.
#include <algorithm>
#include <vector>

#include "text.hpp"

namespace curate {
namespace {

constexpr uint32_t kNobody = ~uint32_t(0);

// Calls visit(members, n) for every group of at least two nodes with equal keys; members ascend.
// Keys are spread by their top bits into parts of about 2,000, so that the table of each fits the cache.
template <class Visit>
void each_bucket(const uint64_t* keys, size_t n, Visit&& visit) {
    int bits = 0;
    while (bits < 16 && (n >> bits) > 2048) bits++;
    const size_t n_parts = size_t(1) << bits;
    auto part_of = [bits](uint64_t key) { return bits ? static_cast<size_t>(key * kNgramStep >> (64 - bits)) : 0; };
    std::vector<size_t> starts(n_parts + 1, 0);
    for (size_t i = 0; i < n; i++) starts[part_of(keys[i]) + 1]++;
    for (size_t part = 0; part < n_parts; part++) starts[part + 1] += starts[part];
    struct Item {
        uint64_t key;
        uint32_t node;
    };
    std::unique_ptr<Item[]> items(new Item[n]);
    std::vector<size_t> next(starts.begin(), starts.end() - 1);
    for (size_t i = 0; i < n; i++) items[next[part_of(keys[i])]++] = Item{keys[i], static_cast<uint32_t>(i)};

    std::vector<uint32_t> table, bucket_of, size_of, place;
    std::vector<uint32_t> members;
    for (size_t part = 0; part < n_parts; part++) {
        const Item* item = items.get() + starts[part];
        const size_t m = starts[part + 1] - starts[part];
        if (m < 2) continue;
        size_t slots = 4;
        while (slots < 2 * m) slots *= 2;
        table.assign(slots, kNobody);  // slot -> first item of the bucket
        bucket_of.resize(m);
        size_of.assign(m, 0);
        for (size_t i = 0; i < m; i++) {
            size_t slot = finish(item[i].key) & (slots - 1);
            while (table[slot] != kNobody && item[table[slot]].key != item[i].key) slot = (slot + 1) & (slots - 1);
            if (table[slot] == kNobody) table[slot] = static_cast<uint32_t>(i);
            bucket_of[i] = table[slot];
            size_of[table[slot]]++;
        }
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

// |A and B| / |A or B| of two ascending sets; 0 if both are empty.
double jaccard(const uint64_t* a, size_t n_a, const uint64_t* b, size_t n_b) {
    size_t i = 0, j = 0, common = 0;
    while (i < n_a && j < n_b) {
        uint64_t x = a[i], y = b[j];
        common += x == y;
        i += x <= y;
        j += y <= x;
    }
    size_t either = n_a + n_b - common;
    return either ? static_cast<double>(common) / static_cast<double>(either) : 0.0;
}

uint32_t high_of(uint64_t pair) { return static_cast<uint32_t>(pair >> 32); }
uint32_t low_of(uint64_t pair) { return static_cast<uint32_t>(pair); }

// Shingle sets of all nodes; that of node i lies between offsets[i] and offsets[i + 1].
struct Sets {
    const uint64_t* values;
    const int64_t* offsets;
    void prefetch(uint32_t node) const {  // its first 512 bytes
        constexpr int64_t kLine = 8;
        const int64_t start = offsets[node], end = std::min(offsets[node + 1], start + 8 * kLine);
        for (int64_t at = start; at < end; at += kLine) __builtin_prefetch(values + at);
    }
    double between(uint32_t a, uint32_t b) const {
        return jaccard(values + offsets[a], static_cast<size_t>(offsets[a + 1] - offsets[a]), values + offsets[b],
                       static_cast<size_t>(offsets[b + 1] - offsets[b]));
    }
};

}  // namespace

// first[i] = smallest node with the keys of node i; the second key may be left out. Returns how many groups.
CURATE_API int64_t curate_first_equal(const uint64_t* keys, const uint64_t* second, int64_t n, int64_t* first) {
    return guarded([&]() -> int64_t {
        for (int64_t i = 0; i < n; i++) first[i] = i;
        int64_t groups = n;
        std::vector<uint32_t> sorted;
        each_bucket(keys, static_cast<size_t>(n), [&](const uint32_t* members, size_t size) {
            sorted.assign(members, members + size);
            if (second)
                std::stable_sort(sorted.begin(), sorted.end(), [&](uint32_t a, uint32_t b) { return second[a] < second[b]; });
            uint32_t start = sorted[0];
            for (size_t i = 1; i < size; i++) {
                if (second && second[sorted[i]] != second[start]) {
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

// Pairs of nodes with equal keys. In a bucket of up to `cap` nodes all of them; in a larger one each node
// with the first cap / 2 nodes and the last cap / 2 before it, so that work stays linear. Returns how many
// there are; only the first `capacity` are written.
CURATE_API int64_t curate_candidate_pairs(const uint64_t* keys, const uint32_t* nodes, int64_t n, int64_t cap,
                                          uint64_t* pairs, int64_t capacity) {
    return guarded([&]() -> int64_t {
        int64_t found = 0;
        each_bucket(keys, static_cast<size_t>(n), [&](const uint32_t* members, size_t size) {
            auto add = [&](size_t low, size_t high) {
                if (found < capacity) pairs[found] = static_cast<uint64_t>(nodes[members[high]]) << 32 | nodes[members[low]];
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

CURATE_API int64_t curate_jaccards(const uint64_t* pairs, int64_t n, const uint64_t* values, const int64_t* offsets, double* out) {
    Sets sets{values, offsets};
    constexpr int64_t kAhead = 8;  // the lower set of a pair is seldom in the cache: ask for it in time
    for (int64_t i = 0; i < n; i++) {
        if (i + kAhead < n) sets.prefetch(low_of(pairs[i + kAhead]));
        out[i] = sets.between(high_of(pairs[i]), low_of(pairs[i]));
    }
    return n;
}

// Leader linkage. Nodes come in ascending order; a node joins the leader with the highest Jaccard of at
// least `threshold` (the smaller node on a tie) among the leaders of its lower neighbours, else it leads.
// `pairs` ascend; `jaccards` are theirs. Returns how many Jaccards had to be computed besides.
CURATE_API int64_t curate_leader_clusters(const uint64_t* pairs, const double* jaccards, int64_t n_pairs, int64_t n_nodes,
                                          const uint64_t* values, const int64_t* offsets, double threshold,
                                          uint32_t* leader, double* to_leader) {
    return guarded([&]() -> int64_t {
        Sets sets{values, offsets};
        std::vector<uint32_t> seen;
        int64_t at = 0, computed = 0;
        for (uint32_t node = 0; node < static_cast<uint32_t>(n_nodes); node++) {
            while (at < n_pairs && high_of(pairs[at]) < node) at++;
            int64_t end = at;
            while (end < n_pairs && high_of(pairs[end]) == node) end++;
            leader[node] = node;
            to_leader[node] = 1.0;
            double best = -1.0;
            seen.clear();
            for (int64_t i = at; i < end; i++) {
                if (jaccards[i] < threshold) continue;
                uint32_t candidate = leader[low_of(pairs[i])];
                if (std::find(seen.begin(), seen.end(), candidate) != seen.end()) continue;
                seen.push_back(candidate);
                const uint64_t wanted = static_cast<uint64_t>(node) << 32 | candidate;
                const uint64_t* known = std::lower_bound(pairs + at, pairs + end, wanted);
                double value;
                if (known != pairs + end && *known == wanted) {
                    value = jaccards[known - pairs];
                } else {
                    value = sets.between(node, candidate);
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

// Single linkage: connected components over pairs of at least `threshold`; leader = smallest node.
CURATE_API int64_t curate_single_clusters(const uint64_t* pairs, const double* jaccards, int64_t n_pairs, int64_t n_nodes,
                                          const uint64_t* values, const int64_t* offsets, double threshold,
                                          uint32_t* leader, double* to_leader) {
    for (uint32_t node = 0; node < static_cast<uint32_t>(n_nodes); node++) leader[node] = node;
    auto root = [&](uint32_t node) {
        while (leader[node] != node) {
            leader[node] = leader[leader[node]];
            node = leader[node];
        }
        return node;
    };
    for (int64_t i = 0; i < n_pairs; i++) {
        if (jaccards[i] < threshold) continue;
        uint32_t a = root(low_of(pairs[i])), b = root(high_of(pairs[i]));
        leader[std::max(a, b)] = std::min(a, b);
    }
    Sets sets{values, offsets};
    int64_t computed = 0;
    for (uint32_t node = 0; node < static_cast<uint32_t>(n_nodes); node++) {
        leader[node] = root(node);
        to_leader[node] = leader[node] == node ? 1.0 : sets.between(node, leader[node]);
        computed += leader[node] != node;
    }
    return computed;
}

// Highest and lowest Jaccard known between a node and another of its cluster: over `pairs`, and to the
// leader. Nodes alone in their cluster keep what best and worst hold.
CURATE_API int64_t curate_links(const uint64_t* pairs, const double* jaccards, int64_t n_pairs, int64_t n_nodes,
                                const uint32_t* leader, const double* to_leader, double* best, double* worst) {
    auto note = [&](uint32_t node, double value) {
        if (!(best[node] >= value)) best[node] = value;  // also where it holds NaN
        if (!(worst[node] <= value)) worst[node] = value;
    };
    for (int64_t i = 0; i < n_pairs; i++) {
        uint32_t low = low_of(pairs[i]), high = high_of(pairs[i]);
        if (leader[low] != leader[high]) continue;
        note(low, jaccards[i]);
        note(high, jaccards[i]);
    }
    for (uint32_t node = 0; node < static_cast<uint32_t>(n_nodes); node++) {
        if (leader[node] == node) continue;
        note(node, to_leader[node]);
        note(leader[node], to_leader[node]);
    }
    return n_nodes;
}

}  // namespace curate
