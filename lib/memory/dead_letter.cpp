#include "memory/dead_letter.hpp"

namespace strandline::memory {

dead_letter::dead_letter(membership who, settlement const& item, entry_view const& entry, instant now)
    : body_(entry.body)
    , id_(item.id.to_string())
    , attempts_(std::to_string(item.attempts))
    , at_(std::to_string(now.time_since_epoch().count()))
{
    // What an earlier death wrote is out of date, but for where the entry came from first.
    for (auto const& header : entry.headers)
        if (!header.name.starts_with("dead-"))
            headers_.push_back(header);
    namespace names = header_names;
    headers_.push_back({names::dead_stream, entry.header(names::dead_stream).value_or(who.stream)});
    headers_.push_back({names::dead_id, entry.header(names::dead_id).value_or(id_)});
    headers_.push_back({names::dead_group, who.group});
    headers_.push_back({names::dead_consumer, who.consumer});
    headers_.push_back({names::dead_reason, item.reason});
    headers_.push_back({names::dead_error, item.error});
    headers_.push_back({names::dead_attempts, attempts_});
    headers_.push_back({names::dead_at, at_});
}

} // namespace strandline::memory
