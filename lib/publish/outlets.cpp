#include <strandline/codec.hpp>
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
    if (auto const found = options_.streams.find(what.stream); found != options_.streams.end()) {
        auto const& of = found->second;
        what.keep = of.keep;
        if (of.format && !what.refused)
            what.refused =
                guarded(errc::not_encodable, [&] { return of.format->write(what.stream, what.event); });
    }
    return box_;
}

} // namespace strandline::detail
