#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace strandline::redis {

/// The key on the server of what we call by that name. The prefix is part of the name: it stands before it,
/// and within the braces of a tag that the name begins with. So what is derived from a name has the key that
/// is derived from the name's key: `key_name("p:", "{orders}:dead")` is `{p:orders}:dead`.
std::string key_name(std::string_view prefix, std::string_view name);

/// The name that has this key; nothing where the key has not the prefix.
std::optional<std::string> name_of_key(std::string_view prefix, std::string_view key);

/// The pattern of the server (as in SCAN) that matches this text alone.
std::string glob_of(std::string_view text);

/// A key for as long as the name lives; without a prefix it is the name itself.
class key
{
public:
    key(std::string_view prefix, std::string_view name)
        : made_(prefix.empty() ? std::string() : key_name(prefix, name))
        , text_(prefix.empty() ? name : std::string_view(made_))
    {}

    key(key const&) = delete;
    key& operator=(key const&) = delete;

    std::string_view text() const noexcept { return text_; }

    operator std::string_view() const noexcept { return text_; }

private:
    std::string made_;
    std::string_view text_;
};

} // namespace strandline::redis
