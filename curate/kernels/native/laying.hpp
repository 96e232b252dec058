// An item laid beside a window of a text: its words that are there in order, and what stands in the gaps.
#pragma once

#include "words.hpp"

namespace curate {

struct Run {  // words in order: where they begin in item and text, and how many they are
    size_t item, row, size;
};

// Words of the item between two runs, and those of the text in their place; half open.
struct Gap {
    size_t item_first, item_end, row_first, row_end;
    bool edge;  // it lies before the first run, or after the last
};

struct Laid {
    std::vector<Run> runs;
    std::vector<Gap> gaps;
    std::vector<uint8_t> kept;  // words of the item that are in order, misspelt ones and other forms among them
    size_t n_kept = 0;

    size_t first() const { return runs.front().row; }
    size_t end() const { return runs.back().row + runs.back().size; }
    // The same with as many words around it as the item has before its first and after its last run.
    size_t first_around() const;
    size_t end_around() const;
};

// Letters of the item's labels that have another in their place, and how often; in order of the strings.
struct Rename {
    uint32_t item, row, times;
};

constexpr size_t kSpelt = 5;  // a word of so many capitals is a word ("the letters of MISSISSIPPI"), a shorter one may be points

class Layer {
  public:
    explicit Layer(Strings& strings) : strings_(strings) {}

    // The item beside words [begin, stop) of the text; false if they share none.
    bool lay(Words item, Words row, size_t begin, size_t stop, Laid& laid);

    void exchanged_letters(Words item, Words row, const Laid& laid,
                           std::vector<Rename>& renames);

    // Replaces letters of the text by those of the item that they stand for, one for one: the pairs seen most often.
    void rename(const std::vector<Rename>& renames, std::vector<Word>& row);

  private:
    void find_runs(Words item, Words row, size_t begin, size_t stop, Laid& laid);
    void common_subsequence(const Word* item, size_t n, const Word* row, size_t m, size_t item_at, size_t row_at, Laid& laid);
    void find_kept(Words item, Words row, Laid& laid);
    bool alike(uint32_t one, uint32_t other);

    Strings& strings_;
    std::vector<uint32_t> slot_;           // string -> its place among the item's stems; kNoString: the item does not have it
    std::vector<uint64_t> masks_, states_;
    std::vector<uint32_t> letters_[2], distance_[3], labels_[2];
    std::vector<Rename> pairs_;
};

// Where the words of the item begin in row[begin:stop], all of them and nothing between; SIZE_MAX: nowhere.
size_t found_whole(Words item, Words row, size_t begin, size_t stop);

}  // namespace curate
