#pragma once

#include "memory/instant.hpp"

#include <strandline/entry_id.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace strandline::memory {

/// The idempotency keys of a stream that were used lately, and the ids of their entries.
class once_marks
{
public:
    /// The id of the entry that has set the mark, while it holds.
    std::optional<entry_id> find(std::string_view key, instant now) const;

    /// Sets a mark that does not hold at the moment. Drops a few that have run out: in the long run as many
    /// as are set, and one call never many.
    void set(std::string_view key, entry_id id, instant now, std::chrono::milliseconds window);

    /// Those that have run out and were not dropped among them.
    std::size_t size() const noexcept { return marks_.size(); }

private:
    struct mark
    {
        entry_id id;
        instant until;
    };

    using marks = std::map<std::string, mark, std::less<>>;

    marks marks_;
    std::multimap<instant, marks::iterator> ends_;
};

} // namespace strandline::memory
