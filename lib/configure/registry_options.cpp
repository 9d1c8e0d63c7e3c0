#include "configure/times.hpp"

#include <strandline/detail/quoted.hpp>
#include <strandline/detail/registry_mistake.hpp>
#include <strandline/names.hpp>

#include <fmt/format.h>

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace strandline {

namespace {

using detail::registry_mistake;
using detail::registry_place;

using found = std::optional<registry_mistake>;

failure empty_name()
{
    return {errc::invalid_name, "must not be empty"};
}

/// Goes through the options once, in their order, and remembers what was declared.
class search
{
public:
    found look_at(server_options const& server, std::size_t index)
    {
        registry_place const here{.server = index};
        if (auto wrong = check_name(server.name))
            return at(here, "name", std::move(wrong));
        if (server.url.empty())
            return at(here, "url", {errc::invalid_option, "must be set"});
        if (auto wrong = check_url(server.url))
            return at(here, "url", std::move(wrong));
        if (auto const time = server.times.connect_timeout)
            if (auto wrong = configure::check_connect_timeout(*time))
                return at(here, "times.connect_timeout", std::move(wrong));
        if (auto const time = server.times.health_check_interval)
            if (auto wrong = configure::check_health_check_interval(*time))
                return at(here, "times.health_check_interval", std::move(wrong));
        for (std::size_t i = 0; i != server.streams.size(); ++i) {
            registry_place const there{.server = index, .stream = i};
            if (auto mistake = look_at(server.streams[i], server.name, there))
                return mistake;
        }
        return {};
    }

private:
    static registry_mistake at(registry_place where, std::string_view member, failure what)
    {
        where.member = member;
        return {where, std::move(what)};
    }

    failure check_name(std::string_view name)
    {
        if (name.empty())
            return empty_name();
        if (!servers_.insert(name).second)
            return {errc::invalid_name, fmt::format("the server {} is declared already", quoted(name))};
        return {};
    }

    found look_at(stream_declaration const& stream, std::string_view server, registry_place where)
    {
        if (auto wrong = check_stream_name(stream.name))
            return registry_mistake{where, std::move(wrong)};
        if (auto const [earlier, is_new] = streams_.emplace(stream.name, server); !is_new)
            return registry_mistake{
                where,
                {errc::invalid_name, fmt::format(
                                         "the stream {} is declared already, on the server {}",
                                         quoted(stream.name), quoted(earlier->second)
                                     )}
            };
        std::unordered_set<std::string_view> groups;
        for (std::size_t i = 0; i != stream.groups.size(); ++i) {
            where.group = i;
            if (stream.groups[i].empty())
                return registry_mistake{where, empty_name()};
            if (!groups.insert(stream.groups[i]).second)
                return registry_mistake{
                    where,
                    {errc::invalid_name,
                     fmt::format("the group {} is declared already", quoted(stream.groups[i]))}
                };
        }
        return {};
    }

    static std::string quoted(std::string_view name) { return detail::quoted(name); }

    std::unordered_set<std::string_view> servers_;
    /// With the server's name.
    std::unordered_map<std::string_view, std::string_view> streams_;
};

std::string in_code(registry_place const& where)
{
    std::string out = "registry_options::servers";
    if (where.server)
        out += fmt::format("[{}]", *where.server);
    if (where.stream)
        out += fmt::format(".streams[{}]", *where.stream);
    if (where.group)
        return out + fmt::format(".groups[{}]", *where.group);
    if (where.stream)
        return out + ".name";
    if (!where.member.empty())
        out.append(".").append(where.member);
    return out;
}

} // namespace

std::optional<registry_mistake> detail::find_mistake(registry_options const& options)
{
    if (options.servers.empty())
        return registry_mistake{{}, {errc::invalid_option, "there must be a server"}};
    search going;
    for (std::size_t i = 0; i != options.servers.size(); ++i)
        if (auto mistake = going.look_at(options.servers[i], i))
            return mistake;
    return {};
}

failure validate(registry_options const& options)
{
    auto const mistake = detail::find_mistake(options);
    if (!mistake)
        return {};
    return {mistake->what.code(), fmt::format("{}: {}", in_code(mistake->where), mistake->what.words())};
}

} // namespace strandline
