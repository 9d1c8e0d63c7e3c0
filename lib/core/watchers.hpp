#pragma once

#include <strandline/broker.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace strandline {

/// Who wants to be told of hints, by stream and group. Belongs to the strand; each interest shares it.
class watchers : public std::enable_shared_from_this<watchers>
{
public:
    explicit watchers(asio::any_io_executor strand) : strand_(std::move(strand)) {}

    std::unique_ptr<watching>
    add(std::string_view stream, std::string_view group, std::function<void()> told);

    /// Posts the calls; those of one interest that have not begun are one.
    void tell(std::string_view stream, std::string_view group);

    /// What somebody is interested in, each once.
    std::vector<std::string> streams() const;

private:
    class interest;
    struct watcher;

    asio::any_io_executor strand_;
    std::vector<std::shared_ptr<watcher>> all_;
};

} // namespace strandline
