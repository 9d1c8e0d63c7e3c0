#pragma once

#include "memory/core.hpp"

#include <strandline/broker.hpp>
#include <strandline/memory.hpp>

#include <memory>

namespace strandline::memory {

/// Streams in this process: the operations of the contract as coroutines that never wait, but for reads.
class engine : public broker
{
public:
    engine(asio::any_io_executor strand, memory_options options);
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
    std::shared_ptr<core> core_;
};

} // namespace strandline::memory
