// What of a text makes it another problem when it is exchanged: variables, names of points, signs, relations,
// functions, and words for what is asked. `curate/kernels/symbols.py` says what is in the lists.
#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "symbols.hpp"

namespace curate {
namespace {

using std::string_view;

struct Meaning {
    Symbol kind;
    string_view name;
};

using Lexicon = std::unordered_map<string_view, Meaning>;

// Adds the words of a line; those before '=' on a word are read as what follows it.
void add(Lexicon& lexicon, Symbol kind, string_view words) {
    while (!words.empty()) {
        const size_t end = std::min(words.find(' '), words.size());
        string_view word = words.substr(0, end);
        const size_t equals = word.find('=');
        const string_view name = equals == string_view::npos ? word : word.substr(equals + 1);
        lexicon.emplace(word.substr(0, equals), Meaning{kind, name});
        words.remove_prefix(std::min(end + 1, words.size()));
    }
}

const Lexicon& commands() {
    static const Lexicon made = [] {
        Lexicon lexicon;
        add(lexicon, Symbol::letter,
            "alpha beta gamma delta epsilon varepsilon=epsilon zeta eta theta vartheta=theta iota kappa lambda mu nu xi rho "
            "sigma tau upsilon phi varphi=phi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell=l");
        add(lexicon, Symbol::relation, "le=<= leq=<= leqslant=<= ge=>= geq=>= geqslant=>= lt=< gt=>");
        add(lexicon, Symbol::function, "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp gcd lcm min max "
                                       "det sum prod int lfloor lceil cup cap subset supset");
        return lexicon;
    }();
    return made;
}

const Lexicon& words() {
    static const Lexicon made = [] {
        Lexicon lexicon;
        add(lexicon, Symbol::function,
            "sin cos tan cot sec csc arcsin arccos arctan log ln gcd lcm area perimeter circumference length width height radius "
            "diameter volume angle slope product sum difference quotient ratio average mean=average median mode maximum=max "
            "largest=max greatest=max biggest=max max minimum=min smallest=min least=min min even odd positive negative prime "
            "composite rational irrational increasing decreasing same different inside outside above below inscribed "
            "circumscribed union intersection heads tails");
        add(lexicon, Symbol::function,
            "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
            "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million dozen half halves=half "
            "halved=half quarter twice double=twice doubled=twice doubles=twice thrice triple=thrice tripled=thrice first second "
            "third fourth fifth sixth seventh eighth ninth tenth last");
        add(lexicon, Symbol::function,
            "fewer less greater before after increase increases=increase increased=increase decrease decreases=decrease "
            "decreased=decrease square squares=square cube cubes=cube triangle triangles=triangle rectangle rectangles=rectangle "
            "circle circles=circle pentagon hexagon octagon hypotenuse diagonal diagonals=diagonal chord arc vertex vertices=vertex "
            "edge edges=edge face faces=face surface interior exterior left right north south east west horizontal vertical row "
            "rows=row column columns=column numerator denominator domain range arithmetic geometric harmonic ascending descending "
            "clockwise counterclockwise longest shortest highest lowest tallest oldest youngest closest nearest=closest farthest "
            "inch inches=inch foot feet=foot yard yards=yard meter meters=meter metres=meter centimeters centimetres=centimeters "
            "kilometer kilometers=kilometer minutes hours days weeks months years");
        return lexicon;
    }();
    return made;
}

bool is_letter(uint8_t c) { return static_cast<uint8_t>((c | 0x20) - 'a') < 26; }
bool is_capital(uint8_t c) { return static_cast<uint8_t>(c - 'A') < 26; }

uint64_t value_of(Symbol kind, string_view name) {
    uint64_t h = name.size();
    for (char c : name) h = fold_multiply(h ^ static_cast<uint8_t>(c), kNgramStep);
    return static_cast<uint64_t>(kind) << kSymbolShift | finish(h) >> (64 - kSymbolShift);
}

class Reader {
  public:
    explicit Reader(Text text) : text_(reinterpret_cast<const char*>(text.bytes), text.size) {}

