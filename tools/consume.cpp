#include "commands.hpp"
#include "event_json.hpp"
#include "exec.hpp"
#include "listing.hpp"
#include "option_values.hpp"
#include "standard_error.hpp"

#include <strandline/consumer.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/scope/scope_exit.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <exception>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace strandline::tools {

namespace {

struct options
{
    std::vector<std::string> streams;
    consumer_options consuming;
    std::optional<std::size_t> concurrency;
    std::optional<std::size_t> read_count;
    std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
    std::string command;
    std::chrono::milliseconds retry_after = retry_options().longest;
    std::chrono::milliseconds grace = default_grace;
    bool drain = false;
    bool ack_none = false;
};

/// One that no other process has, and that tells somebody who looks where it runs.
std::string make_name()
{
    char host[256] = "";
    ::gethostname(host, sizeof host - 1);
    return fmt::format("{}-{}-{:08x}", host, ::getpid(), std::random_device{}());
}

/// The report's members, by their names.
std::vector<std::pair<std::string_view, std::uint64_t>> members_of(consume_report const& report)
{
    return {{"handled", report.handled},    {"retried", report.retried},   {"dead", report.dead},
            {"dropped", report.dropped},    {"released", report.released}, {"cancelled", report.cancelled},
            {"stuck", report.stuck},        {"gone", report.gone},         {"lost", report.lost},
            {"unsettled", report.unsettled}};
}

void print(consume_report const& report, bool json)
{
    std::string text;
    boost::json::object object;
    for (auto const& [name, count] : members_of(report)) {
        object[name] = count;
        if (count != 0 || name == "handled")
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, count);
    }
    json ? write_error(json_line(object)) : tell(text);
}

