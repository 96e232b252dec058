// How a text departs from the item it was laid beside.
#pragma once

#include "laying.hpp"

namespace curate {

// Strings and how often each is there, in order of their numbers.
struct Count {
    uint32_t string, times;
};
using Counts = std::vector<Count>;

// An item, and what is asked of it again and again.
struct ItemWords {
    std::vector<Word> words;
    std::vector<Heavy> heavy;
    bool draws = false;        // drawing code counts: of a text with few words beside it, it may be the problem
    size_t light_before = 0;   // words before the first that it is found by
    size_t light_after = 0;    // and after the last
    uint64_t weight = 0;       // of all words
    Counts rare;               // distinct content words, and the weight of each
    uint64_t rare_weight = 0;
    bool ideographs = false;   // most of these are ideographs, of which texts on the same matter share more than of words
    Counts numbers, digits;    // its numbers; those that are not spelt out

    void sum_up(const Strings& strings);  // fills in all but words, heavy and draws
};

// One thing in the place of another.
struct Exchange {
    uint32_t one = kNoString, other = kNoString;
};

struct Differences {
    double lost = 0;               // part of the item's words, numbers not counted, that are not aligned
    size_t numbers = 0;            // numbers in digits in the item
    size_t missing = 0;            // those of them that the text has nowhere in or around the span
    size_t added = 0;              // numbers in digits in the span that the item has nowhere
    size_t n_exchanged = 0;        // numbers of the item with another in their place
    Exchange exchanged;            // the first of them
    size_t clause = 0;             // words of the longest piece put in
    bool number_clause = false;    // a piece of five words or more that brings a number was put in
    uint32_t left_out = kNoString; // a number that is no longer told, though the sentence is there
    Exchange asked;                // a word or sign that changes the question, and the one in its place
    bool negated = false;          // one of them says not where the other does not
    double formulas = 1, formulas_anywhere = 1;  // agreement of signs, variables and numbers, in order and in any order
    bool other_question = false;   // another sentence asks
    std::vector<Rename> renames;   // letters of the item that have another in their place
};

// How much of the differences is asked for; each asks for what stands before it.
enum class Asked { numbers, question, formulas };

class Comparer {
  public:
    Comparer(Strings& strings, Layer& layer) : strings_(strings), layer_(layer) {}

    // What became of the item's words, numbers, question and formulas; `renamed`: the text's letters have been.
    void compare(const ItemWords& item, Words row, const Laid& laid, bool renamed, Asked asked, Differences& found);

    // Notes the strings of words [first, end); `has` tells whether one was noted.
    void note(Words words, size_t first, size_t end);
    bool has(uint32_t string) const { return string < noted_.size() && noted_[string] == round_; }

  private:
    void exchanged_numbers(const ItemWords& item, Words row, const Gap& gap, Differences& found);
    void compare_gap(const ItemWords& item, Words row, const Gap& gap, bool renamed, Differences& found);
    void compare_formulas(const ItemWords& item, Words row, const Laid& laid, Differences& found);
    bool asks_otherwise(const ItemWords& item, Words row, const Laid& laid);
    Exchange asked_for(const Word* words, size_t n, const Word* others, size_t m);
    Exchange spelt(const Word* words, size_t n, const Word* others, size_t m);
    bool before(uint32_t one, uint32_t other) const { return strings_[one].text < strings_[other].text; }
    uint32_t first_only(const std::vector<uint32_t>& mine, const std::vector<uint32_t>& others) const;

    Strings& strings_;
    Layer& layer_;
    std::vector<uint32_t> noted_;  // string: the round in which it was noted
    uint32_t round_ = 0;
    std::vector<uint8_t> unaligned_;  // string: a word of the item that is not aligned
    Counts of_row_, in_span_, missing_, source_, target_;
    std::vector<uint32_t> strings_of_[2], gone_, come_;
};

}  // namespace curate
