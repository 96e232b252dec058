// Clusters by a set-similarity join: every pair at or above the threshold is found, none is guessed.
//
// Prefix filter (Chaudhuri, Ganti, Kaushik 2006; Bayardo, Ma, Srikant 2007; Xiao, Wang, Lin, Yu 2008): put the
// shingles of every set in one order, rarest first. If the Jaccard of A and B is at least t and A is the larger
// or as large, they share at least max(t * |A|, 2t / (1 + t) * |B|) shingles; so the first |A| - ceil(t * |A|) + 1
// of A hold one of the first |B| - ceil(2t / (1 + t) * |B|) + 1 of B: the long prefix of the larger set and the
// short prefix of the smaller one meet. Rows of one template that differ in less than the long prefix share the
// template's rarest shingle there; they do not meet in the short one, which keeps templated data linear.
#include <vector>

#include "sets.hpp"

namespace curate {
namespace {

constexpr uint32_t kNobody = ~uint32_t(0);

// Where a shingle is counted: shingles that share a place are taken to be as frequent as both together, which
// changes the order, not the result.
struct Frequencies {
    uint8_t* table;
    int bits;
    uint8_t& of(uint64_t shingle) const { return table[shingle * kNgramStep >> (64 - bits)]; }
};

// For each shingle the sets that have it in their prefix.
class PrefixIndex {
  public:
    PrefixIndex() { grow(size_t(1) << 16); }
    // Newest first: calls visit(node) for all of them.
    template <class Visit>
    void each(uint64_t shingle, Visit&& visit) const {
        for (uint32_t entry = slots_[find(shingle)].head; entry != kNobody; entry = entries_[entry].next)
            visit(entries_[entry].node);
    }
    void add(uint64_t shingle, uint32_t node) {
        if (2 * (used_ + 1) > slots_.size()) grow(2 * slots_.size());
        Slot& slot = slots_[find(shingle)];
        used_ += slot.head == kNobody;
        slot.shingle = shingle;
        entries_.push_back({node, slot.head});
        slot.head = static_cast<uint32_t>(entries_.size() - 1);
    }
    void prefetch(uint64_t shingle) const { __builtin_prefetch(&slots_[finish(shingle) & (slots_.size() - 1)]); }

  private:
    struct Slot {
        uint64_t shingle = 0;
        uint32_t head = kNobody;
    };
    struct Entry {
        uint32_t node, next;
    };
    size_t find(uint64_t shingle) const {
        size_t at = finish(shingle) & (slots_.size() - 1);
        while (slots_[at].head != kNobody && slots_[at].shingle != shingle) at = (at + 1) & (slots_.size() - 1);
        return at;
    }
    void grow(size_t n_slots) {
        std::vector<Slot> old = std::move(slots_);
        slots_.assign(n_slots, Slot{});
        for (const Slot& slot : old)
            if (slot.head != kNobody) slots_[find(slot.shingle)] = slot;
    }
    std::vector<Slot> slots_;
    std::vector<Entry> entries_;
    size_t used_ = 0;
};

// The short and the long prefix of a set; the upper byte of a value is the shingle's frequency, so that their order
// is that of the values.
struct Prefix {
    std::vector<uint64_t> shingles;
    size_t n_short;  // the first of them are the short prefix

