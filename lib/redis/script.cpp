#include "redis/script.hpp"

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

} // namespace strandline::redis
