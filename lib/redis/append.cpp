// Entries on their way into streams.

#include "core/refusals.hpp"
#include "redis/batch.hpp"
#include "redis/engine.hpp"
#include "redis/run_script.hpp"
#include "redis/scripts.hpp"

#include <strandline/names.hpp>

#include <algorithm>
#include <deque>
#include <string>

namespace strandline::redis {

namespace {

/// Nothing but an entry and perhaps a number of entries to be kept: one command carries that out.
bool needs_script(appending const& item)
{
    return !item.once.empty() || item.due || item.delay != item.delay.zero() ||
           item.keep.age != item.keep.age.zero();
}

void push_xadd(request& commands, key const& at, appending const& item)
{
    auto const& entry = item.entry;
    if (entry.body && entry.headers.empty() && item.keep.count == 0) {
        commands.push("XADD", at.text(), "*", body_field, *entry.body);
        return;
    }
    std::string count;
    std::vector<std::string_view> arguments{at};
    arguments.reserve(7 + 2 * entry.headers.size());
    if (item.keep.count != 0) {
        count = std::to_string(item.keep.count);
        arguments.insert(arguments.end(), {"MAXLEN", "=", count});
    }
    arguments.push_back("*");
    if (entry.body)
        arguments.insert(arguments.end(), {body_field, *entry.body});
    for (auto const& [name, value] : entry.headers)
        arguments.insert(arguments.end(), {name, value});
    commands.push_range("XADD", arguments);
}

/// Calls of the script that stores what XADD alone cannot.
class append_script_calls
{
public:
    explicit append_script_calls(std::uint32_t database) : database_(database) {}

    /// Adds an item to the next call.
    void add(key const& at, appending const& item)
    {
        add_key(at);
        if (!item.once.empty())
            add_key(derived_name(at, "once:" + std::string(item.once)));
        auto const due = due_of(item);
        if (!due.empty())
            for (auto const* const suffix : {"delayed", "delayed:entries", "delayed:last"})
                add_key(derived_name(at, suffix));

        add_word(item.once.empty() ? "" : std::to_string(item.window.count()));
        add_word(std::to_string(item.keep.count));
        add_word(std::to_string(item.keep.age.count()));
        add_word(due);
        add_word(hint_channel(database_, at));
        auto const& entry = item.entry;
        add_word(std::to_string(2 * (entry.headers.size() + (entry.body ? 1 : 0))));
        if (entry.body) {
            words_.push_back(body_field);
            words_.push_back(*entry.body);
        }
        for (auto const& [name, value] : entry.headers) {
            words_.push_back(name);
            words_.push_back(value);
        }
    }

    /// The first call of a request brings the text along, so that none behind it in its stream can overtake
    /// one that the server does not know.
    void push(request& commands)
    {
        auto const& lua = scripts::append();
        std::vector<std::string_view> all;
        all.reserve(2 + keys_.size() + words_.size());
        auto const number_of_keys = std::to_string(keys_.size());
        all.push_back(is_first_ ? lua.text() : lua.hash());
        all.push_back(number_of_keys);
        all.insert(all.end(), keys_.begin(), keys_.end());
        all.insert(all.end(), words_.begin(), words_.end());
        commands.push_range(is_first_ ? "EVAL" : "EVALSHA", all);
        is_first_ = false;
        keys_.clear();
        words_.clear();
        kept_.clear();
    }

private:
    static std::string due_of(appending const& item)
    {
        if (item.due)
            return "=" + std::to_string(item.due->time_since_epoch().count());
        if (item.delay != item.delay.zero())
            return "+" + std::to_string(item.delay.count());
        return {};
    }

    void add_key(std::string_view key) { keys_.push_back(kept_.emplace_back(key)); }

    void add_word(std::string_view word) { words_.push_back(kept_.emplace_back(word)); }

    std::uint32_t database_;
    bool is_first_ = true;
    std::vector<std::string_view> keys_;
    std::vector<std::string_view> words_;
    /// What the views point to; texts that are in it do not move.
    std::deque<std::string> kept_;
};

bool was_forgotten(appending const& item)
{
    return item.outcome.has_error() && item.outcome.error().words().starts_with("NOSCRIPT");
}

} // namespace

asio::awaitable<void> engine::append(std::span<appending> entries, append_mode mode)
{
    std::vector<appending*> wanted;
    wanted.reserve(entries.size());
    failure first_refusal = mode.atomic ? check_transaction(entries.size()) : failure();
    for (auto& item : entries) {
        auto invalid = check_stream_name(item.stream);
        if (!invalid)
            invalid = check_item(item, mode.atomic);
        if (invalid) {
            if (mode.atomic && !first_refusal)
                first_refusal = invalid;
            item.outcome = std::move(invalid);
        }
        else
            wanted.push_back(&item);
    }
    if (first_refusal)
        for (auto& item : entries)
            item.outcome = first_refusal;
    else if (mode.atomic && wanted.size() > 1)
        co_await append_all(std::move(wanted), mode);
    else if (!wanted.empty())
        co_await append_each(std::move(wanted), mode);
}

asio::awaitable<void> engine::append_each(std::vector<appending*> items, append_mode mode)
{
    // The engine may be gone when they have been answered.
    auto const connected = commands_;
    auto const database = options_.database;
    while (!items.empty()) {
        auto commands = make_request();
        append_script_calls calls(database);
        for (auto* item : items) {
            item->outcome = failure(errc::unexpected_reply);
            if (needs_script(*item)) {
                calls.add(key_of(item->stream), *item);
                calls.push(commands);
            }
            else
                push_xadd(commands, key_of(item->stream), *item);
        }
        append_replies replies(items);
        if (auto broken = mode.now_or_never ? co_await connected->exec_now(commands, replies)
                                            : co_await connected->exec(commands, replies))
            for (auto* item : items)
                // Some may have been answered before the connection broke.
                if (item->outcome.has_error() && item->outcome.error() == errc::unexpected_reply)
                    item->outcome = broken;
        // The server has forgotten the script behind the one that taught it; those were not stored.
        auto const* const first = items.front();
        std::erase_if(items, [](auto const* item) { return !was_forgotten(*item); });
        // It had the text.
        if (!items.empty() && items.front() == first)
            co_return;
    }
}

asio::awaitable<void> engine::append_all(std::vector<appending*> items, append_mode mode)
{
    auto commands = make_request();
    append_script_calls call(options_.database);
    for (auto const* item : items)
        call.add(key_of(item->stream), *item);
    call.push(commands);
    node_replies replies;
    auto const connected = commands_;
    auto why = mode.now_or_never ? co_await connected->exec_now(commands, replies)
                                 : co_await connected->exec(commands, replies);
    if (!why)
        why = replies.error(0);
    node_walk walk(replies.reply(0));
    if (!why && walk.enter() != items.size())
        why = unexpected_reply("the script that appends entries");
    for (auto* item : items)
        if (why)
            item->outcome = why;
        else
            item->outcome = walk.id();
    if (!why && !walk.ok())
        for (auto* item : items)
            item->outcome = unexpected_reply("the script that appends entries");
}

} // namespace strandline::redis
