// Dead letters that are tried once more.

#include "core/refusals.hpp"
#include "redis/engine.hpp"
#include "redis/run_script.hpp"
#include "redis/scripts.hpp"

#include <strandline/names.hpp>

namespace strandline::redis {

namespace {

/// Makes entries of the first of these letters, at least of one; tells of how many.
asio::awaitable<result<std::size_t>> replay_some(
    std::shared_ptr<connection> connected, std::string_view stream, key const& at,
    std::span<replaying> letters
)
{
    auto const dead_stream = dead_letter_stream(at);
    texts text(letters.size());
    script_words words({dead_stream, at});
    for (auto const& letter : letters)
        words.add({text(letter.id), letter.for_all ? "1" : "0"});
    auto const replies = co_await run_script(connected, scripts::replay(), words);
    if (!replies) {
        if (replies.error() != errc::not_permitted)
            co_return replies.error();
        for (auto& letter : letters)
            letter.outcome = replies.error();
        co_return letters.size();
    }
    node_walk walk(replies->reply(0));
    auto const answered = walk.enter();
    if (answered < 1 || answered > letters.size())
        co_return unexpected_reply("the script that replays dead letters");
    for (auto& letter : letters.first(answered)) {
        if (walk.next_is_aggregate()) {
            walk.enter();
            letter.outcome = walk.id();
            continue;
        }
        auto const answer = walk.text();
        if (answer == "0")
            letter.outcome = no_letter(stream, letter.id);
        else {
            letter.outcome = server_failure(answer);
            if (tells_of_replica(answer))
                connected->leave_replica();
        }
    }
    if (!walk.ok())
        co_return unexpected_reply("the script that replays dead letters");
    co_return answered;
}

} // namespace

asio::awaitable<failure> engine::replay(std::string_view stream, std::span<replaying> letters)
{
    if (auto invalid = check_replay(stream, letters))
        co_return invalid;
    auto const connected = commands_;
    auto const at = key_of(stream);
    // In steps where they are large.
    while (!letters.empty()) {
        auto const answered = co_await replay_some(connected, stream, at, letters);
        if (!answered)
            co_return answered.error();
        letters = letters.subspan(*answered);
    }
    co_return failure();
}

} // namespace strandline::redis
