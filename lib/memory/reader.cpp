#include "memory/reader.hpp"

#include <algorithm>
#include <vector>

namespace strandline::memory {

/// Who reads.
struct reader::member
{
    std::shared_ptr<core> engine;
    std::string group;
    std::string consumer;
    read_as how;
};

class reader::source final : public read_source
{
public:
    source(std::shared_ptr<member const> who, std::span<std::string_view const> streams)
        : who_(std::move(who))
        , streams_(streams)
    {}

    failure look(std::size_t count, std::vector<received>& out) override
    {
        if (auto refused = find_places())
            return refused;
        auto const now = who_->engine->now();
        for (std::size_t i = 0; i != places_.size(); ++i) {
            auto& of = *places_[i].of;
            of.read(
                places_[i].in.entries, of.join(who_->consumer, now), count, now,
                static_cast<std::uint32_t>(i), out, who_->how
            );
        }
        return {};
    }

    void wait(bell& waiting) override
    {
        for (auto const& where : places_)
            where.of->wait(waiting);
    }

    void leave(bell& waiting) override
    {
        for (auto const& where : places_)
            where.of->leave(waiting);
    }

    void pass_on() override
    {
        for (auto const& where : places_)
            where.of->ring_next();
    }

private:
    /// Once, and anew where a group was removed.
    failure find_places()
    {
        if (!places_.empty() &&
            std::ranges::none_of(places_, [](place const& where) { return where.of->is_removed(); }))
            return {};
        pass_on();
        places_.clear();
        for (auto const name : streams_) {
            auto const found = who_->engine->streams.find(name, who_->group);
            if (!found)
                return found.error();
            places_.push_back(*found);
        }
        return {};
    }

    std::shared_ptr<member const> who_;
    std::span<std::string_view const> streams_;
    std::vector<place> places_;
};

reader::reader(std::shared_ptr<core> engine, std::string_view group, std::string_view consumer, read_as how)
    : member_(std::make_shared<member const>(member{engine, std::string(group), std::string(consumer), how}))
    , reading_(std::move(engine))
{}

asio::awaitable<failure> reader::read(
    std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
    std::vector<received>& out
)
{
    return reading_.read(std::make_unique<source>(member_, streams), count, wait, out);
}

} // namespace strandline::memory
