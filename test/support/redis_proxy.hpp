#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace strandline::testing {

/// Stands between clients and a Redis server, on a free port of 127.0.0.1, and does to their connections what
/// networks do. It works on a thread of its own; its functions return when it is done.
class redis_proxy
{
public:
    /// The server's UNIX socket.
    explicit redis_proxy(std::string server);
    ~redis_proxy();

    redis_proxy(redis_proxy const&) = delete;
    redis_proxy& operator=(redis_proxy const&) = delete;

    std::uint16_t port() const noexcept { return port_; }

    /// Breaks the connections that there are.
    void cut();

    /// Breaks the connections once so many more bytes of replies have passed, over all of them; what comes
    /// before arrives. Over one of them part of a reply has, as a rule.
    void cut_after(std::size_t bytes);

    /// Whether a cut is yet to come.
    bool is_to_cut();

    /// What the two sides send each other over the present connections arrives no more: these are half-open.
    void hold_present();

    /// The same for what the clients send alone.
    void hold_requests();

    /// Nor what they send over new ones, which are accepted.
    void hold_all();

    /// What was held back arrives, also what a client sent that has given up meanwhile.
    void let_go();

    /// Over connections made from now on everything arrives so much later, each way; as much as ever is on
    /// its way at the same time.
    void delay_new(std::chrono::milliseconds each_way);

    /// Connections that were made so far.
    std::size_t connections();

    /// The most commands that clients sent within one second, since that moment.
    std::size_t busiest_second(std::chrono::steady_clock::time_point since);

    /// The most frequent commands since that moment, in words.
    std::string commands(std::chrono::steady_clock::time_point since);

private:
    struct state;

    void on_thread(std::function<void()> const& what);

    std::unique_ptr<state> state_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

} // namespace strandline::testing
