#include "server.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace bench {

double redis_benchmark(std::uint16_t port, std::vector<std::string> const& arguments)
{
    auto command = fmt::format("redis-benchmark -h 127.0.0.1 -p {} --csv", port);
    for (auto const& argument : arguments)
        command += " '" + argument + "'";
    command += " 2>&1";
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> const output(::popen(command.c_str(), "r"), &::pclose);
    if (!output)
        throw std::runtime_error("redis-benchmark could not be started");
    std::string text;
    std::array<char, 4096> piece{};
    while (auto const size = std::fread(piece.data(), 1, piece.size(), output.get()))
        text.append(piece.data(), size);
    // A header, then "test","requests per second",…
    auto const row = text.find('\n');
    auto const figure = text.find("\",\"", row);
    if (row == std::string::npos || figure == std::string::npos)
        throw std::runtime_error("redis-benchmark: " + text);
    return std::strtod(text.c_str() + figure + 3, nullptr);
}

double redis_benchmark(
    std::uint16_t port, std::size_t pipeline, std::size_t requests, std::vector<std::string> const& command
)
{
    std::vector<std::string> arguments{"-P", std::to_string(pipeline), "-c", "1",
                                       "-n", std::to_string(requests)};
    arguments.insert(arguments.end(), command.begin(), command.end());
    return redis_benchmark(port, arguments);
}

void fresh_groups(
    redis_server const& server, std::vector<std::string> const& streams,
    std::vector<std::string> const& groups
)
{
    for (auto const& stream : streams)
        for (auto const& group : groups) {
            server.command({"XGROUP", "DESTROY", stream, group});
            server.command({"XGROUP", "CREATE", stream, group, "0", "MKSTREAM"});
        }
}

} // namespace bench
