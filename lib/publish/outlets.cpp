#include <strandline/detail/outlets.hpp>

#include <utility>

namespace strandline::detail {

outlets::outlets(broker_ptr broker, producer_options options) : options_(std::move(options))
{
    if (auto invalid = validate(options_))
        throw error(std::move(invalid));
    box_ = std::make_shared<outbox>(std::move(broker), options_);
}

std::shared_ptr<outbox> const& outlets::route(publication& what) const
{
    if (auto const of = options_.streams.find(what.stream); of != options_.streams.end())
        what.keep = of->second.keep;
    return box_;
}

} // namespace strandline::detail
