#include "consume/normalise.hpp"

#include <strandline/codec.hpp>

#include <utility>
#include <vector>

namespace strandline::consume {

namespace {

/// An event that a format has made.
class owned_event final : public storage
{
public:
    explicit owned_event(entry_view const& entry)
    {
        if (entry.body)
            what.body.emplace(*entry.body);
        for (auto const& [name, value] : entry.headers)
            what.headers.push_back({std::string(name), std::string(value)});
    }

    /// Not to be changed any more after that.
    entry_view view()
    {
        for (auto const& [name, value] : what.headers)
            headers_.push_back({name, value});
        entry_view seen;
        if (what.body)
            seen.body = *what.body;
        seen.headers = headers_;
        return seen;
    }

    event what;

private:
    std::vector<header_view> headers_;
};

} // namespace

failure normalise(held& delivery, std::string_view stream, wire_format const& format)
{
    boost::intrusive_ptr const made(new owned_event(delivery.entry));
    auto why = detail::guarded(errc::not_decodable, [&] { return format.read(stream, made->what); });
    if (!why) {
        delivery.entry = made->view();
        delivery.owner = made;
    }
    return why;
}

} // namespace strandline::consume
