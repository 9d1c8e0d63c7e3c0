#include "pipeline/spied_broker.hpp"

#include <algorithm>
#include <utility>

namespace strandline::testing {

namespace {

class spied_body final : public storage
{
public:
    spied_body(std::shared_ptr<spy> by, storage_ptr of) : by_(std::move(by)), of_(std::move(of))
    {
        by_->most_bodies = std::max(by_->most_bodies, ++by_->bodies);
    }

    ~spied_body() override { --by_->bodies; }

private:
    std::shared_ptr<spy> by_;
    storage_ptr of_;
};

class spied_reader final : public stream_reader
{
public:
    spied_reader(std::shared_ptr<spy> by, std::unique_ptr<stream_reader> of)
        : by_(std::move(by))
        , of_(std::move(of))
    {}

    asio::awaitable<failure> read(
        std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
        std::vector<received>& out
    ) override
    {
        auto const by = by_;
        auto const before = out.size();
        auto why = co_await of_->read(streams, count, wait, out);
        for (auto i = before; i != out.size(); ++i)
            out[i].owner = new spied_body(by, std::move(out[i].owner));
        by->read += out.size() - before;
        if (by->after_read && out.size() != before)
            by->after_read();
        co_return why;
    }

    void wake() override { of_->wake(); }

private:
    std::shared_ptr<spy> by_;
    std::unique_ptr<stream_reader> of_;
};

class spied_broker final : public broker
{
public:
    spied_broker(broker_ptr of, std::shared_ptr<spy> by)
        : broker(of->get_executor())
        , of_(std::move(of))
        , by_(std::move(by))
    {}

    void close() override { of_->close(); }

    asio::awaitable<failure> ready(std::chrono::milliseconds wait) override { return of_->ready(wait); }

    asio::awaitable<void> append(std::span<appending> entries, append_mode mode) override
    {
        return of_->append(entries, mode);
    }

    asio::awaitable<result<promotion>> promote_due(std::string_view stream, std::size_t count) override
    {
        return of_->promote_due(stream, count);
    }

    asio::awaitable<result<bool>> cancel_delayed(std::string_view stream, entry_id id) override
    {
        return of_->cancel_delayed(stream, id);
    }

    asio::awaitable<result<std::uint64_t>> trim(std::string_view stream, retention keep) override
    {
        return of_->trim(stream, keep);
    }

    asio::awaitable<result<std::vector<listed_entry>>>
    inspect_delayed(std::string_view stream, entry_id after, std::size_t count) override
    {
        return of_->inspect_delayed(stream, after, count);
    }

    asio::awaitable<result<std::uint64_t>> count_delayed(std::string_view stream) override
    {
        return of_->count_delayed(stream);
    }

    asio::awaitable<failure>
    ensure_group(std::string_view stream, std::string_view group, start_position start) override
    {
        return of_->ensure_group(stream, group, start);
    }

    asio::awaitable<failure> join(membership who, std::chrono::milliseconds lease, bool take_over) override
    {
        return of_->join(who, lease, take_over);
    }

    asio::awaitable<failure> leave(membership who) override { return of_->leave(who); }

    asio::awaitable<result<std::size_t>>
    remove_idle(std::string_view stream, std::string_view group, std::chrono::milliseconds idle) override
    {
        return of_->remove_idle(stream, group, idle);
    }

    std::unique_ptr<stream_reader>
    make_reader(std::string_view group, std::string_view consumer, read_as how) override
    {
        return std::make_unique<spied_reader>(by_, of_->make_reader(group, consumer, how));
    }

    asio::awaitable<result<std::vector<pending_entry>>>
    backlog(membership who, entry_id after, std::size_t count) override
    {
        return of_->backlog(who, after, count);
    }

    asio::awaitable<failure> take(membership who, std::span<taking> entries) override
    {
        auto const by = by_;
        if (by->before_take)
            co_await by->before_take();
        auto why = co_await of_->take(who, entries);
        for (auto& one : entries)
            if (one.owner)
                one.owner = new spied_body(by, std::move(one.owner));
        co_return why;
    }

