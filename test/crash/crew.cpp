#include "crash/crew.hpp"

#include "support/resp2.hpp"
#include "support/run.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <utility>

namespace strandline::testing {

namespace fs = std::filesystem;

namespace {

/// Many processes come and go meanwhile.
constexpr auto patience = 3 * guard;

fs::path make_file()
{
    auto pattern = (fs::temp_directory_path() / "strandline-journal-XXXXXX").string();
    auto const descriptor = ::mkstemp(pattern.data());
    if (descriptor < 0)
        throw std::runtime_error("no temporary file");
    ::close(descriptor);
    return pattern;
}

std::vector<std::string> lines_of(std::string const& text)
{
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);)
        lines.push_back(line);
    return lines;
}

note parse(std::string const& line)
{
    std::istringstream in(line);
    note made;
    in >> made.who >> made.what;
    if (made.what == "begin" || made.what == "end" || made.what == "cancelled")
        in >> made.id >> made.attempt;
    in >> std::ws;
    std::getline(in, made.text);
    return made;
}

} // namespace

crew::crew() : journal_(make_file()), file_(journal_)
{
    server.command({"XGROUP", "CREATE", "orders", "billing", "0", "MKSTREAM"});
}

crew::~crew()
{
    std::error_code ignored;
    fs::remove(journal_, ignored);
}

process crew::start(std::string const& label, std::vector<std::string> const& options)
{
    auto port = std::to_string(server.port());
    std::vector<std::string> command{WORKER, "journal", journal_.string(), "label", label};
    for (std::size_t i = 0; i + 1 < options.size(); i += 2) {
        if (options[i] == "port")
            port = options[i + 1];
        else
            command.insert(command.end(), {options[i], options[i + 1]});
    }
    command.insert(command.end(), {"url", "redis://127.0.0.1:" + port});
    return process(std::move(command));
}

std::string crew::command(std::vector<std::string_view> const& words) const
{
    return resp2::command(server.socket(), words);
}

std::vector<std::string> crew::publish(std::vector<std::string> const& bodies)
{
    std::vector<std::string_view> words{
        "EVAL",
        "local ids = {} "
        "for i, body in ipairs(ARGV) do ids[i] = redis.call('XADD', 'orders', '*', 'body', body) end "
        "return ids",
        "0"
    };
    words.insert(words.end(), bodies.begin(), bodies.end());
    auto ids = lines_of(command(words));
    if (ids.size() != bodies.size())
        throw std::runtime_error("not published: " + ids.front());
    last_published_ = ids.back();
    return ids;
}

std::vector<note> const& crew::notes()
{
    file_.clear();
    unread_.append(std::istreambuf_iterator(file_), {});
    auto const whole = unread_.rfind('\n') + 1;
    for (auto const& line : lines_of(unread_.substr(0, whole)))
        notes_.push_back(parse(line));
    unread_.erase(0, whole);
    return notes_;
}

std::size_t crew::count(std::string_view what, std::string_view who)
{
    return static_cast<std::size_t>(std::ranges::count_if(notes(), [&](note const& one) {
        return one.what == what && (who.empty() || one.who == who);
    }));
}

void crew::until(std::string_view what, std::function<bool()> const& is_so)
{
    auto const end = std::chrono::steady_clock::now() + patience;
    while (!is_so()) {
        if (std::chrono::steady_clock::now() > end) {
            std::ostringstream words;
            words << "it never was so: " << what << "; pending:\n"
                  << server.command({"XPENDING", "orders", "billing", "-", "+", "5"});
            auto const& all = notes();
            auto const left = pending();
            auto const tell = [&](note const& one) {
                words << '\n'
                      << one.who << ' ' << one.what << ' ' << one.id << ' ' << one.attempt << ' ' << one.text;
            };
            words << "\nnoted of them:";
            for (auto const& one : all)
                if (left.contains(one.id))
                    tell(one);
            words << "\nlast noted:";
            for (auto i = all.size() - std::min<std::size_t>(all.size(), 20); i != all.size(); ++i)
                tell(all[i]);
            throw std::runtime_error(words.str());
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

void crew::until_count(std::size_t wanted, std::string_view what, std::string_view who)
{
    until(std::to_string(wanted) + " times " + std::string(what) + " of " + std::string(who), [&] {
        return count(what, who) >= wanted;
    });
}

void crew::until_connections(std::size_t count)
{
    until(std::to_string(count) + " connections", [&] {
        auto const clients = lines_of(server.command({"CLIENT", "LIST"}));
        return std::ranges::count_if(clients, [](std::string const& line) {
                   return line.find(" laddr=127.0.0.1:") != line.npos;
               }) == static_cast<std::ptrdiff_t>(count);
    });
}

std::set<std::string> crew::pending(std::string_view consumer)
{
    auto const lines = lines_of(server.command({"XPENDING", "orders", "billing", "-", "+", "1000000"}));
    std::set<std::string> ids;
    // An id, its consumer, its idle time, its count.
    for (std::size_t i = 0; i + 3 < lines.size(); i += 4)
        if (consumer.empty() || lines[i + 1] == consumer)
            ids.insert(lines[i]);
    return ids;
}

bool crew::is_done()
{
    auto const group = lines_of(server.command({"XINFO", "GROUPS", "orders"}));
    auto const value = [&](std::string_view name) {
        auto const found = std::ranges::find(group, name);
        return found == group.end() ? std::string() : *std::next(found);
    };
    return value("pending") == "0" && value("last-delivered-id") == last_published_;
}

std::vector<std::string> crew::dead_letters()
{
    return dead_letters("dead-id");
}

std::vector<std::string> crew::dead_letters(std::string_view header)
{
    return lines_of(command(
        {"EVAL",
         "local values = {} "
         "for _, entry in ipairs(redis.call('XRANGE', '{orders}:dead', '-', '+')) do "
         "for i = 1, #entry[2], 2 do "
         "if entry[2][i] == ARGV[1] then values[#values + 1] = entry[2][i + 1] end end end "
         "return values",
         "0", header}
    ));
}

chance::chance()
{
    auto const* const given = std::getenv("STRANDLINE_SEED");
    seed_ = given ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
    from_.seed(seed_);
}

void chance::nap()
{
    std::this_thread::sleep_for(std::chrono::microseconds(up_to(5'000)));
}

} // namespace strandline::testing
