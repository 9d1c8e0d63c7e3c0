// Reads newline-delimited JSON, publishes each line to a stream, consumes the stream in a group at the same
// time, and prints totals per key. `ingest --help` says how it is called.
//
// What it shows: many publishes under way with a bound (window), input that never blocks the event loop
// (line_reader), a handler for raw events, and an end that is neither a wait nor a guess: the handler stops
// the consumer when it has counted as many events as were published.

#include <strandline/strandline.hpp>

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/json.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto help = R"(usage: ingest [--url URL] [--stream NAME] [--key MEMBER] [--repeat N] [FILE]

Publishes each line of FILE, or of standard input, to a stream, consumes it at
the same time, and prints how many events there were of each key.

  --url URL      memory: (default), redis://HOST:PORT, rediss://…, unix:/PATH
  --stream NAME  default: a new one. A stream that exists may hold other events,
                 and get more meanwhile; only those of this run are counted.
  --key MEMBER   the member of each line, text or a number, that is the event's
                 key. A line without it (or where it is something else) is
                 published without a key.
  --repeat N     publishes the file N times (default 1)

Lines end with LF or CRLF. Empty lines are passed over. A line that is not JSON
is reported with its number and skipped. On a server, the stream and the group
of this run stay: redis-cli DEL NAME removes both.

The last line of the output is: published N handled N keys N skipped N
Exit status: 0, or 1 when lines were skipped, or 2 after an error or Ctrl-C.
)";

struct usage_error : std::runtime_error
{
    using runtime_error::runtime_error;
};

struct options
{
    std::string url = "memory:";
    std::string stream;
    std::string key;
    std::string file;
    std::uint64_t repeat = 1;
    bool help = false;

    bool from_stdin() const { return file.empty() || file == "-"; }

    std::string input_name() const { return from_stdin() ? "standard input" : file; }
};

