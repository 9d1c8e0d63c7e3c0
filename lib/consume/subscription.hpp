#pragma once

#include <strandline/consumer_options.hpp>
#include <strandline/detail/handler.hpp>

#include <memory>
#include <string>

namespace strandline::consume {

/// A stream and what handles its entries.
struct subscription
{
    std::string stream;
    std::unique_ptr<detail::handler> handler;
    stream_options options;
};

} // namespace strandline::consume
