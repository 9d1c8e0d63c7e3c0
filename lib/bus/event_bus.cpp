#include "core/condition.hpp"

#include <strandline/detail/quoted.hpp>
#include <strandline/event_bus.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <utility>
#include <vector>

namespace strandline {

namespace {

struct subscription
{
    explicit subscription(consumer made) : of(std::move(made)) {}

    consumer of;
    // On the strand only.
    bool is_running = false;
    bool is_leaving = false;
    consume_report report;
};

using subscription_ptr = std::shared_ptr<subscription>;

} // namespace

/// Which subscriptions there are is known to all threads; what runs is known on the strand alone.
struct event_bus::state : std::enable_shared_from_this<state>
{
    using make_consumer = std::function<consumer()>;

    state(asio::any_io_executor executor, make_consumer with)
        : strand(std::move(executor))
        , make(std::move(with))
        , changed(strand)
    {}

    void add(std::string_view stream, std::function<void(consumer&)> const& set_up)
    {
        auto const one = std::make_shared<subscription>(make());
        set_up(one->of);
        {
            std::lock_guard const guard(mutex);
            if (!subscriptions.emplace(stream, one).second)
                throw error(
                    {errc::invalid_name,
                     fmt::format("the stream {} has a subscription already", detail::quoted(stream))}
                );
        }
        asio::post(strand, [self = shared_from_this(), one] {
            if (self->is_running && !self->is_closing)
                self->start(one);
        });
    }

    subscription_ptr find(std::string const& stream)
    {
        std::lock_guard const guard(mutex);
        auto const found = subscriptions.find(stream);
        return found == subscriptions.end() ? nullptr : found->second;
    }

    /// Unless it was made anew meanwhile.
    void remove(std::string const& stream, subscription_ptr const& one)
    {
        std::lock_guard const guard(mutex);
        if (auto const found = subscriptions.find(stream);
            found != subscriptions.end() && found->second == one)
            subscriptions.erase(found);
    }

    std::vector<subscription_ptr> all()
    {
        std::lock_guard const guard(mutex);
        std::vector<subscription_ptr> copies;
        for (auto const& [stream, one] : subscriptions)
            copies.push_back(one);
        return copies;
    }

    void start(subscription_ptr const& one)
    {
        // It may have been added while the run began, or be on its way out.
        if (one->is_leaving || std::exchange(one->is_running, true))
            return;
        ++under_way;
        one->of.async_run(asio::bind_executor(
            strand,
            [self = shared_from_this(), one](failure end, consume_report report) {
                one->is_running = false;
                one->report = report;
                self->report += report;
                --self->under_way;
                if (end && !self->why) {
                    self->why = std::move(end);
                    self->close(default_grace);
                }
                self->changed.notify();
            }
        ));
    }

    void close(std::chrono::milliseconds grace)
    {
        is_closing = true;
        for (auto const& one : all())
            if (one->is_running)
                one->of.stop(grace);
        changed.notify();
    }

    void post_close(std::chrono::milliseconds grace)
    {
        asio::post(strand, [self = shared_from_this(), grace] { self->close(grace); });
    }

    asio::any_io_executor strand;
    make_consumer make;

    std::mutex mutex;
    std::map<std::string, subscription_ptr, std::less<>> subscriptions;

    /// Woken when a subscription has ended, or shall.
    condition changed;
    bool is_running = false;
    bool is_closing = false;
    /// The bus is gone: nobody could close a run that begins now.
    bool is_retired = false;
    std::size_t under_way = 0;
    failure why;
    consume_report report;
};

event_bus::event_bus(broker_ptr broker, consumer_options consuming, producer_options publishing)
    : publisher_(broker, std::move(publishing))
    , state_(std::make_shared<state>(broker->get_executor(), [broker, consuming = std::move(consuming)] {
        return consumer(broker, consuming);
    }))
{
    // What is wrong with the options shows now.
    state_->make();
}

event_bus::event_bus(registry const& from, consumer_options consuming, producer_options publishing)
    : publisher_(from, std::move(publishing))
    , state_(std::make_shared<state>(
          from.servers().front().broker->get_executor(),
          [from, consuming = std::move(consuming)] { return consumer(from, consuming); }
      ))
{
    state_->make();
}

event_bus::~event_bus()
{
    if (!state_)
        return;
    asio::post(state_->strand, [of = state_] { of->is_retired = true; });
    close(std::chrono::milliseconds(0));
}

event_bus::event_bus(event_bus&&) noexcept = default;

event_bus& event_bus::operator=(event_bus&& other) noexcept
{
    std::swap(publisher_, other.publisher_);
    std::swap(state_, other.state_);
    return *this;
}

asio::any_io_executor const& event_bus::get_executor() const noexcept
{
    return state_->strand;
}

void event_bus::add(std::string_view stream, std::function<void(consumer&)> const& set_up)
{
    state_->add(stream, set_up);
}

void event_bus::close(std::chrono::milliseconds grace)
{
    state_->post_close(grace);
}

asio::awaitable<detail::conclusion<consume_report>>
event_bus::unsubscribe(std::shared_ptr<state> of, std::string const& stream, std::chrono::milliseconds grace)
{
    detail::conclusion<consume_report> end;
    auto const one = of->find(stream);
    if (!one) {
        end.why = {
            errc::invalid_name, fmt::format("the stream {} has no subscription", detail::quoted(stream))
        };
        co_return end;
    }
    one->is_leaving = true;
    if (one->is_running)
        one->of.stop(grace);
    while (one->is_running)
        co_await of->changed.wait();
    of->remove(stream, one);
    end.value = one->report;
    co_return end;
}

asio::awaitable<detail::conclusion<consume_report>>
event_bus::run(std::shared_ptr<state> of, std::stop_token stop)
{
    if (of->is_running)
        co_return detail::conclusion<consume_report>{errc::already_running, {}};
    if (of->is_retired)
        co_return detail::conclusion<consume_report>();
    of->is_running = true;
    of->is_closing = false;
    of->why = {};
    of->report = {};
    for (auto const& one : of->all())
        of->start(one);
    {
        std::stop_callback const cancelled(stop, [of] { of->post_close(default_grace); });
        while (!of->is_closing || of->under_way != 0)
            co_await of->changed.wait();
    }
    of->is_running = false;
    if (stop.stop_requested() && !of->why)
        of->why = error_code(asio::error::operation_aborted);
    co_return detail::conclusion<consume_report>{of->why, of->report};
}

} // namespace strandline
