#include <strandline/detail/outbox.hpp>
#include <strandline/detail/publication.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <exception>
#include <utility>

namespace strandline::detail {

namespace {

constexpr std::size_t most_singles = 64;
constexpr std::size_t most_of_batch = 1'000;
constexpr std::size_t most_requests = 8;

constexpr auto rethrow = [](std::exception_ptr unexpected) {
    if (unexpected)
        std::rethrow_exception(unexpected);
};

outgoing_event& event_of(outgoing& operation)
{
    return static_cast<outgoing_event&>(operation);
}

outgoing_batch& batch_of(outgoing& operation)
{
    return static_cast<outgoing_batch&>(operation);
}

/// The server's marks of its keys cannot be older than this.
void note_sending(outgoing& operation)
{
    if (operation.is_repeatable && operation.first_sent == outgoing::clock::time_point())
        operation.first_sent = outgoing::clock::now();
}

/// Of an event of which the engine says nothing.
failure unanswered()
{
    return errc::outcome_unknown;
}

/// The outcome of one that may have been stored by an earlier attempt: that it was not is true of the last
/// one only.
result<entry_id> in_doubt(result<entry_id> const& outcome)
{
    if (outcome.has_value() || is_outcome_unknown(outcome.error()))
        return outcome;
    return failure(errc::outcome_unknown, outcome.error().message());
}

} // namespace

/// A pump on its way to the strand. Destroyed without having run, its context is going away, and with it the
/// operations: their handlers may own the producer, so that nobody else would ever free them.
class outbox::scheduled_pump
{
public:
    explicit scheduled_pump(std::shared_ptr<outbox> target) noexcept : target_(std::move(target)) {}

    scheduled_pump(scheduled_pump&&) noexcept = default;
    scheduled_pump& operator=(scheduled_pump&&) = delete;

    ~scheduled_pump()
    {
        if (target_)
            target_->abandon_all();
    }

    void operator()() { std::exchange(target_, nullptr)->pump(); }

private:
    std::shared_ptr<outbox> target_;
};

/// Items that travel together: those of events, each with its operation beside it, or some of one batch.
struct outbox::request
{
    /// Null: completed before the answer came.
    operations of;
    std::vector<appending> singles;
    std::span<appending> items;
    bool atomic = false;
    std::size_t bytes = 0;
    /// What the engine still needs of completed ones.
    std::vector<std::shared_ptr<void const>> left_behind;

    bool is_of_batch() const noexcept { return singles.empty(); }

    void clear()
    {
        of.clear();
        singles.clear();
        items = {};
        atomic = false;
        bytes = 0;
        left_behind.clear();
    }
};

/// A request on its way to the engine; its operations are freed with the coroutine when its context goes
/// away.
class outbox::travelling
{
public:
    travelling(outbox& from, std::unique_ptr<request> what) : from_(&from), request_(std::move(what)) {}

    travelling(travelling&&) noexcept = default;
    travelling& operator=(travelling&&) = delete;

    ~travelling()
    {
        if (!request_)
            return;
        from_->forget(*request_);
        from_->abandon_all();
        for (auto* operation : request_->of)
            if (operation && --operation->requests == 0)
                operation->abandon();
    }

    request& what() noexcept { return *request_; }

