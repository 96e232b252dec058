// What this processor can do. The library is compiled for the plain CPU; the inner loops that gain by it
// are compiled a second time for AVX2 and chosen at run time.
#pragma once

#if defined(__x86_64__)
#include <cpuid.h>

#include <cstdint>

namespace curate {

// True if AVX2, BMI1 and POPCNT are there and the system saves the wide registers. Asked of the processor
// itself: __builtin_cpu_supports answers no for everything where the C runtime is zig's.
inline bool has_avx2() {
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return false;
    const uint32_t popcnt = 1u << 23, osxsave = 1u << 27, avx = 1u << 28;
    if ((c & (popcnt | osxsave | avx)) != (popcnt | osxsave | avx)) return false;
    uint32_t saved, high;
    __asm__ volatile("xgetbv" : "=a"(saved), "=d"(high) : "c"(0));
    if ((saved & 6) != 6) return false;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const uint32_t bmi = 1u << 3, avx2 = 1u << 5;
    return (b & (bmi | avx2)) == (bmi | avx2);
}

}  // namespace curate
#endif
