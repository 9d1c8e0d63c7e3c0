#include "usage.hpp"

#include <malloc.h>
#include <sys/resource.h>

#include <charconv>
#include <cstdlib>
#include <new>
#include <string_view>

namespace bench {

namespace {

thread_local std::uint64_t counted_allocations = 0;

double seconds(timeval const& time)
{
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// The number behind each place where the label stands, added up.
double sum_after(std::string_view text, std::string_view label)
{
    double sum = 0;
    for (auto at = text.find(label); at != text.npos; at = text.find(label, at)) {
        at += label.size();
        double number = 0;
        std::from_chars(text.data() + at, text.data() + text.size(), number);
        sum += number;
    }
    return sum;
}

} // namespace

server_usage server_usage::of(strandline::testing::redis_server const& server)
{
    // cmdstat_xack:calls=3,usec=12,usec_per_call=4.00,rejected_calls=0,failed_calls=0
    auto const commands = server.command({"INFO", "commandstats"});
    auto const asking = [&](std::string_view name) {
        auto const line = commands.find(name);
        return line == commands.npos ? 0 : sum_after(commands.substr(line, 60), ":calls=");
    };
    server_usage usage;
    usage.commands = sum_after(commands, ":calls=") - asking("cmdstat_info");
    auto const cpu = server.command({"INFO", "cpu"});
    // Of the server itself, not of its threads or children.
    usage.cpu = sum_after(cpu, "used_cpu_sys:") + sum_after(cpu, "used_cpu_user:");
    return usage;
}

thread_usage thread_usage::now()
{
    rusage used{};
    ::getrusage(RUSAGE_THREAD, &used);
    return {
        seconds(used.ru_utime) + seconds(used.ru_stime), static_cast<double>(used.ru_nvcsw + used.ru_nivcsw),
        static_cast<double>(counted_allocations)
    };
}

std::int64_t heap_bytes() noexcept
{
    auto const info = ::mallinfo2();
    return static_cast<std::int64_t>(info.uordblks + info.hblkhd);
}

} // namespace bench

// The other forms end in these two; Asio asks the second one itself, for the frames of coroutines and what
// its operations keep.
void* operator new(std::size_t size)
{
    ++bench::counted_allocations;
    if (auto* const memory = std::malloc(size))
        return memory;
    throw std::bad_alloc();
}

extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept
{
    ++bench::counted_allocations;
    return ::memalign(alignment, size);
}

void operator delete(void* memory) noexcept
{
    std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept
{
    std::free(memory);
}
