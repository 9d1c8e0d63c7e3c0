#pragma once

#include "core/watchers.hpp"
#include "redis/connection.hpp"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace strandline::redis {

/// The channel on which is told that deliveries of a stream were released; a message names the group.
std::string hint_channel(std::uint32_t database, std::string_view stream);

/// Hints for this broker: subscribes to the channels of the streams that somebody watches, and again on each
/// new connection. Belongs to the strand.
///
/// On a connection of its own, which is made when there is something to listen to. Not with the subscriptions
/// that Boost.Redis restores: to it a channel that the user may not use any more is a handshake that fails,
/// for ever.
class hints final : public push_receiver, public std::enable_shared_from_this<hints>
{
public:
    /// `commands` is asked whether the user may subscribe, `own` listens.
    hints(std::shared_ptr<connection> commands, std::shared_ptr<connection> own, std::uint32_t database);

    std::unique_ptr<watching>
    watch(std::string_view stream, std::string_view group, std::function<void()> told);

    void close() { own_->close(); }

    /// Of either connection.
    void on_connected() override;

    void on_message(std::string_view channel, std::string_view message) override;

private:
    asio::awaitable<void> subscribe(std::shared_ptr<hints> self);
    asio::awaitable<void> subscribe_to(std::vector<std::string> wanted);
    void start_subscribing();

    std::shared_ptr<connection> commands_;
    std::shared_ptr<connection> own_;
    std::uint32_t database_;
    std::shared_ptr<watchers> watchers_;
    /// The channels dealt with since one of the connections was made, with or without success.
    std::set<std::string> asked_;
    bool is_subscribing_ = false;
};

} // namespace strandline::redis
