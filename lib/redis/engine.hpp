#pragma once

#include "redis/connection.hpp"
#include "redis/hints.hpp"
#include "redis/key.hpp"
#include "redis/script.hpp"

#include <strandline/broker.hpp>
#include <strandline/redis.hpp>

#include <memory>
#include <vector>

namespace strandline::redis {

/// Streams on a Redis server: each operation of the contract as the commands that carry it out.
class engine final : public broker
{
public:
    engine(asio::any_io_executor strand, redis_options options, tls_identity tls);
    ~engine() override;

    void close() override;

    asio::awaitable<failure> ready(std::chrono::milliseconds wait) override;

    asio::awaitable<void> append(std::span<appending> entries, append_mode mode) override;

    asio::awaitable<result<promotion>> promote_due(std::string_view stream, std::size_t count) override;

    asio::awaitable<result<bool>> cancel_delayed(std::string_view stream, entry_id id) override;

    asio::awaitable<result<std::uint64_t>> trim(std::string_view stream, retention keep) override;

    asio::awaitable<failure>
    ensure_group(std::string_view stream, std::string_view group, start_position start) override;

    asio::awaitable<failure> join(membership who, std::chrono::milliseconds lease, bool take_over) override;

    asio::awaitable<failure> leave(membership who) override;

    asio::awaitable<result<std::size_t>>
    remove_idle(std::string_view stream, std::string_view group, std::chrono::milliseconds idle) override;

    std::unique_ptr<stream_reader>
    make_reader(std::string_view group, std::string_view consumer, read_as how) override;

    asio::awaitable<result<std::vector<pending_entry>>>
    backlog(membership who, entry_id after, std::size_t count) override;

    asio::awaitable<failure> take(membership who, std::span<taking> entries) override;

    asio::awaitable<result<claimed>>
    claim(membership who, std::chrono::milliseconds lease, entry_id cursor, std::size_t count) override;

    asio::awaitable<failure>
    renew(membership who, std::span<entry_id const> ids, std::span<holding> states) override;

    asio::awaitable<failure> settle(membership who, std::span<settlement> items, retention limits) override;

    std::unique_ptr<watching>
    watch(std::string_view stream, std::string_view group, std::function<void()> told) override;

    asio::awaitable<result<std::uint64_t>>
    lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl) override;

    asio::awaitable<failure>
    renew_lock(std::string_view name, std::string_view token, std::chrono::milliseconds ttl) override;

    asio::awaitable<failure> unlock(std::string_view name, std::string_view token) override;

    asio::awaitable<result<lock_info>> inspect_lock(std::string_view name) override;

    asio::awaitable<failure> replay(std::string_view stream, std::span<replaying> letters) override;

    asio::awaitable<result<transferred>> transfer(
        std::string_view stream, std::string_view group, std::string_view from, std::string_view to,
        bool forced, entry_id cursor, std::size_t count
    ) override;

    asio::awaitable<result<collection>>
    collect(std::string_view stream, std::span<std::string_view const> groups, std::size_t count) override;

    asio::awaitable<result<std::size_t>>
    remove(std::string_view stream, std::span<entry_id const> ids) override;

    asio::awaitable<result<bool>> remove_group(std::string_view stream, std::string_view group) override;

    std::unique_ptr<stream_reader> make_follower(start_position from) override;

    asio::awaitable<result<server_info>> inspect_server() override;

    asio::awaitable<result<std::vector<std::string>>> list_streams() override;

    asio::awaitable<result<std::vector<stream_statistics>>> measure(std::span<std::string_view const> streams
    ) override;

    asio::awaitable<result<std::vector<listed_entry>>>
    inspect_entries(std::string_view stream, entry_id after, std::size_t count) override;

    asio::awaitable<result<stream_info>> inspect_stream(std::string_view stream) override;

    asio::awaitable<result<std::vector<group_info>>> inspect_groups(std::string_view stream) override;

    asio::awaitable<result<std::vector<consumer_info>>>
    inspect_consumers(std::string_view stream, std::string_view group) override;

    asio::awaitable<result<std::vector<pending_info>>> inspect_pending(
        std::string_view stream, std::string_view group, entry_id after, std::size_t count
    ) override;

    asio::awaitable<result<std::vector<listed_entry>>>
    inspect_delayed(std::string_view stream, entry_id after, std::size_t count) override;

    asio::awaitable<result<std::uint64_t>> count_delayed(std::string_view stream) override;

private:
    /// Each item by itself, in one pipeline.
    asio::awaitable<void> append_each(std::vector<appending*> items, append_mode mode);

    /// All items or none.
    asio::awaitable<void> append_all(std::vector<appending*> items, append_mode mode);

    /// The connections of the readers; belongs to the strand, and outlives the engine where it is closed.
    using reader_connections = std::vector<std::weak_ptr<connection>>;

    std::shared_ptr<connection> make_connection(std::size_t read_size) const;

    /// One that `close` ends, too.
    std::shared_ptr<connection> make_reading_connection();

    /// Every name that is given to us goes through here on its way to the server.
    key key_of(std::string_view name) const { return {options_.key_prefix, name}; }

    redis_options options_;
    tls_identity tls_;
    /// Everything but blocking reads and hints; they have connections of their own.
    std::shared_ptr<connection> commands_;
    std::shared_ptr<hints> hints_;
    std::shared_ptr<reader_connections> readers_ = std::make_shared<reader_connections>();
};

} // namespace strandline::redis
