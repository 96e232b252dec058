#include "vocabulary.hpp"

#include <algorithm>
#include <iterator>

#include "unicode.hpp"

namespace curate {
namespace {

using std::string_view;

constexpr string_view kNumbers =  // numbers spelt out, and what they count to
    "zero=0 one=1 two=2 three=3 four=4 five=5 six=6 seven=7 eight=8 nine=9 ten=10 eleven=11 twelve=12 thirteen=13 "
    "fourteen=14 fifteen=15 sixteen=16 seventeen=17 eighteen=18 nineteen=19 twenty=20 thirty=30 forty=40 fifty=50 "
    "sixty=60 seventy=70 eighty=80 ninety=90 hundred=100 thousand=1000 million=1000000 billion=1000000000 once=1 "
    "twice=2 double=2 doubled=2 thrice=3 triple=3 half=0.5 dozen=12 first=1 second=2 third=3 fourth=4 fifth=5 quarter=4";
constexpr string_view kCardinals =
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand million billion";
constexpr string_view kPowers = "hundred thousand million billion";
constexpr string_view kIndefiniteWords = "some several many few certain unknown various multiple number";
constexpr string_view kAskingWords =
    "what how find determine compute evaluate calculate which who show prove simplify solve express";
constexpr string_view kNegations = "not no never neither nor without except unless cannot";
constexpr string_view kGroups[] = {  // words that make another question where one stands for another of its group
    "sum difference product quotient ratio", "maximum minimum largest smallest greatest least most fewest",
    "area perimeter volume circumference", "sin cos tan sec csc cot sine cosine tangent", "odd even",
    "increasing decreasing ascending descending", "positive negative nonnegative", "radius diameter",
    "mean median mode average range", "before after", "more fewer less", "above below", "first last",
    "domain range", "numerator denominator", "parallel perpendicular", "real complex imaginary",
    "permutation combination", "prefix suffix", "horizontal vertical", "north south east west", "left right",
    "true false", "gcd lcm", "inside outside", "row column", "with without", "interior exterior",
    "acute obtuse", "same different", "all none", "arithmetic geometric", "union intersection", "start end",
    "increase decrease", "cylindrical spherical polar", "clockwise counterclockwise",
};
static_assert(std::size(kGroups) <= 64, "a bit for each group");
constexpr string_view kCommands =  // LaTeX commands, and what they print; tokenize.cpp knows more of them
    "dfrac=frac tfrac=frac cfrac=frac le=\u2264 leq=\u2264 leqslant=\u2264 leqq=\u2264 ge=\u2265 geq=\u2265 geqslant=\u2265 "
    "geqq=\u2265 ne=\u2260 neq=\u2260 lvert=| rvert=| vert=| mid=| lt=< gt=> ast=* times=\u00d7 pm=\u00b1 in=\u2208 to=\u2192 "
    "rightarrow=\u2192 varepsilon=epsilon varphi=phi vartheta=theta ell=l";
constexpr string_view kOperators = "+ - * / = < > ^ % | !";
constexpr string_view kFunctions =
    "frac sqrt sin cos tan log ln exp sum prod int lim max min binom pmatrix cdot times le ge lt gt ne pm circ pi";
constexpr string_view kGreekLetters =
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi rho sigma tau upsilon phi chi psi omega "
    "varphi varepsilon";

// The zeros of the decimal digits beyond ASCII (Unicode 14.0, category Nd), but for those that NFKC makes ASCII.
constexpr uint32_t kZeros[] = {
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0, 0xF20,
    0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900,
    0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0,
    0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1E140,
    0x1E2F0, 0x1E950};

template <class Each>
void each_word(string_view words, Each&& each) {
    for (size_t at = 0; at < words.size();) {
        const size_t end = std::min(words.find(' ', at), words.size());
        each(words.substr(at, end - at));
        at = end + 1;
    }
}

template <class Each>
void each_pair(string_view words, Each&& each) {
    each_word(words, [&](string_view pair) {
        const size_t equals = pair.find('=');
        each(pair.substr(0, equals), pair.substr(equals + 1));
    });
}

bool ends_with(string_view text, string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool ascii(string_view text) {
    return is_ascii(Text{reinterpret_cast<const uint8_t*>(text.data()), text.size(), text.size()});
}

}  // namespace

string_view stem(string_view word) {
    if (word.size() <= 4 || !ascii(word)) return word;
    for (string_view ending : {"ing", "ed", "es", "s"})
        if (ends_with(word, ending) && word.size() - ending.size() >= 3) {
            word.remove_suffix(ending.size());
            break;
        }
    if (word.back() == 'e' && word.size() > 3) word.remove_suffix(1);
    return word;
}

bool is_decimal(string_view word) {
    if (word.empty()) return false;
    if (ascii(word)) return std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; });
    bool all = true;
    each_code_point(word, [&](uint32_t code) {
        const uint32_t* above = std::upper_bound(std::begin(kZeros), std::end(kZeros), code);
        all = all && (code < 0x80 ? code >= '0' && code <= '9' : above != std::begin(kZeros) && code - above[-1] < 10);
    });
    return all;
}

