// A process that consumes "orders" as "billing" until SIGTERM, and keeps a journal that survives it. A body
// is a word, a time in ms and whatever else; its handler waits so long, and then does what the word says:
//
// ok        returns
// hold      waits for SIGUSR1 and returns
// throw     throws
// die       ends the process as a crash would

#include <strandline/strandline.hpp>

#include <boost/asio.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace asio = boost::asio;

namespace {

using arguments = std::map<std::string, std::string, std::less<>>;

std::uint32_t number(std::string_view text)
{
    std::uint32_t value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size())
        throw std::invalid_argument(fmt::format("'{}' is not a number", text));
    return value;
}

/// Lines of a file that several processes write to: each is there as soon as it was written, whatever
/// becomes of its writer.
class journal
{
public:
    journal(std::string const& file, std::string writer)
        : file_(::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC))
        , writer_(std::move(writer))
    {
        if (file_ < 0)
            throw std::runtime_error("cannot open " + file);
    }

    ~journal() { ::close(file_); }

    journal(journal const&) = delete;
    journal& operator=(journal const&) = delete;

    void write(std::string_view event, std::string_view words = {})
    {
        auto const line = fmt::format("{} {} {}\n", writer_, event, words);
        if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size()))
            std::abort();
    }

    void write(std::string_view event, strandline::delivery const& what)
    {
        write(
            event, fmt::format("{} {} {}", what.id().to_string(), what.attempt(), what.body().value_or(""))
        );
    }

private:
    int file_;
    std::string writer_;
};

class worker
{
public:
    worker(asio::io_context& context, arguments const& given)
        : notes_(given.at("journal"), given.at("label"))
        , broker_(strandline::open(context.get_executor(), given.at("url")))
        , consumer_(broker_, options(given))
        , door_(broker_->get_executor(), asio::steady_timer::time_point::max())
        , signals_(broker_->get_executor(), SIGTERM, SIGUSR1)
    {
        consumer_.on("orders", [this](strandline::delivery const& what) { return handle(what); });
    }

    void start()
    {
        wait_for_signals();
        consumer_.async_run([this](strandline::failure const& why, strandline::consume_report const& of) {
            notes_.write(
                why ? "failed" : "report",
                fmt::format(
                    "handled {} retried {} dead {} released {} cancelled {} stuck {} gone {} lost {} "
                    "unsettled {}",
                    of.handled, of.retried, of.dead, of.released, of.cancelled, of.stuck, of.gone, of.lost,
                    of.unsettled
                )
            );
            signals_.cancel();
            broker_->close();
        });
    }

private:
    strandline::consumer_options options(arguments const& given)
    {
        using std::chrono::milliseconds;
        strandline::consumer_options made;
        made.group = "billing";
        made.retry = {milliseconds(1), 1, milliseconds(1)};
        made.claim_interval = milliseconds(10);
        made.on_error = [this](strandline::failure const& why) { notes_.write("trouble", why.message()); };
        for (auto const& [name, value] : given) {
            if (name == "name")
                made.name = value;
            else if (name == "concurrency")
                made.max_concurrency = number(value);
            else if (name == "in-flight")
                made.max_in_flight = number(value);
            else if (name == "attempts")
                made.max_attempts = number(value);
            else if (name == "lease")
                made.lease = milliseconds(number(value));
            else if (name != "url" && name != "journal" && name != "label")
                throw std::invalid_argument("what is " + name);
        }
        return made;
    }

    void wait_for_signals()
    {
        signals_.async_wait([this](boost::system::error_code error, int signal) {
            if (error)
                return;
            if (signal == SIGTERM)
                consumer_.stop();
            else {
                is_open_ = true;
                door_.cancel();
            }
            wait_for_signals();
        });
    }

    asio::awaitable<void> handle(strandline::delivery const& what)
    {
        notes_.write("begin", what);
        auto const body = what.body().value_or("");
        try {
            co_await carry_out(body);
        }
        catch (boost::system::system_error const&) {
            notes_.write("cancelled", what);
            throw;
        }
        notes_.write("end", what);
    }

    asio::awaitable<void> carry_out(std::string_view body)
    {
        auto const word = body.substr(0, body.find(' '));
        auto const rest = body.substr(word.size() + 1);
        if (auto const time = number(rest.substr(0, rest.find(' ')))) {
            asio::steady_timer timer(broker_->get_executor(), std::chrono::milliseconds(time));
            co_await timer.async_wait();
        }
        if (word == "die")
            ::raise(SIGKILL);
        if (word == "throw")
            throw std::runtime_error("it always does");
        while (word == "hold" && !is_open_)
            co_await door_.async_wait(asio::as_tuple);
    }

    journal notes_;
    strandline::broker_ptr broker_;
    strandline::consumer consumer_;
    asio::steady_timer door_;
    asio::signal_set signals_;
    bool is_open_ = false;
};

} // namespace

int main(int argc, char** argv)
try {
    arguments given;
    for (int i = 1; i + 1 < argc; i += 2)
        given[argv[i]] = argv[i + 1];
    asio::io_context context(1);
    worker one(context, given);
    one.start();
    context.run();
}
catch (std::exception const& thrown) {
    std::cerr << "worker: " << thrown.what() << '\n';
    return 1;
}
