// Shingle sets where they lie, their exact Jaccard, and the union-find both linkages use.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "symbols.hpp"
#include "text.hpp"

namespace curate {

// Least overlap of two sets of together `both` values whose Jaccard is at least `threshold`.
inline size_t overlap_needed(size_t both, double threshold) {
    auto reaches = [&](size_t common) {
        return static_cast<double>(common) / static_cast<double>(both - common) >= threshold;
    };
    size_t common = std::min(both / 2, static_cast<size_t>(threshold / (1 + threshold) * static_cast<double>(both)));
    while (common > 0 && reaches(common - 1)) common--;
    while (2 * common < both && !reaches(common)) common++;
    return common;
}

// |A and B| / |A or B| of two ascending sets if it is at least `threshold`, else NaN; 0 for two empty sets.
inline double jaccard(const uint64_t* a, size_t n_a, const uint64_t* b, size_t n_b, double threshold) {
    constexpr size_t kSteps = 16;  // between two looks at whether the threshold can still be reached
    const size_t both = n_a + n_b;
    if (both == 0) return 0.0;
    const size_t needed = overlap_needed(both, threshold);
    size_t i = 0, j = 0, common = 0;
    auto step = [&] {
        const uint64_t x = a[i], y = b[j];
        common += x == y;
        i += x <= y;
        j += y <= x;
    };
    while (common + std::min(n_a - i, n_b - j) >= needed) {
        if (i + kSteps <= n_a && j + kSteps <= n_b) {
            for (size_t k = 0; k < kSteps; k++) step();
            continue;
        }
        while (i < n_a && j < n_b) step();
        break;
    }
    const double value = static_cast<double>(common) / static_cast<double>(both - common);
    return value >= threshold ? value : std::numeric_limits<double>::quiet_NaN();
}

// All nodes: shingle sets, sizes[i] ascending values at starts[i]; likewise symbols; and labels, 0 for unknown. Odd
// labels that differ keep apart; equal ones excuse (`kept_apart`), and so does it if there are no labels at all.
// Symbols and labels may be left out.
struct Sets {
    const uint64_t* const* starts;
    const uint32_t* sizes;
    const uint64_t* const* symbol_starts;
    const uint32_t* symbol_sizes;
    const uint64_t* labels;
    void prefetch(uint32_t node) const {  // its first 512 bytes
        constexpr uint32_t kLine = 8;
        const uint64_t* start = starts[node];
        for (uint32_t at = 0; at < std::min(sizes[node], 8 * kLine); at += kLine) __builtin_prefetch(start + at);
    }
    // The Jaccard of two nodes if it is at least `threshold` and neither labels nor symbols keep them apart.
    double between(uint32_t a, uint32_t b, double threshold) const {
        constexpr double kNot = std::numeric_limits<double>::quiet_NaN();
        if (labels && (labels[a] & labels[b] & 1) != 0 && labels[a] != labels[b]) return kNot;
        const double value = jaccard(starts[a], sizes[a], starts[b], sizes[b], threshold);
        if (!symbol_starts || value != value) return value;
        const bool excused = !labels || (labels[a] != 0 && labels[a] == labels[b]);
        return kept_apart(symbol_starts[a], symbol_sizes[a], symbol_starts[b], symbol_sizes[b], excused) ? kNot : value;
    }
};

inline uint32_t root_of(uint32_t* parent, uint32_t node) {
    while (parent[node] != node) {
        parent[node] = parent[parent[node]];
        node = parent[node];
    }
    return node;
}

// The root of a component is its smallest node.
inline void join(uint32_t* parent, uint32_t a, uint32_t b) {
    a = root_of(parent, a);
    b = root_of(parent, b);
    parent[std::max(a, b)] = std::min(a, b);
}

}  // namespace curate
