#include "redis/option_limits.hpp"

#include <strandline/redis.hpp>

#include <boost/asio/ip/address_v6.hpp>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <vector>

namespace strandline {

namespace {

// A part of the URL that remembers where it stands in it.
class part
{
public:
    part(std::string_view url, std::size_t begin, std::size_t end) : url_(url), begin_(begin), end_(end) {}

    std::string_view text() const { return url_.substr(begin_, end_ - begin_); }

    bool empty() const { return begin_ == end_; }

    // The character of the URL at that byte of the part, counted from 1.
    std::size_t character(std::size_t at = 0) const
    {
        auto const continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
        auto const before = url_.substr(0, begin_ + at);
        return before.size() - static_cast<std::size_t>(std::ranges::count_if(before, continues)) + 1;
    }

    part first(std::size_t size) const { return {url_, begin_, begin_ + size}; }

    part after(std::size_t size) const { return {url_, begin_ + size, end_}; }

    // What stands before the first such character, or all of it.
    part before(char c) const { return first(std::min(text().find(c), text().size())); }

    // Its parts between such characters.
    std::vector<part> split(char c) const
    {
        std::vector<part> parts;
        auto rest = *this;
        for (;;) {
            parts.push_back(rest.before(c));
            auto const size = parts.back().text().size();
            if (size == rest.text().size())
                return parts;
            rest = rest.after(size + 1);
        }
    }

private:
    std::string_view url_;
    std::size_t begin_;
    std::size_t end_;
};

// What parse_redis_url throws to itself. The words are fixed texts: nothing of the URL is repeated, because
// where it is malformed any of it may be the password.
struct mistake
{
    std::string words;
};

[[noreturn]] void fail(part const& where, std::size_t at, std::string_view what)
{
    throw mistake{std::string(what) + ", at character " + std::to_string(where.character(at))};
}

[[noreturn]] void fail(part const& where, std::string_view what)
{
    fail(where, 0, what);
}

constexpr auto expected_scheme = "expected redis:, rediss:, redis+sentinel:, rediss+sentinel: or unix:";
constexpr auto expected_database = "the database must be a number from 0 to 2147483647";
constexpr auto expected_port = "the port must be a number from 1 to 65535";
constexpr auto must_be_coded =
    "in a user or password / ? # must be written %2F %3F %23, and @ in what follows %40";

std::string without_percent(part const& coded)
{
    auto const text = coded.text();
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i != text.size(); ++i) {
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        unsigned char byte = 0;
        auto const digits = text.substr(i + 1, 2);
        auto const [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), byte, 16);
        if (digits.size() != 2 || status != std::errc() || end != digits.data() + digits.size())
            fail(coded, i, "expected two hexadecimal digits after %");
        if (byte == 0)
            fail(coded, i, "a null character is not allowed");
        out += static_cast<char>(byte);
        i += 2;
    }
    return out;
}

std::optional<std::uint32_t> number_up_to(std::string_view text, std::uint32_t greatest)
{
    std::uint32_t number = 0;
    auto const [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status != std::errc() || end != text.data() + text.size() || number > greatest)
        return std::nullopt;
    return number;
}

std::uint32_t read_database(part const& database)
{
    auto const number = number_up_to(database.text(), redis::greatest_database);
    if (!number)
        fail(database, expected_database);
    return *number;
}

std::uint16_t read_port(part const& port)
{
    auto const number = number_up_to(port.text(), 65535);
    if (!number || *number == 0)
        fail(port, expected_port);
    return static_cast<std::uint16_t>(*number);
}

void read_credentials(part const& credentials, redis_options& options)
{
    auto const colon = credentials.text().find(':');
    if (colon == std::string_view::npos) {
        options.user = without_percent(credentials);
        return;
    }
    options.user = without_percent(credentials.first(colon));
    options.password = without_percent(credentials.after(colon + 1));
}

