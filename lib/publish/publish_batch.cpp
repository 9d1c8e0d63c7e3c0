#include <strandline/detail/publish_operation.hpp>
#include <strandline/detail/quoted.hpp>
#include <strandline/publish_batch.hpp>

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <optional>
#include <string>

namespace strandline {

namespace {

using outcomes_of_events = std::vector<result<entry_id>>;

/// So many ranges of numbers stand in an error.
constexpr std::size_t most_named = 8;

/// The numbers of the events that were stored: "0-511, 513".
std::string stored_ranges(outcomes_of_events const& outcomes)
{
    std::string text;
    std::size_t ranges = 0;
    for (std::size_t i = 0; i != outcomes.size(); ++i) {
        if (!outcomes[i] || (i != 0 && outcomes[i - 1]))
            continue;
        if (++ranges > most_named)
            return text + ", ...";
        auto last = i;
        while (last + 1 != outcomes.size() && outcomes[last + 1])
            ++last;
        text += fmt::format("{}{}", ranges == 1 ? "" : ", ", i);
        if (last != i)
            text += fmt::format("-{}", last);
    }
    return text;
}

struct added
{
    detail::publication what;
    /// Kept by the outlets.
    std::shared_ptr<detail::outbox> to;
};

/// An event keeps its address when others are added: a flush that has timed out may still be sending it.
using added_events = std::deque<added>;

std::string name_of(added_events const& events, std::size_t number)
{
    return fmt::format("event {} of the batch, for {}", number, detail::quoted(events[number].what.stream));
}

failure why_of(added_events const& events, outcomes_of_events const& outcomes)
{
    auto const stored = std::ranges::count(outcomes, true, &result<entry_id>::has_value);
    if (static_cast<std::size_t>(stored) == outcomes.size())
        return {};
    // One that may have been stored tells more than one that was not.
    auto first = std::ranges::find_if(outcomes, [](result<entry_id> const& outcome) {
        return outcome.has_error() && is_outcome_unknown(outcome.error().code());
    });
    if (first == outcomes.end())
        first = std::ranges::find(outcomes, true, &result<entry_id>::has_error);
    auto const where = name_of(events, static_cast<std::size_t>(first - outcomes.begin()));
    auto const& why = first->error();
    if (stored == 0)
        return {why.code(), fmt::format("{}: {}", where, why.words().empty() ? why.message() : why.words())};
    return {
        errc::partly_stored, fmt::format(
                                 "of {} events these were stored: {}; {}: {}", outcomes.size(),
                                 stored_ranges(outcomes), where, why.message()
                             )
    };
}

} // namespace

struct publish_batch::content
{
    explicit content(std::shared_ptr<detail::outlets const> outlets) : to(std::move(outlets)) {}

    std::shared_ptr<detail::outlets const> to;
    std::shared_ptr<added_events> events = std::make_shared<added_events>();
    /// Of the first so many events, from the last flush.
    outcomes_of_events outcomes;
    /// Set where the flush is started and cleared where its handler runs.
    std::atomic<bool> is_flushing = false;
};

/// What goes to one outbox. Its flush owns it, and is kept by it while the outbox has it.
class publish_batch::parcel final : public detail::outgoing_batch
{
public:
    parcel() = default;

    void add(std::size_t number, detail::publication const& what)
    {
        numbers_.push_back(number);
        auto& item = appendings_.emplace_back();
        detail::describe(what, headers_.emplace_back(), item);
        // Until it is sent, which may never be.
        item.outcome = failure(errc::unreachable);
        is_repeatable = (numbers_.size() == 1 || is_repeatable) && what.is_repeatable();
        window = numbers_.size() == 1 ? what.window() : std::min(window, what.window());
    }

    /// Everything has been added.
    void seal(std::shared_ptr<flushing> of, bool at_once);

    void complete() override;

    void abandon() noexcept override { std::exchange(of_, nullptr).reset(); }

    std::shared_ptr<void const> leave_behind() override { return of_; }

private:
    std::shared_ptr<flushing> of_;
    /// Where the items stand in the batch.
    std::vector<std::size_t> numbers_;
    std::deque<std::vector<header_view>> headers_;
    std::vector<appending> appendings_;
};

/// One flush: what is sent, to whom, and who waits for it.
class publish_batch::flushing : public std::enable_shared_from_this<flushing>
{
public:
    flushing(std::shared_ptr<content> of, flush_handler handler)
        : of_(std::move(of))
        , handler_(std::move(handler))
        , work_(asio::make_work_guard(asio::get_associated_executor(handler_, of_->to->get_executor())))
    {}

    void start(flush_mode mode)
    {
        if (auto why = pack(mode)) {
            // Not from within the initiating function.
            asio::post(of_->to->get_executor(), [self = shared_from_this(), why = std::move(why)] {
                self->end(why);
            });
            return;
        }
        // One more, so that it does not end before all have been handed over.
        missing_ = parcels_.size() + 1;
        auto slot = asio::get_associated_cancellation_slot(handler_);
        std::vector<std::pair<std::weak_ptr<detail::outbox>, std::uint64_t>> tickets;
        for (auto& [to, what] : parcels_) {
            what.seal(shared_from_this(), mode == flush_mode::atomic);
            what.ticket = to->make_ticket();
            tickets.emplace_back(to, what.ticket);
        }
        if (slot.is_connected())
            slot.assign([tickets = std::move(tickets)](asio::cancellation_type) {
                for (auto const& [to, ticket] : tickets)
                    if (auto const alive = to.lock())
                        alive->cancel(ticket);
            });
        for (auto& [to, what] : parcels_)
            to->submit(&what);
        asio::post(of_->to->get_executor(), [self = shared_from_this()] { self->part_is_done(); });
    }

