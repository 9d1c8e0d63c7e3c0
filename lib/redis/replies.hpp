#pragma once

#include <strandline/broker.hpp>
#include <strandline/error.hpp>

#include <boost/redis/adapter/any_adapter.hpp>
#include <boost/redis/resp3/node.hpp>

#include <charconv>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace strandline::redis {

namespace resp3 = boost::redis::resp3;

/// The failure that a server's error reply means; its words are the reply.
failure server_failure(std::string_view reply);

inline bool is_error(resp3::node_view const& node)
{
    return node.data_type == resp3::type::simple_error || node.data_type == resp3::type::blob_error;
}

/// Whether the server refused a command, or a blocked read, because it is a replica.
inline bool tells_of_replica(std::string_view reply)
{
    return reply.starts_with("READONLY ") || reply.starts_with("UNBLOCKED force unblock ");
}

/// What the replies of one request are written into, node by node as they arrive.
///
/// Errors and nulls are recorded as values: an adapter that set its error code would close the connection and
/// abort the requests of everybody else on it.
class reply_sink
{
public:
    virtual void on_node(resp3::node_view const& node) = 0;

    /// The reply of one command is complete.
    virtual void on_reply_end() {}

    /// Refers to this sink; a pointer, so that the adapter needs no allocation.
    boost::redis::any_adapter adapter()
    {
        return boost::redis::any_adapter(
            [this](boost::redis::any_adapter::parse_event event, resp3::node_view const& node, auto&) {
                if (event == boost::redis::any_adapter::parse_event::node) {
                    if (node.depth == 0 && is_error(node) && tells_of_replica(node.value))
                        is_of_replica_ = true;
                    on_node(node);
                }
                else if (event == boost::redis::any_adapter::parse_event::done)
                    on_reply_end();
            }
        );
    }

    /// A command was answered by a server that is a replica.
    bool is_of_replica() const noexcept { return is_of_replica_; }

protected:
    ~reply_sink() = default;

private:
    bool is_of_replica_ = false;
};

/// The ids that XADDs answer, each into its item.
class append_replies final : public reply_sink
{
public:
    explicit append_replies(std::span<appending*> items) : items_(items) {}

    void on_node(resp3::node_view const& node) override;

    void on_reply_end() override { ++next_; }

private:
    std::span<appending*> items_;
    std::size_t next_ = 0;
};

/// Replies of any shape, kept as nodes in the order of the wire; for commands off the hot path.
class node_replies final : public reply_sink
{
public:
    void on_node(resp3::node_view const& node) override;

    void on_reply_end() override { ends_.push_back(nodes_.size()); }

    void clear()
    {
        nodes_.clear();
        ends_.clear();
    }

    /// The nodes of the n-th command's reply; empty when there was none.
    std::span<resp3::node const> reply(std::size_t n) const;

    /// The error that the n-th command answered, or success.
    failure error(std::size_t n) const;

private:
    std::vector<resp3::node> nodes_;
    std::vector<std::size_t> ends_;
};

/// Walks the nodes of one reply in order. Reading past the end or another type than asked for gives an empty
/// value; `ok()` tells.
class node_walk
{
public:
    explicit node_walk(std::span<resp3::node const> nodes) : nodes_(nodes) {}

    bool ok() const { return ok_; }

    bool at_end() const { return nodes_.empty(); }

    /// Enters an array or map and returns the number of its elements (a map's keys and values counted each).
    std::size_t enter();

    /// A string; an integer or null gives its text.
    std::string_view text();

    std::uint64_t number();

    entry_id id();

    bool next_is_aggregate() const { return !nodes_.empty() && is_aggregate(nodes_.front().data_type); }

    bool next_is_null() const { return !nodes_.empty() && nodes_.front().data_type == resp3::type::null; }

    /// Passes the next value, with everything in it.
    void skip();

private:
    resp3::node const* take();

    std::span<resp3::node const> nodes_;
    bool ok_ = true;
};

/// What a reply of an unexpected shape is reported as.
failure unexpected_reply(std::string_view command);

} // namespace strandline::redis
