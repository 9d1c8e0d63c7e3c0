#include "command/invocation.hpp"

#include "support/run.hpp"

#include <boost/json/parse.hpp>

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <sstream>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

namespace strandline::testing {

namespace {

int checked(int status, char const* what)
{
    if (status < 0)
        throw std::system_error(errno, std::generic_category(), what);
    return status;
}

owned_descriptor make_file()
{
    return owned_descriptor(checked(::memfd_create("strandline", MFD_CLOEXEC), "memfd_create"));
}

} // namespace

owned_descriptor::~owned_descriptor()
{
    if (of_ >= 0)
        ::close(of_);
}

owned_descriptor file_of(std::string_view text)
{
    auto file = make_file();
    write_all(file, text);
    ::lseek(file.get(), 0, SEEK_SET);
    return file;
}

std::string content_of(owned_descriptor const& file)
{
    std::string text;
    char part[64 * 1024];
    for (;;) {
        auto const size = ::pread(file.get(), part, sizeof part, static_cast<off_t>(text.size()));
        if (size <= 0)
            return text;
        text.append(part, static_cast<std::size_t>(size));
    }
}

pipe_ends make_pipe()
{
    int ends[2];
    checked(::pipe2(ends, O_CLOEXEC), "pipe2");
    return {owned_descriptor(ends[0]), owned_descriptor(ends[1])};
}

void write_all(owned_descriptor const& to, std::string_view text)
{
    while (!text.empty())
        text.remove_prefix(static_cast<std::size_t>(
            checked(static_cast<int>(::write(to.get(), text.data(), text.size())), "write")
        ));
}

std::string read_line(owned_descriptor const& from)
{
    std::string line;
    for (char c = 0;;) {
        pollfd waiting{from.get(), POLLIN, 0};
        auto const limit = std::chrono::milliseconds(guard).count();
        if (checked(::poll(&waiting, 1, static_cast<int>(limit)), "poll") == 0)
            throw std::runtime_error("nobody has written a line");
        if (::read(from.get(), &c, 1) != 1)
            throw std::runtime_error("no line any more");
        if (c == '\n')
            return line;
        line += c;
    }
}

void until(std::string_view what, std::function<bool()> const& is_so)
{
    auto const end = std::chrono::steady_clock::now() + guard;
    while (!is_so()) {
        if (std::chrono::steady_clock::now() > end)
            throw std::runtime_error("it never was so: " + std::string(what));
        // What is looked at belongs to other processes, a file that grows or an entry of /proc, and nothing
        // wakes who waits for that. The pause spares the processor; no test passes because of its length.
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

std::vector<std::string> lines_of(std::string const& text)
{
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

std::vector<boost::json::value> json_lines(std::string const& text)
{
    std::vector<boost::json::value> values;
    for (auto const& line : lines_of(text))
        values.push_back(boost::json::parse(line));
    return values;
}

invocation::invocation(std::vector<std::string> arguments, streams const& with)
    : in_(file_of({}))
    , out_(make_file())
    , err_(make_file())
    , process_(
          [&] {
              arguments.insert(arguments.begin(), COMMAND);
              return std::move(arguments);
          }(),
          {.in = with.in < 0 ? in_.get() : with.in,
           .out = with.out < 0 ? out_.get() : with.out,
           .err = err_.get(),
           .environment = with.environment}
      )
{}

said invocation::end()
{
    auto const status = process_.wait();
    return {status, out(), err()};
}

invocation with_server::start(std::vector<std::string> arguments, invocation::streams with) const
{
    with.environment.push_back("STRANDLINE_URL=" + url);
    return {std::move(arguments), with};
}

said with_server::run(std::vector<std::string> arguments, std::string_view input) const
{
    auto const in = file_of(input);
    return start(std::move(arguments), {.in = in.get()}).end();
}

long with_server::number(std::initializer_list<std::string_view> command) const
{
    return std::stol(server.command(command));
}

said run_alone(std::vector<std::string> arguments, std::string_view input)
{
    auto const in = file_of(input);
    return invocation(std::move(arguments), {.in = in.get(), .environment = {"STRANDLINE_URL="}}).end();
}

} // namespace strandline::testing
