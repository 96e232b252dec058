// What of a text makes it another problem when it is exchanged: variables, names of points, signs, relations,
// functions, and words for what is asked. `curate/kernels/symbols.py` says what is in the lists.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "symbols.hpp"

namespace curate {
namespace {

using std::string_view;

bool is_letter(uint8_t c) { return static_cast<uint8_t>((c | 0x20) - 'a') < 26; }
bool is_capital(uint8_t c) { return static_cast<uint8_t>(c - 'A') < 26; }

uint64_t value_of(Symbol kind, string_view name) {
    uint64_t h = name.size();
    for (char c : name) h = fold_multiply(h ^ static_cast<uint8_t>(c), kNgramStep);
    return static_cast<uint64_t>(kind) << kSymbolShift | finish(h) >> (64 - kSymbolShift);
}

uint64_t of_kind(Symbol kind, uint64_t symbol) {
    return static_cast<uint64_t>(kind) << kSymbolShift | (symbol & ((1ULL << kSymbolShift) - 1));
}

// What words mean; the symbol 0 is: nothing.
class Lexicon {
  public:
    // The words of a line; those before '=' on a word are read as what follows it.
    void add(Symbol kind, string_view words) {
        each(words, [&](string_view word) {
            const size_t equals = std::min(word.find('='), word.size());
            const string_view name = word.substr(equals == word.size() ? 0 : equals + 1);
            put(word.substr(0, equals), {value_of(kind, name), key_of(name)});
        });
    }
    void pass_over(string_view words) {
        each(words, [&](string_view word) { put(word, {0, 0}); });
    }
    struct Meaning {
        uint64_t symbol, word;  // the letters of the word it is read as
    };
    // Null for a word that is in no list.
    const Meaning* find(uint64_t key) const {
        for (size_t at = place(key); slots_[at].key; at = (at + 1) % kSlots)
            if (slots_[at].key == key) return &slots_[at].meaning;
        return nullptr;
    }
    // Commands differ where the case of the first letter does.
    static uint64_t key_of(string_view word) {
        const uint8_t* letters = reinterpret_cast<const uint8_t*>(word.data());
        return packed_word(letters, word.size()) | static_cast<uint64_t>(is_capital(letters[0])) << 63;
    }

