// Symbols of a text as numbers: the kind in the upper bits, a hash of the name below.
#pragma once

#include "text.hpp"

namespace curate {

enum class Symbol : uint8_t { letter = 0, name = 1, sign = 2, relation = 3, function = 4 };
constexpr int kSymbolShift = 60;

// Whether two texts exchange a symbol for another of its kind: each has one that the other has not, or has less
// often. Both ascend.
inline bool exchanged(const uint64_t* a, size_t n_a, const uint64_t* b, size_t n_b) {
    uint32_t only_a = 0, only_b = 0;  // a bit for each kind
    size_t i = 0, j = 0;
    while (i < n_a || j < n_b) {
        if (j == n_b || (i < n_a && a[i] < b[j])) {
            only_a |= 1U << (a[i++] >> kSymbolShift);
        } else if (i == n_a || b[j] < a[i]) {
            only_b |= 1U << (b[j++] >> kSymbolShift);
        } else {
            i++;
            j++;
        }
    }
    return (only_a & only_b) != 0;
}

}  // namespace curate