    asio::awaitable<result<claimed>>
    claim(membership who, std::chrono::milliseconds lease, entry_id cursor, std::size_t count) override
    {
        return of_->claim(who, lease, cursor, count);
    }

    asio::awaitable<failure>
    renew(membership who, std::span<entry_id const> ids, std::span<holding> states) override
    {
        by_->renewed.insert(by_->renewed.end(), ids.begin(), ids.end());
        return of_->renew(who, ids, states);
    }

    asio::awaitable<failure> settle(membership who, std::span<settlement> items, retention limits) override
    {
        auto const by = by_;
        if (by->before_settle)
            co_await by->before_settle();
        co_return co_await of_->settle(who, items, limits);
    }

    std::unique_ptr<watching>
    watch(std::string_view stream, std::string_view group, std::function<void()> told) override
    {
        return of_->watch(stream, group, std::move(told));
    }

    asio::awaitable<result<std::uint64_t>>
    lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl) override
    {
        return of_->lock(name, token, ttl);
    }

    asio::awaitable<failure>
    renew_lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl) override
    {
        return of_->renew_lock(name, token, ttl);
    }

    asio::awaitable<failure> unlock(std::string_view name, std::string_view token) override
    {
        return of_->unlock(name, token);
    }

    asio::awaitable<result<lock_info>> inspect_lock(std::string_view name) override
    {
        return of_->inspect_lock(name);
    }

    asio::awaitable<failure> replay(std::string_view stream, std::span<replaying> letters) override
    {
        return of_->replay(stream, letters);
    }

    asio::awaitable<result<transferred>> transfer(
        std::string_view stream, std::string_view group, std::string_view from, std::string_view to,
        bool forced, entry_id cursor, std::size_t count
    ) override
    {
        return of_->transfer(stream, group, from, to, forced, cursor, count);
    }

    asio::awaitable<result<collection>>
    collect(std::string_view stream, std::span<std::string_view const> groups, std::size_t count) override
    {
        return of_->collect(stream, groups, count);
    }

    asio::awaitable<result<std::size_t>>
    remove(std::string_view stream, std::span<entry_id const> ids) override
    {
        return of_->remove(stream, ids);
    }

    asio::awaitable<result<bool>> remove_group(std::string_view stream, std::string_view group) override
    {
        return of_->remove_group(stream, group);
    }

    std::unique_ptr<stream_reader> make_follower(start_position from) override
    {
        return of_->make_follower(from);
    }

    asio::awaitable<result<server_info>> inspect_server() override { return of_->inspect_server(); }

    asio::awaitable<result<std::vector<std::string>>> list_streams() override { return of_->list_streams(); }

    asio::awaitable<result<std::vector<stream_statistics>>> measure(std::span<std::string_view const> streams
    ) override
    {
        return of_->measure(streams);
    }

    asio::awaitable<result<std::vector<listed_entry>>>
    inspect_entries(std::string_view stream, entry_id after, std::size_t count) override
    {
        return of_->inspect_entries(stream, after, count);
    }

    asio::awaitable<result<stream_info>> inspect_stream(std::string_view stream) override
    {
        return of_->inspect_stream(stream);
    }

    asio::awaitable<result<std::vector<group_info>>> inspect_groups(std::string_view stream) override
    {
        return of_->inspect_groups(stream);
    }

    asio::awaitable<result<std::vector<consumer_info>>>
    inspect_consumers(std::string_view stream, std::string_view group) override
    {
        return of_->inspect_consumers(stream, group);
    }

    asio::awaitable<result<std::vector<pending_info>>> inspect_pending(
        std::string_view stream, std::string_view group, entry_id after, std::size_t count
    ) override
    {
        return of_->inspect_pending(stream, group, after, count);
    }

private:
    broker_ptr of_;
    std::shared_ptr<spy> by_;
};

} // namespace

broker_ptr make_spied_broker(asio::any_io_executor executor, std::shared_ptr<spy> by)
{
    return std::make_shared<spied_broker>(make_empty_broker(std::move(executor)), std::move(by));
}

} // namespace strandline::testing
