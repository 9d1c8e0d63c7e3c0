#pragma once

#include "redis/replies.hpp"

#include <strandline/broker.hpp>

#include <cstddef>
#include <memory_resource>
#include <span>
#include <string_view>
#include <vector>

namespace strandline::redis {

/// The field that holds an event's body; every other field of an entry is a header.
inline constexpr std::string_view body_field = "body";

/// Memory of the entries of one reply: their bytes one after another in few blocks, freed together when the
/// last delivery that points into it has ended.
class batch final : public storage
{
public:
    explicit batch(std::size_t first_block) : arena_(first_block) {}

    std::string_view keep(std::string_view bytes);

    std::span<header_view const> keep(std::span<header_view const> headers);

    std::size_t size() const noexcept { return size_; }

private:
    std::pmr::monotonic_buffer_resource arena_;
    std::size_t size_ = 0;
};

/// Collects the fields of one entry, as they arrive, into a batch.
class entry_fields
{
public:
    /// Begins an entry of that many names and values together.
    void begin(std::size_t texts)
    {
        missing_ = texts;
        is_name_ = true;
        body_.reset();
        headers_.clear();
    }

    /// The next name or value; true when it was the entry's last.
    bool add(std::string_view text, batch& into);

    /// What was collected; the headers are kept in the batch.
    entry_view finish(batch& into) { return {body_, into.keep(headers_)}; }

private:
    std::size_t missing_ = 0;
    bool is_name_ = true;
    bool is_body_ = false;
    std::string_view name_;
    std::optional<std::string_view> body_;
    std::vector<header_view> headers_;
};

/// The reply of XREADGROUP, or of XREAD, written straight into a batch.
class read_reply final : public reply_sink
{
public:
    /// Appends to `out`; `block` is how much memory the batch asks for first.
    read_reply(std::span<std::string_view const> streams, std::size_t block, std::vector<received>& out)
        : streams_(streams)
        , out_(out)
        , block_(block)
    {}

    void on_node(resp3::node_view const& node) override;

    failure const& error() const noexcept { return error_; }

    /// Bytes that the batch took.
    std::size_t size() const noexcept { return batch_ ? batch_->size() : 0; }

private:
    std::span<std::string_view const> streams_;
    std::vector<received>& out_;
    std::size_t block_;
    boost::intrusive_ptr<batch> batch_;
    entry_fields fields_;
    received entry_;
    failure error_;
};

/// The reply of the script that takes bodies.
class take_reply final : public reply_sink
{
public:
    explicit take_reply(std::span<taking> items) : items_(items) {}

    void on_node(resp3::node_view const& node) override;

    void on_reply_end() override;

    failure const& error() const noexcept { return error_; }

private:
    std::span<taking> items_;
    boost::intrusive_ptr<batch> batch_;
    entry_fields fields_;
    std::size_t next_ = 0;
    failure error_;
};

} // namespace strandline::redis
