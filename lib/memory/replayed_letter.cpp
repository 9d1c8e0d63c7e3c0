#include "memory/replayed_letter.hpp"

namespace strandline::memory {

replayed_letter::replayed_letter(entry_view const& letter, bool is_for_all)
    : body_(letter.body)
    , is_empty_(!letter.body)
{
    namespace names = header_names;
    for (auto const& header : letter.headers) {
        auto const is_own = !header.name.starts_with("dead-") && header.name != names::for_group;
        is_empty_ = is_empty_ && !is_own;
        if (is_own || header.name == names::dead_stream || header.name == names::dead_id)
            headers_.push_back(header);
    }
    if (!is_for_all)
        group_ = letter.header(names::dead_group);
    if (group_)
        headers_.push_back({names::for_group, *group_});
}

} // namespace strandline::memory
