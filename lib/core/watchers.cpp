#include "core/watchers.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>

namespace strandline {

struct watchers::watcher
{
    std::string stream;
    std::string group;
    std::function<void()> told;
    /// A call was posted and has not begun.
    bool posted = false;
    bool ended = false;
};

class watchers::interest final : public watching
{
public:
    interest(std::shared_ptr<watchers> of, std::shared_ptr<watcher> own)
        : of_(std::move(of))
        , own_(std::move(own))
    {}

    interest(interest const&) = delete;
    interest& operator=(interest const&) = delete;

    ~interest() override
    {
        own_->ended = true;
        std::erase(of_->all_, own_);
    }

private:
    std::shared_ptr<watchers> of_;
    std::shared_ptr<watcher> own_;
};

std::unique_ptr<watching>
watchers::add(std::string_view stream, std::string_view group, std::function<void()> told)
{
    all_.push_back(std::make_shared<watcher>(std::string(stream), std::string(group), std::move(told)));
    return std::make_unique<interest>(shared_from_this(), all_.back());
}

void watchers::tell(std::string_view stream, std::string_view group)
{
    for (auto const& each : all_) {
        if (each->posted || each->stream != stream || each->group != group)
            continue;
        each->posted = true;
        asio::post(strand_, [each] {
            each->posted = false;
            if (!each->ended)
                each->told();
        });
    }
}

std::vector<std::string> watchers::streams() const
{
    std::vector<std::string> names;
    for (auto const& each : all_)
        if (std::ranges::find(names, each->stream) == names.end())
            names.push_back(each->stream);
    return names;
}

} // namespace strandline