    std::unique_ptr<request> release() noexcept { return std::move(request_); }

private:
    outbox* from_;
    std::unique_ptr<request> request_;
};

outbox::outbox(broker_ptr broker, producer_options const& options)
    : broker_(std::move(broker))
    , max_in_flight_(options.max_in_flight)
    , max_bytes_in_flight_(options.max_bytes_in_flight)
    , timeout_(options.timeout)
    , deadline_(broker_->get_executor())
{}

outbox::~outbox()
{
    abandon_all();
}

void outbox::submit(outgoing* operation)
{
    {
        std::lock_guard const lock(mutex_);
        inbox_.push_back(operation);
        if (std::exchange(scheduled_, true))
            return;
    }
    asio::post(get_executor(), scheduled_pump(shared_from_this()));
}

void outbox::cancel(std::uint64_t ticket)
{
    asio::post(get_executor(), [self = shared_from_this(), ticket] {
        self->take_inbox();
        auto const found = std::ranges::find(self->waiting_, ticket, &outgoing::ticket);
        if (found == self->waiting_.end())
            return; // under way or completed
        self->give_up(**found, error_code(asio::error::operation_aborted));
    });
}

void outbox::take_inbox()
{
    std::lock_guard const lock(mutex_);
    if (inbox_.empty())
        return;
    auto const deadline = clock::now() + timeout_;
    for (auto* operation : inbox_) {
        operation->number = ++last_number_;
        operation->deadline = deadline;
        if (!operation->is_batch && event_of(*operation).refused) {
            refused_.push_back(&event_of(*operation));
            continue;
        }
        operation->is_waiting = true;
        waiting_.push_back(operation);
    }
    inbox_.clear();
}

void outbox::pump()
{
    {
        std::lock_guard const lock(mutex_);
        scheduled_ = false;
    }
    take_inbox();
    while (!refused_.empty()) {
        auto& operation = *refused_.front();
        refused_.pop_front();
        end(operation, *operation.refused);
    }
    send_waiting();
    watch_deadlines();
}

void outbox::send_waiting()
{
    while (!waiting_.empty() && under_way_.size() < most_requests) {
        if (!is_ready_)
            return get_ready();
        if (spare_.empty())
            spare_.push_back(std::make_unique<request>());
        auto& first = *waiting_.front();
        if (first.is_uncertain && clock::now() >= first.first_sent + first.window) {
            give_up(
                first, {errc::outcome_unknown,
                        "the window of the idempotency key was over before there was a connection"}
            );
            continue;
        }
        if (!take_next(*spare_.back()))
            return;
        auto next = std::move(spare_.back());
        spare_.pop_back();
        start(std::move(next));
    }
}

/// An event that is larger than what may be under way goes alone.
bool outbox::fits(std::size_t events, std::size_t bytes) const noexcept
{
    return (events_under_way_ + events <= max_in_flight_ && bytes_under_way_ + bytes <= max_bytes_in_flight_
           ) ||
           (events_under_way_ == 0 && events == 1);
}

/// False when nothing more may be under way.
bool outbox::take_next(request& into)
{
    return waiting_.front()->is_batch ? take_of_batch(into) : take_singles(into);
}

bool outbox::take_singles(request& into)
{
    while (!waiting_.empty() && !waiting_.front()->is_batch && into.of.size() != most_singles) {
        auto& operation = event_of(*waiting_.front());
        if (!fits(into.of.size() + 1, into.bytes + operation.bytes))
            break;
        // Its window has to be looked at before.
        if (operation.is_uncertain && !into.of.empty())
            break;
        waiting_.pop_front();
        operation.is_waiting = false;
        note_sending(operation);
        ++operation.requests;
        into.of.push_back(&operation);
        auto& item = into.singles.emplace_back();
        operation.describe(item);
        item.outcome = unanswered();
        into.bytes += operation.bytes;
    }
    into.items = into.singles;
    return !into.of.empty();
}

bool outbox::take_of_batch(request& into)
{
    auto& operation = batch_of(*waiting_.front());
    auto const rest = operation.items.subspan(operation.sent);
    std::size_t count = 0;
    for (; count != rest.size() && (count != most_of_batch || operation.atomic); ++count) {
        auto const bytes = bytes_of(rest[count].entry);
        // All of an atomic one, or nothing; it must not wait for ever for more than there ever is.
        if (!fits(count + 1, into.bytes + bytes) && !(operation.atomic && events_under_way_ == 0))
            break;
        into.bytes += bytes;
    }
    if (count == 0 || (operation.atomic && count != rest.size())) {
        into.bytes = 0;
        return false;
    }
    note_sending(operation);
    into.of.push_back(&operation);
    into.items = rest.first(count);
    for (auto& item : into.items)
        item.outcome = unanswered();
    into.atomic = operation.atomic;
    operation.sent += count;
    ++operation.requests;
    if (operation.sent == operation.items.size())
        stop_waiting(operation);
    return true;
}

void outbox::start(std::unique_ptr<request> next)
{
    under_way_.push_back(next.get());
    events_under_way_ += next->items.size();
    bytes_under_way_ += next->bytes;
    asio::co_spawn(get_executor(), send(shared_from_this(), travelling(*this, std::move(next))), rethrow);
}

asio::awaitable<void> outbox::send(std::shared_ptr<outbox> self, travelling what)
{
    // Waiting for a connection is done here, before: where each has its own deadline, and its turn.
    co_await self->broker_->append(what.what().items, {.atomic = what.what().atomic, .now_or_never = true});
    self->returned(what.release());
}

void outbox::returned(std::unique_ptr<request> done)
{
    forget(*done);
    // The handlers may publish again at once; what they put in waits for one pump, which comes after what
    // others have put on the strand meanwhile. Posted, not called: an engine that stores at once would
    // otherwise come back here ever deeper.
    auto const is_next_scheduled = [&] {
        std::lock_guard const lock(mutex_);
        return std::exchange(scheduled_, true);
    }();
    for (std::size_t i = 0; i != done->of.size(); ++i) {
        auto* const operation = done->of[i];
        if (!operation)
            continue;
        --operation->requests;
        if (done->is_of_batch())
            came_back(batch_of(*operation), done->items);
        else
            came_back(event_of(*operation), done->singles[i].outcome);
    }
    done->clear();
    spare_.push_back(std::move(done));
    if (!is_next_scheduled)
        asio::post(get_executor(), scheduled_pump(shared_from_this()));
}

/// What was not sent waits again, and what may have been stored, if it may be stored twice.
void outbox::came_back(outgoing_event& operation, result<entry_id> const& outcome)
{
    if (outcome.has_value())
        return end(operation, outcome);
    auto const is_unknown = outcome.error() == errc::connection_lost;
    if (!is_unknown && outcome.error() != errc::unreachable)
        return end(operation, outcome);
    is_ready_ = false;
    if (is_unknown)
        operation.is_uncertain = true;
    if (is_unknown && !operation.is_repeatable)
        end(operation, outcome);
    else
        wait_again(operation);
}

/// The same of some of a batch.
void outbox::came_back(outgoing_batch& operation, std::span<appending> items)
{
    auto const first = static_cast<std::size_t>(items.data() - operation.items.data());
    auto unsent = false;
    auto unknown = false;
    for (std::size_t i = 0; i != items.size(); ++i) {
        auto const& outcome = items[i].outcome;
        if (outcome.has_value())
            continue;
        unsent |= outcome.error() == errc::unreachable;
        if (outcome.error() == errc::connection_lost) {
            unknown = true;
            operation.lost.resize(operation.items.size());
            operation.lost[first + i] = true;
        }
    }
    if (unsent || unknown)
        is_ready_ = false;
    if (unknown) {
        operation.is_uncertain = true;
        operation.is_given_up |= !operation.is_repeatable;
    }
    if (operation.is_given_up)
        stop_waiting(operation);
    else if (unsent || unknown) {
        operation.sent = std::min(operation.sent, first);
        wait_again(operation);
    }
    end_if_done(operation);
}

void outbox::wait_again(outgoing& operation)
{
    if (std::exchange(operation.is_waiting, true))
        return;
    waiting_.insert(std::ranges::upper_bound(waiting_, operation.number, {}, &outgoing::number), &operation);
}

void outbox::stop_waiting(outgoing& operation)
{
    if (!std::exchange(operation.is_waiting, false))
        return;
    waiting_.erase(std::ranges::lower_bound(waiting_, operation.number, {}, &outgoing::number));
}

/// Not before everything has come back: what is still under way comes first in the order.
void outbox::get_ready()
{
    if (!under_way_.empty() || std::exchange(is_getting_ready_, true))
        return;
    asio::co_spawn(get_executor(), wait_until_ready(shared_from_this()), rethrow);
}

asio::awaitable<void> outbox::wait_until_ready(std::shared_ptr<outbox> self)
{
    // Destroyed while it waits, its context is going away, and with it what waits here. Not told by
    // `is_getting_ready_`: what is sent at the end can fail at once, and begin another one of these.
    struct waiting
    {
        outbox* of;

        ~waiting()
        {
            if (!of)
                return;
            of->is_getting_ready_ = false;
            of->abandon_all();
        }
    } here{self.get()};
    while (!self->waiting_.empty() && !self->is_ready_) {
        auto const left = self->waiting_.front()->deadline - clock::now();
        auto const why = co_await self->broker_->ready(
            std::max(std::chrono::ceil<std::chrono::milliseconds>(left), std::chrono::milliseconds(1))
        );
        if (!why)
            self->is_ready_ = true;
        else if (why == errc::unreachable || why == errc::unavailable)
            self->fail_waiting(why, clock::now());
        else
            self->fail_waiting(why, clock::time_point::max());
    }
    here.of = nullptr;
    self->is_getting_ready_ = false;
    self->send_waiting();
    self->watch_deadlines();
}

/// Fails what waits and has no time left then.
void outbox::fail_waiting(failure const& why, clock::time_point due_until)
{
    // Only what waits now: handlers may publish again.
    auto const last = last_number_;
    while (!waiting_.empty() && waiting_.front()->deadline <= due_until && waiting_.front()->number <= last)
        give_up(*waiting_.front(), why);
}

/// Sends no more of what waits; it ends when all that was sent of it has come back.
void outbox::give_up(outgoing& operation, failure const& why)
{
    stop_waiting(operation);
    if (!operation.is_batch)
        return end(event_of(operation), why);
    auto& batch = batch_of(operation);
    batch.is_given_up = true;
    for (auto& item : batch.items.subspan(batch.sent))
        item.outcome = why;
    end_if_done(batch);
}

void outbox::expire_under_way(clock::time_point now)
{
    failure const why{
        errc::outcome_unknown, fmt::format("the server has not answered within {} ms", timeout_.count())
    };
    for (auto* request : under_way_)
        for (std::size_t i = 0; i != request->of.size(); ++i) {
            auto* const operation = request->of[i];
            if (!operation || operation->deadline > now)
                continue;
            request->of[i] = nullptr;
            --operation->requests;
            if (!operation->is_batch) {
                auto& event = event_of(*operation);
                request->left_behind.push_back(event.leave_behind(request->singles[i]));
                end(event, why);
                continue;
            }
            auto& batch = batch_of(*operation);
            batch.is_given_up = true;
            for (auto& item : request->items)
                item.outcome = why;
            request->left_behind.push_back(batch.leave_behind());
            end_if_done(batch);
        }
}

/// A timer for as long as something is under way. What waits without anything under way waits for the engine
/// to get ready, which has its own.
void outbox::watch_deadlines()
{
    if (under_way_.empty()) {
        if (is_watching_)
            deadline_.cancel();
        return;
    }
    if (is_watching_)
        return;
    auto earliest = waiting_.empty() ? clock::time_point::max() : waiting_.front()->deadline;
    for (auto const* request : under_way_)
        for (auto const* operation : request->of)
            if (operation)
                earliest = std::min(earliest, operation->deadline);
    if (earliest == clock::time_point::max())
        return; // all have been answered for; who comes next looks again
    is_watching_ = true;
    deadline_.expires_at(earliest);
    deadline_.async_wait([self = shared_from_this()](error_code const& aborted) {
        self->is_watching_ = false;
        if (!aborted) {
            auto const now = clock::now();
            self->expire_under_way(now);
            self->fail_waiting(
                {errc::timed_out, fmt::format("waited behind others for {} ms", self->timeout_.count())}, now
            );
        }
        self->watch_deadlines();
    });
}

/// What a handler throws goes where Asio sends it, out of run(), and the others are called all the same.
template <class Complete>
void outbox::call(Complete complete)
{
    try {
        complete();
    }
    catch (...) {
        asio::post(get_executor(), [thrown = std::current_exception()] { std::rethrow_exception(thrown); });
    }
}

void outbox::end(outgoing_event& operation, result<entry_id> const& outcome)
{
    if (operation.is_uncertain)
        call([&] { operation.complete(in_doubt(outcome)); });
    else
        call([&] { operation.complete(outcome); });
}

void outbox::end_if_done(outgoing_batch& operation)
{
    if (operation.requests != 0 || operation.is_waiting)
        return;
    for (std::size_t i = 0; i != operation.lost.size(); ++i)
        if (operation.lost[i])
            operation.items[i].outcome = in_doubt(operation.items[i].outcome);
    call([&] { operation.complete(); });
}

void outbox::forget(request const& gone) noexcept
{
    std::erase(under_way_, &gone);
    events_under_way_ -= gone.items.size();
    bytes_under_way_ -= gone.bytes;
}

void outbox::abandon_all() noexcept
{
    take_inbox();
    while (!refused_.empty()) {
        auto* const operation = refused_.front();
        refused_.pop_front();
        operation->abandon();
    }
    while (!waiting_.empty()) {
        auto* const operation = waiting_.front();
        waiting_.pop_front();
        operation->is_waiting = false;
        // Else the last request that carries some of it frees it.
        if (operation->requests == 0)
            operation->abandon();
    }
}

} // namespace strandline::detail
