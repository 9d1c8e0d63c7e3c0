#include <strandline/detail/json_problem.hpp>
#include <strandline/detail/quoted.hpp>

#include <algorithm>

namespace strandline::detail {

namespace {

bool reads_as_name(std::string_view text)
{
    auto const letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
    auto const digit = [](char c) { return c >= '0' && c <= '9'; };
    return !text.empty() && text.size() <= 64 && !digit(text.front()) &&
           std::ranges::all_of(text, [&](char c) { return letter(c) || digit(c); });
}

} // namespace

void json_problem::in_member(std::string_view name)
{
    if (!reads_as_name(name))
        path_.insert(0, '[' + quoted(name) + ']');
    else
        path_.insert(0, '.' + std::string(name));
}

void json_problem::in_element(std::size_t index)
{
    path_.insert(0, '[' + std::to_string(index) + ']');
}

std::string json_problem::words(std::string_view separator) const
{
    if (path_.empty())
        return what_;
    std::string text = path_.front() == '.' ? path_.substr(1) : path_;
    return text.append(separator).append(what_);
}

} // namespace strandline::detail
