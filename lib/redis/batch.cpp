#include "redis/batch.hpp"

#include <algorithm>
#include <cstring>
#include <memory>

namespace strandline::redis {

std::string_view batch::keep(std::string_view bytes)
{
    if (bytes.empty())
        return {"", 0};
    size_ += bytes.size();
    auto* const memory = static_cast<char*>(arena_.allocate(bytes.size(), 1));
    std::memcpy(memory, bytes.data(), bytes.size());
    return {memory, bytes.size()};
}

std::span<header_view const> batch::keep(std::span<header_view const> headers)
{
    if (headers.empty())
        return {};
    size_ += headers.size_bytes();
    auto* const memory =
        static_cast<header_view*>(arena_.allocate(headers.size_bytes(), alignof(header_view)));
    std::uninitialized_copy(headers.begin(), headers.end(), memory);
    return {memory, headers.size()};
}

bool entry_fields::add(std::string_view text, batch& into)
{
    if (is_name_) {
        is_body_ = text == body_field && !body_;
        if (!is_body_)
            name_ = into.keep(text);
    }
    else if (is_body_)
        body_ = into.keep(text);
    else
        headers_.push_back({name_, into.keep(text)});
    is_name_ = !is_name_;
    return --missing_ == 0;
}

// XREADGROUP answers: depth 0 a map of streams; 1 a stream's name, then the array of its entries; 2 an entry;
// 3 its id, then the array of its fields; 4 their names and values in turn. Null at depth 0 when there was
// nothing to read.
void read_reply::on_node(resp3::node_view const& node)
{
    switch (node.depth) {
    case 0:
        if (is_error(node))
            error_ = server_failure(node.value);
        else if (node.data_type == resp3::type::map) {
            batch_ = new batch(block_);
            entry_.owner = batch_;
        }
        else if (node.data_type != resp3::type::null)
            error_ = unexpected_reply("XREADGROUP");
        break;
    case 1:
        if (!is_aggregate(node.data_type)) {
            auto const found = std::ranges::find(streams_, node.value);
            if (found == streams_.end())
                error_ = unexpected_reply("XREADGROUP");
            entry_.stream = static_cast<std::uint32_t>(found - streams_.begin());
        }
        break;
    case 3:
        if (is_aggregate(node.data_type)) {
            fields_.begin(node.aggregate_size);
            if (node.data_type != resp3::type::array || node.aggregate_size % 2 != 0)
                error_ = unexpected_reply("XREADGROUP");
        }
        else if (node.data_type != resp3::type::null) {
            auto const id = entry_id::parse(node.value);
            if (id)
                entry_.id = *id;
            else
                error_ = unexpected_reply("XREADGROUP");
        }
        break;
    case 4:
        if (is_aggregate(node.data_type))
            error_ = unexpected_reply("XREADGROUP");
        if (batch_ && !error_ && fields_.add(node.value, *batch_)) {
            entry_.entry = fields_.finish(*batch_);
            out_.push_back(entry_);
        }
        break;
    default:
        break;
    }
}

// The script answers: depth 0 an array; 1 for each item a number, or an array; 2 its attempts, then the array
// of its fields; 3 their names and values in turn.
void take_reply::on_node(resp3::node_view const& node)
{
    if (node.depth == 0) {
        if (is_error(node))
            error_ = server_failure(node.value);
        else
            batch_ = new batch(items_.size() * 256);
        return;
    }
    if (next_ == items_.size() && node.depth == 1)
        error_ = unexpected_reply("the script that takes entries");
    if (error_ || !batch_ || next_ == items_.size())
        return;
    auto& item = items_[next_];
    if (node.depth == 1 && !is_aggregate(node.data_type)) {
        item.state = node.value == "2" ? holding::gone : holding::lost;
        ++next_;
    }
    else if (node.depth == 2 && !is_aggregate(node.data_type))
        std::from_chars(node.value.data(), node.value.data() + node.value.size(), item.attempt);
    else if (node.depth == 2)
        fields_.begin(node.aggregate_size);
    else if (node.depth == 3 && fields_.add(node.value, *batch_)) {
        item.state = holding::held;
        item.entry = fields_.finish(*batch_);
        item.owner = batch_;
        ++next_;
    }
}

void take_reply::on_reply_end()
{
    if (!error_ && next_ != items_.size())
        error_ = unexpected_reply("the script that takes entries");
}

} // namespace strandline::redis
