#include "exec.hpp"

#include "child_process.hpp"

#include <strandline/consumer.hpp>
#include <strandline/detail/quoted.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <cctype>
#include <set>
#include <stdexcept>
#include <vector>

namespace strandline::tools {

namespace {

/// What a command can say by its exit status, as sysexits.h calls it.
constexpr int data_error = 65;
constexpr int temporary_failure = 75;

/// Whatever the locale.
bool is_letter_or_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string variable_of_header(std::string_view name)
{
    std::string made = "STRANDLINE_HEADER_";
    for (char const c : name)
        made += is_letter_or_digit(c) ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : '_';
    return made;
}

/// Variables, each name once.
class environment
{
public:
    /// The first of a name counts. Throws `reject`.
    void add(std::string const& name, std::string_view value)
    {
        if (value.find('\0') != value.npos)
            throw reject(name + " has a null character in it, which no variable can hold");
        if (names_.insert(name).second)
            variables_.push_back(fmt::format("{}={}", name, value));
    }

    /// Our own, but for those that an event might set.
    void add_own()
    {
        std::set<std::string, std::less<>> const set_by_events{"STRANDLINE_ID",      "STRANDLINE_STREAM",
                                                               "STRANDLINE_GROUP",   "STRANDLINE_KEY",
                                                               "STRANDLINE_ATTEMPT", "STRANDLINE_TYPE"};
        for (auto const* const* one = ::environ; *one; ++one) {
            std::string_view const text = *one;
            auto const name = text.substr(0, text.find('='));
            if (!set_by_events.contains(name) && !name.starts_with("STRANDLINE_HEADER_"))
                variables_.emplace_back(text);
        }
    }

    std::vector<std::string> take() { return std::move(variables_); }

private:
    std::set<std::string> names_;
    std::vector<std::string> variables_;
};

std::vector<std::string> environment_of(delivery const& what, std::string_view group)
{
    environment made;
    made.add("STRANDLINE_ID", what.id().to_string());
    made.add("STRANDLINE_STREAM", what.stream());
    made.add("STRANDLINE_GROUP", group);
    made.add("STRANDLINE_ATTEMPT", std::to_string(what.attempt()));
    if (auto const key = what.key())
        made.add("STRANDLINE_KEY", *key);
    if (auto const type = what.type())
        made.add("STRANDLINE_TYPE", *type);
    for (auto const& [name, value] : what.headers())
        made.add(variable_of_header(name), value);
    made.add_own();
    return made.take();
}

} // namespace

asio::awaitable<void> exec::handle(asio::any_io_executor executor, delivery const& what) const
{
    child_process child(executor, command, environment_of(what, group));
    auto const end = co_await child.finish(what.body().value_or(std::string_view()));
    if (end.signal != 0)
        throw std::runtime_error(fmt::format("the command was ended by signal {}", end.signal));
    auto const words = fmt::format("the command returned {}", end.status);
    if (end.status == data_error)
        throw reject(words);
    if (end.status == temporary_failure)
        throw strandline::retry_after(retry_after, words);
    if (end.status != 0)
        throw std::runtime_error(words);
}

} // namespace strandline::tools
