#pragma once

#include <strandline/entry_id.hpp>
#include <strandline/error.hpp>
#include <strandline/event.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/append.hpp>
#include <boost/asio/associated_allocator.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/execution/outstanding_work.hpp>
#include <boost/asio/prefer.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace strandline::detail {

namespace asio = boost::asio;

/// What an `async_publish` carries until it is started: nothing of it refers to the caller's objects.
struct publication
{
    std::string stream;
    strandline::event event;
    /// Why the value could not be encoded; such an event is not sent.
    failure refused;
};

/// Refuses names that the library or the wire format uses.
failure check_headers(strandline::headers const& given);

/// A started publish and the handler that waits for it. Owned by the outbox, and used up by `complete`.
class publish_operation
{
public:
    publish_operation(publish_operation const&) = delete;
    publish_operation& operator=(publish_operation const&) = delete;

    /// Calls the handler with the outcome and frees the operation.
    virtual void complete(failure const& why, entry_id id) = 0;

    /// Frees the operation without a call: its context is going away.
    virtual void abandon() noexcept = 0;

    publication what;
    /// The headers as the engine wants them.
    std::vector<header_view> headers;
    /// By which a cancellation finds it.
    std::uint64_t ticket = 0;
    /// The place in the order in which the outbox got them.
    std::uint64_t number = 0;

protected:
    explicit publish_operation(publication&& content) : what(std::move(content))
    {
        headers.reserve(what.event.headers.size());
        for (auto const& [name, value] : what.event.headers)
            headers.push_back({name, value});
    }

    ~publish_operation() = default;
};

template <class Handler>
class publish_operation_of final : public publish_operation
{
    using executor = asio::associated_executor_t<Handler, asio::any_io_executor>;
    // Not an executor_work_guard: there can be none for a strand<any_io_executor>.
    using tracked_executor = std::decay_t<
        decltype(asio::prefer(std::declval<executor const&>(), asio::execution::outstanding_work.tracked))>;
    using allocator = typename std::allocator_traits<
        asio::associated_allocator_t<Handler>>::template rebind_alloc<publish_operation_of>;
    using traits = std::allocator_traits<allocator>;

public:
    static publish_operation*
    make(publication&& content, Handler&& handler, asio::any_io_executor const& broker_executor)
    {
        allocator memory(asio::get_associated_allocator(handler));
        auto* const place = traits::allocate(memory, 1);
        try {
            return new (place) publish_operation_of(std::move(content), std::move(handler), broker_executor);
        }
        catch (...) {
            traits::deallocate(memory, place, 1);
            throw;
        }
    }

    publish_operation_of(
        publication&& content, Handler&& handler, asio::any_io_executor const& broker_executor
    )
        : publish_operation(std::move(content))
        , handler_(std::move(handler))
    {
        executor const own = asio::get_associated_executor(handler_, broker_executor);
        // On the broker's own strand the outbox is itself work that keeps the context running.
        if constexpr (std::is_same_v<executor, asio::any_io_executor>)
            if (own == broker_executor)
                return;
        run_on_.emplace(asio::prefer(own, asio::execution::outstanding_work.tracked));
    }

    void complete(failure const& why, entry_id id) override
    {
        auto handler = std::move(handler_);
        auto const run_on = std::move(run_on_);
        free(handler);
        if (run_on)
            asio::dispatch(*run_on, asio::append(std::move(handler), why, id));
        else
            std::move(handler)(why, id);
    }

    void abandon() noexcept override
    {
        auto const handler = std::move(handler_);
        free(handler);
    }

private:
    /// Memory goes back before the handler runs, so that what it starts can use it again.
    void free(Handler const& handler) noexcept
    {
        allocator memory(asio::get_associated_allocator(handler));
        this->~publish_operation_of();
        traits::deallocate(memory, this, 1);
    }

    Handler handler_;
    /// Keeps the handler's context running. Nothing when the handler runs on the strand on which operations
    /// complete: no dispatch is needed.
    std::optional<tracked_executor> run_on_;
};

} // namespace strandline::detail
