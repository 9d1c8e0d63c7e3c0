#pragma once

#include <strandline/detail/outbox.hpp>
#include <strandline/detail/publication.hpp>
#include <strandline/registry.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace strandline::detail {

/// Where the events of a producer go. Never changes, so that any thread may ask.
class outlets
{
public:
    /// Throws `error` with `invalid_option`.
    outlets(broker_ptr broker, producer_options options);

    /// An outbox for each server. Throws also for options of streams that the registry does not have.
    outlets(registry from, producer_options options);

    asio::any_io_executor const& get_executor() const noexcept { return boxes_.front()->get_executor(); }

    /// The outbox of the event's stream; makes of the event what the producer's options say of that stream.
    /// An event for a stream that the registry does not have is refused.
    std::shared_ptr<outbox> const& route(publication& what) const;

private:
    void validate_options() const;

    producer_options options_;
    /// Nothing: all streams are the one broker's.
    std::optional<registry> registry_;
    /// As the registry's servers.
    std::vector<std::shared_ptr<outbox>> boxes_;
};

} // namespace strandline::detail
