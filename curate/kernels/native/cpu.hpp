// What this processor can do. The library is compiled for the plain CPU; the inner loops that gain by it
// are compiled a second time for AVX2 and chosen at run time.
#pragma once

#include <atomic>

#if defined(__x86_64__)
#include <cpuid.h>

#include <cstdint>
#endif

namespace curate {

// Set by curate_use_portable, for tests that compare the two.
inline std::atomic<bool> portable_only{false};

#if defined(__x86_64__)
// True if AVX2, BMI1 and POPCNT are there and the system saves the wide registers. Asked of the processor
// itself: __builtin_cpu_supports answers no for everything where the C runtime is zig's.
inline bool processor_has_avx2() {
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

// True if the AVX2 loops are to be taken. Ask at each call: the answer is kept here (cpuid takes
// microseconds on a virtual machine), and tests switch it.
inline bool has_avx2() {
    static const bool there = processor_has_avx2();
    return there && !portable_only.load(std::memory_order_relaxed);
}
#endif

}  // namespace curate
