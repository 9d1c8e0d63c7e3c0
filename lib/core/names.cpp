#include <strandline/detail/quoted.hpp>
#include <strandline/names.hpp>

namespace strandline {

namespace {

// The server's rule: what stands between the first { and the first } behind it, unless that is nothing.
bool has_tag(std::string_view name)
{
    auto const open = name.find('{');
    if (open == name.npos)
        return false;
    auto const close = name.find('}', open + 1);
    return close != name.npos && close != open + 1;
}

} // namespace

failure check_stream_name(std::string_view stream)
{
    if (stream.empty())
        return {errc::invalid_name, "a stream's name must not be empty"};
    // Braces put around such a name would end at its own }.
    if (stream.find('}') != stream.npos && !has_tag(stream))
        return {errc::invalid_name, detail::quoted(stream) + " has a } but no {tag}"};
    return {};
}

std::string derived_name(std::string_view stream, std::string_view suffix)
{
    std::string name;
    name.reserve(stream.size() + suffix.size() + 3);
    if (has_tag(stream))
        name.append(stream);
    else
        name.append(1, '{').append(stream).append(1, '}');
    return name.append(1, ':').append(suffix);
}

std::string dead_letter_stream(std::string_view stream)
{
    return derived_name(stream, "dead");
}

std::string group_lock(std::string_view stream, std::string_view group)
{
    return derived_name(stream, "lock:" + std::string(group));
}

} // namespace strandline
