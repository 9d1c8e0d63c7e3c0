#include "memory/follower.hpp"

#include <map>
#include <string>

namespace strandline::memory {

struct follower::positions
{
    std::shared_ptr<core> engine;
    start_position from;
    /// The last entry that was read of each stream.
    std::map<std::string, entry_id, std::less<>> last;
};

class follower::source final : public read_source
{
public:
    source(std::shared_ptr<positions> at, std::span<std::string_view const> streams)
        : at_(std::move(at))
        , streams_(streams)
    {}

    failure look(std::size_t count, std::vector<received>& out) override
    {
        for (std::size_t i = 0; i != streams_.size(); ++i) {
            auto const* const in = at_->engine->streams.find(streams_[i]);
            auto& last = position(streams_[i], in);
            if (!in)
                continue;
            auto rest = count;
            for (auto const& [id, content] : in->entries.after(last)) {
                if (rest == 0)
                    break;
                if (content.is_empty())
                    continue;
                --rest;
                out.push_back({static_cast<std::uint32_t>(i), id, content.view(), content.owner()});
                last = id;
            }
        }
        return {};
    }

    void wait(bell& waiting) override
    {
        for (auto const name : streams_)
            at_->engine->streams.follow(name, waiting);
    }

    void leave(bell& waiting) override
    {
        for (auto const name : streams_)
            at_->engine->streams.unfollow(name, waiting);
    }

    void pass_on() override {} // every follower was rung

private:
    /// Set out from at the first read.
    entry_id& position(std::string_view name, stream const* in)
    {
        auto const found = at_->last.find(name);
        if (found != at_->last.end())
            return found->second;
        auto const end = in ? in->entries.last_generated() : entry_id::min();
        return at_->last.emplace(name, at_->from.after.value_or(end)).first->second;
    }

    std::shared_ptr<positions> at_;
    std::span<std::string_view const> streams_;
};

follower::follower(std::shared_ptr<core> engine, start_position from)
    : positions_(std::make_shared<positions>(positions{engine, from, {}}))
    , reading_(std::move(engine))
{}

asio::awaitable<failure> follower::read(
    std::span<std::string_view const> streams, std::size_t count, std::chrono::milliseconds wait,
    std::vector<received>& out
)
{
    return reading_.read(std::make_unique<source>(positions_, streams), count, wait, out);
}

} // namespace strandline::memory
