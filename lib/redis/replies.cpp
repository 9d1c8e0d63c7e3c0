#include "redis/replies.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace strandline::redis {

failure server_failure(std::string_view reply)
{
    static constexpr std::array<std::pair<std::string_view, errc>, 16> known{{
        {"WRONGTYPE", errc::wrong_type},
        {"NOGROUP", errc::no_group},
        // What 7.0 answers a blocked reader whose stream or group was removed; later versions say NOGROUP.
        {"UNBLOCKED", errc::no_group},
        {"OOM", errc::out_of_memory},
        {"NOPERM", errc::not_permitted},
        {"LOADING", errc::unavailable},
        {"BUSY", errc::unavailable},
        {"MASTERDOWN", errc::unavailable},
        {"TRYAGAIN", errc::unavailable},
        {"CLUSTERDOWN", errc::unavailable},
        {"MISCONF", errc::unavailable},
        {"NOREPLICAS", errc::unavailable},
        {"WRONGPASS", errc::refused},
        {"NOAUTH", errc::refused},
        {"NOPROTO", errc::refused},
        // Of our own scripts.
        {"NAMETAKEN", errc::name_taken},
    }};
    // What a script was refused does not begin with NOPERM: on 7.0 the first, later the second.
    if (reply.find("The user executing the script can't") != reply.npos ||
        reply.find("ACL failure in script") != reply.npos)
        return {errc::not_permitted, std::string(reply)};
    if (tells_of_replica(reply))
        return {errc::unavailable, std::string(reply)};
    auto const word = reply.substr(0, reply.find(' '));
    auto const found = std::ranges::find(known, word, &std::pair<std::string_view, errc>::first);
    return {found == known.end() ? errc::server_error : found->second, std::string(reply)};
}

failure unexpected_reply(std::string_view command)
{
    return {errc::unexpected_reply, std::string(command) + " was answered in a shape that it does not have"};
}

void append_replies::on_node(resp3::node_view const& node)
{
    if (next_ >= items_.size() || node.depth != 0)
        return;
    auto& outcome = items_[next_]->outcome;
    if (is_error(node))
        outcome = server_failure(node.value);
    else if (auto const id = entry_id::parse(node.value); id && node.data_type == resp3::type::blob_string)
        outcome = *id;
    else
        outcome = unexpected_reply("XADD");
}

void node_replies::on_node(resp3::node_view const& node)
{
    nodes_.push_back({node.data_type, node.aggregate_size, node.depth, std::string(node.value)});
}

std::span<resp3::node const> node_replies::reply(std::size_t n) const
{
    if (n >= ends_.size())
        return {};
    auto const begin = n == 0 ? 0 : ends_[n - 1];
    return std::span(nodes_).subspan(begin, ends_[n] - begin);
}

failure node_replies::error(std::size_t n) const
{
    auto const nodes = reply(n);
    if (nodes.empty())
        return errc::unexpected_reply;
    auto const& first = nodes.front();
    if (first.data_type == resp3::type::simple_error || first.data_type == resp3::type::blob_error)
        return server_failure(first.value);
    return {};
}

resp3::node const* node_walk::take()
{
    if (nodes_.empty()) {
        ok_ = false;
        return nullptr;
    }
    auto const* node = &nodes_.front();
    nodes_ = nodes_.subspan(1);
    return node;
}

std::size_t node_walk::enter()
{
    auto const* node = take();
    if (!node || !is_aggregate(node->data_type)) {
        ok_ = false;
        return 0;
    }
    return node->aggregate_size * (node->data_type == resp3::type::map ? 2 : 1);
}

std::string_view node_walk::text()
{
    auto const* node = take();
    if (!node || is_aggregate(node->data_type)) {
        ok_ = false;
        return {};
    }
    return node->value;
}

std::uint64_t node_walk::number()
{
    auto const value = text();
    std::uint64_t number = 0;
    auto const [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size())
        ok_ = false;
    return number;
}

entry_id node_walk::id()
{
    auto const parsed = entry_id::parse(text());
    if (!parsed)
        ok_ = false;
    return parsed ? *parsed : entry_id{};
}

void node_walk::skip()
{
    auto const* node = take();
    if (!node || !is_aggregate(node->data_type))
        return;
    auto const inner =
        std::ranges::find_if(nodes_, [&](auto const& next) { return next.depth <= node->depth; });
    nodes_ = nodes_.subspan(static_cast<std::size_t>(inner - nodes_.begin()));
}

} // namespace strandline::redis
