// The parts of the hot paths, each by itself. See doc/benchmarks.md.

#include "consume/deadlines.hpp"
#include "consume/retry_queue.hpp"
#include "order.hpp"
#include "parts.hpp"
#include "redis/batch.hpp"

#include <strandline/codec.hpp>
#include <strandline/entry_id.hpp>

#include <benchmark/benchmark.h>

#include <array>
#include <chrono>
#include <vector>

namespace {

namespace consume = strandline::consume;
using clock_type = std::chrono::steady_clock;

void encode(benchmark::State& state)
{
    std::string out;
    for (auto _ : state)
        benchmark::DoNotOptimize(strandline::encode(bench::some_order, out));
}
BENCHMARK(encode);

void decode(benchmark::State& state)
{
    std::string json;
    (void)strandline::encode(bench::some_order, json);
    for (auto _ : state) {
        bench::order out;
        benchmark::DoNotOptimize(strandline::decode(json, out));
        benchmark::DoNotOptimize(out);
    }
}
BENCHMARK(decode);

void parse_id(benchmark::State& state)
{
    for (auto _ : state)
        benchmark::DoNotOptimize(strandline::entry_id::parse("1700000000000-4711"));
}
BENCHMARK(parse_id);

void write_id(benchmark::State& state)
{
    strandline::entry_id const id{1'700'000'000'000, 4711};
    std::array<char, strandline::entry_id::max_text> out;
    for (auto _ : state)
        benchmark::DoNotOptimize(id.to_chars(out.data()));
}
BENCHMARK(write_id);

/// Time for each entry.
void parse_batch(benchmark::State& state)
{
    auto const entries = static_cast<std::size_t>(state.range(0));
    auto const text = bench::read_answer(entries);
    std::array<std::string_view, 1> const streams{"orders"};
    std::vector<strandline::received> out;
    out.reserve(entries);
    while (state.KeepRunningBatch(state.range(0))) {
        out.clear();
        strandline::redis::read_reply reply(streams, text.size(), out);
        if (strandline::testing::wire::feed(reply, {text}) || out.size() != entries)
            state.SkipWithError("the answer was not understood");
    }
}
BENCHMARK(parse_batch)->Arg(1)->Arg(100)->Arg(500);

/// Time for each delivery, from the schedule through its handler.
void lane_hand_over(benchmark::State& state)
{
    bench::lanes_alone lanes;
    auto const batch = static_cast<std::size_t>(state.range(0));
    std::size_t passed = 0;
    while (state.KeepRunningBatch(state.range(0))) {
        passed += batch;
        if (lanes.pass(batch) != passed)
            state.SkipWithError("a delivery did not end");
    }
}
BENCHMARK(lane_hand_over)->Arg(1)->Arg(500);

/// One in and one out, beside so many that wait.
void retry_queue(benchmark::State& state)
{
    consume::retry_queue queue;
    auto due = clock_type::time_point();
    std::uint64_t number = 0;
    auto const push = [&] {
        consume::waiting one;
        one.due = due += std::chrono::milliseconds(1);
        one.ref.id.ms = ++number;
        queue.push(one);
    };
    for (std::int64_t i = 0; i != state.range(0); ++i)
        push();
    for (auto _ : state) {
        push();
        benchmark::DoNotOptimize(queue.pop_due(*queue.next_due(), 1));
    }
}
BENCHMARK(retry_queue)->Arg(10)->Arg(1'000)->Arg(100'000);

/// One set and cleared, among so many that run.
void deadline_list(benchmark::State& state)
{
    consume::deadlines list(std::chrono::seconds(3));
    std::vector<consume::deadlines::timed> running(static_cast<std::size_t>(state.range(0)));
    auto now = clock_type::now();
    for (auto& one : running)
        list.set(one, now);
    for (std::size_t next = 0; auto _ : state) {
        auto& one = running[next];
        consume::deadlines::clear(one);
        benchmark::DoNotOptimize(list.set(one, now += std::chrono::nanoseconds(100)));
        benchmark::DoNotOptimize(list.next());
        next = (next + 1) % running.size();
    }
}
BENCHMARK(deadline_list)->Arg(64)->Arg(10'000);

} // namespace

BENCHMARK_MAIN();