std::uint64_t read_repeat(std::string_view text)
{
    constexpr std::uint64_t most = 1'000'000'000;
    std::uint64_t number = 0;
    auto const [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (status != std::errc() || end != text.data() + text.size() || number < 1 || number > most)
        throw usage_error(fmt::format("--repeat must be a number from 1 to {}, and is '{}'", most, text));
    return number;
}

options read_options(int argc, char** argv)
{
    options wanted;
    std::vector<std::string> files;
    auto only_files = false;
    for (int i = 1; i < argc; ++i) {
        std::string const argument = argv[i];
        if (only_files || argument == "-" || !argument.starts_with('-')) {
            files.push_back(argument);
            continue;
        }
        auto const value = [&] {
            if (++i == argc)
                throw usage_error(argument + " needs a value");
            return std::string(argv[i]);
        };
        if (argument == "--help")
            wanted.help = true;
        else if (argument == "--url")
            wanted.url = value();
        else if (argument == "--stream") {
            wanted.stream = value();
            if (wanted.stream.empty())
                throw usage_error("--stream must not be empty");
        }
        else if (argument == "--key")
            wanted.key = value();
        else if (argument == "--repeat")
            wanted.repeat = read_repeat(value());
        else if (argument == "--")
            only_files = true;
        else
            throw usage_error(fmt::format("there is no option '{}'", argument));
    }
    if (files.size() > 1)
        throw usage_error(fmt::format("one file, not {}", files.size()));
    if (!files.empty())
        wanted.file = files.front();
    if (wanted.repeat > 1 && wanted.from_stdin())
        throw usage_error("--repeat needs a file: standard input can be read only once");
    return wanted;
}

int open_input(options const& wanted)
{
    auto const descriptor =
        wanted.from_stdin() ? ::dup(STDIN_FILENO) : ::open(wanted.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        throw std::system_error(errno, std::generic_category(), wanted.input_name());
    return descriptor;
}

/// The lines of a file or of standard input, one after another.
///
/// A descriptor that has nothing yet (a pipe, a terminal) suspends only the coroutine that asks. Reading a
/// file never waits in that sense: Asio then reads at once, for about as long as 64 KiB take.
class line_reader
{
public:
    /// Takes the descriptor over; the name is for errors.
    line_reader(asio::any_io_executor const& executor, int descriptor, std::string name)
        : input_(executor, descriptor)
        , flags_(::fcntl(descriptor, F_GETFL))
        , name_(std::move(name))
    {}

    /// Asio makes the descriptor non-blocking, and so everything that shares it: the shell, and on a terminal
    /// our own output, too.
    ~line_reader() { ::fcntl(input_.native_handle(), F_SETFL, flags_); }

    line_reader(line_reader const&) = delete;
    line_reader& operator=(line_reader const&) = delete;

    /// The next line without its end, valid until the next call; nothing at the end of the input.
    asio::awaitable<std::optional<std::string_view>> next()
    {
        for (;;) {
            auto end = buffer_.find('\n', searched_);
            if (end == buffer_.npos && ended_ && begin_ != buffer_.size())
                end = buffer_.size(); // the last line has no end
            if (end != buffer_.npos) {
                auto text = std::string_view(buffer_).substr(begin_, end - begin_);
                begin_ = searched_ = std::min(end + 1, buffer_.size());
                if (++number_ == 1 && text.starts_with(byte_order_mark))
                    text.remove_prefix(byte_order_mark.size());
                if (text.ends_with('\r'))
                    text.remove_suffix(1);
                co_return text;
            }
            if (ended_)
                co_return std::nullopt;
            co_await read_more();
        }
    }

    /// Of the line that `next` gave, from 1.
    std::uint64_t number() const { return number_; }

    /// `next` gives nothing more. Safe while it waits.
    void stop()
    {
        buffer_.clear();
        begin_ = searched_ = 0;
        ended_ = true;
        input_.cancel();
    }

private:
    asio::awaitable<void> read_more()
    {
        constexpr std::size_t chunk = 64 * 1024;
        constexpr std::size_t longest_line = 64 * 1024 * 1024;

        buffer_.erase(0, std::exchange(begin_, 0));
        auto const old = searched_ = buffer_.size();
        if (old > longest_line)
            throw std::runtime_error(fmt::format("{}:{}: longer than 64 MiB", name_, number_ + 1));
        buffer_.resize(old + chunk);
        auto const [error, size] =
            co_await input_.async_read_some(asio::buffer(buffer_.data() + old, chunk), asio::as_tuple);
        if (ended_)
            co_return; // stopped meanwhile
        buffer_.resize(old + size);
        if (error == asio::error::eof)
            ended_ = true;
        else if (error)
            throw std::runtime_error(fmt::format("{}: {}", name_, error.message()));
    }

    static constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

    asio::posix::stream_descriptor input_;
    int flags_;
    std::string name_;
    std::string buffer_;
    std::size_t begin_ = 0;
    /// Before this there is no end of line.
    std::size_t searched_ = 0;
    std::uint64_t number_ = 0;
    bool ended_ = false;
};

/// Bounds how many operations are under way: back-pressure from the server to the input.
class window
{
public:
    window(asio::any_io_executor const& executor, std::size_t most) : most_(most), changed_(executor) {}

    asio::awaitable<void> enter()
    {
        co_await wait_until_at_most(most_ - 1);
        ++under_way_;
    }

    void leave()
    {
        --under_way_;
        changed_.cancel();
    }

    asio::awaitable<void> wait_until_empty() { return wait_until_at_most(0); }

private:
    asio::awaitable<void> wait_until_at_most(std::size_t limit)
    {
        // A timer that never fires, and is cancelled when there is news: a condition variable.
        while (under_way_ > limit) {
            changed_.expires_at(asio::steady_timer::time_point::max());
            co_await changed_.async_wait(asio::as_tuple);
        }
    }

    std::size_t most_;
    std::size_t under_way_ = 0;
    asio::steady_timer changed_;
};

/// One line on a terminal that is written again and again; nothing elsewhere.
class progress
{
public:
    void update(std::uint64_t published, std::uint64_t handled)
    {
        if (!on_terminal_)
            return;
        auto const now = std::chrono::steady_clock::now();
        if (now - shown_ < 200ms)
            return;
        shown_ = now;
        fmt::print(stderr, "\r\033[Kpublished {} handled {}", published, handled);
    }

    void clear()
    {
        if (on_terminal_)
            fmt::print(stderr, "\r\033[K");
    }

private:
    bool on_terminal_ = ::isatty(STDERR_FILENO) == 1;
    std::chrono::steady_clock::time_point shown_ = std::chrono::steady_clock::now();
};

/// Finds texts by views of them.
struct text_hash : std::hash<std::string_view>
{
    using is_transparent = void;
};

struct totals
{
    std::uint64_t published = 0;
    std::uint64_t handled = 0;
    std::uint64_t skipped = 0;
    std::uint64_t without_key = 0;
    std::unordered_map<std::string, std::uint64_t, text_hash, std::equal_to<>> by_key;

    void count(std::optional<std::string_view> key)
    {
        ++handled;
        if (!key)
            ++without_key;
        else if (auto const found = by_key.find(*key); found != by_key.end())
            ++found->second;
        else
            by_key.emplace(*key, 1);
    }
};

/// The text of the member, if it is text or a number.
std::optional<std::string> find_key(boost::json::value const& document, std::string const& member)
{
    auto const* const object = document.if_object();
    auto const* const found = object && !member.empty() ? object->if_contains(member) : nullptr;
    if (!found)
        return std::nullopt;
    switch (found->kind()) {
    case boost::json::kind::string:
        return std::string(found->get_string());
    case boost::json::kind::int64:
        return fmt::to_string(found->get_int64());
    case boost::json::kind::uint64:
        return fmt::to_string(found->get_uint64());
    case boost::json::kind::double_:
        return fmt::to_string(found->get_double());
    default:
        return std::nullopt;
    }
}

/// One run of the program, on the broker's strand.
class ingestion
{
public:
    ingestion(strandline::broker_ptr broker, options const& wanted, int descriptor, totals& sums)
        : broker_(std::move(broker))
        , wanted_(wanted)
        , sums_(sums)
        , input_(std::in_place, broker_->get_executor(), descriptor, wanted.input_name())
        , run_(fmt::format("ingest-{:08x}{:08x}", std::random_device{}(), std::random_device{}()))
        , stream_(wanted.stream.empty() ? run_ : wanted.stream)
        , producer_(broker_)
        , consumer_(broker_, consumer_options())
        , window_(broker_->get_executor(), most_under_way)
    {}

    asio::any_io_executor executor() const { return broker_->get_executor(); }

    /// Ends the connections, which otherwise would keep the event loop running.
    void close() { broker_->close(); }

    asio::awaitable<void> run()
    {
        // The group exists before the first publish and begins at the end of the stream: it misses nothing of
        // this run and gets nothing that is older.
        if (auto why = co_await broker_->ensure_group(stream_, run_, strandline::start_position::end()))
            throw strandline::error(why);
        consumer_.on(stream_, [this](strandline::delivery const& event) { return handle(event); });

        asio::signal_set signals(broker_->get_executor(), SIGINT, SIGTERM);
        signals.async_wait([&](boost::system::error_code cancelled, int) {
            if (cancelled)
                return;
            signals.clear(); // a second one ends the process
            fail(std::make_exception_ptr(std::runtime_error("interrupted")));
        });

        using namespace asio::experimental::awaitable_operators;
        co_await (consumer_.async_run(asio::use_awaitable) && publish_all());
        progress_.clear();
        if (failed_)
            std::rethrow_exception(failed_);
    }

private:
    /// Publishes travel together, up to 64 in a request and several requests at once; more than these does
    /// not make it faster.
    static constexpr std::size_t most_under_way = 512;

    strandline::consumer_options consumer_options()
    {
        strandline::consumer_options made;
        made.group = run_;
        made.on_error = [this](strandline::failure const& why) { tell(why.message()); };
        return made;
    }

    asio::awaitable<void> publish_all()
    {
        try {
            for (std::uint64_t pass = 0; pass != wanted_.repeat && !failed_; ++pass) {
                if (pass != 0)
                    input_.emplace(broker_->get_executor(), open_input(wanted_), wanted_.input_name());
                co_await publish_lines(pass == 0);
            }
        }
        catch (...) {
            fail(std::current_exception());
        }
        co_await window_.wait_until_empty();
        all_published_ = true;
        stop_after_last();
    }

    asio::awaitable<void> publish_lines(bool first_pass)
    {
        while (auto const text = co_await input_->next()) {
            if (text->find_first_not_of(" \t") == text->npos)
                continue;
            boost::json::value document;
            if (auto const why = strandline::decode(*text, document)) {
                ++sums_.skipped;
                if (first_pass)
                    tell(
                        fmt::format("{}:{}: skipped: {}", wanted_.input_name(), input_->number(), why.words())
                    );
                continue;
            }
            strandline::headers headers{{"run", run_}};
            if (auto key = find_key(document, wanted_.key))
                headers.push_back({std::string(strandline::header_names::key), std::move(*key)});

            // The line itself is the body, byte by byte.
            co_await window_.enter();
            producer_.async_publish(
                stream_, *text, std::move(headers),
                [this](strandline::failure why, strandline::entry_id) {
                    if (why)
                        fail(std::make_exception_ptr(strandline::error(why)));
                    else
                        ++sums_.published;
                    window_.leave();
                }
            );
        }
    }

    asio::awaitable<void> handle(strandline::delivery const& event)
    {
        if (event.header("run") == run_) { // not somebody else's
            sums_.count(event.key());
            progress_.update(sums_.published, sums_.handled);
            stop_after_last();
        }
        co_return;
    }

    void stop_after_last()
    {
        if (all_published_ && (failed_ || sums_.handled >= sums_.published))
            consumer_.stop();
    }

    /// Ends the run, and keeps the first reason. What is under way is completed first.
    void fail(std::exception_ptr why)
    {
        if (!failed_)
            failed_ = std::move(why);
        input_->stop();
        stop_after_last();
    }

    void tell(std::string_view words)
    {
        progress_.clear();
        fmt::print(stderr, "ingest: {}\n", words);
    }

    strandline::broker_ptr broker_;
    options const& wanted_;
    totals& sums_;
    std::optional<line_reader> input_;
    std::string run_;
    std::string stream_;
    strandline::producer producer_;
    strandline::consumer consumer_;
    window window_;
    progress progress_;
    bool all_published_ = false;
    std::exception_ptr failed_;
};

void print(totals const& sums, std::chrono::steady_clock::duration elapsed)
{
    constexpr std::size_t most_keys = 10;

    std::vector<std::pair<std::uint64_t, std::string>> keys;
    for (auto const& [key, count] : sums.by_key)
        keys.emplace_back(count, key);
    auto const shown = keys.begin() + std::min<std::ptrdiff_t>(std::ssize(keys), most_keys);
    std::ranges::partial_sort(keys, shown, [](auto const& left, auto const& right) {
        return left.first != right.first ? left.first > right.first : left.second < right.second;
    });
    for (auto& [count, key] : std::ranges::subrange(keys.begin(), shown)) {
        std::ranges::replace_if(key, [](unsigned char c) { return c < ' ' || c == 127; }, '?');
        fmt::print("{:10}  {}\n", count, key);
    }
    if (keys.size() > most_keys)
        fmt::print("{:>10}  and {} more keys\n", "…", keys.size() - most_keys);
    if (sums.without_key != 0)
        fmt::print("{:10}  without a key\n", sums.without_key);

    auto const seconds = std::chrono::duration<double>(elapsed).count();
    fmt::print("{:.1f} s, {:.0f} events/s\n", seconds, static_cast<double>(sums.handled) / seconds);
    fmt::print(
        "published {} handled {} keys {} skipped {}\n", sums.published, sums.handled, keys.size(),
        sums.skipped
    );
}

} // namespace

int main(int argc, char** argv)
try {
    auto const wanted = read_options(argc, argv);
    if (wanted.help) {
        fmt::print("{}", help);
        return 0;
    }

    totals sums;
    std::exception_ptr failed;
    auto const begin = std::chrono::steady_clock::now();
    auto const descriptor = open_input(wanted); // first: a missing file leaves no trace on the server
    asio::io_context context(1);
    ingestion work(strandline::open(context.get_executor(), wanted.url), wanted, descriptor, sums);
    asio::co_spawn(work.executor(), work.run(), [&](std::exception_ptr thrown) {
        failed = std::move(thrown);
        work.close();
    });
    context.run();

    print(sums, std::chrono::steady_clock::now() - begin); // also after an error: how far it got
    if (failed)
        std::rethrow_exception(failed);
    return sums.skipped == 0 ? 0 : 1;
}
catch (usage_error const& wrong) {
    fmt::print(stderr, "ingest: {}\nMore: ingest --help\n", wrong.what());
    return 2;
}
catch (std::exception const& thrown) {
    fmt::print(stderr, "ingest: {}\n", thrown.what());
    return 2;
}
