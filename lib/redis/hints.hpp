#pragma once

#include "core/watchers.hpp"
#include "redis/connection.hpp"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>

namespace strandline::redis {

/// The channel on which is told that deliveries of a stream were released; a message names the group.
std::string hint_channel(std::uint32_t database, std::string_view stream);

/// Hints for this broker: subscribes to the channels of the streams that somebody watches, and again on each
/// new connection. Belongs to the strand.
///
/// Not with the subscriptions that Boost.Redis restores: to it a channel that the user may not use any more
/// is a handshake that fails, for ever. A channel is never given up before its connection is.
class hints final : public push_receiver, public std::enable_shared_from_this<hints>
{
public:
    hints(std::shared_ptr<connection> connected, std::uint32_t database);

    std::unique_ptr<watching>
    watch(std::string_view stream, std::string_view group, std::function<void()> told);

    void on_connected() override;

    void on_message(std::string_view channel, std::string_view message) override;

private:
    asio::awaitable<void> subscribe();
    void start_subscribing();

    std::shared_ptr<connection> connection_;
    std::uint32_t database_;
    std::shared_ptr<watchers> watchers_;
    /// The channels asked for on this connection, with or without success.
    std::set<std::string> asked_;
    bool is_subscribing_ = false;
};

} // namespace strandline::redis
