#include <strandline/detail/publication.hpp>
#include <strandline/detail/quoted.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace strandline::detail {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds longest_window = std::chrono::years(1);
constexpr milliseconds longest_delay = std::chrono::years(100);

failure invalid(std::string_view member, std::string_view rule)
{
    return {errc::invalid_option, fmt::format("publish_options::{} {}", member, rule)};
}

failure check(publish_options const& options)
{
    if (options.idempotency_window < milliseconds(1) || options.idempotency_window > longest_window)
        return invalid(
            "idempotency_window",
            fmt::format("must be from 1 ms to a year, and is {} ms", options.idempotency_window.count())
        );
    if (options.delay && options.due)
        return invalid("delay", "is not possible together with due");
    if (options.delay && *options.delay > longest_delay)
        return invalid(
            "delay", fmt::format("must be at most a hundred years, and is {} ms", options.delay->count())
        );
    if (options.due && *options.due > std::chrono::system_clock::now() + longest_delay)
        return invalid("due", "must be within a hundred years");
    return {};
}

template <class Event>
std::size_t count_bytes(Event const& what) noexcept
{
    auto sum = what.body ? what.body->size() : 0;
    for (auto const& [name, value] : what.headers)
        sum += name.size() + value.size();
    return sum;
}

} // namespace

failure check_headers(strandline::headers const& given)
{
    static constexpr std::array reserved{
        std::string_view("body"), header_names::idempotency_key, header_names::for_group
    };
    for (auto const& [name, value] : given) {
        if (name.empty())
            return {errc::invalid_name, "a header's name is empty"};
        if (name.starts_with("dead-") || std::ranges::find(reserved, name) != reserved.end())
            return {errc::invalid_name, fmt::format("the header name {} is reserved", quoted(name))};
    }
    return {};
}

void apply(publish_options&& options, publication& to)
{
    if (!to.refused)
        to.refused = check_headers(options.headers);
    if (!to.refused)
        to.refused = check(options);
    if (to.refused)
        return;

    auto& headers = to.event.headers;
    auto const has = [](strandline::headers const& all, std::string_view name) {
        return std::ranges::find(all, name, &header::name) != all.end();
    };
    auto const add = [&](std::string_view name, std::string& value) {
        if (value.empty())
            return;
        // A reader would see the first one only.
        if (has(headers, name) || has(options.headers, name))
            to.refused = {errc::invalid_option, fmt::format("the header {} is given twice", quoted(name))};
        headers.push_back({std::string(name), std::move(value)});
    };
    add(header_names::type, options.type);
    add(header_names::key, options.key);
    add(header_names::correlation_id, options.correlation_id);
    add(header_names::traceparent, options.traceparent);
    add(header_names::tracestate, options.tracestate);
    std::ranges::move(options.headers, std::back_inserter(headers));
    if (options.idempotency_key.empty() && !options.delay && !options.due)
        return;
    auto& under = to.under.emplace();
    under.once = options.idempotency_key;
    under.window = options.idempotency_window;
    add(header_names::idempotency_key, options.idempotency_key);
    if (options.delay)
        under.delay = std::max(*options.delay, milliseconds(1));
    if (options.due)
        // Later rather than earlier.
        under.due =
            std::max(std::chrono::ceil<milliseconds>(*options.due), std::chrono::sys_time<milliseconds>());
}

std::size_t bytes_of(entry_view const& what) noexcept
{
    return count_bytes(what);
}

std::size_t bytes_of(event const& what) noexcept
{
    return count_bytes(what);
}

void describe(publication const& what, std::vector<header_view>& headers, appending& item)
{
    headers.clear();
    headers.reserve(what.event.headers.size());
    for (auto const& [name, value] : what.event.headers)
        headers.push_back({name, value});
    item.stream = what.stream;
    item.entry = {what.event.body, headers};
    item.keep = what.keep;
    if (what.under) {
        item.once = what.under->once;
        item.window = what.window();
        item.due = what.under->due;
        item.delay = what.under->delay;
    }
}

} // namespace strandline::detail
