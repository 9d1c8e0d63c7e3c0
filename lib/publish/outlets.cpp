#include <strandline/codec.hpp>
#include <strandline/detail/outlets.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace strandline::detail {

outlets::outlets(broker_ptr broker, producer_options options) : options_(std::move(options))
{
    validate_options();
    boxes_.push_back(std::make_shared<outbox>(std::move(broker), options_));
}

outlets::outlets(registry from, producer_options options)
    : options_(std::move(options))
    , registry_(std::move(from))
{
    validate_options();
    for (auto const& server : registry_->servers())
        boxes_.push_back(std::make_shared<outbox>(server.broker, options_));
}

void outlets::validate_options() const
{
    if (auto invalid = validate(options_))
        throw error(std::move(invalid));
    if (!registry_)
        return;
    for (auto const& [stream, ignored] : options_.streams)
        if (auto const found = registry_->broker_of(stream); !found)
            throw error(
                {errc::invalid_option, fmt::format("producer_options::streams: {}", found.error().words())}
            );
}

std::shared_ptr<outbox> const& outlets::route(publication& what) const
{
    if (auto const found = options_.streams.find(what.stream); found != options_.streams.end()) {
        auto const& of = found->second;
        what.keep = of.keep;
        if (of.format && !what.refused)
            what.refused =
                guarded(errc::not_encodable, [&] { return of.format->write(what.stream, what.event); });
    }
    if (!registry_)
        return boxes_.front();
    auto const broker = registry_->broker_of(what.stream);
    if (!broker) {
        if (!what.refused)
            what.refused = broker.error();
        return boxes_.front();
    }
    auto const servers = registry_->servers();
    auto const place = std::ranges::find(servers, *broker, &registry::server::broker);
    return boxes_[static_cast<std::size_t>(place - servers.begin())];
}

} // namespace strandline::detail
