#pragma once

#include <span>
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

script const& append_script();
script const& cancel_delayed_script();
script const& claim_script();
script const& inspect_delayed_script();
script const& join_script();
script const& leave_script();
script const& lock_script();
script const& may_listen_script();
script const& promote_script();
script const& remove_idle_script();
script const& renew_script();
script const& renew_lock_script();
script const& set_aside_script();
script const& settle_script();
script const& take_script();
script const& unlock_script();

/// All of them.
std::span<script const> all_scripts();

} // namespace strandline::redis
