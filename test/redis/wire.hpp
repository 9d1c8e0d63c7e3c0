#pragma once

#include "redis/replies.hpp"

#include <boost/redis/resp3/parser.hpp>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// RESP3 as a server writes it, and how it reaches a sink.
namespace strandline::testing::wire {

inline std::string bulk(std::string_view bytes)
{
    return "$" + std::to_string(bytes.size()) + "\r\n" + std::string(bytes) + "\r\n";
}

inline std::string number(long long value)
{
    return ":" + std::to_string(value) + "\r\n";
}

inline std::string const null = "_\r\n";

inline std::string array(std::initializer_list<std::string> elements)
{
    auto text = "*" + std::to_string(elements.size()) + "\r\n";
    for (auto const& element : elements)
        text += element;
    return text;
}

inline std::string map(std::initializer_list<std::pair<std::string, std::string>> pairs)
{
    auto text = "%" + std::to_string(pairs.size()) + "\r\n";
    for (auto const& [key, value] : pairs)
        text += key + value;
    return text;
}

/// An entry of a stream: its id and an array of names and values in turn.
inline std::string entry(std::string_view id, std::initializer_list<std::string_view> fields)
{
    auto text = "*" + std::to_string(fields.size()) + "\r\n";
    for (auto const field : fields)
        text += bulk(field);
    return array({bulk(id), text});
}

/// Gives a sink what the network brings, in these pieces, as Boost.Redis does: what could not be parsed comes
/// again, together with the next piece, in other memory. Nothing of that memory is left afterwards. Returns
/// the parser's error, where it found one.
inline boost::system::error_code feed(redis::reply_sink& sink, std::vector<std::string_view> const& pieces)
{
    auto adapter = sink.adapter();
    redis::resp3::parser parser;
    std::vector<char> unread;
    for (auto const piece : pieces) {
        std::vector<char> moved;
        moved.reserve(unread.size() + piece.size());
        moved.insert(moved.end(), unread.begin(), unread.end());
        moved.insert(moved.end(), piece.begin(), piece.end());
        unread.swap(moved);
        while (!unread.empty()) {
            boost::system::error_code error;
            if (!redis::resp3::parse(parser, {unread.data(), unread.size()}, adapter, error))
                break;
            if (error)
                return error;
            auto const consumed = static_cast<std::ptrdiff_t>(parser.get_consumed());
            std::vector<char>(unread.begin() + consumed, unread.end()).swap(unread);
            parser.reset();
        }
    }
    return {};
}

/// Calls `check(pieces)` for the text whole, in two pieces cut at every place, and byte by byte.
template <class Check>
void for_every_cut(std::string_view text, Check check)
{
    check(std::vector{text});
    for (std::size_t cut = 1; cut < text.size(); ++cut)
        check(std::vector{text.substr(0, cut), text.substr(cut)});
    std::vector<std::string_view> bytes;
    for (std::size_t i = 0; i != text.size(); ++i)
        bytes.push_back(text.substr(i, 1));
    check(bytes);
}

} // namespace strandline::testing::wire
