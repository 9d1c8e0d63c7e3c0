#pragma once

#include <string>
#include <string_view>

namespace strandline::redis {

/// A Lua script of the library and the hash by which the server knows it.
class script
{
public:
    explicit script(std::string_view text);

    std::string_view text() const noexcept { return text_; }

    /// SHA-1 in hexadecimal digits, as EVALSHA takes it.
    std::string_view hash() const noexcept { return hash_; }

private:
    std::string_view text_;
    std::string hash_;
};

} // namespace strandline::redis
