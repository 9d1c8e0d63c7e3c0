#include "core/condition.hpp"
#include "operate/housekeeping.hpp"

#include <strandline/janitor.hpp>
#include <strandline/names.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <exception>
#include <optional>
#include <utility>

namespace strandline {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds shortest_interval{100};
constexpr milliseconds longest_interval = std::chrono::hours(24);
constexpr milliseconds longest_age = std::chrono::years(100);

failure check_range(char const* member, milliseconds value, milliseconds least, milliseconds most)
{
    if (value >= least && value <= most)
        return {};
    return {
        errc::invalid_option, fmt::format(
                                  "janitor_options::{} must be from {} ms to {} ms, and is {} ms", member,
                                  least.count(), most.count(), value.count()
                              )
    };
}

/// The same, where 0 means something else.
failure check_age(char const* member, milliseconds value, milliseconds least)
{
    return value == value.zero() ? failure() : check_range(member, value, least, longest_age);
}

void add(janitor_report& sum, janitor_report const& part)
{
    sum.collected += part.collected;
    sum.expired += part.expired;
    sum.consumers_removed += part.consumers_removed;
    sum.promoted += part.promoted;
}

} // namespace

failure validate(janitor_options const& options)
{
    if (auto why = check_range("interval", options.interval, shortest_interval, longest_interval))
        return why;
    if (auto why = check_age("keep_dead_letters", options.keep_dead_letters, milliseconds(1)))
        return why;
    return check_age("remove_consumers_after", options.remove_consumers_after, std::chrono::minutes(1));
}

struct janitor::state
{
    using work =
        asio::awaitable<detail::conclusion<janitor_report>> (operate::housekeeping::*)(std::stop_token);

    explicit state(janitor_options of)
    {
        if (auto why = validate(of))
            throw error(std::move(why));
        options = std::make_shared<janitor_options const>(std::move(of));
    }

    void add_server(broker_ptr of, std::vector<stream_declaration> streams)
    {
        parts.push_back(std::make_unique<operate::housekeeping>(std::move(of), std::move(streams), options));
    }

    asio::any_io_executor const& strand() const noexcept { return parts.front()->get_executor(); }

    /// On all servers at the same time, each on its own strand, until the last one has ended.
    asio::awaitable<detail::conclusion<janitor_report>> on_all(work what, std::stop_token stop)
    {
        detail::conclusion<janitor_report> end;
        condition ended(strand());
        auto under_way = parts.size();
        for (auto const& part : parts)
            asio::co_spawn(
                part->get_executor(), (part.get()->*what)(stop),
                asio::bind_executor(
                    strand(),
                    [&](std::exception_ptr unexpected, detail::conclusion<janitor_report> const& of_part) {
                        if (unexpected)
                            std::rethrow_exception(unexpected);
                        add(end.value, of_part.value);
                        if (!end.why)
                            end.why = of_part.why;
                        --under_way;
                        ended.notify();
                    }
                )
            );
        while (under_way != 0)
            co_await ended.wait();
        co_return end;
    }

    std::shared_ptr<janitor_options const> options;
    std::vector<std::unique_ptr<operate::housekeeping>> parts;
    // On the strand only.
    /// Of the run under way.
    std::optional<std::stop_source> current;
    /// The janitor is gone: nobody could stop a run that begins now.
    bool is_retired = false;
};

janitor::janitor(registry const& of, janitor_options options)
    : state_(std::make_shared<state>(std::move(options)))
{
    for (auto const& one : of.servers())
        state_->add_server(one.broker, one.streams);
}

janitor::janitor(broker_ptr of, std::vector<stream_declaration> streams, janitor_options options)
    : state_(std::make_shared<state>(std::move(options)))
{
    for (auto const& one : streams)
        if (auto why = check_stream_name(one.name))
            throw error(std::move(why));
    state_->add_server(std::move(of), std::move(streams));
}

janitor::~janitor()
{
    if (!state_)
        return;
    asio::post(state_->strand(), [of = state_] { of->is_retired = true; });
    stop();
}

janitor::janitor(janitor&&) noexcept = default;

janitor& janitor::operator=(janitor&& other) noexcept
{
    std::swap(state_, other.state_);
    return *this;
}

asio::any_io_executor const& janitor::get_executor() const noexcept
{
    return state_->strand();
}

void janitor::stop()
{
    asio::post(state_->strand(), [of = state_] {
        if (of->current)
            of->current->request_stop();
    });
}

asio::awaitable<detail::conclusion<janitor_report>>
janitor::run(std::shared_ptr<state> of, std::stop_token stop)
{
    if (of->current)
        co_return detail::conclusion<janitor_report>{errc::already_running, {}};
    if (of->is_retired)
        co_return detail::conclusion<janitor_report>();
    auto& own = of->current.emplace();
    detail::conclusion<janitor_report> end;
    {
        std::stop_callback const cancelled(stop, [&own] { own.request_stop(); });
        end = co_await of->on_all(&operate::housekeeping::run, own.get_token());
    }
    of->current.reset();
    if (stop.stop_requested())
        end.why = error_code(asio::error::operation_aborted);
    co_return end;
}

asio::awaitable<detail::conclusion<janitor_report>>
janitor::sweep(std::shared_ptr<state> of, std::stop_token stop)
{
    return of->on_all(&operate::housekeeping::sweep, std::move(stop));
}

} // namespace strandline