  private:
    struct Slot {
        uint64_t key = 0;
        Meaning meaning = {0, 0};
    };
    template <class Visit>
    static void each(string_view words, Visit&& visit) {
        while (!words.empty()) {
            const size_t end = std::min(words.find(' '), words.size());
            visit(words.substr(0, end));
            words.remove_prefix(std::min(end + 1, words.size()));
        }
    }
    void put(string_view word, Meaning meaning) {
        const uint64_t key = key_of(word);
        size_t at = place(key);
        while (slots_[at].key && slots_[at].key != key) at = (at + 1) % kSlots;
        if (!slots_[at].key) slots_[at] = {key, meaning};
    }
    static size_t place(uint64_t key) { return key * kNgramStep >> 53; }
    static constexpr size_t kSlots = 2048;
    Slot slots_[kSlots];
};

const Lexicon& commands() {
    static const Lexicon made = [] {
        Lexicon lexicon;
        lexicon.add(Symbol::letter,
            "alpha beta gamma delta epsilon varepsilon=epsilon zeta eta theta vartheta=theta iota kappa lambda mu nu xi rho "
            "sigma tau upsilon phi varphi=phi chi psi omega Gamma Delta Theta Lambda Xi Sigma Phi Psi Omega ell=l");
        lexicon.add(Symbol::relation, "le=<= leq=<= leqslant=<= ge=>= geq=>= geqslant=>= lt=< gt=>");
        lexicon.add(Symbol::function, "sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh log ln lg exp gcd lcm min max "
                                       "det sum prod int lfloor lceil cup cap subset supset");
        return lexicon;
    }();
    return made;
}

const Lexicon& words() {
    static const Lexicon made = [] {
        Lexicon lexicon;
        lexicon.add(Symbol::function,
            "sin cos tan cot sec csc arcsin arccos arctan log ln gcd lcm area perimeter circumference length width height radius "
            "diameter volume angle slope product sum difference quotient ratio average mean=average median mode maximum=max "
            "largest=max greatest=max biggest=max max minimum=min smallest=min least=min min even odd positive negative prime "
            "composite rational irrational increasing decreasing same different inside outside above below inscribed "
            "circumscribed union intersection heads tails");
        lexicon.add(Symbol::number,
            "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
            "nineteen twenty thirty forty fourty=forty fifty sixty seventy eighty ninety hundred hundreds=hundred thousand "
            "thousands=thousand million billion dozen dozens=dozen half halves=half halved=half quarter quarters=quarter "
            "twice double=twice doubled=twice doubles=twice thrice triple=thrice tripled=thrice third thirds=third fourth "
            "fifth sixth seventh eighth ninth tenth");
        lexicon.add(Symbol::function, "first second last");
        lexicon.add(Symbol::function,
            "fewer less greater before after increase increases=increase increased=increase decrease decreases=decrease "
            "decreased=decrease square squares=square cube cubes=cube triangle triangles=triangle rectangle rectangles=rectangle "
            "circle circles=circle pentagon hexagon octagon hypotenuse diagonal diagonals=diagonal chord arc vertex vertices=vertex "
            "edge edges=edge face faces=face surface interior exterior left right north south east west horizontal vertical row "
            "rows=row column columns=column numerator denominator domain range arithmetic geometric harmonic ascending descending "
            "clockwise counterclockwise longest shortest highest lowest tallest oldest youngest closest nearest=closest farthest "
            "inch inches=inch foot feet=foot yard yards=yard meter meters=meter metres=meter centimeters centimetres=centimeters "
            "kilometer kilometers=kilometer minutes hours days weeks months years");
        lexicon.add(Symbol::negation, "not=not cannot=not never=not no=not none=not neither=not nor=not except=not without=not");
        lexicon.add(Symbol::logic, "and both=and or either=or");
        lexicon.add(Symbol::word,  // words for one thing
            "entry=element entries=element elements=element comparable=similar string=text strings=text texts=text "
            "remainder=rest separation=distance road=street roads=street streets=street shop=store shops=store stores=store "
            "hall=room big=large kept=stored purchase=buy purchases=buy purchased=bought");
        lexicon.pass_over(
            "a all also an answer any are as at be been being but by can could did do does done each ever "
            "every for from get gets give given gives giving had has have having he her here hers him his how i if in into "
            "is it its just let me my of on once one ones other others our ours out over own per please same shall she should "
            "so some such than that the their them then there these they this those through thus to too under up upon us was "
            "we were what when where whether which while who whom whose why will with would you your yours its "
            "calculate compute create determine evaluate express fetch find list obtain problem prove provide question "
            "retrieve show state suppose use used using value values want wish write called denote denotes denoted following "
            "follows form format original final simplest terms note hint recall let need needs know known consider "
            "th st nd rd ll ve re don doesn isn aren won "
            "begin end array aligned align cases gathered gather equation matrix pmatrix bmatrix vmatrix tabular split center "
            "named reply return returns back hline enumerate itemize item displaystyle br img nbsp http https www com png jpg html");
        return lexicon;
    }();
    return made;
}

constexpr size_t kShouted = 5;  // letters from which on a word in capitals is taken for a word, not for points

constexpr std::string_view kEndings[][2] = {
    {"", "s"},   {"", "es"},  {"", "ed"},  {"", "d"},    {"", "ing"},  {"e", "ing"}, {"y", "ies"},
    {"y", "ied"}, {"s", "ed"}, {"s", "ing"}, {"ed", "ing"}, {"es", "ed"}, {"es", "ing"}, {"ies", "ied"}};

struct Word {
    char letters[kLetters + 1] = {};
    size_t n = 0;
    explicit Word(uint64_t packed) {
        for (; n < kLetters && (packed >> 5 * n & 31); n++) letters[n] = static_cast<char>('a' - 1 + (packed >> 5 * n & 31));
    }
    string_view view() const { return string_view(letters, n); }
};

// One letter changed, left out, put in, or two neighbours swapped, but for the first.
bool misspelt(string_view a, string_view b) {
    if (a.size() < b.size()) std::swap(a, b);
    if (b.size() < 5 || a.size() - b.size() > 1 || a[0] != b[0]) return false;
    const size_t same = static_cast<size_t>(std::mismatch(b.begin(), b.end(), a.begin()).first - b.begin());
    if (a.size() > b.size()) return a.substr(same + 1) == b.substr(same);
    if (a.substr(same + 1) == b.substr(same + 1)) return true;
    return a[same] == b[same + 1] && a[same + 1] == b[same] && a.substr(same + 2) == b.substr(same + 2);
}

// The endings of one word, or the letter before them doubled: stop and stopped.
bool inflected(string_view a, string_view b) {
    const size_t shorter = std::min(a.size(), b.size());
    const size_t same = static_cast<size_t>(std::mismatch(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(shorter), b.begin()).first - a.begin());
    for (size_t stem = same; stem >= 3 && stem + 3 > same; stem--) {
        string_view x = a.substr(stem), y = b.substr(stem);
        if (x.size() > y.size()) std::swap(x, y);
        for (const auto& ending : kEndings) {
            if ((x == ending[0] && y == ending[1]) || (x == ending[1] && y == ending[0])) return true;
        }
        if (x.empty() && y.size() > 2 && y[0] == a[stem - 1] && (y.substr(1) == "ed" || y.substr(1) == "ing")) return true;
    }
    return false;
}

class Reader {
  public:
    explicit Reader(uint32_t kinds) : kinds_(kinds) {
        for (char c = 'A'; c <= 'z'; c++) letter_[static_cast<uint8_t>(c)] = value_of(Symbol::letter, string_view(&c, 1));
        for (char c : {'+', '-'}) sign_[c == '-'] = value_of(Symbol::sign, string_view(&c, 1));
        for (char c : {'<', '>'}) relation_[c == '>'] = value_of(Symbol::relation, string_view(&c, 1));
    }

