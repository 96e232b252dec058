// Tables of curate/kernels/unicode_tables.py: what every code point becomes.
#pragma once

#include "text.hpp"

namespace curate {

// True if every byte of the text is below 0x80.
bool is_ascii(Text text);

// Writes the normalised text to scratch.normal and returns its size: ASCII letters lower case, other
// ASCII as it is, every other code point as the table of `which` says, bytes that are not UTF-8 as
// blanks. With `origins`, scratch.origins holds the n_origins borders of stretches, first and last border
// included: even stretches are ASCII as it was, odd ones are what one other character became.
size_t normalize(Text text, Tokenizer which, Scratch& scratch, bool origins, size_t& n_origins);

}  // namespace curate