    void read(std::vector<uint64_t>& found) {
        found.clear();
        for (size_t i = 0; i < text_.size();) {
            const uint8_t c = static_cast<uint8_t>(text_[i]);
            if (c == '[' && text_.compare(i, 5, "[asy]") == 0) {  // a drawing: its letters are places and pens
                const size_t end = text_.find("[/asy]", i);
                i = end == string_view::npos ? text_.size() : end + 6;
            } else if (is_letter(c)) {
                size_t end = i + 1;
                while (end < text_.size() && is_letter(static_cast<uint8_t>(text_[end]))) end++;
                word(i, end, found);
                i = end;
            } else {
                if (c == '<' || c == '>') found.push_back(value_of(Symbol::relation, text_.substr(i, 1)));
                if (c == '+' || (c == '-' && !is_hyphen(i))) found.push_back(value_of(Symbol::sign, text_.substr(i, 1)));
                if (text_.compare(i, 3, "\xE2\x88\x92") == 0) found.push_back(value_of(Symbol::sign, "-"));
                i++;
            }
        }
        std::sort(found.begin(), found.end());
    }

  private:
    void look_up(const Lexicon& lexicon, string_view name, std::vector<uint64_t>& found) const {
        auto known = lexicon.find(name);
        if (known != lexicon.end()) found.push_back(value_of(known->second.kind, known->second.name));
    }
    void word(size_t begin, size_t end, std::vector<uint64_t>& found) {
        const string_view name = text_.substr(begin, end - begin);
        const char before = begin ? text_[begin - 1] : ' ';
        if (before == '\\') return look_up(commands(), name, found);
        if (name.size() == 1) {
            const bool article = (name == "a" || name == "A" || name == "I") && before == ' ' && (end == text_.size() || text_[end] == ' ');
            const bool left_over = before == '\'' || follows(begin, "\xE2\x80\x99");
            if (!article && !left_over) found.push_back(value_of(Symbol::letter, name));
            return;
        }
        if (std::all_of(name.begin(), name.end(), [](char c) { return is_capital(static_cast<uint8_t>(c)); })) {
            found.push_back(value_of(Symbol::name, name));
            for (size_t i = 0; i < name.size(); i++) found.push_back(value_of(Symbol::letter, name.substr(i, 1)));
            return;
        }
        lower_.assign(name);
        for (char& c : lower_) c = static_cast<char>(c | 0x20);
        look_up(words(), lower_, found);
    }
    bool follows(size_t at, string_view what) const {
        return at >= what.size() && text_.compare(at - what.size(), what.size(), what) == 0;
    }
    // Between two words of two letters or more.
    bool is_hyphen(size_t i) const {
        auto letters = [&](size_t a, size_t b) {
            return a < text_.size() && b < text_.size() && is_letter(static_cast<uint8_t>(text_[a])) && is_letter(static_cast<uint8_t>(text_[b]));
        };
        return i >= 2 && (letters(i - 1, i - 2) || letters(i + 1, i + 2)) && letters(i - 1, i + 1);
    }
    string_view text_;
    std::string lower_;
};

}  // namespace

// The symbols of the texts in `rows`, ascending, each as often as it is there, one text after the other; those of
// text i end at ends[i]. `capacity` values fit; one for each byte, and one for each text, are always enough.
CURATE_API int64_t curate_symbols(const Column* column, const int64_t* rows, int64_t n_rows, uint64_t* values,
                                  int64_t capacity, int64_t* ends) {
    return guarded([&]() -> int64_t {
        std::vector<uint64_t> found;
        int64_t total = 0;
        for (int64_t i = 0; i < n_rows; i++) {
            Reader(column->text(rows[i])).read(found);
            if (total + static_cast<int64_t>(found.size()) > capacity) return capacity + 1;
            std::copy(found.begin(), found.end(), values + total);
            total += static_cast<int64_t>(found.size());
            ends[i] = total;
        }
        return total;
    });
}

}  // namespace curate
