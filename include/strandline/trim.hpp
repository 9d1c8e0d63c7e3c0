#pragma once

#include <strandline/broker.hpp>
#include <strandline/detail/async_on_strand.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace strandline {

namespace detail {

asio::awaitable<result<std::uint64_t>> trim(broker& of, std::string_view stream, retention keep);

}

/// Removes from a stream, once, what is beyond the limits, whether somebody has read it or not: entries that
/// are pending are lost for their groups, too. In steps, where very much has to go, so that the server serves
/// others meanwhile.
///
/// Handler signature: `void(failure, std::uint64_t)`; the number tells how many were removed, 0 where there
/// is no such stream.
///
/// Errors: `invalid_name`, `invalid_option`, `wrong_type`, `not_permitted`, `unavailable`, `server_error`,
/// `connection_lost`, `unreachable`, `refused`, `closed`; some may have been removed then. Cancellation:
/// none. May be called from any thread.
template <asio::completion_token_for<void(failure, std::uint64_t)> Token = asio::deferred_t>
auto async_trim(broker_ptr const& of, std::string_view stream, retention keep, Token&& token = {})
{
    return detail::async_on_strand<std::uint64_t>(
        of,
        [stream = std::string(stream), keep](broker& engine) { return detail::trim(engine, stream, keep); },
        std::forward<Token>(token)
    );
}

} // namespace strandline
