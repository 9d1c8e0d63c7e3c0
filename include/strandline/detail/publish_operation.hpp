#pragma once

#include <strandline/detail/outbox.hpp>
#include <strandline/detail/outgoing.hpp>
#include <strandline/detail/publication.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/recycling_allocator.hpp>

#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace strandline::detail {

/// A started publish of one event and the handler that waits for it.
template <class Handler>
class publish_operation final : public outgoing_event
{
    using executor = asio::associated_executor_t<Handler, asio::any_io_executor>;
    // Not an executor_work_guard: there can be none for a strand<any_io_executor>.
    using tracked_executor = std::decay_t<
        decltype(asio::prefer(std::declval<executor const&>(), asio::execution::outstanding_work.tracked))>;
    // Where the handler has no allocator: Asio's own for operations, which keeps what is freed for the next.
    using allocator = typename std::allocator_traits<asio::associated_allocator_t<
        Handler, asio::recycling_allocator<void>>>::template rebind_alloc<publish_operation>;
    using traits = std::allocator_traits<allocator>;

public:
    /// `handler` is a `Handler`, to be moved, or a reference to one, to be copied.
    template <class Given>
    static publish_operation*
    make(publication&& content, Given&& handler, asio::any_io_executor const& broker_executor)
    {
        allocator memory(asio::get_associated_allocator(handler, asio::recycling_allocator<void>()));
        auto* const place = traits::allocate(memory, 1);
        try {
            return new (place)
                publish_operation(std::move(content), std::forward<Given>(handler), broker_executor);
        }
        catch (...) {
            traits::deallocate(memory, place, 1);
            throw;
        }
    }

    template <class Given>
    publish_operation(publication&& content, Given&& handler, asio::any_io_executor const& broker_executor)
        : what_(std::move(content))
        , handler_(std::forward<Given>(handler))
    {
        if (what_.refused)
            refused = &what_.refused;
        bytes = bytes_of(what_.event);
        is_repeatable = what_.is_repeatable();
        window = what_.window();
        executor const own = asio::get_associated_executor(handler_, broker_executor);
        // On the broker's own strand the outbox is itself work that keeps the context running.
        if constexpr (std::is_same_v<executor, asio::any_io_executor>)
            if (own == broker_executor)
                return;
        run_on_.emplace(asio::prefer(own, asio::execution::outstanding_work.tracked));
    }

    void complete(result<entry_id> const& outcome) override
    {
        auto why = outcome ? failure() : outcome.error();
        auto const id = outcome ? *outcome : entry_id();
        auto handler = std::move(handler_);
        auto const run_on = std::move(run_on_);
        free(handler);
        if (run_on)
            asio::dispatch(*run_on, asio::append(std::move(handler), std::move(why), id));
        else
            std::move(handler)(std::move(why), id);
    }

    void abandon() noexcept override
    {
        auto const handler = std::move(handler_);
        free(handler);
    }

    void describe(appending& item) override { detail::describe(what_, headers_, item); }

    std::shared_ptr<void const> leave_behind(appending& item) override
    {
        struct content
        {
            publication what;
            std::vector<header_view> headers;
        };
        auto const kept = std::make_shared<content>(content{std::move(what_), {}});
        detail::describe(kept->what, kept->headers, item);
        return kept;
    }

private:
    /// Memory goes back before the handler runs, so that what it starts can use it again.
    void free(Handler const& handler) noexcept
    {
        allocator memory(asio::get_associated_allocator(handler, asio::recycling_allocator<void>()));
        this->~publish_operation();
        traits::deallocate(memory, this, 1);
    }

    publication what_;
    std::vector<header_view> headers_;
    Handler handler_;
    /// Keeps the handler's context running. Nothing when the handler runs on the strand on which operations
    /// complete: no dispatch is needed.
    std::optional<tracked_executor> run_on_;
};

/// Lets a cancellation of the handler's slot reach the operation.
inline void connect_slot(asio::cancellation_slot slot, std::shared_ptr<outbox> const& to, outgoing& operation)
{
    if (!slot.is_connected())
        return;
    operation.ticket = to->make_ticket();
    // Weak: the slot may keep this long after the operation has completed.
    slot.assign([outbox = std::weak_ptr(to), ticket = operation.ticket](asio::cancellation_type) {
        if (auto const alive = outbox.lock())
            alive->cancel(ticket);
    });
}

/// Starts an `async_publish`: what the completion token calls with its handler.
struct initiate_publish
{
    std::shared_ptr<outbox> to;

    using executor_type = asio::any_io_executor;

    executor_type get_executor() const noexcept { return to->get_executor(); }

    template <class Handler>
    void operator()(Handler&& handler, publication&& what) const
    {
        auto const slot = asio::get_associated_cancellation_slot(handler);
        auto* const operation = publish_operation<std::decay_t<Handler>>::make(
            std::move(what), std::forward<Handler>(handler), to->get_executor()
        );
        connect_slot(slot, to, *operation);
        to->submit(operation);
    }
};

} // namespace strandline::detail
