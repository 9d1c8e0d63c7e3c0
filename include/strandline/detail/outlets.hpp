#pragma once

#include <strandline/detail/outbox.hpp>
#include <strandline/detail/publication.hpp>

#include <memory>

namespace strandline::detail {

/// Where the events of a producer go. Never changes, so that any thread may ask.
class outlets
{
public:
    /// Throws `error` with `invalid_option`.
    outlets(broker_ptr broker, producer_options options);

    asio::any_io_executor const& get_executor() const noexcept { return box_->get_executor(); }

    /// The outbox of the event's stream; makes of the event what the producer's options say of that stream.
    std::shared_ptr<outbox> const& route(publication& what) const;

private:
    producer_options options_;
    std::shared_ptr<outbox> box_;
};

} // namespace strandline::detail