    // Valid until the next call.
    const std::vector<uint64_t>& read(Text text) {
        text_ = string_view(reinterpret_cast<const char*>(text.bytes), text.size);
        found_.clear();
        for (size_t i = 0; i < text_.size();) {
            const uint8_t c = static_cast<uint8_t>(text_[i]);
            if (c == '[' && text_.compare(i, 5, "[asy]") == 0) {  // a drawing: its letters are places and pens
                const size_t end = text_.find("[/asy]", i);
                i = end == string_view::npos ? text_.size() : end + 6;
            } else if (is_letter(c)) {
                size_t end = i + 1;
                while (end < text_.size() && is_letter(static_cast<uint8_t>(text_[end]))) end++;
                word(i, end);
                i = end;
            } else {
                if (c == '<' || c == '>') add(relation_[c == '>']);
                if (c == '+' || (c == '-' && !is_hyphen(i))) add(sign_[c == '-']);
                if (c == 0xE2 && text_.compare(i, 3, "\xE2\x88\x92") == 0) add(sign_[1]);
                i++;
            }
        }
        std::sort(found_.begin(), found_.end());
        return found_;
    }

  private:
    void add(uint64_t symbol) {
        if (kinds_ >> (symbol >> kSymbolShift) & 1) found_.push_back(symbol);
    }
    // What a word of the lists is besides a function or a number.
    void add_word(Lexicon::Meaning known) {
        if (known.symbol == 0) return;
        const Symbol kind = static_cast<Symbol>(known.symbol >> kSymbolShift);
        if (kind == Symbol::number) return add(of_kind(Symbol::amount, known.symbol));
        add(kind == Symbol::function || kind == Symbol::word ? of_kind(Symbol::word, known.word) : known.symbol);
    }
    void word(size_t begin, size_t end) {
        const string_view name = text_.substr(begin, end - begin);
        const char before = begin ? text_[begin - 1] : ' ';
        if (before == '\\') {
            if (const Lexicon::Meaning* known = commands().find(Lexicon::key_of(name))) add(known->symbol);
            return;
        }
        if (name.size() == 1) {
            const bool article = (name == "a" || name == "A" || name == "I") && before == ' ' && (end == text_.size() || text_[end] == ' ');
            const bool left_over = before == '\'' || follows(begin, "\xE2\x80\x99");
            if (!article && !left_over) add(letter_[static_cast<uint8_t>(name[0])]);
            return;
        }
        if (is_capital(static_cast<uint8_t>(name[1])) && std::all_of(name.begin(), name.end(), [](char c) { return is_capital(static_cast<uint8_t>(c)); })) {
            add(value_of(Symbol::name, name));
            for (char c : name) add(letter_[static_cast<uint8_t>(c)]);
            const Lexicon::Meaning* shouted = words().find(packed_word(reinterpret_cast<const uint8_t*>(name.data()), name.size()));
            if (shouted) add_word(*shouted);
            else if (name.size() >= kShouted) add(of_kind(Symbol::word, packed_word(reinterpret_cast<const uint8_t*>(name.data()), name.size())));
            return;
        }
        const uint64_t letters = packed_word(reinterpret_cast<const uint8_t*>(name.data()), name.size());
        if (const Lexicon::Meaning* known = words().find(letters)) {
            const Symbol kind = static_cast<Symbol>(known->symbol >> kSymbolShift);
            if (kind == Symbol::number || kind == Symbol::function) add(known->symbol);
            add_word(*known);
        } else if (name.find_first_not_of("clr") != string_view::npos && !is_part(begin, end)) {  // columns of an array
            add(of_kind(Symbol::word, letters));
        }
    }
    // Whether a letter or a sign beyond ASCII is joined to it.
    bool is_part(size_t begin, size_t end) const {
        auto at = [&](size_t i) { return i < text_.size() ? static_cast<uint8_t>(text_[i]) : uint8_t(' '); };
        const bool after = at(end) >= 0x80 && !(at(end) == 0xE2 && at(end + 1) == 0x80);  // dashes, quotes, dots
        return after || (begin >= 3 && at(begin - 1) >= 0x80 && !(at(begin - 3) == 0xE2 && at(begin - 2) == 0x80));
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
    uint32_t kinds_;
    uint64_t letter_[128], sign_[2], relation_[2];
    string_view text_;
    std::vector<uint64_t> found_;
};

}  // namespace

bool same_word(uint64_t a, uint64_t b) {
    constexpr uint64_t kLong = 31ULL << 5 * kPrefix;
    const bool long_a = (a & kLong) == kLong, long_b = (b & kLong) == kLong;
    if (long_a && long_b) return false;
    const Word one(a), other(b);
    return misspelt(one.view(), other.view()) || inflected(one.view(), other.view());
}

// The symbols of the texts in `rows` of the kinds that `kinds` has a bit for, ascending, one text after the other,
// each as often as it is there. Those of text i end at ends[i]. `capacity` values fit; two for each byte are always
// enough.
CURATE_API int64_t curate_symbols(const Column* column, const int64_t* rows, int64_t n_rows, int64_t kinds,
                                  uint64_t* values, int64_t capacity, int64_t* ends) {
    return guarded([&]() -> int64_t {
        Reader reader(static_cast<uint32_t>(kinds));
        int64_t total = 0;
        for (int64_t i = 0; i < n_rows; i++) {
            const std::vector<uint64_t>& found = reader.read(column->text(rows[i]));
            if (total + static_cast<int64_t>(found.size()) > capacity) return capacity + 1;
            std::copy(found.begin(), found.end(), values + total);
            total += static_cast<int64_t>(found.size());
            ends[i] = total;
        }
        return total;
    });
}

}  // namespace curate
