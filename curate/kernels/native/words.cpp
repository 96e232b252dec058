#include "words.hpp"

#include <algorithm>

#include "unicode.hpp"

namespace curate {
namespace {

using std::string_view;

constexpr string_view kDrawings[][2] = {
    {"[asy]", "[/asy]"}, {"\\begin{asy}", "\\end{asy}"}, {"\\begin{tikzpicture}", "\\end{tikzpicture}"}};
constexpr size_t kDrawn = 25;  // a drawing is left out of a text that has so many words beside it

string_view view_of(Text text) { return string_view(reinterpret_cast<const char*>(text.bytes), text.size); }

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

template <class Is>
size_t run_of(string_view text, size_t at, Is&& is) {
    size_t n = 0;
    while (at + n < text.size() && is(text[at + n])) n++;
    return n;
}

// Where the HTML tag that opens at `at` ends, 0 if there is none: "a < b and c > d" is no tag, so that a number in it
// is not passed over. A tag is a name, attributes with a value each, and the next '>', with no '<' before it.
size_t tag_end(string_view text, size_t at, std::vector<uint8_t>& reached) {
    size_t i = at + 1 + (at + 1 < text.size() && text[at + 1] == '/');
    if (i >= text.size() || !is_letter(text[i])) return 0;
    const size_t name = run_of(text, i, [](char c) { return is_letter(c) || is_digit(c); });
    if (name > 21) return 0;
    i += name;
    const size_t close = text.find_first_of("<>", i);
    if (close == string_view::npos || text[close] == '<') return 0;
    reached.assign(close - i + 1, 0);  // places where an attribute may end
    reached[0] = 1;
    for (size_t p = i; p <= close; p++) {
        if (!reached[p - i]) continue;
        const size_t spaces = run_of(text, p, is_space);
        if (spaces > 9) continue;
        const size_t end = p + spaces + (text[p + spaces] == '/');
        if (end == close) return close + 1;
        if (spaces == 0) continue;
        const size_t attribute = run_of(text, p + spaces, [](char c) { return is_letter(c) || c == '-'; });
        size_t value = p + spaces + attribute;
        if (attribute < 1 || attribute > 30 || text[value] != '=') continue;
        value++;
        if (text[value] == '"' || text[value] == '\'') {
            const size_t quoted = run_of(text.substr(0, close), value + 1, [&](char c) { return c != text[value]; });
            const size_t quote = value + 1 + quoted;
            if (quote < close && quoted <= 300) reached[quote + 1 - i] = 1;
        }
        const size_t plain = run_of(text, value, [](char c) { return !is_space(c) && c != '<' && c != '>'; });
        if (plain >= 1 && plain <= 300) reached[value + plain - i] = 1;
        if (plain == 301 && value + 301 == close && text[close - 1] == '/') reached[value + 300 - i] = 1;
    }
    return 0;
}

// Where the character reference, such as &nbsp; or &#39;, that opens at `at` ends, 0 if there is none.
size_t reference_end(string_view text, size_t at) {
    auto ends = [&](size_t from, size_t least, size_t most, auto is) {
        const size_t n = run_of(text, from, is);
        return n >= least && n <= most && from + n < text.size() && text[from + n] == ';' ? from + n + 1 : 0;
    };
    if (text.substr(at + 1, 1) != "#") return ends(at + 1, 2, 8, is_letter);
    if (text.substr(at + 2, 1) != "x") return ends(at + 2, 1, 7, is_digit);
    return ends(at + 3, 1, 6, [](char c) { return is_digit(c) || (is_letter(c) && (c | 32) <= 'f'); });
}

// Where what a calculator worked out (<<48/2=24>> in GSM8K) ends, 0 if there is none.
size_t calculation_end(string_view text, size_t at) {
    if (text.substr(at, 2) != "<<") return 0;
    const size_t n = run_of(text, at + 2, [](char c) { return c != '<' && c != '>' && c != '\n'; });
    return n <= 200 && text.substr(at + 2 + n, 2) == ">>" ? at + n + 4 : 0;
}

// Where the answer that a worked solution ends with (#### 18 in GSM8K) ends, 0 if there is none.
size_t answer_end(string_view text, size_t at) {
    if (text.substr(at, 4) != "####") return 0;
    const size_t blanks = run_of(text, at + 4, [](char c) { return c == ' ' || c == '\t'; });
    size_t i = at + 4 + blanks;
    i += text.substr(i, 1) == "-";
    i += text.substr(i, 1) == "$";
    const size_t digits = run_of(text, i, [](char c) { return is_digit(c) || c == '.' || c == ','; });
    const bool is_number = digits >= 1 && digits <= 30 && is_digit(text[i]);
    i += digits;
    return blanks <= 9 && is_number && (i == text.size() || text[i] == '\n') ? i : 0;
}

// Adds markup to the stretches, and puts them in order.
void find_markup(string_view text, std::vector<Stretch>& found, std::vector<uint8_t>& reached) {
    const size_t before = found.size();
    for (size_t at = 0; at < text.size();) {
        size_t end = 0;
        if (text[at] == '&') end = reference_end(text, at);
        if (text[at] == '#') end = answer_end(text, at);
        if (text[at] == '<') {
            end = tag_end(text, at, reached);
            if (!end) end = calculation_end(text, at);
        }
        if (end) found.push_back(Stretch{at, end});
        at = end ? end : at + 1;
    }
    if (before == 0 || before == found.size()) return;
    std::sort(found.begin(), found.end(), [](const Stretch& one, const Stretch& other) {
        return one.begin != other.begin ? one.begin < other.begin : one.end < other.end;
    });
}

// Whether a sentence ends in a part of a text that separates two words.
bool ends_sentence(string_view between) {
    for (size_t i = 0; i < between.size(); i++) {
        const char c = between[i];
        if (c == '\n') return true;
        if ((c == '.' || c == '?' || c == '!' || c == ';') && i + 1 < between.size() && is_space(between[i + 1])) return true;
        if (static_cast<uint8_t>(c) < 0xE3) continue;
        const string_view three = between.substr(i, 3);
        if (three == "\u3002" || three == "\uff1f" || three == "\uff01") return true;
    }
    return false;
}

// Whether a piece of a text that stands straight beside these signs is part of a formula.
bool is_beside_formula(string_view content, size_t begin, size_t end) {
    auto is_sign = [](char c) { return c == '$' || c == '^' || c == '_' || c == '+' || c == '=' || c == '*'; };
    if (begin > 0 && content[begin - 1] == '\\') return false;
    return (begin > 0 && is_sign(content[begin - 1])) || (end < content.size() && is_sign(content[end]));
}

size_t place_among(const uint64_t* ascending, int64_t n, uint64_t value) {  // n: it is not there
    const uint64_t* found = std::lower_bound(ascending, ascending + n, value);
    return found != ascending + n && *found == value ? static_cast<size_t>(found - ascending) : static_cast<size_t>(n);
}

// Whether token `at`, an a, is no letter of a formula: it stands between blanks, before a word that it belongs to.
bool is_article(string_view content, Tokens tokens, size_t at) {
    const size_t begin = tokens.begin[at], end = tokens.end[at];
    if ((begin > 0 && !is_space(content[begin - 1])) || end == content.size() || !is_space(content[end]) || at + 1 == tokens.size)
        return false;
    const string_view next = content.substr(tokens.begin[at + 1], tokens.end[at + 1] - tokens.begin[at + 1]);
    if (next.size() < 2 || !std::all_of(next.begin(), next.end(), is_letter)) return false;
    return next != "and" && next != "or" && next != "is" && next != "be";
}

// A number without what does not change it: zeros before it, and after its decimal point.
std::string value_of(string_view digits) {
    const size_t point = std::min(digits.find('.'), digits.size());
    string_view whole = digits.substr(0, point), part = digits.substr(point);
    while (!whole.empty() && whole.front() == '0') whole.remove_prefix(1);
    while (part.size() > 1 && part.back() == '0') part.remove_suffix(1);
    std::string value(whole.empty() ? "0" : whole);
    if (part.size() > 1) value += part;
    return value;
}

}  // namespace

bool has_drawing(Text text) {
    const string_view content = view_of(text);
    return content.find(kDrawings[0][0]) != string_view::npos || content.find("{asy}") != string_view::npos ||
           content.find("tikzpicture") != string_view::npos;
}

void find_drawings(Text text, bool always, std::vector<Stretch>& drawings) {
    const string_view content = view_of(text);
    drawings.clear();
    for (const auto& [opening, closing] : kDrawings)
        for (size_t at = 0;;) {
            const size_t begin = content.find(opening, at);
            const size_t end = begin == string_view::npos ? begin : content.find(closing, begin);
            if (end == string_view::npos) break;
            at = end + closing.size();
            drawings.push_back(Stretch{begin, at});
        }
    std::sort(drawings.begin(), drawings.end(), [](const Stretch& one, const Stretch& other) { return one.begin < other.begin; });
    if (always || drawings.empty()) return;
    size_t n_words = 0, next = 0, inside_until = 0;
    bool in_word = false;
    for (size_t i = 0; i < content.size(); i++) {
        while (next < drawings.size() && drawings[next].begin <= i) inside_until = std::max(inside_until, drawings[next++].end);
        const bool blank = i < inside_until || is_space(content[i]);
        n_words += !blank && !in_word;
        in_word = !blank;
    }
    if (n_words < kDrawn) drawings.clear();
}

const Cutter::Token& Cutter::token(string_view piece, bool printed) {
    const uint32_t number = strings_.add(piece);
    std::vector<Token>& known = tokens_[printed];
    if (number < known.size() && known[number].word != kNoString) return known[number];
    const Text text{reinterpret_cast<const uint8_t*>(piece.data()), piece.size(), piece.size()};
    const bool ascii = is_ascii(text);
    folded_.assign(piece);
    if (ascii) {
        for (char& c : folded_) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c;
    } else {
        size_t n_origins = 0;
        const size_t size = normalize(text, Tokenizer::math, scratch_, false, n_origins);
        folded_.assign(reinterpret_cast<const char*>(scratch_.normal.data()), size);
        folded_.erase(std::remove(folded_.begin(), folded_.end(), ' '), folded_.end());
    }
    Token token;
    token.word = strings_.add(folded_);
    if (printed && strings_[token.word].printed_as != kNoString) token.word = strings_[token.word].printed_as;
    const Strings::Entry& word = strings_[token.word];
    token.stem = strings_.add(stem(word.text));
    token.value = word.number;
    token.decimal = is_decimal(word.text);
    token.counts = (word.traits & kCardinal) != 0 || word.text == "one";
    const bool letters = ascii && std::all_of(piece.begin(), piece.end(), is_letter);
    if ((word.traits & kGreek) != 0)
        token.label = token.word;
    else if (letters && (piece.size() == 1 || std::all_of(piece.begin(), piece.end(), [](char c) { return c <= 'Z'; })))
        token.label = number;
    if (known.size() <= number) known.resize(std::max<size_t>(2 * number, 1024));
    return known[number] = token;
}

void Cutter::weigh(Tokens tokens) {
    weights_.assign(tokens.size, static_cast<uint32_t>(background_.rare));
    for (size_t i = 0; i < tokens.size; i++) {
        const size_t known = place_among(background_.hashes, background_.n_hashes, tokens.hash[i]);
        if (known < static_cast<size_t>(background_.n_hashes)) weights_[i] = background_.weights[known];
    }
    for (size_t i = 0; i + kPhrase <= tokens.size; i++) {
        uint64_t phrase = 0;
        for (size_t step = 0; step < kPhrase; step++) phrase = phrase * kNgramStep + tokens.hash[i + step];
        if (place_among(background_.stock, background_.n_stock, phrase) == static_cast<size_t>(background_.n_stock)) continue;
        for (size_t step = 0; step < kPhrase; step++) weights_[i + step] = std::min(weights_[i + step], kStockWeight);
    }
    for (uint32_t& weight : weights_) weight = std::max(weight, kStockWeight);
}

// The number word that comes next, after a blank or a hyphen, and the token after it.
bool Cutter::next_number(string_view content, Tokens tokens, size_t at, uint32_t& word, size_t& after) const {
    auto piece = [&](size_t i) { return content.substr(tokens.begin[i], tokens.end[i] - tokens.begin[i]); };
    if (at < tokens.size && piece(at) == "-" && tokens.begin[at] == tokens.end[at - 1]) at++;
    if (at >= tokens.size) return false;
    string_view next = piece(at);
    char lower[16];
    if (next.size() > sizeof lower) return false;
    std::transform(next.begin(), next.end(), lower, [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; });
    word = strings_.find(string_view(lower, next.size()));
    if (word == kNoString || !(strings_.is(word, kCardinal) || strings_.text(word) == "one")) return false;
    const size_t end = tokens.end[at - 1], begin = tokens.begin[at];
    const string_view between = end < begin ? content.substr(end, begin - end) : string_view();
    after = at + 1;
    return std::all_of(between.begin(), between.end(), is_space);
}

// The token after a number that is spelt out, and what it counts to: "eighty thousand" is 80000, "one hundred fifty"
// 150, "twenty-five" 25; "two three" are two numbers.
uint64_t Cutter::spelt_out(uint32_t word, string_view content, Tokens tokens, size_t& at) {
    auto count = [&](uint32_t number_word) {
        uint64_t value = 0;
        for (char c : strings_.text(strings_[number_word].number)) value = value * 10 + static_cast<uint64_t>(c - '0');
        return value;
    };
    uint64_t total = 0, part = count(word);
    for (size_t after = 0; next_number(content, tokens, at, word, after); at = after) {
        const uint64_t value = count(word);
        if (value >= 1000) {
            total += part * value;
            part = 0;
        } else if (value == 100 && part > 0 && part < 100) {
            part *= 100;
        } else if ((value < 10 && part % 100 >= 20 && part % 10 == 0) || (value < 100 && part % 100 == 0)) {
            part += value;
        } else {
            break;
        }
    }
    return total + part;
}

void Cutter::cut(Text text, Tokens tokens, const std::vector<Stretch>& drawings, std::vector<Word>& words,
                 std::vector<Heavy>* heavy) {
    const string_view content = view_of(text);
    left_out_ = drawings;
    find_markup(content, left_out_, reached_);
    left_out_.push_back(Stretch{content.size() + 1, content.size() + 2});
    words.clear();
    if (heavy) {
        heavy->clear();
        weigh(tokens);
    }
    size_t inside = 0, before = 0;
    for (size_t at = 0; at < tokens.size;) {
        const size_t first = at, begin = tokens.begin[at];
        string_view piece = content.substr(begin, tokens.end[at] - begin);
        at++;
        while (left_out_[inside].end <= begin) inside++;
        if (left_out_[inside].begin <= begin) {
            const Stretch markup = left_out_[inside];
            while (at < tokens.size && tokens.begin[at] < markup.end) at++;
            piece = content.substr(markup.begin, markup.end - markup.begin);
            if (piece != "&lt;" && piece != "&gt;") continue;
            piece = piece == "&lt;" ? "<" : ">";
        }
        Token found = token(piece, false);
        if (strings_.is(found.word, kCommand) && begin > 0 && content[begin - 1] == '\\') found = token(piece, true);
        Word word{found.stem, found.value, found.label, static_cast<uint32_t>(first), 0, found.value != kNoString};
        if (word.label == kNoString && piece.size() == 2 && std::all_of(piece.begin(), piece.end(), is_letter) &&
            is_beside_formula(content, begin, begin + 2))
            word.label = strings_.add(piece);  // xy is a product
        if ((piece == "a" || piece == "A") && is_article(content, tokens, first)) word.label = kNoString;
        bool light = strings_[found.word].text.size() == 1;
        if (found.decimal) {
            folded_ = strings_.text(found.word);
            bool has_point = false;
            while (at < tokens.size) {
                const size_t end = tokens.end[at - 1], next = tokens.begin[at];
                if (next != end + 1 || (content[end] != '.' && content[end] != ',')) break;
                const string_view more = content.substr(next, tokens.end[at] - next);
                if (!std::all_of(more.begin(), more.end(), is_digit)) break;
                const bool point = content[end] == '.';
                if (point ? has_point : more.size() != 3) break;
                if (point) folded_ += '.';
                has_point |= point;
                folded_ += more;
                at++;
            }
            light = folded_.size() == 1;
            const std::string value = value_of(folded_);
            word.value = strings_.add(value);
            word.stem = strings_.add('#' + value);
            word.spelt = false;
        } else if (found.counts) {
            uint32_t following = 0;
            size_t after = 0;
            const bool counted =
                strings_.is(found.word, kCardinal) ||
                (next_number(content, tokens, at, following, after) && strings_.is(following, kPower));  // "one hundred"
            if (counted) {
                const std::string value = std::to_string(spelt_out(found.word, content, tokens, at));
                word.value = strings_.add(value);
                word.stem = strings_.add('#' + value);
            }
        }
        word.end = static_cast<uint32_t>(at);
        if (heavy) {
            const uint32_t weight = *std::max_element(weights_.begin() + long(first), weights_.begin() + long(at));
            const bool starts = words.empty() || (begin > before && ends_sentence(content.substr(before, begin - before)));
            heavy->push_back(Heavy{light ? kStockWeight : weight, starts});
            before = tokens.end[at - 1];
        }
        words.push_back(word);
    }
}

}  // namespace curate
