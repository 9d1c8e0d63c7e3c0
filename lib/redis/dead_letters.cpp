// Dead letters that are tried once more.

#include "core/refusals.hpp"
#include "redis/engine.hpp"
#include "redis/run_script.hpp"
#include "redis/scripts.hpp"

#include <strandline/names.hpp>

namespace strandline::redis {

asio::awaitable<failure> engine::replay(std::string_view stream, std::span<replaying> letters)
{
    if (auto invalid = check_replay(stream, letters))
        co_return invalid;
    if (letters.empty())
        co_return failure();
    auto const connected = commands_;
    auto const at = key_of(stream);
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
        co_return failure();
    }
    node_walk walk(replies->reply(0));
    if (walk.enter() != letters.size())
        co_return unexpected_reply("the script that replays dead letters");
    for (auto& letter : letters) {
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
    co_return walk.ok() ? failure() : unexpected_reply("the script that replays dead letters");
}

} // namespace strandline::redis