/// What the consumer gets of the options. Throws `error` with what is wrong with them.
consumer_options consumer_options_of(options const& wanted)
{
    // A shell's command is no coroutine: fewer at the same time, and not more held than will soon be run.
    constexpr std::size_t commands = 8;

    auto made = wanted.consuming;
    if (wanted.ack_none) // each that is looked at is held
        made.max_concurrency = static_cast<std::size_t>(std::min<std::uint64_t>(wanted.count, 100'000));
    else
        made.max_concurrency =
            wanted.concurrency.value_or(wanted.command.empty() ? made.max_concurrency : commands);
    auto const enough = wanted.command.empty() ? made.max_in_flight : 2 * made.max_concurrency;
    made.max_in_flight = std::max(
        made.max_concurrency, static_cast<std::size_t>(std::min<std::uint64_t>(wanted.count, enough))
    );
    made.read_count = wanted.read_count.value_or(std::min(made.read_count, made.max_in_flight));
    // A lease that is too short is what is to be said, and not that this is.
    made.claim_interval = std::clamp(made.lease, std::chrono::milliseconds(10), made.claim_interval);
    made.on_error = [](failure const& why) { tell(why.message()); };
    if (auto why = validate(made))
        throw error(why);
    return made;
}

/// One run of the command. Kept by what it waits for.
class consumption : public std::enable_shared_from_this<consumption>
{
public:
    consumption(session& at, options const& wanted)
        : at_(at)
        , wanted_(wanted)
        , exec_{wanted.command, wanted.consuming.group, wanted.retry_after}
        , consumer_(at.broker, consumer_options_of(wanted))
        , signals_(at.broker->get_executor(), SIGINT, SIGTERM)
        , changed_(at.broker->get_executor(), asio::steady_timer::time_point::max())
    {
        for (auto const& stream : wanted.streams)
            consumer_.on(stream, [this](delivery const& what) { return handle(what); });
    }

    asio::awaitable<void> run()
    {
        wait_for_signal();
        auto const end = wanted_.drain ? co_await consumer_.async_drain(asio::as_tuple)
                                       : co_await consumer_.async_run(asio::as_tuple);
        signals_.cancel();
        // Those that were told to end and took their time.
        while (running_ != 0)
            co_await changed_.async_wait(asio::as_tuple);
        auto const& [why, report] = end;
        print(report, at_.json);
        if (broken_)
            throw error(broken_);
        if (why)
            throw error(why);
        if (report.unsettled != 0)
            throw std::runtime_error(fmt::format(
                "the server was not told of the end of {} deliveries; they will come again", report.unsettled
            ));
    }

private:
    /// The first signal lets what runs come to its end, the second does not, the third is not for us.
    void wait_for_signal()
    {
        signals_.async_wait([self = shared_from_this()](error_code cancelled, int) {
            if (cancelled)
                return;
            if (std::exchange(self->is_stopping_, true)) {
                self->consumer_.stop(std::chrono::milliseconds(0));
                self->signals_.clear();
            }
            else {
                self->consumer_.stop(self->wanted_.grace);
                self->wait_for_signal();
            }
        });
    }

    asio::awaitable<void> handle(delivery const& what)
    {
        ++running_;
        boost::scope::scope_exit const left([this] {
            --running_;
            changed_.cancel();
        });

        // As many as are wanted are under way or done: one of these may fail, else the stop is near.
        while (taken_ == wanted_.count)
            co_await changed_.async_wait(asio::as_tuple);
        ++taken_;
        try {
            if (wanted_.command.empty())
                co_await print_line(what);
            else
                co_await exec_.handle(at_.broker->get_executor(), what);
        }
        catch (...) {
            --taken_;
            throw;
        }
        // It is acknowledged as soon as this returns, before the stop is looked at.
        if (++handled_ == wanted_.count)
            consumer_.stop(std::chrono::milliseconds(0));
        if (wanted_.ack_none)
            co_await until_cancelled();
    }

    asio::awaitable<void> print_line(delivery const& what)
    {
        boost::json::object about{
            {"stream", what.stream()},
            {"id", what.id().to_string()},
            {"group", wanted_.consuming.group},
            {"consumer", wanted_.consuming.name},
            {"attempt", what.attempt()}
        };
        try {
            co_await at_.out.write(event_line(std::move(about), {what.body(), what.headers()}));
        }
        catch (error const& thrown) {
            // It is our failure and not the delivery's: it is handed back, with no attempt counted.
            broken_ = thrown.cause();
            consumer_.stop(std::chrono::milliseconds(0));
        }
        if (broken_)
            co_await until_cancelled();
    }

    /// The next wait after a cancellation throws.
    asio::awaitable<void> until_cancelled()
    {
        for (;;)
            co_await changed_.async_wait(asio::as_tuple);
    }

    session& at_;
    options const& wanted_;
    exec exec_;
    consumer consumer_;
    asio::signal_set signals_;
    /// Cancelled when a handler has ended.
    asio::steady_timer changed_;
    bool is_stopping_ = false;
    /// Handlers that have not returned.
    std::size_t running_ = 0;
    /// Of the wanted count, by handlers that have succeeded or may.
    std::uint64_t taken_ = 0;
    std::uint64_t handled_ = 0;
    failure broken_;
};

/// Other failures pass, and a stream that does not exist may come; this one a consumer would tell again and
/// again, also one that drains.
asio::awaitable<void> check_types(session& at, std::vector<std::string> const& streams)
{
    for (auto const& stream : streams)
        if (auto const seen = co_await at.broker->inspect_stream(stream);
            !seen && seen.error() == errc::wrong_type)
            throw error({errc::wrong_type, fmt::format("stream {}: {}", stream, seen.error().words())});
}

asio::awaitable<void> consume(session& at, options const& wanted)
{
    co_await check_types(at, wanted.streams);
    auto const running = std::make_shared<consumption>(at, wanted);
    co_await running->run();
}

} // namespace

void add_consume(command_tree& tree)
{
    auto const wanted = std::make_shared<options>();
    auto& consuming = wanted->consuming;
    auto& command = tree.add("consume", "Handle the events of streams in a group", [wanted](session& at) {
        if (wanted->consuming.name.empty())
            wanted->consuming.name = make_name();
        consumer_options_of(*wanted); // throws if they make no sense
        return consume(at, *wanted);
    });
    command.add_option("stream", wanted->streams, "The streams; one that does not exist is waited for")
        ->required()
        ->check(stream_name())
        ->type_name("");
    command.add_option("--group", consuming.group, "The group; it is created if need be")
        ->required()
        ->check(not_empty())
        ->type_name("NAME");
    auto* const exec = command.add_option("--exec", wanted->command, "Run a shell's command for each event")
                           ->check(not_empty()) // the shell would say that all events have been handled
                           ->type_name("COMMAND");
    command
        .add_option(
            "--name", consuming.name, "The consumer's name in the group; default: one that no other has"
        )
        ->check(not_empty())
        ->type_name("NAME");
    auto* const concurrency = add_count(
        command, "--concurrency", wanted->concurrency,
        "Handle so many at the same time; default 64, with --exec 8", 100'000
    );
    add_duration(
        command, "--timeout", consuming.handler_timeout, "How long handling one may take; default: any time"
    );
    add_count(command, "--attempts", consuming.max_attempts, "Then it goes to the dead letters", 1'000'000)
        ->default_str(std::to_string(consuming.max_attempts));
    add_duration(
        command, "--lease", consuming.lease,
        "After a crash others get what was held after that time; the same for all of the group"
    )
        ->default_str(to_text(consuming.lease));
    auto* const order = add_choice<ordering>(
        command, "--order", consuming.order,
        {{"unordered", ordering::unordered}, {"key", ordering::by_key}, {"strict", ordering::strict}},
        "Those of a key, or all, one after another"
    );
    add_count(command, "--batch", wanted->read_count, "Read at most so many of a stream at once", 100'000);
    add_count(command, "--count", wanted->count, "Stop when so many have been handled");
    auto* const drain = command.add_flag("--drain", wanted->drain, "Stop when nothing is left");
    add_value(
        command, "--from", "beginning|end|ID", consuming.start,
        "Where a group begins that does not exist yet", parse_start
    )
        ->default_str("beginning");
    add_duration(command, "--retry-after", wanted->retry_after, "The pause after a command that returned 75")
        ->needs(exec)
        ->default_str(to_text(wanted->retry_after));
    add_duration(command, "--grace", wanted->grace, "How long those that run may go on after a signal")
        ->default_str(to_text(wanted->grace));
    command.add_flag("--ack-none", wanted->ack_none, "Only look: all is handed back at the end")
        ->excludes(exec)
        ->excludes(concurrency)
        ->excludes(order)
        ->excludes(drain);
    command.footer(R"(Without --exec it prints a line of JSON for each event, with the members stream,
id, group, consumer, attempt, type, key, headers and body. A body that is JSON
is printed as it is, one that is text as a string, and one that is not UTF-8 as
body_base64 instead; an event without a body has neither. An event counts as
handled when its line has been written; when that fails, the command ends.

With --exec COMMAND is run by /bin/sh for each event. The body is its standard
input, and its environment has STRANDLINE_ID, STRANDLINE_STREAM,
STRANDLINE_GROUP, STRANDLINE_ATTEMPT, STRANDLINE_KEY and STRANDLINE_TYPE, where
there are such, and for each header STRANDLINE_HEADER_NAME, with the name in
upper case and everything but letters and digits as _. What it returns decides:

    0      the event has been handled
    65     it never will be: it goes to the dead letters
    75     not now: it is tried again after --retry-after
    other  it is tried again, after pauses that grow, and goes to the dead
           letters after --attempts; so it is when a signal ends the command

A command is ended, with all of its process group, after --timeout, when another
consumer has taken its event over, and when --grace is over: by SIGTERM, and
SIGKILL half a second later. When strandline itself is killed, they are, too.

--count counts events that were handled: those that fail or go to the dead
letters are not among them, and exactly so many are acknowledged. --ack-none
prints events and holds them until --count is reached, or a signal comes; then
they are handed back, without an attempt being counted. They are read for the
group, so that its other consumers do not get them meanwhile; see tail.

SIGINT and SIGTERM stop it: nothing more is begun, and what runs has --grace to
end. A second one stops at once. What was not handled is handed back: others that
run get it at once, and one that starts later gets it when --lease has passed, or
at once with --drain or the same --name. The report is printed to standard error,
with --json as JSON.)");
}

} // namespace strandline::tools
