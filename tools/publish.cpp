#include "commands.hpp"
#include "exit_status.hpp"
#include "line_reader.hpp"
#include "listing.hpp"
#include "option_values.hpp"
#include "progress.hpp"

#include <strandline/codec.hpp>
#include <strandline/detail/quoted.hpp>
#include <strandline/producer.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/value.hpp>

#include <fmt/format.h>

#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace strandline::tools {

namespace {

struct options
{
    std::string stream;
    std::optional<std::string> body;
    std::string type;
    std::string key;
    std::string key_from;
    std::vector<std::string> headers;
    std::optional<std::chrono::milliseconds> after;
    std::optional<time_point> at;
    std::string id;
    std::size_t batch = 1;
    bool quiet = false;
};

/// What all events of a run have in common. Throws `usage_error`.
publish_options read(options const& wanted)
{
    publish_options with;
    with.type = wanted.type;
    with.key = wanted.key;
    with.idempotency_key = wanted.id;
    with.delay = wanted.after;
    if (wanted.at)
        with.due = *wanted.at;
    for (auto const& text : wanted.headers) {
        auto const equals = text.find('=');
        if (equals == 0 || equals == text.npos)
            throw usage_error("--header: expected NAME=VALUE, not " + detail::quoted(text));
        with.headers.push_back({text.substr(0, equals), text.substr(equals + 1)});
    }
    return with;
}

/// The text of a member of the JSON object that the body is; `where` the body stands. Throws
/// std::runtime_error.
std::string find_key(std::string_view body, std::string const& member, std::string const& where)
{
    auto const fail = [&](std::string const& why) { throw std::runtime_error(where + ": " + why); };
    boost::json::value document;
    if (auto const why = decode(body, document))
        fail("not JSON: " + std::string(why.words()));
    auto const* const object = document.if_object();
    if (!object)
        fail("not a JSON object");
    auto const* const found = object->if_contains(member);
    auto const name = detail::quoted(member);
    if (!found)
        fail("no member " + name);
    if (found->is_string())
        return std::string(found->get_string());
    if (found->is_int64())
        return fmt::to_string(found->get_int64());
    if (found->is_uint64())
        return fmt::to_string(found->get_uint64());
    fail("the member " + name + " is neither text nor an integer");
    return {};
}

std::string line_of(session const& at, std::string const& stream, entry_id id)
{
    return at.json ? json_line({{"stream", stream}, {"id", id.to_string()}}) : id.to_string() + '\n';
}

/// The one that stands on the command line.
asio::awaitable<void> publish_body(session& at, options const& wanted, publish_options with)
{
    if (!wanted.key_from.empty())
        with.key = find_key(*wanted.body, wanted.key_from, "the body");
    producer to(at.broker);
    auto const id = co_await to.async_publish(wanted.stream, *wanted.body, std::move(with));
    if (!wanted.quiet)
        co_await at.out.write(line_of(at, wanted.stream, id));
}

/// The lines of standard input. Reading and printing go on at the same time, so that somebody who types sees
/// each id before the next line; ids are printed in the order of the lines.
class line_publisher
{
public:
    line_publisher(session& at, options const& wanted, publish_options common)
        : at_(at)
        , wanted_(wanted)
        , common_(std::move(common))
        , to_(at.broker)
        , batch_(to_.batch())
        , input_(at.broker->get_executor())
        , progress_(!wanted.quiet)
        , changed_(at.broker->get_executor(), asio::steady_timer::time_point::max())
        , prints_(!wanted.quiet)
    {}

    asio::awaitable<void> run()
    {
        using namespace asio::experimental::awaitable_operators;
        co_await (read_all() && print_all());
        progress_.clear();
        auto const published = fmt::format("{} event{} published", published_, published_ == 1 ? "" : "s");
        if (refused_)
            throw error(
                {refused_->why.code(),
                 fmt::format("{}; line {}; {}", refused_->why.words(), refused_->line, published)}
            );
        if (!broken_.empty())
            throw std::runtime_error(fmt::format("{}; {}", broken_, published));
    }

private:
    /// A line whose event is on its way, or whose id is not printed yet.
    struct slot
    {
        std::uint64_t line;
        std::optional<result<entry_id>> outcome = {};
    };

    struct refusal
    {
        std::uint64_t line;
        failure why;
    };

    /// Holds reading up when the server is slower, or who reads the ids. Publishes travel together, up to 64
    /// in a request and several requests at once; more than these do not make it faster.
    static constexpr std::size_t most_slots = 1'024;

    asio::awaitable<void> read_all()
    {
        try {
            while (auto const line = co_await input_.next())
                if (!line->empty())
                    co_await add(*line);
        }
        catch (std::exception const& thrown) {
            stop(thrown.what());
        }
        co_await flush();
        all_read_ = true;
        changed_.cancel();
    }

