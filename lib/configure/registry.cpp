#include <strandline/detail/quoted.hpp>
#include <strandline/registry.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <unordered_map>
#include <utility>

namespace strandline {

namespace {

/// What is known, for who asked for something else; cut where it is much.
std::string listed(std::vector<std::string_view> const& names)
{
    constexpr std::size_t most = 20;
    if (names.empty())
        return "none is declared";
    std::string out = "declared are ";
    for (std::size_t i = 0; i != std::min(most, names.size()); ++i)
        out.append(i == 0 ? "" : ", ").append(detail::quoted(names[i]));
    if (names.size() > most)
        out += fmt::format(" and {} more", names.size() - most);
    return out;
}

} // namespace

struct registry::state
{
    struct placed_stream
    {
        broker_ptr broker;
        stream_declaration const* declared;
    };

    std::vector<server> servers;
    /// Refers to the servers' streams.
    std::unordered_map<std::string_view, placed_stream> streams;

    result<placed_stream const*> find(std::string_view stream) const
    {
        if (auto const found = streams.find(stream); found != streams.end())
            return &found->second;
        std::vector<std::string_view> known;
        for (auto const& one : servers)
            std::ranges::transform(one.streams, std::back_inserter(known), &stream_declaration::name);
        return failure(
            errc::invalid_name,
            fmt::format("the stream {} is not in the registry; {}", detail::quoted(stream), listed(known))
        );
    }
};

registry::registry(asio::any_io_executor executor, registry_options options)
{
    if (auto invalid = validate(options))
        throw error(std::move(invalid));
    auto made = std::make_shared<state>();
    for (auto& one : options.servers) {
        failure why;
        auto broker = open(executor, one.url, one.times, why);
        if (why)
            throw error({why.code(), fmt::format("the server {}: {}", detail::quoted(one.name), why.words())}
            );
        made->servers.push_back({std::move(one.name), std::move(broker), std::move(one.streams)});
    }
    for (auto const& one : made->servers)
        for (auto const& stream : one.streams)
            made->streams.emplace(stream.name, state::placed_stream{one.broker, &stream});
    state_ = std::move(made);
}

result<broker_ptr> registry::broker_of(std::string_view stream) const
{
    auto const found = state_->find(stream);
    if (!found)
        return found.error();
    return (*found)->broker;
}

failure registry::check_group(std::string_view stream, std::string_view group) const
{
    auto const found = state_->find(stream);
    if (!found)
        return found.error();
    auto const& groups = (*found)->declared->groups;
    if (std::ranges::find(groups, group) != groups.end())
        return {};
    return {
        errc::invalid_name, fmt::format(
                                "the group {} is not declared for the stream {}; {}", detail::quoted(group),
                                detail::quoted(stream), listed({groups.begin(), groups.end()})
                            )
    };
}

std::span<registry::server const> registry::servers() const noexcept
{
    return state_->servers;
}

void registry::close() const
{
    for (auto const& one : state_->servers)
        one.broker->close();
}

} // namespace strandline
