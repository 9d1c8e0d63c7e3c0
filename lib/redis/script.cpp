#include "redis/script.hpp"

#include "redis/scripts.hpp"

#include <openssl/evp.h>

#include <array>

namespace strandline::redis {

script::script(std::string_view text) : text_(text)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
    static constexpr std::string_view digits = "0123456789abcdef";
    for (unsigned int i = 0; i < size; ++i) {
        hash_ += digits[digest[i] >> 4];
        hash_ += digits[digest[i] & 15];
    }
}

std::span<script const> all_scripts()
{
    static std::array const all{script(scripts::append),    script(scripts::cancel_delayed),
                                script(scripts::claim),     script(scripts::inspect_delayed),
                                script(scripts::join),      script(scripts::leave),
                                script(scripts::lock),      script(scripts::may_listen),
                                script(scripts::promote),   script(scripts::remove_idle),
                                script(scripts::renew),     script(scripts::renew_lock),
                                script(scripts::set_aside), script(scripts::settle),
                                script(scripts::take),      script(scripts::unlock)};
    return all;
}

script const& append_script()
{
    return all_scripts()[0];
}

script const& cancel_delayed_script()
{
    return all_scripts()[1];
}

script const& claim_script()
{
    return all_scripts()[2];
}

script const& inspect_delayed_script()
{
    return all_scripts()[3];
}

script const& join_script()
{
    return all_scripts()[4];
}

script const& leave_script()
{
    return all_scripts()[5];
}

script const& lock_script()
{
    return all_scripts()[6];
}

script const& may_listen_script()
{
    return all_scripts()[7];
}

script const& promote_script()
{
    return all_scripts()[8];
}

script const& remove_idle_script()
{
    return all_scripts()[9];
}

script const& renew_script()
{
    return all_scripts()[10];
}

script const& renew_lock_script()
{
    return all_scripts()[11];
}

script const& set_aside_script()
{
    return all_scripts()[12];
}

script const& settle_script()
{
    return all_scripts()[13];
}

script const& take_script()
{
    return all_scripts()[14];
}

script const& unlock_script()
{
    return all_scripts()[15];
}

} // namespace strandline::redis
