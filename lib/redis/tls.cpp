#include "redis/tls.hpp"

#include <strandline/detail/quoted.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/error.hpp>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

namespace strandline::redis {

namespace ssl = boost::asio::ssl;

namespace {

failure unusable(std::string_view member, std::string_view file, std::string_view why)
{
    return {
        errc::invalid_option, fmt::format(
                                  "redis_options::tls_files.{} cannot be used: {}: {}", member,
                                  strandline::detail::quoted(file), why
                              )
    };
}

failure read(std::string_view member, std::string const& file, std::string& text)
{
    if (file.empty())
        return {};
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    text = std::move(out).str();
    if (!text.empty())
        return {};
    // Of a folder nothing but the opening succeeds. And an empty file must not count as none: the system's
    // authorities would be trusted instead.
    return unusable(member, file, errno != 0 ? std::generic_category().message(errno) : "it is empty");
}

ssl::context make_empty()
{
    ssl::context context(ssl::context::tls_client);
    context.set_options(
        ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1
    );
    // OpenSSL would ask for an encrypted key's password at the terminal.
    context.set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); });
    return context;
}

error_code trust(ssl::context& context, std::string const& ca)
{
    error_code wrong;
    context.set_verify_mode(ssl::verify_peer);
    if (ca.empty())
        context.set_default_verify_paths(wrong);
    else
        context.add_certificate_authority(boost::asio::buffer(ca), wrong);
    return wrong;
}

error_code show_certificate(ssl::context& context, std::string const& certificate)
{
    error_code wrong;
    if (!certificate.empty())
        context.use_certificate_chain(boost::asio::buffer(certificate), wrong);
    return wrong;
}

/// After the certificate, whose key it must be.
error_code sign_with(ssl::context& context, std::string const& key)
{
    error_code wrong;
    if (key.empty())
        return wrong;
    context.use_private_key(boost::asio::buffer(key), ssl::context::pem, wrong);
    if (!wrong && ::SSL_CTX_check_private_key(context.native_handle()) != 1)
        wrong.assign(static_cast<int>(::ERR_get_error()), boost::asio::error::get_ssl_category());
    return wrong;
}

} // namespace

result<tls_identity> tls_identity::load(redis_options const& options)
{
    tls_identity made;
    made.is_used_ = options.tls || options.sentinel.tls;
    if (!made.is_used_)
        return made;
    auto const& files = options.tls_files;
    if (auto wrong = read("ca", files.ca, made.ca_))
        return wrong;
    if (auto wrong = read("certificate", files.certificate, made.certificate_))
        return wrong;
    if (auto wrong = read("key", files.key, made.key_))
        return wrong;

    auto context = make_empty();
    if (auto const wrong = trust(context, made.ca_))
        return unusable("ca", files.ca, wrong.message());
    if (auto const wrong = show_certificate(context, made.certificate_))
        return unusable("certificate", files.certificate, wrong.message());
    if (auto const wrong = sign_with(context, made.key_))
        return unusable("key", files.key, wrong.message());
    return made;
}

ssl::context tls_identity::make_context() const
{
    auto context = make_empty();
    if (is_used_) {
        // That all of it is in order was found when it was loaded.
        (void)trust(context, ca_);
        (void)show_certificate(context, certificate_);
        (void)sign_with(context, key_);
    }
    return context;
}

} // namespace strandline::redis