Strings::Strings() : slots_(4096) {
    each_pair(kNumbers, [&](string_view word, string_view value) {
        const uint32_t number = add(value);
        entry(add(word)).number = number;
    });
    each_pair(kCommands, [&](string_view word, string_view printed) {
        const uint32_t other = add(printed);
        Entry& command = entry(add(word));
        command.printed_as = other;
        command.traits |= kCommand;
    });
    mark(kCardinals, kCardinal, false);
    mark(kPowers, kPower, false);
    mark(kGreekLetters, kGreek, false);
    mark(kOperators, kOperator, false);
    mark(kFunctions, kFunction, false);
    mark(kIndefiniteWords, kIndefinite, true);
    mark(kAskingWords, kAsking, true);
    mark(kNegations, kNegation, true);
    for (size_t group = 0; group < std::size(kGroups); group++)
        each_word(kGroups[group], [&](string_view word) { entry(add(stem(word))).groups |= uint64_t(1) << group; });
    for (uint32_t number = 0; number < size_; number++) {  // what follows from the marks
        uint32_t& traits = entry(number).traits;
        if ((traits & kGreek) != 0) traits |= kVariable;
        if ((traits & (kVariable | kOperator | kFunction)) != 0) traits |= kFormula;
    }
}

void Strings::mark(string_view words, Trait trait, bool stems) {
    each_word(words, [&](string_view word) { entry(add(stems ? stem(word) : word)).traits |= trait; });
}

uint64_t Strings::hash_of(string_view text) {
    uint64_t h = text.size();
    const char* at = text.data();
    size_t left = text.size();
    for (; left > 8; at += 8, left -= 8) h = fold_multiply(h ^ load8(reinterpret_cast<const uint8_t*>(at)), kNgramStep);
    uint64_t word = 0;
    if (left >= 4) {  // all bytes, the middle ones twice
        uint32_t low, high;
        std::memcpy(&low, at, 4);
        std::memcpy(&high, at + left - 4, 4);
        word = uint64_t(high) << 32 | low;
    } else if (left) {
        auto byte = [&](size_t i) { return static_cast<uint64_t>(static_cast<uint8_t>(at[i])); };
        word = byte(0) | byte(left / 2) << 8 | byte(left - 1) << 16;
    }
    return finish(fold_multiply(h ^ word, kNgramStep));
}

// Where a string is, or belongs.
size_t Strings::slot_of(string_view text, uint64_t hash) const {
    size_t at = hash & (slots_.size() - 1);
    for (; slots_[at].number != kNoString; at = (at + 1) & (slots_.size() - 1))
        if (slots_[at].hash == hash && (*this)[slots_[at].number].text == text) break;
    return at;
}

uint32_t Strings::add(string_view text) {
    const uint64_t hash = hash_of(text);
    const size_t at = slot_of(text, hash);
    if (slots_[at].number != kNoString) return slots_[at].number;
    const uint32_t number = static_cast<uint32_t>(size_++);
    if (number / kBlock == blocks_.size()) blocks_.push_back(std::make_unique<Entry[]>(kBlock));
    slots_[at] = Slot{hash, number};
    Entry& made = entry(number);
    made.text = text;
    uint32_t first = 0;
    each_code_point(text, [&](uint32_t code) {
        if (made.n_letters++ == 0) first = code;
        made.letters |= uint64_t(1) << (code & 63);
    });
    if (first == '#')
        made.traits |= kNumberSign | kFormula;
    else if (made.n_letters >= 3 || first >= 0x2E80)
        made.traits |= kContent;
    if (made.n_letters == 1 && first > 'a' && first <= 'z') made.traits |= kVariable | kFormula;  // "a" is an article more often
    if (text == "(" || text == ")" || text == "[" || text == "]") made.traits |= kFormula;
    if (size_ * 2 > slots_.size()) grow();
    return number;
}

void Strings::grow() {
    std::vector<Slot> wider(slots_.size() * 4);
    for (const Slot& slot : slots_) {
        if (slot.number == kNoString) continue;
        size_t at = slot.hash & (wider.size() - 1);
        while (wider[at].number != kNoString) at = (at + 1) & (wider.size() - 1);
        wider[at] = slot;
    }
    slots_.swap(wider);
}

}  // namespace curate
