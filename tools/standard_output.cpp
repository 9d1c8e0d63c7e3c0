#include "standard_output.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/write.hpp>

#include <unistd.h>

#include <utility>

namespace strandline::tools {

standard_output::standard_output(asio::any_io_executor const& executor)
    : standard_(STDOUT_FILENO)
    , to_(executor, standard_.get())
    , progress_(executor, asio::steady_timer::time_point::max())
{}

asio::awaitable<void> standard_output::write(std::string_view text)
{
    waiting_.append(text);
    taken_ += text.size();
    auto const end = taken_;
    if (under_way_.empty() && !why_)
        write_waiting();
    while (written_ < end && !why_) {
        co_await progress_.async_wait(asio::as_tuple);
        if ((co_await asio::this_coro::cancellation_state).cancelled() != asio::cancellation_type::none)
            throw boost::system::system_error(asio::error::operation_aborted);
    }
    if (written_ < end)
        throw error({why_, "standard output"});
}

void standard_output::close()
{
    error_code ignored;
    to_.close(ignored);
}

void standard_output::write_waiting()
{
    under_way_ = std::exchange(waiting_, {});
    asio::async_write(to_, asio::buffer(under_way_), [this](error_code why, std::size_t size) {
        wrote(why, size);
    });
}

void standard_output::wrote(error_code why, std::size_t size)
{
    written_ += size;
    under_way_.clear();
    why_ = why;
    if (!why_ && !waiting_.empty())
        write_waiting();
    progress_.cancel();
}

} // namespace strandline::tools
