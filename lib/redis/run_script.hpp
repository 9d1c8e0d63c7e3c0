#pragma once

#include "redis/connection.hpp"
#include "redis/replies.hpp"
#include "redis/script.hpp"

#include <strandline/broker.hpp>

#include <array>
#include <charconv>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace strandline::redis {

/// Texts that arguments point to; reserved beforehand, so that none moves.
class texts
{
public:
    explicit texts(std::size_t most) { kept_.reserve(most); }

    texts(texts const&) = delete;
    texts& operator=(texts const&) = delete;

    template <class Number>
    std::string_view operator()(Number value)
    {
        auto& text = kept_.emplace_back();
        return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
    }

    std::string_view operator()(entry_id id)
    {
        auto& text = kept_.emplace_back();
        return {text.data(), id.to_chars(text.data())};
    }

private:
    /// In one piece: a string of its own for each id would be an allocation for each event acknowledged.
    std::vector<std::array<char, entry_id::max_text>> kept_;
};

/// What beside the stream belongs to a group: its lease, and who has which name.
std::string group_record(std::string_view stream, std::string_view group);

/// Keys and arguments of a script.
class script_words
{
public:
    /// Keys alone.
    explicit script_words(std::initializer_list<std::string_view> keys) : keys_(keys.size()), words_(keys) {}

    /// For a script that acts for a consumer. Keys: the stream's; the group's record where there is a token
    /// to check; what else is named. Arguments: group, consumer, token.
    script_words(std::string_view stream, membership who, std::string further_key = {});

    script_words(script_words const&) = delete;
    script_words& operator=(script_words const&) = delete;

    void add(std::initializer_list<std::string_view> arguments) { words_.insert(words_.end(), arguments); }

    std::size_t keys() const noexcept { return keys_; }

    std::vector<std::string_view> const& all() const noexcept { return words_; }

private:
    std::string record_;
    std::string further_key_;
    std::size_t keys_ = 0;
    std::vector<std::string_view> words_;
};

/// Runs a script, and teaches it to a server that does not know it: no reconnect has to bring them all along.
asio::awaitable<failure> run_script(
    std::shared_ptr<connection> connected, script const& lua, script_words const& words, reply_sink& replies
);

/// The same for a reply of any shape; an error that the script answers is the error of the call.
asio::awaitable<result<node_replies>>
run_script(std::shared_ptr<connection> connected, script const& lua, script_words const& words);

} // namespace strandline::redis
