#pragma once

#include <strandline/redis.hpp>

#include <boost/asio/ssl/context.hpp>

#include <string>

namespace strandline::redis {

/// Whom we trust and who we are: what the PEM files of the options held when the broker was made. So no
/// connection that is made later fails for a file that is just being replaced.
class tls_identity
{
public:
    /// Reads nothing where TLS is not asked for. Fails with `invalid_option`; the words name the member, the
    /// file and what OpenSSL says of it, and nothing of what is in it.
    static result<tls_identity> load(redis_options const& options);

    /// For one connection: the server must have a certificate of an authority that is trusted. Whether it is
    /// the right server's remains to be checked.
    boost::asio::ssl::context make_context() const;

private:
    bool is_used_ = false;
    std::string ca_;
    std::string certificate_;
    std::string key_;
};

} // namespace strandline::redis
