#include "redis/run_script.hpp"

#include <strandline/names.hpp>

#include <utility>

namespace strandline::redis {

namespace {

/// Passes a script's reply on, unless it is that the server does not know the script.
class script_reply final : public reply_sink
{
public:
    explicit script_reply(reply_sink& wanted) : wanted_(wanted) {}

    void on_node(resp3::node_view const& node) override
    {
        if (node.depth == 0 && is_error(node) && node.value.starts_with("NOSCRIPT"))
            forgotten_ = true;
        else
            wanted_.on_node(node);
    }

    void on_reply_end() override
    {
        if (!forgotten_)
            wanted_.on_reply_end();
    }

    bool forgotten() const noexcept { return forgotten_; }

private:
    reply_sink& wanted_;
    bool forgotten_ = false;
};

} // namespace

std::string group_record(std::string_view stream, std::string_view group)
{
    return derived_name(stream, "group:" + std::string(group));
}

script_words::script_words(std::string_view stream, membership who, std::string further_key)
    : further_key_(std::move(further_key))
    , words_{stream}
{
    if (!who.token.empty()) {
        record_ = group_record(stream, who.group);
        words_.push_back(record_);
    }
    if (!further_key_.empty())
        words_.push_back(further_key_);
    keys_ = words_.size();
    add({who.group, who.consumer, who.token});
}

asio::awaitable<failure> run_script(
    std::shared_ptr<connection> connected, script const& lua, script_words const& words, reply_sink& replies
)
{
    auto const number_of_keys = std::to_string(words.keys());
    std::vector<std::string_view> all{lua.hash(), number_of_keys};
    all.insert(all.end(), words.all().begin(), words.all().end());
    auto commands = make_request();
    commands.push_range("EVALSHA", all);
    script_reply answer(replies);
    auto broken = co_await connected->exec(commands, answer);
    if (broken || !answer.forgotten())
        co_return broken;
    all.front() = lua.text();
    auto teaching = make_request();
    teaching.push_range("EVAL", all);
    co_return co_await connected->exec(teaching, replies);
}

asio::awaitable<result<node_replies>>
run_script(std::shared_ptr<connection> connected, script const& lua, script_words const& words)
{
    node_replies replies;
    if (auto broken = co_await run_script(std::move(connected), lua, words, replies))
        co_return broken;
    if (auto refused = replies.error(0))
        co_return refused;
    co_return replies;
}

} // namespace strandline::redis
