#pragma once

#include <strandline/codec.hpp>
#include <strandline/delivery.hpp>
#include <strandline/detail/outcome.hpp>
#include <strandline/error.hpp>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

namespace strandline {

namespace consume {
struct ticket;
}

/// A delivery that was received with `consumer::async_receive`, and what its receiver makes of it.
///
/// The first of `ack`, `retry`, `retry_after`, `reject` and `release` decides; destroying it undecided
/// releases it. They return at once, and the engine is told soon after. What decides after the delivery's
/// time is over, or after it went to another consumer, changes nothing.
///
/// Its lease is renewed for as long as the consumer runs. Thread safety: different objects may be used from
/// different threads; one only from one at a time. It may outlive the consumer, but not the broker's
/// execution context.
class pending_delivery
{
public:
    /// Holds nothing.
    pending_delivery() noexcept = default;
    ~pending_delivery();

    pending_delivery(pending_delivery&& other) noexcept = default;
    pending_delivery& operator=(pending_delivery&& other) noexcept;

    /// Whether it holds a delivery that nothing has been decided about.
    explicit operator bool() const noexcept { return ticket_ != nullptr; }

    /// What was received; valid until something is decided. Not for one that holds nothing.
    strandline::delivery const& delivery() const noexcept;

    /// The body as a value of `T`, or why it cannot be.
    template <decodable T>
    result<T> as() const
    {
        if (!delivery().body())
            return failure(errc::not_decodable, "the entry has no body");
        T value{};
        if (auto why = decode(*delivery().body(), value))
            return why;
        return value;
    }

    /// False once its time was over, or it went to another consumer, or the consumer stopped without waiting
    /// longer. Another thread may just be about to learn it.
    bool is_held() const noexcept;

    /// Begins its time (`consumer_options::handler_timeout`) anew.
    void extend();

    /// It has been handled.
    void ack();

    /// It has failed, and is tried again as the retry options say; or goes to the dead letters after its last
    /// attempt.
    void retry(std::string reason);

    /// The same, but it is tried again after that time.
    void retry_after(std::chrono::milliseconds delay, std::string reason);

    /// It will never succeed: it goes to the dead letters.
    void reject(std::string reason);

    /// Hands it back, for any consumer of the group; its attempt does not count.
    void release();

private:
    friend consume::ticket;

    explicit pending_delivery(std::shared_ptr<consume::ticket> of) noexcept : ticket_(std::move(of)) {}

    void decide(detail::outcome how);

    std::shared_ptr<consume::ticket> ticket_;
};

} // namespace strandline