redis_address read_address(part const& where)
{
    redis_address address;
    auto const text = where.text();
    if (text.starts_with('[')) {
        auto const close = text.find(']');
        if (close == text.npos)
            fail(where, "expected a ] that closes the address");
        address.host = without_percent(where.first(close).after(1));
        boost::system::error_code invalid;
        boost::asio::ip::make_address_v6(address.host, invalid);
        if (invalid)
            fail(where, 1, "expected an IPv6 address in the brackets");
        auto const rest = where.after(close + 1);
        if (rest.text().starts_with(':'))
            address.port = read_port(rest.after(1));
        else if (!rest.empty())
            fail(rest, "expected a colon and the port, or nothing, after the address");
        return address;
    }

    auto const colon = text.find(':');
    if (colon != text.npos && text.find(':', colon + 1) != text.npos)
        fail(
            where, colon,
            "an IPv6 address must stand in brackets, and in a user or password : must be written %3A"
        );
    auto const host = where.before(':');
    if (host.empty())
        fail(host, "the host is missing");
    address.host = without_percent(host);
    if (colon != text.npos)
        address.port = read_port(where.after(colon + 1));
    return address;
}

// Splits off the user and the password at the last @, so that one that was not encoded does no harm.
part read_authority(part const& authority, redis_options& options)
{
    auto const at = authority.text().rfind('@');
    if (at == std::string_view::npos)
        return authority;
    read_credentials(authority.first(at), options);
    return authority.after(at + 1);
}

struct member
{
    std::string_view name;
    void (*read)(part const& value, redis_options& options);
};

template <auto Text>
constexpr auto to = [](part const& value, redis_options& options) { Text(options) = without_percent(value); };

constexpr member prefix{"prefix", to<[](redis_options& to) -> auto& { return to.key_prefix; }>};
constexpr member ca{"ca", to<[](redis_options& to) -> auto& { return to.tls_files.ca; }>};
constexpr member cert{"cert", to<[](redis_options& to) -> auto& { return to.tls_files.certificate; }>};
constexpr member key{"key", to<[](redis_options& to) -> auto& { return to.tls_files.key; }>};
constexpr member
    sentinel_user{"sentinel_user", to<[](redis_options& to) -> auto& { return to.sentinel.user; }>};
constexpr member sentinel_password{"sentinel_password", to<[](redis_options& to) -> auto& {
                                       return to.sentinel.password;
                                   }>};
constexpr member db{"db", [](part const& value, redis_options& options) {
                        options.database = read_database(value);
                    }};

// ?name=value&name=value, or nothing
void read_query(part const& query, std::initializer_list<member> known, redis_options& options)
{
    if (query.empty())
        return;
    if (query.text().starts_with('#'))
        fail(query, "# must be written %23");
    std::vector<std::string_view> seen;
    for (auto const& item : query.after(1).split('&')) {
        auto const name = item.before('=').text();
        auto const found = std::ranges::find(known, name, &member::name);
        if (found == known.end()) {
            std::string names;
            for (auto const& one : known)
                names.append(names.empty() ? "" : ", ").append(one.name);
            fail(item, "expected one of these with = and its value: " + names);
        }
        if (std::ranges::find(seen, name) != seen.end())
            fail(item, "this stands here for the second time");
        seen.push_back(name);
        if (item.text().size() <= name.size() + 1)
            fail(item, item.text().size(), "the value is missing");
        found->read(item.after(name.size() + 1), options);
    }
}

// [[user]:password@]host[:port][,host[:port]…], and what follows it
struct network
{
    std::vector<redis_address> addresses;
    // Begins with a / if there is any.
    part path;
    // Begins with a ? or # if there is any.
    part query;
};

network read_network(part const& rest, redis_options& options)
{
    if (!rest.text().starts_with("//"))
        fail(rest, "expected //");
    auto const hierarchy = rest.after(2);
    auto const text = hierarchy.text();
    auto const end = std::min(text.find_first_of("/?#"), text.size());
    if (text.find('@', end) != text.npos)
        fail(hierarchy, end, std::string("expected the host; ") + must_be_coded);

    auto const tail = hierarchy.after(end);
    auto const path_end = std::min(tail.text().find_first_of("?#"), tail.text().size());
    network found{{}, tail.first(path_end), tail.after(path_end)};
    for (auto const& address : read_authority(hierarchy.first(end), options).split(','))
        found.addresses.push_back(read_address(address));
    return found;
}

