#include "commands.hpp"
#include "confirmation.hpp"
#include "event_json.hpp"
#include "listing.hpp"
#include "option_values.hpp"

#include <strandline/delayed_events.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace strandline::tools {

namespace {

struct ls_options
{
    std::string stream;
    entry_id after = entry_id::min();
    std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
};

struct cancel_options
{
    std::string stream;
    std::vector<std::string> ids;
    confirmation confirmed;
};

asio::awaitable<void> ls(session& at, ls_options const& wanted)
{
    constexpr std::uint64_t page = 1'000;
    delayed_events const events(at.broker);
    listing table{"id", "due", "type", "key", "body"};
    auto after = wanted.after;
    for (auto left = wanted.count; left != 0;) {
        auto const count = static_cast<std::size_t>(std::min(left, page));
        auto const found = co_await events.async_list(wanted.stream, after, count);
        std::string lines;
        for (auto const& one : found) {
            boost::json::object thing{{"id", one.id.to_string()}, {"due", to_text(one.due())}};
            if (at.json) {
                thing["stream"] = wanted.stream;
                lines += event_line(std::move(thing), one.content);
            }
            else {
                add_texts(thing, one.content);
                table.add(std::move(thing));
            }
            after = one.id;
        }
        if (at.json)
            co_await at.out.write(lines);
        else
            co_await table.print(at);
        left = found.size() < count ? 0 : left - found.size();
    }
}

std::vector<entry_id> parse_ids(std::vector<std::string> const& texts)
{
    std::vector<entry_id> ids;
    ids.reserve(texts.size());
    for (auto const& text : texts)
        ids.push_back(entry_id::parse(text).value());
    return ids;
}

std::string describe(cancel_options const& wanted)
{
    return fmt::format(
        "cancel {} delayed event{} of the stream {}", wanted.ids.size(), wanted.ids.size() == 1 ? "" : "s",
        wanted.stream
    );
}

asio::awaitable<void> cancel(session& at, cancel_options const& wanted, std::vector<entry_id> ids)
{
    co_await wanted.confirmed.ask(at, describe(wanted));
    delayed_events const events(at.broker);
    std::size_t missing = 0;
    for (auto const id : ids) {
        auto const cancelled = co_await events.async_cancel(wanted.stream, id);
        missing += cancelled ? 0 : 1;
        auto line = id.to_string() + (cancelled ? " cancelled\n" : " not found\n");
        if (at.json)
            line = json_line({{"stream", wanted.stream}, {"id", id.to_string()}, {"cancelled", cancelled}});
        co_await at.out.write(line);
    }
    if (missing != 0)
        throw std::runtime_error(fmt::format("{} of {} not found: not delayed any more?", missing, ids.size())
        );
}

} // namespace

void add_delayed(command_tree& tree)
{
    auto& group = tree.add_group("delayed", "Look at events that are not due yet, and cancel them");

    auto const listing = std::make_shared<ls_options>();
    auto& ls_command = tree.add(
        group, "ls", "List the delayed events of a stream, in the order in which they are due",
        [listing](session& at) { return ls(at, *listing); }
    );
    add_stream_argument(ls_command, listing->stream);
    add_entry_id(ls_command, "--after", listing->after, "Only those behind this delayed id");
    add_count(ls_command, "--count", listing->count, "At most so many; default: all");

    auto const cancelling = std::make_shared<cancel_options>();
    auto& cancel_command =
        tree.add(group, "cancel", "Remove delayed events before they are due", [cancelling](session& at) {
            auto ids = parse_ids(cancelling->ids);
            cancelling->confirmed.check(describe(*cancelling));
            return cancel(at, *cancelling, std::move(ids));
        });
    cancel_command.footer("Prints what became of each. Fails when one was not found, after having tried all."
    );
    add_stream_argument(cancel_command, cancelling->stream);
    cancel_command.add_option("id", cancelling->ids, "Delayed ids, as publish and delayed ls print them")
        ->required()
        ->type_name("");
    cancelling->confirmed.add_to(cancel_command);
}

} // namespace strandline::tools
