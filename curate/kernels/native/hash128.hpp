// 128-bit hash of bytes: two texts with equal hashes are taken to be equal.
#pragma once

#include "text.hpp"

namespace curate {

struct Hash128 {
    uint64_t first, second;
};

// Two chains of multiplications over the same bytes with keys of their own, 16 bytes a step.
inline Hash128 hash_bytes(const uint8_t* p, size_t size) {
    constexpr uint64_t k0 = 0x243f6a8885a308d3ULL, k1 = 0x13198a2e03707344ULL, k2 = 0xa4093822299f31d0ULL,
                       k3 = 0x082efa98ec4e6c89ULL;  // digits of pi
    uint64_t a = k0 ^ size, b = k2 + size;
    size_t left = size;
    for (; left >= 16; left -= 16, p += 16) {
        uint64_t x = load8(p), y = load8(p + 8);
        a = fold_multiply(x ^ k1, y ^ a);
        b = fold_multiply(x ^ b, y ^ k3);
    }
    uint8_t rest[16] = {};
    if (left) std::memcpy(rest, p, left);
    uint64_t x = load8(rest), y = load8(rest + 8);
    a = fold_multiply(x ^ k1, y ^ a);
    b = fold_multiply(x ^ b, y ^ k3);
    return Hash128{finish(a), finish(b)};
}

inline Hash128 hash_tokens(Tokens tokens) {
    return hash_bytes(reinterpret_cast<const uint8_t*>(tokens.hash), tokens.size * sizeof(uint64_t));
}

}  // namespace curate