// redis://[[user]:password@]host[:port][,…][/database][?…]
void read_servers(part const& rest, redis_options& options)
{
    auto found = read_network(rest, options);
    options.addresses = std::move(found.addresses);
    if (found.path.text().size() > 1)
        options.database = read_database(found.path.after(1));
    if (options.tls)
        read_query(found.query, {prefix, ca, cert, key}, options);
    else
        read_query(found.query, {prefix}, options);
}

// redis+sentinel://[[user]:password@]host[:port][,…]/master[/database][?…]
void read_sentinels(part const& rest, redis_options& options)
{
    auto found = read_network(rest, options);
    options.sentinel.addresses = std::move(found.addresses);
    options.sentinel.tls = options.tls;
    if (found.path.text().size() < 2)
        fail(found.path, "expected / and the name of the master");
    auto const path = found.path.after(1);
    auto const master = path.before('/');
    if (master.empty())
        fail(master, "the name of the master is missing");
    options.sentinel.master = without_percent(master);
    auto const database = path.after(master.text().size());
    if (database.text().size() > 1)
        options.database = read_database(database.after(1));
    if (options.tls)
        read_query(found.query, {prefix, ca, cert, key, sentinel_user, sentinel_password}, options);
    else
        read_query(found.query, {prefix, sentinel_user, sentinel_password}, options);
}

// unix:[//[user]:password@]/path[?…]
void read_unix(part rest, redis_options& options)
{
    if (rest.text().starts_with("//")) {
        rest = rest.after(2);
        auto const slash = rest.text().find('/');
        if (slash == std::string_view::npos)
            fail(rest, rest.text().size(), "expected the socket's path, beginning with /");
        auto const host = read_authority(rest.first(slash), options);
        if (!host.empty())
            fail(host, "a socket has no host: expected its path, beginning with /");
        rest = rest.after(slash);
    }
    auto const text = rest.text();
    if (!text.starts_with('/'))
        fail(rest, "expected the socket's path, beginning with /");
    auto const end = std::min(text.find_first_of("?#"), text.size());
    if (text.find('@', end) != text.npos)
        fail(rest, end, std::string("expected the socket's path; ") + must_be_coded);
    if (end == 1)
        fail(rest, "the socket's path is missing");
    options.unix_socket = without_percent(rest.first(end));
    if (options.unix_socket.size() > redis::longest_unix_socket)
        fail(
            rest, "the socket's path is longer than " + std::to_string(redis::longest_unix_socket) + " bytes"
        );
    read_query(rest.after(end), {db, prefix}, options);
}

redis_options read_url(std::string_view url)
{
    part const whole(url, 0, url.size());
    if (url.empty())
        fail(whole, expected_scheme);
    auto const bad = [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == '\x7F'; };
    if (auto const found = std::ranges::find_if(url, bad); found != url.end())
        fail(
            whole, static_cast<std::size_t>(found - url.begin()),
            "spaces and control characters must be percent-encoded"
        );

    std::string scheme(url.substr(0, std::min(url.find(':'), url.size())));
    std::ranges::transform(scheme, scheme.begin(), [](char c) {
        return 'A' <= c && c <= 'Z' ? static_cast<char>(c + 32) : c;
    });
    if (scheme.size() == url.size())
        fail(whole, expected_scheme);
    auto const rest = whole.after(scheme.size() + 1);

    redis_options options;
    options.tls = scheme.starts_with("rediss");
    if (scheme == "redis" || scheme == "rediss")
        read_servers(rest, options);
    else if (scheme == "redis+sentinel" || scheme == "rediss+sentinel")
        read_sentinels(rest, options);
    else if (scheme == "unix")
        read_unix(rest, options);
    else
        fail(whole, expected_scheme);
    return options;
}

} // namespace

result<redis_options> parse_redis_url(std::string_view url)
{
    try {
        return read_url(url);
    }
    catch (mistake& found) {
        return failure(errc::invalid_url, std::move(found.words));
    }
}

} // namespace strandline