    void set_outcome(std::size_t number, result<entry_id>&& outcome)
    {
        outcomes_[number] = std::move(outcome);
    }

    void part_is_done()
    {
        // The parts end on strands of their own; the last one sees what the others have written.
        if (missing_.fetch_sub(1, std::memory_order_acq_rel) == 1)
            end(why_of(*events_, outcomes_));
    }

private:
    /// Sorts the events by outbox.
    failure pack(flush_mode mode)
    {
        if (of_->is_flushing.exchange(true))
            return errc::already_running;
        // Only now: before, the batch may have been another flush's.
        is_owner_ = true;
        events_ = of_->events;
        outcomes_ = of_->outcomes;
        outcomes_.resize(events_->size(), failure(error_code(asio::error::operation_aborted)));
        for (std::size_t number = 0; number != events_->size(); ++number) {
            auto const& what = (*events_)[number].what;
            if (what.refused) {
                outcomes_[number] = what.refused;
                return {
                    what.refused.code(),
                    fmt::format("{}: {}", name_of(*events_, number), what.refused.words())
                };
            }
        }
        for (std::size_t number = 0; number != events_->size(); ++number) {
            if (outcomes_[number])
                continue; // stored by an earlier flush
            auto const& [what, to] = (*events_)[number];
            auto place = std::ranges::find(parcels_, to, &addressed::to);
            if (place == parcels_.end()) {
                parcels_.emplace_back(to);
                place = std::prev(parcels_.end());
            }
            place->what.add(number, what);
        }
        if (mode == flush_mode::atomic && parcels_.size() > 1)
            return {errc::invalid_option, "a batch for several servers cannot be atomic"};
        if (mode == flush_mode::atomic && events_->size() > most_in_transaction)
            return {
                errc::invalid_option, fmt::format(
                                          "an atomic batch has at most {} events, and this one has {}",
                                          most_in_transaction, events_->size()
                                      )
            };
        return {};
    }

    void end(failure why)
    {
        auto const executor = asio::get_associated_executor(handler_, of_->to->get_executor());
        asio::dispatch(executor, [self = shared_from_this(), why = std::move(why)]() mutable {
            auto const keep = self;
            auto ids = keep->finish(why);
            keep->work_.reset();
            std::move(keep->handler_)(std::move(why), std::move(ids));
        });
    }

    /// Where the handler runs: the batch belongs to who waits for it.
    std::vector<entry_id> finish(failure const& why)
    {
        std::vector<entry_id> ids;
        if (!is_owner_)
            return ids;
        if (why)
            of_->outcomes = std::move(outcomes_);
        else {
            for (auto const& outcome : outcomes_)
                ids.push_back(*outcome);
            of_->outcomes.clear();
            of_->events = std::make_shared<added_events>();
        }
        of_->is_flushing = false;
        return ids;
    }

    struct addressed
    {
        explicit addressed(std::shared_ptr<detail::outbox> box) : to(std::move(box)) {}

        std::shared_ptr<detail::outbox> to;
        parcel what;
    };

    std::shared_ptr<content> of_;
    std::shared_ptr<added_events const> events_;
    outcomes_of_events outcomes_;
    std::deque<addressed> parcels_;
    std::atomic<std::size_t> missing_ = 0;
    bool is_owner_ = false;
    flush_handler handler_;
    asio::executor_work_guard<asio::any_completion_executor> work_;
};

void publish_batch::parcel::seal(std::shared_ptr<flushing> of, bool at_once)
{
    of_ = std::move(of);
    items = appendings_;
    atomic = at_once;
}

void publish_batch::parcel::complete()
{
    auto const of = std::exchange(of_, nullptr);
    // Copies: the engine may still have the items, when the answer did not come in time.
    for (std::size_t i = 0; i != numbers_.size(); ++i)
        of->set_outcome(numbers_[i], result<entry_id>(appendings_[i].outcome));
    of->part_is_done();
}

publish_batch::publish_batch(std::shared_ptr<detail::outlets const> to)
    : content_(std::make_shared<content>(std::move(to)))
{}

publish_batch::publish_batch(publish_batch&&) noexcept = default;
publish_batch& publish_batch::operator=(publish_batch&&) noexcept = default;
publish_batch::~publish_batch() = default;

asio::any_io_executor const& publish_batch::get_executor() const noexcept
{
    return content_->to->get_executor();
}

void publish_batch::check_free() const
{
    if (content_->is_flushing)
        throw error({errc::already_running, "the batch is being flushed"});
}

void publish_batch::add(detail::publication&& what, publish_options&& with)
{
    check_free();
    detail::apply(std::move(with), what);
    add(std::move(what));
}

void publish_batch::add(detail::publication&& what)
{
    check_free();
    auto const& to = content_->to->route(what);
    content_->events->push_back({std::move(what), to});
}

std::size_t publish_batch::count() const noexcept
{
    return content_->events->size();
}

void publish_batch::clear()
{
    check_free();
    content_->events = std::make_shared<added_events>();
    content_->outcomes.clear();
}

std::span<result<entry_id> const> publish_batch::outcomes() const noexcept
{
    return content_->outcomes;
}

void publish_batch::flush(std::shared_ptr<content> const& of, flush_mode mode, flush_handler handler)
{
    std::make_shared<flushing>(of, std::move(handler))->start(mode);
}

} // namespace strandline
