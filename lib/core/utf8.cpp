#include <strandline/detail/utf8.hpp>

#include <cstdint>
#include <cstring>

namespace strandline::detail {

namespace {

unsigned char byte_at(std::string_view text, std::size_t index) noexcept
{
    return static_cast<unsigned char>(text[index]);
}

bool within(unsigned char byte, unsigned char low, unsigned char high) noexcept
{
    return low <= byte && byte <= high;
}

// Length of the well-formed sequence at the start of `text`, which begins with a byte above 0x7F; 0 when
// there is none. The bounds of the second byte exclude overlong forms, surrogates and what lies above
// U+10FFFF.
std::size_t multibyte_sequence(std::string_view text) noexcept
{
    auto const lead = byte_at(text, 0);
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    std::size_t length = 0;
    if (within(lead, 0xC2, 0xDF)) {
        length = 2;
    }
    else if (within(lead, 0xE0, 0xEF)) {
        length = 3;
        if (lead == 0xE0)
            low = 0xA0;
        else if (lead == 0xED)
            high = 0x9F;
    }
    else if (within(lead, 0xF0, 0xF4)) {
        length = 4;
        if (lead == 0xF0)
            low = 0x90;
        else if (lead == 0xF4)
            high = 0x8F;
    }
    if (length == 0 || text.size() < length || !within(byte_at(text, 1), low, high))
        return 0;
    for (std::size_t i = 2; i != length; ++i) {
        if (!within(byte_at(text, i), 0x80, 0xBF))
            return 0;
    }
    return length;
}

} // namespace

std::size_t utf8_prefix(std::string_view text) noexcept
{
    std::size_t done = 0;
    while (done != text.size()) {
        // Most text is ASCII: eight bytes at a time.
        std::uint64_t block;
        while (text.size() - done >= sizeof block) {
            std::memcpy(&block, text.data() + done, sizeof block);
            if ((block & 0x8080808080808080ULL) != 0)
                break;
            done += sizeof block;
        }
        while (done != text.size() && byte_at(text, done) < 0x80)
            ++done;
        if (done == text.size())
            break;
        auto const length = multibyte_sequence(text.substr(done));
        if (length == 0)
            break;
        done += length;
    }
    return done;
}

} // namespace strandline::detail
