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
    static std::array const all{script(scripts::claim),      script(scripts::join),
                                script(scripts::leave),      script(scripts::lock),
                                script(scripts::may_listen), script(scripts::remove_idle),
                                script(scripts::renew),      script(scripts::renew_lock),
                                script(scripts::settle),     script(scripts::take),
                                script(scripts::unlock)};
    return all;
}

script const& claim_script()
{
    return all_scripts()[0];
}

script const& join_script()
{
    return all_scripts()[1];
}

script const& leave_script()
{
    return all_scripts()[2];
}

script const& lock_script()
{
    return all_scripts()[3];
}

script const& may_listen_script()
{
    return all_scripts()[4];
}

script const& remove_idle_script()
{
    return all_scripts()[5];
}

script const& renew_script()
{
    return all_scripts()[6];
}

script const& renew_lock_script()
{
    return all_scripts()[7];
}

script const& settle_script()
{
    return all_scripts()[8];
}

script const& take_script()
{
    return all_scripts()[9];
}

script const& unlock_script()
{
    return all_scripts()[10];
}

} // namespace strandline::redis
