#include "memory/replayed_letter.hpp"

namespace strandline::memory {

replayed_letter::replayed_letter(entry_view const& letter, bool is_for_all) : body_(letter.body)
{
    namespace names = header_names;
    for (auto const& header : letter.headers)
        if (header.name == names::dead_stream || header.name == names::dead_id ||
            (!header.name.starts_with("dead-") && header.name != names::for_group))
            headers_.push_back(header);
    if (auto const group = letter.header(names::dead_group); group && !is_for_all)
        headers_.push_back({names::for_group, *group});
}

} // namespace strandline::memory
