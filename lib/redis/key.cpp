#include "redis/key.hpp"

namespace strandline::redis {

std::string key_name(std::string_view prefix, std::string_view name)
{
    // What has a { at its beginning and a } behind it has a tag there, since stream names with {} alone are
    // not allowed.
    auto const is_tagged = name.starts_with('{') && name.find('}') != name.npos;
    std::string key;
    key.reserve(prefix.size() + name.size());
    if (is_tagged)
        key.append(1, '{').append(prefix).append(name.substr(1));
    else
        key.append(prefix).append(name);
    return key;
}

std::optional<std::string> name_of_key(std::string_view prefix, std::string_view key)
{
    std::string name;
    if (key.starts_with(prefix))
        name = key.substr(prefix.size());
    else if (key.starts_with('{') && key.substr(1).starts_with(prefix))
        name.append(1, '{').append(key.substr(1 + prefix.size()));
    // Somebody else's key may look like ours where no name leads to it: `p:{a}`.
    return !name.empty() && key_name(prefix, name) == key ? std::optional(name) : std::nullopt;
}

std::string glob_of(std::string_view text)
{
    std::string pattern;
    for (auto const c : text) {
        if (std::string_view("*?[]\\^-").find(c) != std::string_view::npos)
            pattern += '\\';
        pattern += c;
    }
    return pattern;
}

} // namespace strandline::redis
