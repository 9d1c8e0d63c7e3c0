#include "redis/greeting.hpp"

#include <strandline/detail/quoted.hpp>

#include <string_view>

namespace strandline::redis {

namespace {

void push_hello(boost::redis::request& to, std::string_view user, std::string_view password)
{
    // Waits for the connection to be made, unlike everything else.
    to.get_config().cancel_on_connection_lost = true;
    if (user.empty() && password.empty())
        to.push("HELLO", "3", "SETNAME", "strandline");
    else
        to.push(
            "HELLO", "3", "AUTH", user.empty() ? std::string_view("default") : user, password, "SETNAME",
            "strandline"
        );
}

/// The server's words without the password: one that does not know HELLO repeats what stood behind it.
std::string without_password(std::string_view reply, std::string_view password)
{
    std::string words(reply.substr(0, reply.find(", with args beginning with")));
    if (!password.empty())
        for (auto at = words.find(password); at != words.npos; at = words.find(password, at + 1))
            words.replace(at, password.size(), "*");
    return words;
}

failure refusal(node_replies const& replies, std::size_t command, std::string_view password)
{
    auto const why = replies.error(command);
    if (!why)
        return why;
    auto const code = why == errc::unavailable ? errc::unavailable : errc::refused;
    return {code, without_password(why.words(), password)};
}

} // namespace

greeting::greeting(redis_options const& options)
    : password_(options.password)
    , sentinel_password_(options.sentinel.password)
    , master_name_(options.sentinel.master)
    , asks_role_(!options.sentinel.addresses.empty())
{
    push_hello(to_server_, options.user, options.password);
    if (options.database != 0)
        to_server_.push("SELECT", options.database);
    if (asks_role_)
        to_server_.push("ROLE");
    to_server_.push("CLIENT", "ID");

    push_hello(to_sentinel_, options.sentinel.user, options.sentinel.password);
    to_sentinel_.push("SENTINEL", "GET-MASTER-ADDR-BY-NAME", master_name_);
}

failure greeting::judge(node_replies const& of_server) const
{
    // All but CLIENT ID must succeed; that one may be forbidden to the user and is done without.
    auto const needed = to_server_.get_expected_responses() - 1;
    for (std::size_t command = 0; command < needed; ++command)
        if (auto why = refusal(of_server, command, password_))
            return why;
    if (!asks_role_)
        return {};
    node_walk role(of_server.reply(needed - 1));
    role.enter();
    if (role.text() != "master")
        return {errc::unreachable, "it is not the master"};
    return {};
}

std::optional<std::uint64_t> greeting::client_id(node_replies const& of_server) const
{
    auto const last = to_server_.get_expected_responses() - 1;
    if (of_server.error(last))
        return std::nullopt;
    return node_walk(of_server.reply(last)).number();
}

result<redis_address> greeting::master(node_replies const& of_sentinel) const
{
    for (std::size_t command = 0; command != 2; ++command)
        if (auto why = refusal(of_sentinel, command, sentinel_password_))
            return why;
    node_walk walk(of_sentinel.reply(1));
    if (walk.next_is_null())
        return failure(errc::unreachable, "it knows no master " + detail::quoted(master_name_));
    walk.enter();
    redis_address master;
    master.host = walk.text();
    auto const port = walk.number();
    master.port = static_cast<std::uint16_t>(port);
    if (!walk.ok() || port == 0 || port != master.port)
        return unexpected_reply("SENTINEL GET-MASTER-ADDR-BY-NAME");
    return master;
}

} // namespace strandline::redis
