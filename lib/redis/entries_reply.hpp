#pragma once

#include "redis/batch.hpp"
#include "redis/replies.hpp"

#include <strandline/broker.hpp>

#include <string_view>
#include <utility>
#include <vector>

namespace strandline::redis {

/// Entries that a command lists: at some depth an id, then at the same the array of its fields, and in that
/// their names and values in turn.
class entries_reply final : public reply_sink
{
public:
    /// `command` is what is said to have answered something else.
    entries_reply(std::size_t depth, std::string_view command) : depth_(depth), command_(command) {}

    void on_node(resp3::node_view const& node) override
    {
        if (node.depth == 0 && is_error(node))
            error_ = server_failure(node.value);
        else if (node.depth == depth_ && !is_aggregate(node.data_type)) {
            auto const id = entry_id::parse(node.value);
            if (!id)
                error_ = unexpected_reply(command_);
            entries_.push_back({id ? *id : entry_id(), {}, batch_});
        }
        else if (node.depth == depth_)
            fields_.begin(node.aggregate_size);
        else if (node.depth == depth_ + 1 && !entries_.empty() && fields_.add(node.value, *batch_))
            entries_.back().entry = fields_.finish(*batch_);
    }

    result<std::vector<listed_entry>> take()
    {
        if (error_)
            return error_;
        return std::move(entries_);
    }

private:
    std::size_t depth_;
    std::string_view command_;
    boost::intrusive_ptr<batch> batch_ = new batch(4096);
    std::vector<listed_entry> entries_;
    entry_fields fields_;
    failure error_;
};

} // namespace strandline::redis
