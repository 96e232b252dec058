// The entry of libFuzzer, which finds cases by the branches of the kernels they reach.
#include "harness.hpp"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    const char* path = std::getenv("CURATE_UNICODE");
    fuzz::read_unicode(path ? path : "curate/kernels/native/unicode.bin");
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    fuzz::check_all(data, size);
    return 0;
}
