#include "commands.hpp"
#include "confirmation.hpp"
#include "exit_status.hpp"
#include "listing.hpp"
#include "option_values.hpp"

#include <strandline/trim.hpp>

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace strandline::tools {

namespace {

struct options
{
    std::string stream;
    retention keep;
    std::optional<std::chrono::milliseconds> age;
    confirmation confirmed;
};

std::string describe(options const& wanted)
{
    std::string what = "remove from the stream " + wanted.stream + " all events but ";
    if (wanted.keep.count != 0)
        what += fmt::format("the newest {}", wanted.keep.count);
    if (wanted.keep.count != 0 && wanted.keep.age.count() != 0)
        what += " of ";
    if (wanted.keep.age.count() != 0)
        what += fmt::format("those of the last {}", to_text(wanted.keep.age));
    return what;
}

asio::awaitable<void> trim(session& at, options const& wanted)
{
    co_await wanted.confirmed.ask(at, describe(wanted));
    auto const removed = co_await async_trim(at.broker, wanted.stream, wanted.keep);
    co_await at.out.write(
        at.json ? json_line({{"stream", wanted.stream}, {"removed", removed}}) : fmt::format("{}\n", removed)
    );
}

} // namespace

void add_trim(command_tree& tree)
{
    auto const wanted = std::make_shared<options>();
    auto& command = tree.add("trim", "Remove the oldest events of a stream", [wanted](session& at) {
        if (wanted->age && wanted->age->count() == 0)
            throw usage_error("--age: expected a time above 0");
        wanted->keep.age = wanted->age.value_or(std::chrono::milliseconds(0));
        if (wanted->keep == retention())
            throw usage_error("say what is to be kept: --count or --age");
        wanted->confirmed.check(describe(*wanted));
        return trim(at, *wanted);
    });
    command.footer("Prints how many were removed. What a group has not read or not settled goes, too.");
    add_stream_argument(command, wanted->stream);
    add_count(command, "--count", wanted->keep.count, "Keep only the newest so many");
    add_duration(command, "--age", wanted->age, "Keep only those that are no older");
    wanted->confirmed.add_to(command);
}

} // namespace strandline::tools
