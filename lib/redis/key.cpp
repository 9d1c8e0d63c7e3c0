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

} // namespace strandline::redis
