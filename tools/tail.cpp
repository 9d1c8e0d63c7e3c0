#include "commands.hpp"
#include "event_json.hpp"
#include "option_values.hpp"
#include "standard_error.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/scope/scope_exit.hpp>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace strandline::tools {

namespace {

struct options
{
    std::vector<std::string> streams;
    start_position from = start_position::end();
    std::uint64_t count = std::numeric_limits<std::uint64_t>::max();
};

/// One run of the command. Kept by what it waits for.
class following : public std::enable_shared_from_this<following>
{
public:
    following(session& at, options const& wanted)
        : at_(at)
        , streams_(wanted.streams.begin(), wanted.streams.end())
        , left_(wanted.count)
        , reader_(at.broker->make_follower(wanted.from))
        , signals_(at.broker->get_executor(), SIGINT, SIGTERM)
        , pause_(at.broker->get_executor())
    {}

    asio::awaitable<void> run()
    {
        signals_.async_wait([self = shared_from_this()](error_code cancelled, int) {
            if (!cancelled)
                self->stop();
        });
        boost::scope::scope_exit const left([this] { signals_.cancel(); });
        std::vector<received> entries;
        while (!is_stopping_ && left_ != 0) {
            entries.clear();
            auto const why = co_await reader_->read(streams_, page(), longest_wait, entries);
            if (!entries.empty())
                co_await at_.out.write(lines_of(entries));
            if (why)
                co_await overcome(why);
        }
    }

private:
    static constexpr std::chrono::seconds longest_wait{30};

    /// What is read goes into one text.
    std::size_t page() const { return static_cast<std::size_t>(std::min<std::uint64_t>(left_, 500)); }

    void stop()
    {
        is_stopping_ = true;
        signals_.clear(); // a second one ends the process
        reader_->wake();
        pause_.cancel();
    }

    std::string lines_of(std::vector<received> const& entries)
    {
        std::string text;
        for (auto const& one : entries) {
            if (left_ == 0)
                break;
            --left_;
            text += event_line({{"stream", streams_[one.stream]}, {"id", one.id.to_string()}}, one.entry);
        }
        return text;
    }

    /// Goes on where it was, when the server is back.
    asio::awaitable<void> overcome(failure why)
    {
        if (!is_retryable(why.code()))
            throw error(why);
        tell(why.message());
        if (is_stopping_)
            co_return;
        pause_.expires_after(std::chrono::seconds(1));
        co_await pause_.async_wait(asio::as_tuple);
    }

    session& at_;
    std::vector<std::string_view> streams_;
    std::uint64_t left_;
    std::unique_ptr<stream_reader> reader_;
    asio::signal_set signals_;
    asio::steady_timer pause_;
    bool is_stopping_ = false;
};

asio::awaitable<void> tail(session& at, options const& wanted)
{
    auto const running = std::make_shared<following>(at, wanted);
    co_await running->run();
}

} // namespace

void add_tail(command_tree& tree)
{
    auto const wanted = std::make_shared<options>();
    auto& command =
        tree.add("tail", "Print the events of streams as they come, without a group", [wanted](session& at) {
            return tail(at, *wanted);
        });
    command.add_option("stream", wanted->streams, "The streams; one that does not exist is waited for")
        ->required()
        ->check(stream_name())
        ->type_name("");
    add_value(
        command, "--from", "beginning|end|ID", wanted->from, "What comes after this of each stream",
        parse_start
    )
        ->default_str("end");
    add_count(command, "--count", wanted->count, "Stop after so many");
    command.footer(R"(Prints a line of JSON for each event, with the members stream, id, type, key,
headers and body, as consume does. Nothing is acknowledged, and no group sees a
difference. When the server is away it waits and goes on where it was. SIGINT
and SIGTERM end it.)");
}

} // namespace strandline::tools
