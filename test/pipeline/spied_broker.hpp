#pragma once

#include "pipeline/stage.hpp"

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace strandline::testing {

/// What a broker gives out. On its strand.
struct spy
{
    /// Bodies that were given out and not let go of.
    std::size_t bodies = 0;
    std::size_t most_bodies = 0;

    /// Entries that reads have brought. The engine has them pending earlier, while they are on their way.
    std::size_t read = 0;

    /// Called when a read has brought something.
    std::function<void()> after_read;

    /// What a `take` waits for before it is sent.
    std::function<asio::awaitable<void>()> before_take;

    /// The same of a `settle`.
    std::function<asio::awaitable<void>()> before_settle;

    /// For which entries `renew` was called.
    std::vector<entry_id> renewed;
};

/// The engine under test behind a broker that is spied on.
broker_ptr make_spied_broker(asio::any_io_executor executor, std::shared_ptr<spy> by);

} // namespace strandline::testing