    asio::awaitable<void> add(std::string_view line)
    {
        auto with = common_;
        auto const number = input_.number();
        if (!wanted_.key_from.empty())
            with.key = find_key(line, wanted_.key_from, fmt::format("line {}", number));
        if (!with.idempotency_key.empty())
            with.idempotency_key += fmt::format("-{}", number);

        if (wanted_.batch > 1) {
            batch_.add(wanted_.stream, line, std::move(with));
            slots_.push_back({number});
            if (batch_.count() == wanted_.batch)
                co_await flush();
        }
        else {
            slots_.push_back({number});
            // Neither end of a deque that grows or shrinks there moves the others.
            auto ended = [this, &of = slots_.back()](failure why, entry_id id) {
                settle(of, why ? result<entry_id>(std::move(why)) : result<entry_id>(id));
            };
            to_.async_publish(wanted_.stream, line, std::move(with), std::move(ended));
        }
        while (slots_.size() - batch_.count() >= most_slots)
            co_await changed_.async_wait(asio::as_tuple);
    }

    /// What was added is published.
    asio::awaitable<void> flush()
    {
        auto const count = batch_.count();
        if (count == 0)
            co_return;
        auto const [why, ids] = co_await batch_.async_flush(asio::as_tuple);
        auto slot = slots_.end() - static_cast<std::ptrdiff_t>(count);
        for (std::size_t i = 0; i != count; ++i, ++slot)
            settle(*slot, why ? batch_.outcomes()[i] : result<entry_id>(ids[i]));
        batch_.clear();
    }

    void settle(slot& of, result<entry_id> outcome)
    {
        of.outcome = std::move(outcome);
        changed_.cancel();
    }

    asio::awaitable<void> print_all()
    {
        for (;;) {
            auto const text = take_settled();
            progress_.update(published_, input_.size());
            if (!text.empty())
                try {
                    co_await at_.out.write(text);
                }
                catch (error const& thrown) {
                    prints_ = false;
                    stop(thrown.cause().message());
                }
            else if (all_read_ && slots_.empty())
                co_return;
            else
                co_await changed_.async_wait(asio::as_tuple);
        }
    }

    /// Removes the lines at the front that have their outcome: what is to be printed of them.
    std::string take_settled()
    {
        std::string text;
        for (; !slots_.empty() && slots_.front().outcome; slots_.pop_front()) {
            auto const& [line, outcome] = slots_.front();
            if (*outcome) {
                ++published_;
                if (prints_)
                    text += line_of(at_, wanted_.stream, **outcome);
            }
            else if (!refused_) {
                refused_ = {line, outcome->error()};
                input_.stop();
            }
            changed_.cancel();
        }
        return text;
    }

    /// Reads nothing more.
    void stop(std::string words)
    {
        if (broken_.empty())
            broken_ = std::move(words);
        input_.stop();
    }

    session& at_;
    options const& wanted_;
    publish_options common_;
    producer to_;
    publish_batch batch_;
    line_reader input_;
    progress progress_;
    /// Cancelled when something below has changed.
    asio::steady_timer changed_;
    /// In the order of the lines; those that wait in the batch are the last.
    std::deque<slot> slots_;
    bool prints_;
    bool all_read_ = false;
    std::uint64_t published_ = 0;
    /// The first of those that were not stored.
    std::optional<refusal> refused_;
    /// Why reading or printing has ended early.
    std::string broken_;
};

asio::awaitable<void> publish_lines(session& at, options const& wanted, publish_options common)
{
    line_publisher lines(at, wanted, std::move(common));
    co_await lines.run();
}

} // namespace

void add_publish(command_tree& tree)
{
    auto const wanted = std::make_shared<options>();
    auto& command = tree.add("publish", "Publish events to a stream", [wanted](session& at) {
        auto common = read(*wanted);
        return wanted->body ? publish_body(at, *wanted, std::move(common))
                            : publish_lines(at, *wanted, std::move(common));
    });
    command.add_option("stream", wanted->stream, "The stream; it is created if need be")
        ->required()
        ->check(stream_name())
        ->type_name("");
    command.add_option("body", wanted->body, "The event's body; default: each line of standard input is one")
        ->type_name("");
    command.add_option("--type", wanted->type, "What kind of event it is")->type_name("TEXT");
    auto* const key = command.add_option("--key", wanted->key, "What the event is about")->type_name("TEXT");
    command.add_option("--key-from", wanted->key_from, "The key is this member of the body, a JSON object")
        ->type_name("MEMBER")
        ->excludes(key);
    command.add_option("--header", wanted->headers, "A header; may be repeated")
        ->type_name("NAME=VALUE")
        ->allow_extra_args(false);
    auto* const after =
        add_duration(command, "--after", wanted->after, "Delayed: it gets into the stream after that time");
    add_time(command, "--at", wanted->at, "Delayed: it gets into the stream at that time")->excludes(after);
    command.add_option("--id", wanted->id, "Idempotency key: what was stored with it is not stored again")
        ->type_name("KEY");
    add_count(
        command, "--batch", wanted->batch, "Send so many lines together; default 1: as they come", 100'000
    );
    command.add_flag("-q,--quiet", wanted->quiet, "Print no ids");
    command.footer(R"(Prints the id of each event, in the order of the lines.

Lines end with LF or CRLF; empty ones are passed over. With --id the key of a
line is KEY-NUMBER, with the number of the line from 1, so that the same input
can be published again after a failure and is stored once.

Members for --key-from are texts or integers. A line without it, or one that
cannot be published, ends the command: the lines before it are published, and a
few behind it may be, which were on their way; the message says how many were.)");
}

} // namespace strandline::tools
