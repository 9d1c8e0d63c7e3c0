#pragma once

#include <filesystem>
#include <memory>
#include <string>

namespace strandline::testing {

/// A folder for the files of one test, gone with this object.
class temporary_folder
{
public:
    temporary_folder();
    ~temporary_folder();

    temporary_folder(temporary_folder const&) = delete;
    temporary_folder& operator=(temporary_folder const&) = delete;

    std::filesystem::path const& path() const noexcept { return path_; }

    /// Writes a file and returns its path.
    std::string write(std::string const& name, std::string const& text) const;

private:
    std::filesystem::path path_;
};

/// An authority that gives out certificates, made for the test. Throws std::runtime_error.
class authority
{
public:
    /// Its files go into that folder, and begin with that name.
    authority(temporary_folder const& folder, std::string name);
    ~authority();

    authority(authority const&) = delete;
    authority& operator=(authority const&) = delete;

    /// PEM file of the authority's own certificate.
    std::string const& file() const noexcept { return file_; }

    /// PEM files of a certificate and of its key.
    struct identity
    {
        std::string certificate;
        std::string key;
    };

    /// For whom: "DNS:localhost,IP:127.0.0.1".
    identity issue(std::string const& name, std::string const& whom) const;

    /// The same, but it was good until yesterday.
    identity issue_expired(std::string const& name, std::string const& whom) const;

    /// The key of that file once more, in another file that the password protects.
    std::string encrypt(std::string const& key, std::string const& password) const;

private:
    struct made;

    identity issue(std::string const& name, std::string const& whom, long from, long to) const;

    temporary_folder const& folder_;
    std::string name_;
    std::string file_;
    std::unique_ptr<made> own_;
};

} // namespace strandline::testing
