// A text as alignment sees it: words by their stems, numbers by their values, markup left out.
//
// tests/oracles_alignment.py says plainly what the words of a text are.
#pragma once

#include "vocabulary.hpp"

namespace curate {

// Bytes of a text, half open.
struct Stretch {
    size_t begin, end;
};

struct Word {
    uint32_t stem;   // of a number # and its value
    uint32_t value;  // the number it is, as digits; kNoString: none
    uint32_t label;  // as it is written, if it may name something: a letter, a word in capitals, a Greek letter
    uint32_t first, end;  // tokens, half open
    bool spelt;      // it is a number that is spelt out
};

// Words of a text that follow each other.
struct Words {
    const Word* words;
    size_t n;
    const Word* data() const { return words; }
    const Word* begin() const { return words; }
    const Word* end() const { return words + n; }
    size_t size() const { return n; }
    const Word& operator[](size_t k) const { return words[k]; }
};

// What a word has besides in an item.
struct Heavy {
    uint32_t weight;  // hundredths of the logarithm of how rare it is
    bool starts;      // a sentence starts with it
};

// What tokens weigh: the arrays of curate.kernels.item_index.Background.
struct Background {
    const uint64_t* hashes;  // ascending
    const uint32_t* weights;
    int64_t n_hashes;
    int64_t rare;           // what any other token weighs
    const uint64_t* stock;  // hashes of phrases of kPhrase tokens, ascending
    int64_t n_stock;
};

constexpr size_t kPhrase = 4;          // as PHRASE in item_index.py
constexpr uint32_t kStockWeight = 30;  // as STOCK_WEIGHT there

bool has_drawing(Text text);

// Where drawing code is: with `always` all of it; else only where words enough stand beside it, since of a text of
// few words the drawing may be the problem.
void find_drawings(Text text, bool always, std::vector<Stretch>& drawings);

// Cuts texts into words; keeps what it has learned of their strings.
class Cutter {
  public:
    explicit Cutter(const Background& background) : background_(background) {}

    // The words of a text but for what stands in drawings. Its tokens have their places.
    // heavy: null, or what the words weigh, of which `tokens` need hashes.
    void cut(Text text, Tokens tokens, const std::vector<Stretch>& drawings, std::vector<Word>& words,
             std::vector<Heavy>* heavy);

    Strings& strings() { return strings_; }
    const Strings& strings() const { return strings_; }

  private:
    struct Token {  // what a piece of text is between two separators
        uint32_t word = kNoString;  // as the tokenizer folds it
        uint32_t stem = kNoString, value = kNoString, label = kNoString;
        bool decimal = false, counts = false;
    };

    const Token& token(std::string_view piece, bool printed);
    void weigh(Tokens tokens);
    uint64_t spelt_out(uint32_t word, std::string_view content, Tokens tokens, size_t& at);
    bool next_number(std::string_view content, Tokens tokens, size_t at, uint32_t& word, size_t& after) const;

    const Background& background_;
    Strings strings_;
    std::vector<Token> tokens_[2];  // by string: as it stands, as it is printed after a backslash
    std::vector<Stretch> left_out_;
    std::vector<uint32_t> weights_;
    std::vector<uint8_t> reached_;
    std::string folded_;
    Scratch scratch_;
};

}  // namespace curate
