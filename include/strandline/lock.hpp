#pragma once

#include <strandline/broker.hpp>
#include <strandline/detail/async_on_strand.hpp>

#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

namespace strandline {

struct lock_options
{
    /// For how long a lock is held that is not renewed; from 1 ms.
    std::chrono::milliseconds ttl{30'000};

    /// How long to wait for a lock that another one has. 0: not at all; `milliseconds::max()`: for ever.
    std::chrono::milliseconds wait = std::chrono::milliseconds::max();
};

/// Checks ranges; the words name the member. Error: `invalid_option`.
failure validate(lock_options const& options);

/// A lock that this process has got, until its time has run out or it is released.
///
/// Nothing renews it by itself: call `async_renew` well before `ttl` has passed since it was acquired or
/// renewed, counted from before that call. Destroying it does nothing, and nobody else gets the lock before
/// it has run out: release it, also when something has failed.
///
/// That it is held is a promise of the engine's clock, not of this process', which may have slept meanwhile.
/// What must not be done by two at the same time is to be done with the number `fence()`: whoever guards the
/// matter refuses numbers that are less than one it has seen.
///
/// A handle: copies are the same holding. One made by default holds nothing, and must not be renewed or
/// released. Thread safety: its functions may be called from any thread, also at the same time. It keeps the
/// broker open.
class held_lock
{
public:
    held_lock() = default;

    /// Greater than that of every holder of this lock before.
    std::uint64_t fence() const noexcept { return fence_; }

    std::string const& name() const noexcept { return own_->name; }

    /// Keeps the lock for `ttl` from now.
    ///
    /// Handler signature: `void(failure)`.
    ///
    /// Errors: `lock_lost` when it ran out before, and may be another's now; `invalid_option`;
    /// `connection_lost` and the like, after which it may be held or not. Cancellation: none.
    template <asio::completion_token_for<void(failure)> Token = asio::deferred_t>
    auto async_renew(std::chrono::milliseconds ttl, Token&& token = {}) const
    {
        return detail::async_on_strand(
            broker_, detail::engine_command([own = own_, ttl](broker& of) {
                return of.renew_lock(own->name, own->token, ttl);
            }),
            std::forward<Token>(token)
        );
    }

    /// Gives the lock back; those who wait for it are told.
    ///
    /// Handler signature: `void(failure)`.
    ///
    /// Errors: `lock_lost` when it had run out; whoever has it then keeps it. `connection_lost` and the like:
    /// it runs out at the latest. Cancellation: none.
    template <asio::completion_token_for<void(failure)> Token = asio::deferred_t>
    auto async_release(Token&& token = {}) const
    {
        return detail::async_on_strand(
            broker_,
            detail::engine_command([own = own_](broker& of) { return of.unlock(own->name, own->token); }),
            std::forward<Token>(token)
        );
    }

private:
    friend class lock;

    struct identity
    {
        std::string name;
        std::string token;
    };

    broker_ptr broker_;
    std::shared_ptr<identity const> own_;
    std::uint64_t fence_ = 0;
};

/// A lock by that name, of all who use the same server, database and prefix. Streams and locks may have the
/// same names.
///
/// Thread safety: its functions may be called from any thread, also at the same time. Operations outlive it.
class lock
{
public:
    /// Throws `error` with what `validate` says, and with `invalid_name` for an empty one.
    lock(broker_ptr of, std::string name, lock_options options = {});

    asio::any_io_executor const& get_executor() const noexcept { return broker_->get_executor(); }

    std::string const& name() const noexcept { return name_; }

    /// Gets the lock, and waits for it where another one has it: also one of this process, also of this
    /// object. Who waits is told when it is given back, looks when it should have run out, and looks now and
    /// then, after 100 ms first and every 5 s in the end, in case that he was not told. Who gets it of those
    /// who wait is open.
    ///
    /// Handler signature: `void(failure, held_lock)`.
    ///
    /// Errors: `locked` when another one has it still when `wait` has passed; `not_permitted`, `closed`,
    /// `refused` and what else no waiting helps against. While a server cannot be reached it waits, too, and
    /// fails with the reason when `wait` has passed, but not before the engine's connect timeout. A lock that
    /// was got over a connection that broke, and that could not be given back then, runs out.
    ///
    /// Cancellation, every type: completes with `operation_aborted`, and a lock that was got all the same is
    /// given back before.
    template <asio::completion_token_for<void(failure, held_lock)> Token = asio::deferred_t>
    auto async_acquire(Token&& token = {}) const
    {
        return detail::async_on_strand<held_lock>(
            get_executor(),
            detail::stoppable_operation<held_lock>([of = broker_, name = name_,
                                                    how = options_](std::stop_token stop) {
                return acquire(of, name, how, std::move(stop));
            }),
            std::forward<Token>(token)
        );
    }

private:
    static asio::awaitable<detail::conclusion<held_lock>>
    acquire(broker_ptr of, std::string name, lock_options how, std::stop_token stop);

    broker_ptr broker_;
    std::string name_;
    lock_options options_;
};

} // namespace strandline
