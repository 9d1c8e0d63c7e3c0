#pragma once

#include "consume/lanes.hpp"
#include "consume/schedule.hpp"
#include "consume/subscription.hpp"
#include "redis/wire.hpp"

#include <strandline/memory.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <string>
#include <vector>

/// Parts of the hot paths with what they need around them, for measuring each by itself.
namespace bench {

/// What a server answers to XREADGROUP with so many entries of 100 bytes.
inline std::string read_answer(std::size_t entries)
{
    namespace wire = strandline::testing::wire;
    std::string const body(100, 'x');
    auto text = "%1\r\n" + wire::bulk("orders") + "*" + std::to_string(entries) + "\r\n";
    for (std::size_t i = 0; i != entries; ++i)
        text += wire::entry("1700000000000-" + std::to_string(i), {"body", body});
    return text;
}

/// The lanes of a consumer, with handlers that return at once and have a timeout.
class lanes_alone
{
public:
    lanes_alone()
    {
        subscriptions_.resize(1);
        auto handle = [](strandline::delivery const&) -> boost::asio::awaitable<void> { co_return; };
        subscriptions_[0].handler =
            std::make_unique<strandline::detail::raw_handler<decltype(handle)>>(handle);
    }

    ~lanes_alone()
    {
        lanes_.close();
        context_.run();
    }

    lanes_alone(lanes_alone const&) = delete;
    lanes_alone& operator=(lanes_alone const&) = delete;

    /// So many deliveries, from the schedule through their handlers. Returns how many have ended since the
    /// beginning.
    std::size_t pass(std::size_t deliveries)
    {
        for (std::size_t i = 0; i != deliveries; ++i)
            schedule_.push({{0, {1, i}}});
        lanes_.summon();
        context_.restart();
        context_.poll();
        return ended_;
    }

private:
    using functions = strandline::consume::lanes::functions;

    functions made_functions()
    {
        functions made;
        made.spawn = [this](boost::asio::awaitable<void> lane, boost::asio::cancellation_slot slot) {
            boost::asio::co_spawn(
                strand_, std::move(lane),
                boost::asio::bind_cancellation_slot(
                    slot,
                    [](std::exception_ptr thrown) {
                        if (thrown)
                            std::rethrow_exception(thrown);
                    }
                )
            );
        };
        made.wanting = [] {};
        made.ended = [this](strandline::consume::held&, strandline::consume::outcome&&) { ++ended_; };
        made.stuck = [](strandline::consume::held const&) {};
        made.quiet = [] {};
        made.alone_ended = [] {};
        return made;
    }

    boost::asio::io_context context_{1};
    boost::asio::any_io_executor strand_{context_.get_executor()};
    std::vector<strandline::consume::subscription> subscriptions_;
    strandline::consume::schedule schedule_{
        strandline::ordering::unordered, {[](strandline::consume::waiting) {}, [](std::size_t) {}}
    };
    strandline::consume::lanes lanes_{
        strand_, {64, std::chrono::seconds(3), {}}, schedule_, subscriptions_, made_functions()
    };
    std::size_t ended_ = 0;
};

} // namespace bench
