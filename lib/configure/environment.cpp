#include "configure/times.hpp"

#include <strandline/detail/duration.hpp>
#include <strandline/environment.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace strandline {

namespace {

bool is_digit(char c)
{
    return '0' <= c && c <= '9';
}

std::string percent_encoded(std::string_view text)
{
    std::string out;
    for (char const c : text) {
        auto const is_plain = is_digit(c) || ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || c == '-' ||
                              c == '.' || c == '_' || c == '~';
        if (is_plain)
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

bool is_host(std::string_view text)
{
    return text.find_first_of("@/?#") == text.npos && !check_url("redis://" + std::string(text));
}

bool are_hosts(std::string_view text)
{
    for (;;) {
        auto const comma = text.find(',');
        if (!is_host(text.substr(0, comma)))
            return false;
        if (comma == text.npos)
            return true;
        text.remove_prefix(comma + 1);
    }
}

/// The variables with one prefix. What is wrong with one is thrown, as a failure that names it.
class variables
{
public:
    variables(std::string_view prefix, environment const& look_up) : prefix_(prefix), look_up_(look_up) {}

    std::string get(std::string_view name) const { return look_up_(full(name)).value_or(""); }

    std::string url() const
    {
        auto url = get("URL");
        if (url.empty())
            return url_of_parts();
        if (auto const why = check_url(url))
            fail("URL", why);
        return url;
    }

    std::optional<std::chrono::milliseconds>
    time(std::string_view name, failure (*check)(std::chrono::milliseconds)) const
    {
        auto const text = get(name);
        if (text.empty())
            return {};
        auto const parsed = detail::parse_duration(text);
        if (!parsed)
            fail(name, parsed.error());
        if (auto const why = check(*parsed))
            fail(name, why);
        return *parsed;
    }

private:
    std::string full(std::string_view name) const { return fmt::format("{}_{}", prefix_, name); }

    [[noreturn]] void fail(std::string_view name, failure const& why) const
    {
        throw failure(why.code(), fmt::format("{}: {}", full(name), why.words()));
    }

    std::string url_of_parts() const
    {
        auto hosts = get("HOSTS");
        if (hosts.empty())
            fail("URL", {errc::invalid_option, fmt::format("must be set, or {}", full("HOSTS"))});
        std::erase(hosts, ' ');
        if (!are_hosts(hosts))
            fail("HOSTS", {errc::invalid_option, "expected host or host:port, several separated by commas"});
        auto const database = get("DATABASE");
        if (!std::ranges::all_of(database, is_digit) || check_url("redis://localhost/" + database))
            fail("DATABASE", {errc::invalid_option, "expected the number of a database"});

        std::string credentials = percent_encoded(get("USER"));
        if (auto const password = get("PASSWORD"); !password.empty())
            credentials += ":" + percent_encoded(password);
        if (!credentials.empty())
            credentials += "@";
        return fmt::format("redis://{}{}{}{}", credentials, hosts, database.empty() ? "" : "/", database);
    }

    std::string_view prefix_;
    environment const& look_up_;
};

} // namespace

std::optional<std::string> process_environment(std::string const& name)
{
    auto const* const value = std::getenv(name.c_str());
    return value ? std::optional<std::string>(value) : std::nullopt;
}

result<server_options> server_from_environment(std::string_view prefix, environment const& look_up)
{
    if (prefix.empty())
        return failure(errc::invalid_option, "the prefix of the variables must not be empty");
    variables const all(prefix, look_up);
    try {
        server_options server;
        server.name = prefix;
        server.url = all.url();
        server.times.connect_timeout = all.time("CONNECT_TIMEOUT", configure::check_connect_timeout);
        server.times.health_check_interval =
            all.time("HEALTH_CHECK_INTERVAL", configure::check_health_check_interval);
        return server;
    }
    catch (failure& why) {
        return std::move(why);
    }
}

} // namespace strandline
