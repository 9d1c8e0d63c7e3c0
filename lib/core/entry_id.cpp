#include <strandline/detail/quoted.hpp>
#include <strandline/entry_id.hpp>

#include <charconv>
#include <ostream>

namespace strandline {

namespace {

// Reads the digits of one number and moves `text` behind them; says what is wrong, or nothing.
char const* take_number(std::string_view& text, std::uint64_t& out)
{
    auto const [end, status] = std::from_chars(text.data(), text.data() + text.size(), out);
    if (status == std::errc::result_out_of_range)
        return "is too large";
    if (status != std::errc())
        return "has a part that does not begin with a digit";
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return nullptr;
}

char const* parse_into(std::string_view text, entry_id& out)
{
    if (text.empty())
        return "is empty";
    if (auto const* problem = take_number(text, out.ms))
        return problem;
    if (text.empty())
        return nullptr;
    if (text.front() != '-')
        return "has something other than a dash after the milliseconds";
    text.remove_prefix(1);
    if (auto const* problem = take_number(text, out.seq))
        return problem;
    return text.empty() ? nullptr : "has something after the number";
}

} // namespace

result<entry_id> entry_id::parse(std::string_view text)
{
    entry_id id;
    if (auto const* problem = parse_into(text, id))
        return failure(errc::invalid_entry_id, detail::quoted(text) + ' ' + problem);
    return id;
}

char* entry_id::to_chars(char* out) const noexcept
{
    auto* const limit = out + max_text;
    out = std::to_chars(out, limit, ms).ptr;
    *out++ = '-';
    return std::to_chars(out, limit, seq).ptr;
}

std::string entry_id::to_string() const
{
    char text[max_text];
    return {text, to_chars(text)};
}

std::ostream& operator<<(std::ostream& out, entry_id const& id)
{
    char text[entry_id::max_text];
    return out << std::string_view(text, id.to_chars(text));
}

} // namespace strandline
