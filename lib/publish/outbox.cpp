#include <strandline/detail/outbox.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <exception>
#include <utility>

namespace strandline::detail {

namespace {

constexpr std::size_t most_in_request = 64;
constexpr std::size_t most_requests = 8;

/// What the handler throws goes where Asio sends it, out of run(), and the others are called all the same.
void complete_guarded(
    publish_operation& operation, failure const& why, entry_id id, asio::any_io_executor const& strand
)
{
    try {
        operation.complete(why, id);
    }
    catch (...) {
        asio::post(strand, [thrown = std::current_exception()] { std::rethrow_exception(thrown); });
    }
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

/// Operations that travel together, and their entries in the same order.
struct outbox::request
{
    operations of;
    std::vector<appending> entries;
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
        for (auto* operation : request_->of)
            operation->abandon();
        from_->abandon_all();
    }

    request& what() noexcept { return *request_; }

    std::unique_ptr<request> release() noexcept { return std::move(request_); }

private:
    outbox* from_;
    std::unique_ptr<request> request_;
};

failure check_headers(strandline::headers const& given)
{
    for (auto const& [name, value] : given) {
        if (name.empty())
            return {errc::invalid_name, "a header's name is empty"};
        if (name == "body" || name.starts_with("dead-"))
            return {errc::invalid_name, "the header name '" + name + "' is reserved"};
    }
    return {};
}

outbox::outbox(broker_ptr broker) : broker_(std::move(broker)) {}

outbox::~outbox()
{
    abandon_all();
}

void outbox::submit(publish_operation* operation)
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
        auto const found = std::ranges::find(self->waiting_, ticket, &publish_operation::ticket);
        if (found == self->waiting_.end())
            return; // under way or completed
        auto* const operation = *found;
        self->waiting_.erase(found);
        operation->complete(error_code(asio::error::operation_aborted), {});
    });
}

void outbox::take_inbox()
{
    std::lock_guard const lock(mutex_);
    for (auto* operation : inbox_) {
        operation->number = ++last_number_;
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
    while (!waiting_.empty() && requests_under_way_ < most_requests) {
        auto next = make_request();
        auto& taken = next->of;
        while (!waiting_.empty() && taken.size() < most_in_request) {
            auto* const operation = waiting_.front();
            waiting_.pop_front();
            if (operation->what.refused) {
                auto const why = operation->what.refused;
                complete_guarded(*operation, why, {}, get_executor());
            }
            else
                taken.push_back(operation);
        }
        if (taken.empty()) {
            spare_.push_back(std::move(next));
            break;
        }
        ++requests_under_way_;
        asio::co_spawn(
            get_executor(), send(shared_from_this(), travelling(*this, std::move(next))),
            [](std::exception_ptr unexpected) {
                if (unexpected)
                    std::rethrow_exception(unexpected);
            }
        );
    }
}

std::unique_ptr<outbox::request> outbox::make_request()
{
    if (spare_.empty())
        return std::make_unique<request>();
    auto made = std::move(spare_.back());
    spare_.pop_back();
    return made;
}

void outbox::recycle(std::unique_ptr<request> done)
{
    done->of.clear();
    done->entries.clear();
    spare_.push_back(std::move(done));
}

asio::awaitable<void> outbox::send(std::shared_ptr<outbox> self, travelling batch)
{
    for (auto const* operation : batch.what().of) {
        auto const& body = operation->what.event.body;
        batch.what().entries.push_back({
            operation->what.stream,
            {body ? std::optional<std::string_view>(*body) : std::nullopt, operation->headers},
            entry_id{},
        });
    }
    auto const last_waiting = self->last_number_;
    co_await self->broker_->append(batch.what().entries);
    --self->requests_under_way_;

    // The handlers may publish again at once; what they put in waits for the pump that is posted below.
    {
        std::lock_guard const lock(self->mutex_);
        self->scheduled_ = true;
    }
    auto done = batch.release();
    auto const& entries = done->entries;
    for (std::size_t i = 0; i != entries.size(); ++i) {
        auto const& outcome = entries[i].outcome;
        complete_guarded(
            *done->of[i], outcome ? failure() : outcome.error(), outcome ? *outcome : entry_id(),
            self->get_executor()
        );
    }
    // A server that could not be reached for these could not be for those that have waited as long, either.
    if (auto const& outcome = entries.back().outcome;
        !outcome && (outcome.error() == errc::unreachable || outcome.error() == errc::refused))
        self->fail_waiting(last_waiting, outcome.error());
    self->recycle(std::move(done));
    // Posted, not called: an engine that stores at once would otherwise come back here ever deeper, and
    // nobody else would get the strand.
    asio::post(self->get_executor(), scheduled_pump(self));
}

void outbox::fail_waiting(std::uint64_t last, failure const& why)
{
    while (!waiting_.empty() && waiting_.front()->number <= last) {
        auto* const operation = waiting_.front();
        waiting_.pop_front();
        complete_guarded(
            *operation, operation->what.refused ? operation->what.refused : why, {}, get_executor()
        );
    }
}

void outbox::abandon_all() noexcept
{
    take_inbox();
    while (!waiting_.empty()) {
        auto* const operation = waiting_.front();
        waiting_.pop_front();
        operation->abandon();
    }
}

} // namespace strandline::detail
