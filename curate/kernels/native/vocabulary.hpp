// Words that tell one problem from another, and what every string is to alignment: content, a number, a sign, a variable.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "text.hpp"

namespace curate {

constexpr uint32_t kNoString = UINT32_MAX;

// What a string is, as a word, a stem or a label.
enum Trait : uint32_t {
    kContent = 1U << 0,     // a word that says what the text is about: no number, sign, variable
    kFormula = 1U << 1,     // it stands in formulas: a number, sign, variable or function
    kVariable = 1U << 2,    // a letter, or a Greek letter's name
    kNumberSign = 1U << 3,  // it begins with #, as the stem of a number does
    kGreek = 1U << 4,
    kOperator = 1U << 5,
    kAsking = 1U << 6,      // of the sentence that asks
    kIndefinite = 1U << 7,  // it stands for a number that is not told
    kNegation = 1U << 8,    // it turns a condition round
    kCardinal = 1U << 9,    // a number that is counted with; "one" is a pronoun as often
    kCommand = 1U << 10,    // straight after a backslash it prints something else
    kPower = 1U << 11,      // hundred, thousand ...
    kFunction = 1U << 12,
};

// Strings by number; the words of the vocabulary are the first.
class Strings {
  public:
    struct Entry {
        std::string text;
        uint64_t groups = 0;    // of words that make another question one for another, a bit for each
        uint64_t letters = 0;   // a bit for each letter in it, some letters sharing one
        uint32_t traits = 0;
        uint32_t n_letters = 0;           // code points
        uint32_t number = kNoString;      // what a word of a number counts to, as digits
        uint32_t printed_as = kNoString;  // what a command prints
    };

    Strings();
    uint32_t add(std::string_view text);  // the number of the string, new or not
    uint32_t find(std::string_view text) const { return slots_[slot_of(text, hash_of(text))].number; }  // kNoString: new
    const Entry& operator[](uint32_t number) const { return blocks_[number / kBlock][number % kBlock]; }
    std::string_view text(uint32_t number) const { return (*this)[number].text; }
    bool is(uint32_t number, Trait trait) const { return ((*this)[number].traits & trait) != 0; }
    size_t size() const { return size_; }

  private:
    static constexpr size_t kBlock = 1024;
    struct Slot {
        uint64_t hash = 0;
        uint32_t number = kNoString;  // free
    };

    Entry& entry(uint32_t number) { return blocks_[number / kBlock][number % kBlock]; }
    void mark(std::string_view words, Trait trait, bool stems);
    void grow();
    static uint64_t hash_of(std::string_view text);
    size_t slot_of(std::string_view text, uint64_t hash) const;

    std::vector<std::unique_ptr<Entry[]>> blocks_;  // entries stay in their places, so that their texts may be kept
    std::vector<Slot> slots_;                       // open addressing
    size_t size_ = 0;
};

// An English word without its ending, so that the forms of a word meet; never fewer than three letters.
std::string_view stem(std::string_view word);

// Whether every character is a decimal digit, of any script.
bool is_decimal(std::string_view word);

// Calls each(code point) for every character of a well-formed string.
template <class Each>
void each_code_point(std::string_view text, Each&& each) {
    for (size_t i = 0; i < text.size();) {
        const uint32_t first = static_cast<uint8_t>(text[i++]);
        const size_t more = first < 0xC0 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
        uint32_t code = more ? first & (0x3FU >> more) : first;
        for (size_t b = 0; b < more && i < text.size(); b++) code = code << 6 | (static_cast<uint8_t>(text[i++]) & 63U);
        each(code);
    }
}

}  // namespace curate
