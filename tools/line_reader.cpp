#include "line_reader.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace strandline::tools {

namespace {

constexpr std::size_t chunk = std::size_t{64} * 1024;
constexpr std::size_t longest_line = std::size_t{64} * 1024 * 1024;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

} // namespace

line_reader::line_reader(asio::any_io_executor const& executor)
    : standard_(STDIN_FILENO)
    , from_(executor, standard_.get())
{}

asio::awaitable<std::optional<std::string_view>> line_reader::next()
{
    for (;;) {
        auto end = buffer_.find('\n', searched_);
        if (end == buffer_.npos && ended_ && begin_ != buffer_.size())
            end = buffer_.size(); // the last line may have no end
        if (end != buffer_.npos) {
            auto text = std::string_view(buffer_).substr(begin_, end - begin_);
            begin_ = searched_ = std::min(end + 1, buffer_.size());
            if (++number_ == 1 && text.starts_with(byte_order_mark))
                text.remove_prefix(byte_order_mark.size());
            if (text.ends_with('\r'))
                text.remove_suffix(1);
            co_return text;
        }
        if (ended_)
            co_return std::nullopt;
        co_await read_more();
    }
}

void line_reader::stop()
{
    buffer_.clear();
    begin_ = searched_ = 0;
    ended_ = true;
    from_.cancel();
}

asio::awaitable<void> line_reader::read_more()
{
    buffer_.erase(0, std::exchange(begin_, 0));
    auto const old = searched_ = buffer_.size();
    if (old > longest_line)
        throw std::runtime_error(fmt::format("line {}: longer than 64 MiB", number_ + 1));
    buffer_.resize(old + chunk);
    auto const [why, size] =
        co_await from_.async_read_some(asio::buffer(buffer_.data() + old, chunk), asio::as_tuple);
    if (ended_)
        co_return; // stopped meanwhile
    buffer_.resize(old + size);
    size_ += size;
    if (why == asio::error::eof)
        ended_ = true;
    else if (why)
        throw std::runtime_error(fmt::format("standard input: {}", why.message()));
}

} // namespace strandline::tools
