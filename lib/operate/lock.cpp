#include "core/condition.hpp"
#include "core/refusals.hpp"

#include <strandline/lock.hpp>

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace strandline {

namespace {

using clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

/// Looks now and then make up for a hint that was lost, or that came before the interest in it had reached
/// the server.
constexpr milliseconds first_look{100};
constexpr milliseconds last_look{5'000};

std::string make_token()
{
    std::random_device random;
    return fmt::format("{:08x}{:08x}{:08x}", random(), random(), random());
}

clock::time_point end_of(milliseconds wait)
{
    auto const now = clock::now();
    // Any wait is good, also one that ends beyond the clock's last time.
    return wait < std::chrono::floor<milliseconds>(clock::time_point::max() - now) ? now + wait
                                                                                   : clock::time_point::max();
}

/// What wakes one who waits for a lock. On the strand; shared with what was posted to it.
struct alarm
{
    explicit alarm(asio::any_io_executor const& strand) : changed(strand) {}

    void ring()
    {
        rang = true;
        changed.notify();
    }

    condition changed;
    bool rang = false;
};

/// How long the lock is held at the most, if nobody gives it back.
asio::awaitable<milliseconds> time_left(broker& of, std::string_view name)
{
    auto const seen = co_await of.inspect_lock(name);
    if (!seen)
        co_return milliseconds::max();
    // A server's clock has finer steps than its answer.
    co_return seen->free_in ? std::max(*seen->free_in, milliseconds(1)) : milliseconds(0);
}

} // namespace

failure validate(lock_options const& options)
{
    if (options.ttl < milliseconds(1))
        return {errc::invalid_option, "lock_options::ttl must be 1 ms or longer"};
    if (options.wait < milliseconds(0))
        return {errc::invalid_option, "lock_options::wait must be 0 ms or longer"};
    return {};
}

lock::lock(broker_ptr of, std::string name, lock_options options)
    : broker_(std::move(of))
    , name_(std::move(name))
    , options_(options)
{
    if (auto invalid = validate(options_))
        throw error(std::move(invalid));
    if (auto invalid = check_lock(name_))
        throw error(std::move(invalid));
}

asio::awaitable<detail::conclusion<held_lock>>
lock::acquire(broker_ptr of, std::string name, lock_options how, std::stop_token stop)
{
    auto const strand = of->get_executor();
    auto const token = make_token();
    auto const bell = std::make_shared<alarm>(strand);
    std::stop_callback const cancelled(stop, [strand, bell] {
        asio::post(strand, [bell] { bell->ring(); });
    });
    auto const deadline = end_of(how.wait);
    std::unique_ptr<watching> interest;
    auto next_look = first_look;
    // A call had no answer, so that it may have got the lock.
    auto may_be_held = false;
    for (;;) {
        bell->rang = false;
        auto const fence = co_await of->lock(name, token, how.ttl);
        if (fence && !stop.stop_requested()) {
            detail::conclusion<held_lock> end;
            end.value.broker_ = std::move(of);
            end.value.own_ = std::make_shared<held_lock::identity const>(std::move(name), token);
            end.value.fence_ = *fence;
            co_return end;
        }
        auto const why = fence ? failure() : fence.error();
        may_be_held = is_outcome_unknown(why) || (may_be_held && why != errc::locked);
        auto const waits = why == errc::locked || is_retryable(why);
        if (stop.stop_requested() || !waits || clock::now() >= deadline) {
            if (fence || may_be_held)
                (void)co_await of->unlock(name, token);
            if (stop.stop_requested())
                co_return detail::conclusion<held_lock>{error_code(asio::error::operation_aborted), {}};
            co_return detail::conclusion<held_lock>{why, {}};
        }
        if (!interest)
            interest = of->watch(name, {}, [bell] { bell->ring(); });
        auto const pause =
            why == errc::locked ? std::min(co_await time_left(*of, name), next_look) : next_look;
        next_look = std::min(next_look * 2, last_look);
        for (auto const until = std::min(deadline, clock::now() + pause);
             !bell->rang && !stop.stop_requested() && clock::now() < until;)
            co_await bell->changed.wait_until(until);
    }
}

} // namespace strandline
