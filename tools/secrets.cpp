#include "secrets.hpp"

namespace strandline::tools {

namespace {

constexpr std::string_view left_out = "***";

/// Where the word of the text ends that begins, or goes on, there.
std::size_t end_of_word(std::string_view text, std::size_t from)
{
    auto const end = text.find_first_of(" \t\n", from);
    return end == text.npos ? text.size() : end;
}

std::string without_user(std::string_view text)
{
    std::string kept;
    for (;;) {
        auto const slashes = text.find("//");
        if (slashes == text.npos)
            return kept.append(text);
        auto const begin = slashes + 2;
        auto const end = end_of_word(text, begin);
        // The last one: a password that was not percent-encoded may have some, too.
        auto const at = text.substr(0, end).rfind('@');
        kept.append(text.substr(0, begin));
        if (at != text.npos && at >= begin) {
            kept.append(left_out);
            text.remove_prefix(at);
        }
        else
            text.remove_prefix(begin);
    }
}

std::string without_parameters(std::string_view text)
{
    constexpr std::string_view name = "password=";
    std::string kept;
    for (;;) {
        auto const found = text.find(name);
        if (found == text.npos)
            return kept.append(text);
        auto const begin = found + name.size();
        kept.append(text.substr(0, begin)).append(left_out);
        text.remove_prefix(std::min(text.find('&', begin), end_of_word(text, begin)));
    }
}

} // namespace

std::string without_secrets(std::string_view text)
{
    return without_parameters(without_user(text));
}

} // namespace strandline::tools
