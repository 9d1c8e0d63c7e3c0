#include "support/certificates.hpp"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

namespace strandline::testing {

namespace fs = std::filesystem;

namespace {

constexpr long day = 24 * 60 * 60;

struct deleting
{
    void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    void operator()(X509* certificate) const { X509_free(certificate); }
    void operator()(BIO* file) const { BIO_free(file); }
};

using key_ptr = std::unique_ptr<EVP_PKEY, deleting>;
using certificate_ptr = std::unique_ptr<X509, deleting>;
using bio_ptr = std::unique_ptr<BIO, deleting>;

template <class T>
T check(T made)
{
    if (!made)
        throw std::runtime_error("OpenSSL cannot make a certificate");
    return made;
}

void add_extension(X509* to, int which, std::string const& text)
{
    auto* const extension = check(X509V3_EXT_conf_nid(nullptr, nullptr, which, text.c_str()));
    X509_add_ext(to, extension, -1);
    X509_EXTENSION_free(extension);
}

/// Without extensions and signature.
certificate_ptr make_certificate(EVP_PKEY* key, std::string const& name, long from, long to)
{
    static long serial = 0;
    certificate_ptr made(check(X509_new()));
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), from);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), to);
    X509_set_pubkey(made.get(), key);
    X509_NAME_add_entry_by_txt(
        X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
        reinterpret_cast<unsigned char const*>(name.c_str()), -1, -1, 0
    );
    return made;
}

key_ptr make_key()
{
    return key_ptr(check(EVP_EC_gen("P-256")));
}

void write(std::string const& file, X509* certificate)
{
    bio_ptr const out(check(BIO_new_file(file.c_str(), "w")));
    check(PEM_write_bio_X509(out.get(), certificate));
}

void write(std::string const& file, EVP_PKEY* key)
{
    bio_ptr const out(check(BIO_new_file(file.c_str(), "w")));
    check(PEM_write_bio_PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr));
}

} // namespace

temporary_folder::temporary_folder()
{
    auto pattern = (fs::temp_directory_path() / "strandline-test-XXXXXX").string();
    if (!::mkdtemp(pattern.data()))
        throw std::runtime_error("no temporary folder");
    path_ = pattern;
}

temporary_folder::~temporary_folder()
{
    std::error_code ignored;
    fs::remove_all(path_, ignored);
}

std::string temporary_folder::write(std::string const& name, std::string const& text) const
{
    auto file = (path_ / name).string();
    std::ofstream(file) << text;
    return file;
}

struct authority::made
{
    key_ptr key;
    certificate_ptr certificate;
};

authority::authority(temporary_folder const& folder, std::string name)
    : folder_(folder)
    , name_(std::move(name))
    , file_((folder.path() / (name_ + ".pem")).string())
    , own_(std::make_unique<made>())
{
    own_->key = make_key();
    own_->certificate = make_certificate(own_->key.get(), name_, -day, day);
    auto* const own = own_->certificate.get();
    X509_set_issuer_name(own, X509_get_subject_name(own));
    add_extension(own, NID_basic_constraints, "critical,CA:TRUE");
    check(X509_sign(own, own_->key.get(), EVP_sha256()));
    testing::write(file_, own);
}

authority::~authority() = default;

authority::identity authority::issue(std::string const& name, std::string const& whom) const
{
    return issue(name, whom, -day, day);
}

authority::identity authority::issue_expired(std::string const& name, std::string const& whom) const
{
    return issue(name, whom, -2 * day, -day);
}

authority::identity
authority::issue(std::string const& name, std::string const& whom, long from, long to) const
{
    auto const key = make_key();
    auto const certificate = make_certificate(key.get(), name, from, to);
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(own_->certificate.get()));
    add_extension(certificate.get(), NID_subject_alt_name, whom);
    check(X509_sign(certificate.get(), own_->key.get(), EVP_sha256()));
    auto const start = (folder_.path() / (name_ + "-" + name)).string();
    identity files{start + ".pem", start + ".key"};
    testing::write(files.certificate, certificate.get());
    testing::write(files.key, key.get());
    return files;
}

std::string authority::encrypt(std::string const& key, std::string const& password) const
{
    bio_ptr const in(check(BIO_new_file(key.c_str(), "r")));
    key_ptr const plain(check(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr)));
    auto file = key + ".encrypted";
    bio_ptr const out(check(BIO_new_file(file.c_str(), "w")));
    check(PEM_write_bio_PrivateKey(
        out.get(), plain.get(), EVP_aes_256_cbc(), reinterpret_cast<unsigned char const*>(password.data()),
        static_cast<int>(password.size()), nullptr, nullptr
    ));
    return file;
}

} // namespace strandline::testing
