#pragma once

#include "core/condition.hpp"
#include "promote/promotion_plan.hpp"

#include <strandline/broker.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace strandline::promote {

/// Moves delayed entries of some streams into them when they are due. Whoever does it at the same
/// time, each is moved once: nothing of this needs a lease, and nothing is left behind where it ends.
class promoter
{
public:
    struct hooks
    {
        /// So many got into a stream.
        std::function<void(std::size_t)> moved;
        /// It has looked at a stream, with or without success.
        std::function<void()> looked;
        /// The engine answered for a stream.
        std::function<void(std::string const& stream)> reached;
        std::function<void(std::string const& stream, failure const&)> on_error;
    };

    /// What is referred to must outlive this.
    promoter(broker& engine, std::vector<std::string> const& streams, hooks to);

    asio::awaitable<void> run();

    /// The engine is back, or about to be: hints may have been lost.
    void look_again();

    void close();

    /// Nothing is due, as far as it could be seen.
    bool is_at_rest() const { return plan_.is_at_rest(); }

private:
    using clock = promotion_plan::clock;

    asio::awaitable<void> look_at(std::size_t stream);

    broker& engine_;
    std::vector<std::string> const& streams_;
    hooks to_;
    condition changed_;
    promotion_plan plan_;
    /// Tell of nearer entries.
    std::vector<std::unique_ptr<watching>> hints_;
    /// When it is told again that damaged entries of a stream could not be set aside.
    std::vector<clock::time_point> tell_again_;
    bool closed_ = false;
};

} // namespace strandline::promote