    void find(const uint64_t* shingle, size_t n, Frequencies frequencies, double threshold) {
        shingles.resize(n);
        for (size_t i = 0; i < n; i++)
            shingles[i] = static_cast<uint64_t>(frequencies.of(shingle[i])) << 56 | shingle[i] >> 8;
        auto cut = [&](double share) {  // moves the rarest shingles that can meet to the front
            const double needed = std::ceil(share * static_cast<double>(n) - 1e-9);
            const size_t length = std::min(shingles.size(), n - std::min(n, static_cast<size_t>(needed)) + 1);
            std::nth_element(shingles.begin(), shingles.begin() + static_cast<std::ptrdiff_t>(length), shingles.end());
            return length;
        };
        shingles.resize(cut(threshold));
        n_short = cut(2 * threshold / (1 + threshold));
        // A shingle that no other set has leads nowhere.
        size_t left = 0, left_short = 0;
        for (size_t i = 0; i < shingles.size(); i++) {
            if (i == n_short) left_short = left;
            if (shingles[i] >> 56 >= 2) shingles[left++] = shingles[i];
        }
        n_short = n_short == shingles.size() ? left : left_short;
        shingles.resize(left);
    }
};

}  // namespace

// Counts the shingles of the sets, each up to 255, in a table of 2^bits places.
CURATE_API int64_t curate_count_shingles(int64_t n_nodes, const uint64_t* const* starts, const uint32_t* sizes,
                                         uint8_t* table, int64_t bits) {
    Frequencies frequencies{table, static_cast<int>(bits)};
    constexpr size_t kAhead = 16;
    int64_t counted = 0;
    for (int64_t node = 0; node < n_nodes; node++) {
        const uint64_t* shingle = starts[node];
        const size_t n = sizes[node];
        for (size_t i = 0; i < n; i++) {
            if (i + kAhead < n) __builtin_prefetch(&frequencies.of(shingle[i + kAhead]), 1);
            uint8_t& count = frequencies.of(shingle[i]);
            count = static_cast<uint8_t>(count + (count < 255));
        }
        counted += static_cast<int64_t>(n);
    }
    return counted;
}

// Clusters of all sets, in ascending order of nodes. Leader linkage (single = 0): a node joins the leader with
// the highest Jaccard of at least `threshold` (the smaller on a tie) among all leaders, else it leads; only
// leaders are indexed, so a cluster of any size costs one comparison a node. Single linkage: components over all
// pairs at `threshold` or above; pairs of one component already are not compared, and to_leader is not told. Nodes meet only if their
// numbers are equal (numbers may be null). `pairs` ascend and are known to be alike for another reason, as much as
// `values` say. Returns how many pairs were compared.
CURATE_API int64_t curate_join_sets(int64_t n_nodes, const uint64_t* const* starts, const uint32_t* sizes,
                                    const uint64_t* const* symbol_starts, const uint32_t* symbol_sizes, const uint64_t* labels,
                                    const uint64_t* numbers, const uint8_t* table, int64_t bits, const uint64_t* pairs,
                                    const double* values, int64_t n_pairs, double threshold, int64_t single,
                                    uint32_t* leader, double* to_leader) {
    return guarded([&]() -> int64_t {
        Sets sets{starts, sizes, symbol_starts, symbol_sizes, labels};
        Frequencies frequencies{const_cast<uint8_t*>(table), static_cast<int>(bits)};
        PrefixIndex by_short, by_long;  // by_long: only what is not in the short prefix
        std::vector<uint32_t> compared_with(static_cast<size_t>(n_nodes), kNobody);
        Prefix prefix;
        int64_t compared = 0, at = 0;
        for (uint32_t node = 0; node < static_cast<uint32_t>(n_nodes); node++) {
            leader[node] = node;
            to_leader[node] = 1.0;
            const uint64_t own_numbers = numbers ? finish(numbers[node] + 1) : 0;
            prefix.find(starts[node], sizes[node], frequencies, threshold);
            const std::vector<uint64_t>& shingles = prefix.shingles;
            for (uint64_t& shingle : prefix.shingles) {
                shingle ^= own_numbers;
                by_short.prefetch(shingle);
            }
            double best = -1.0;
            auto meet = [&](uint32_t other, double value) {
                if (single) {
                    join(leader, node, other);
                } else if (value > best || (value == best && other < leader[node])) {
                    best = value;
                    leader[node] = other;
                    to_leader[node] = value;
                }
            };
            for (; at < n_pairs && pairs[at] >> 32 == node; at++) {
                const uint32_t other = static_cast<uint32_t>(pairs[at]);
                if (single || leader[other] == other) meet(other, values[at]);
            }
            auto compare = [&](uint32_t other) {
                if (compared_with[other] == node) return;
                compared_with[other] = node;
                if (numbers && numbers[node] != numbers[other]) return;
                if (single && root_of(leader, node) == root_of(leader, other)) return;
                compared++;
                const double value = sets.between(node, other, threshold);
                if (value >= threshold) meet(other, value);
            };
            for (uint64_t shingle : shingles) by_short.each(shingle, compare);
            for (size_t i = 0; i < prefix.n_short; i++) by_long.each(shingles[i], compare);
            if (single || leader[node] == node)
                for (size_t i = 0; i < shingles.size(); i++)
                    (i < prefix.n_short ? by_short : by_long).add(shingles[i], node);
        }
        for (int64_t node = 0; node < n_nodes; node++) leader[node] = root_of(leader, static_cast<uint32_t>(node));
        return compared;
    });
}

}  // namespace curate
