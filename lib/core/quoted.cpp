#include <strandline/detail/quoted.hpp>
#include <strandline/detail/utf8.hpp>

namespace strandline::detail {

std::string quoted(std::string_view text)
{
    constexpr std::size_t longest = 64;
    constexpr auto* digits = "0123456789ABCDEF";

    bool const cut = text.size() > longest;
    if (cut) {
        // Not through the middle of a character, which has four bytes at most.
        auto size = longest;
        while (size != longest - 3 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80)
            --size;
        text = text.substr(0, size);
    }

    std::string out = "\"";
    while (!text.empty()) {
        auto const good = utf8_prefix(text);
        for (char const c : text.substr(0, good)) {
            auto const byte = static_cast<unsigned char>(c);
            if (c == '"' || c == '\\')
                out.append({'\\', c});
            else if (byte < 0x20 || byte == 0x7F)
                out.append({'\\', 'x', digits[byte >> 4], digits[byte & 15]});
            else
                out += c;
        }
        text.remove_prefix(good);
        if (!text.empty()) {
            auto const byte = static_cast<unsigned char>(text.front());
            out.append({'\\', 'x', digits[byte >> 4], digits[byte & 15]});
            text.remove_prefix(1);
        }
    }
    return out += cut ? "\"…" : "\"";
}

} // namespace strandline::detail
