// Fixed work, of which callgrind counts the instructions: `instructions NAME` does one piece of it, and
// without a name tells which there are. What `counted` calls is what counts; see scripts/instructions.

#include "consume/deadlines.hpp"
#include "order.hpp"
#include "parts.hpp"
#include "publish.hpp"
#include "redis/batch.hpp"
#include "timed.hpp"

#include <strandline/codec.hpp>
#include <strandline/consumer.hpp>
#include <strandline/memory.hpp>

#include <array>
#include <iostream>
#include <stdexcept>
#include <string_view>

// With a plain name, which callgrind is told.
extern "C" __attribute__((noinline)) void counted(void (*work)())
{
    work();
    // The call must not be the last thing, or it is none.
    asm volatile("");
}

namespace {

using namespace bench;

constexpr std::size_t events = 25'600;

void check(bool is_so)
{
    if (!is_so)
        throw std::runtime_error("the work went wrong");
}

void encode()
{
    std::string out;
    for (std::size_t i = 0; i != events; ++i)
        check(!strandline::encode(some_order, out));
}

void decode()
{
    std::string json;
    check(!strandline::encode(some_order, json));
    for (std::size_t i = 0; i != events; ++i) {
        order out;
        check(!strandline::decode(json, out));
    }
}

void parse_batches()
{
    auto const text = read_answer(512);
    std::array<std::string_view, 1> const streams{"orders"};
    std::vector<strandline::received> out;
    for (std::size_t i = 0; i != events; i += 512) {
        out.clear();
        strandline::redis::read_reply reply(streams, text.size(), out);
        check(!strandline::testing::wire::feed(reply, {text}) && out.size() == 512);
    }
}

void pass_lanes()
{
    lanes_alone lanes;
    for (std::size_t i = 512; i <= events; i += 512)
        check(lanes.pass(512) == i);
}

boost::asio::awaitable<void> handle_all(strandline::broker_ptr broker)
{
    strandline::consumer_options options;
    options.group = "g";
    options.handler_timeout = std::chrono::seconds(3);
    strandline::consumer consumer{std::move(broker), options};
    std::size_t count = 0;
    consumer.on<order>("s", [&](order const&) -> boost::asio::awaitable<void> {
        if (++count == events)
            consumer.stop();
        co_return;
    });
    check((co_await consumer.async_run()).handled == events);
}

/// Published, decoded, handled with a timeout and acknowledged.
void through_memory()
{
    timed(events, [&](boost::asio::io_context& context) {
        auto broker = strandline::make_memory_broker(context.get_executor());
        auto const strand = broker->get_executor();
        boost::asio::co_spawn(strand, handle_all(broker), rethrow);
        boost::asio::co_spawn(strand, publish(std::move(broker), {"s"}, some_order, events), rethrow);
    });
}

struct work
{
    std::string_view name;
    void (*run)();
};

constexpr std::array all{
    work{"encode", encode}, work{"decode", decode}, work{"parse-batches", parse_batches},
    work{"lanes", pass_lanes}, work{"memory", through_memory}
};

} // namespace

int main(int argc, char** argv)
{
    try {
        for (auto const& [name, run] : all)
            if (argc < 2)
                std::cout << name << '\n';
            else if (name == argv[1]) {
                counted(run);
                return 0;
            }
        return argc < 2 ? 0 : 2;
    }
    catch (std::exception const& thrown) {
        std::cerr << thrown.what() << '\n';
        return 1;
    }
}
