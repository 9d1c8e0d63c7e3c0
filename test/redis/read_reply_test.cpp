// The answer to XREADGROUP, from the bytes of the wire to entries.

#include "redis/batch.hpp"
#include "redis/wire.hpp"
#include "support/printing.hpp"

#include <boost/test/unit_test.hpp>

#include <array>
#include <optional>
#include <string>
#include <vector>

using namespace strandline;
using namespace strandline::testing;
using namespace std::string_literals;
using redis::read_reply;

namespace {

struct expected
{
    std::uint32_t stream;
    entry_id id;
    std::optional<std::string> body;
    std::vector<header_view> headers;
};

std::array<std::string_view, 2> const asked{"orders", "users"};

/// What was read, with the reply gone and the bytes of the wire, too.
std::vector<received> read(std::vector<std::string_view> const& pieces, failure& why)
{
    std::vector<received> out;
    read_reply reply(asked, 64, out);
    BOOST_TEST(!wire::feed(reply, pieces));
    why = reply.error();
    return out;
}

void check(std::string const& text, std::vector<expected> const& entries)
{
    wire::for_every_cut(text, [&](auto const& pieces) {
        failure why;
        auto const got = read(pieces, why);
        BOOST_TEST(!why, why);
        BOOST_REQUIRE(got.size() == entries.size());
        for (std::size_t i = 0; i != got.size(); ++i) {
            BOOST_TEST(got[i].stream == entries[i].stream);
            BOOST_TEST(got[i].id == entries[i].id);
            BOOST_TEST((got[i].entry.body == entries[i].body));
            BOOST_TEST(got[i].entry.headers == entries[i].headers, boost::test_tools::per_element());
        }
    });
}

/// Refused with that code, and nothing was read.
void check_refused(std::string const& text, errc code, std::string_view words)
{
    wire::for_every_cut(text, [&](auto const& pieces) {
        failure why;
        BOOST_TEST(read(pieces, why).empty());
        BOOST_TEST((why == code));
        BOOST_TEST(why.words() == words);
    });
}

auto const unexpected = "XREADGROUP was answered in a shape that it does not have";

} // namespace

BOOST_AUTO_TEST_SUITE(answers_to_reads)

BOOST_AUTO_TEST_CASE(entries_with_and_without_body_and_headers)
{
    check(
        wire::map(
            {{wire::bulk("orders"), wire::array({
                                        wire::entry("1-1", {"body", "hello"}),
                                        wire::entry("1-2", {"type", "created", "key", "7"}),
                                        wire::entry("2-0", {"type", "t", "body", "x", "key", "k"}),
                                    })}}
        ),
        {{0, {1, 1}, "hello", {}},
         {0, {1, 2}, std::nullopt, {{"type", "created"}, {"key", "7"}}},
         {0, {2, 0}, "x", {{"type", "t"}, {"key", "k"}}}}
    );
}

BOOST_AUTO_TEST_CASE(empty_values_are_not_missing_ones)
{
    check(
        wire::map(
            {{wire::bulk("orders"),
              wire::array({wire::entry("1-1", {"body", ""}), wire::entry("1-2", {"", ""})})}}
        ),
        {{0, {1, 1}, "", {}}, {0, {1, 2}, std::nullopt, {{"", ""}}}}
    );
}

BOOST_AUTO_TEST_CASE(bytes_of_every_kind_come_as_they_are)
{
    std::string bytes;
    for (int byte = 0; byte != 256; ++byte)
        bytes += static_cast<char>(byte);
    auto const tricky = "\r\n$-1\r\n%1\r\n_\r\n"s;
    check(
        wire::map({{wire::bulk("orders"), wire::array({wire::entry("1-1", {"body", bytes, tricky, tricky})})}}
        ),
        {{0, {1, 1}, bytes, {{tricky, tricky}}}}
    );
}

BOOST_AUTO_TEST_CASE(streams_are_known_by_the_order_of_the_question)
{
    check(
        wire::map({
            {wire::bulk("users"), wire::array({wire::entry("5-0", {"body", "u"})})},
            {wire::bulk("orders"), wire::array({wire::entry("4-0", {"body", "o"})})},
        }),
        {{1, {5, 0}, "u", {}}, {0, {4, 0}, "o", {}}}
    );
}

BOOST_AUTO_TEST_CASE(ids_reach_the_limits)
{
    check(
        wire::map(
            {{wire::bulk("orders"),
              wire::array({wire::entry("18446744073709551615-18446744073709551615", {"body", "x"})})}}
        ),
        {{0, entry_id::max(), "x", {}}}
    );
}

BOOST_AUTO_TEST_CASE(a_second_body_is_a_header_as_any_other)
{
    check(
        wire::map(
            {{wire::bulk("orders"), wire::array({wire::entry("1-1", {"body", "first", "body", "second"})})}}
        ),
        {{0, {1, 1}, "first", {{"body", "second"}}}}
    );
}

BOOST_AUTO_TEST_CASE(null_means_that_there_was_nothing)
{
    check(wire::null, {});
}

BOOST_AUTO_TEST_CASE(a_stream_without_entries_brings_none)
{
    check(wire::map({{wire::bulk("orders"), wire::array({})}}), {});
}

BOOST_AUTO_TEST_CASE(a_removed_entry_is_left_out)
{
    check(
        wire::map(
            {{wire::bulk("orders"), wire::array({
                                        wire::entry("1-1", {"body", "a"}),
                                        wire::array({wire::bulk("1-2"), wire::null}),
                                        wire::entry("1-3", {"body", "c"}),
                                    })}}
        ),
        {{0, {1, 1}, "a", {}}, {0, {1, 3}, "c", {}}}
    );
}

BOOST_AUTO_TEST_CASE(errors_keep_the_words_of_the_server)
{
    check_refused("-NOGROUP No such key\r\n", errc::no_group, "NOGROUP No such key");
    check_refused("-WRONGTYPE Operation\r\n", errc::wrong_type, "WRONGTYPE Operation");
    check_refused("!10\r\nERR broken\r\n", errc::server_error, "ERR broken");
}

BOOST_AUTO_TEST_CASE(other_shapes_are_refused)
{
    check_refused("+OK\r\n", errc::unexpected_reply, unexpected);
    check_refused(wire::number(5), errc::unexpected_reply, unexpected);
    check_refused(wire::bulk("orders"), errc::unexpected_reply, unexpected);
    check_refused("#t\r\n", errc::unexpected_reply, unexpected);
    // RESP2
    check_refused(
        wire::array({wire::array({wire::bulk("orders"), wire::array({wire::entry("1-1", {"body", "a"})})})}),
        errc::unexpected_reply, unexpected
    );
    check_refused(
        wire::map({{wire::bulk("unknown"), wire::array({wire::entry("1-1", {"body", "a"})})}}),
        errc::unexpected_reply, unexpected
    );
    check_refused(
        wire::map({{wire::bulk("orders"), wire::array({wire::entry("one", {"body", "a"})})}}),
        errc::unexpected_reply, unexpected
    );
    check_refused(
        wire::map({{wire::bulk("orders"), wire::array({wire::entry("1-1", {"body"})})}}),
        errc::unexpected_reply, unexpected
    );
    check_refused(
        wire::map(
            {{wire::bulk("orders"), wire::array({wire::array({
                                        wire::bulk("1-1"),
                                        wire::array({wire::bulk("body"), wire::array({wire::bulk("a")})}),
                                    })})}}
        ),
        errc::unexpected_reply, unexpected
    );
}

BOOST_AUTO_TEST_CASE(what_came_before_an_unexpected_part_is_kept)
{
    failure why;
    auto const text = wire::map(
        {{wire::bulk("orders"),
          wire::array({wire::entry("1-1", {"body", "a"}), wire::entry("?", {"body", "b"})})}}
    );
    auto const got = read({text}, why);
    BOOST_TEST((why == errc::unexpected_reply));
    BOOST_REQUIRE(got.size() == 1);
    BOOST_TEST(*got[0].entry.body == "a");
}

BOOST_AUTO_TEST_CASE(entries_of_an_answer_share_memory_that_lives_as_long_as_one_of_them)
{
    std::vector<received> out;
    {
        read_reply reply(asked, 16, out);
        auto const text = wire::map(
            {{wire::bulk("orders"), wire::array({
                                        wire::entry("1-1", {"body", std::string(10'000, 'a')}),
                                        wire::entry("1-2", {"body", std::string(10'000, 'b'), "n", "v"}),
                                    })}}
        );
        BOOST_TEST(!wire::feed(reply, {text}));
        BOOST_TEST(reply.size() >= 20'000);
    }
    BOOST_REQUIRE(out.size() == 2);
    BOOST_TEST(out[0].owner == out[1].owner);
    out.erase(out.begin());
    BOOST_TEST((out[0].entry.body == std::string(10'000, 'b')));
    BOOST_TEST((out[0].entry.header("n") == "v"));
}

BOOST_AUTO_TEST_CASE(types_and_numbers_that_do_not_fit_do_no_harm)
{
    auto const text = wire::map({
        {wire::bulk("orders"), wire::array({
                                   wire::entry("1-1", {"body", "hello", "key", "k"}),
                                   wire::array({wire::bulk("1-2"), wire::null}),
                               })},
        {wire::bulk("users"), wire::array({wire::entry("1-1", {"key", ""})})},
    });
    auto const check_changed = [&](std::size_t place, std::string_view others) {
        for (auto const other : others) {
            auto changed = text;
            changed[place] = other;
            std::vector<received> out;
            read_reply reply(asked, 64, out);
            // Much of this is an error to the parser already; what is not must be harmless to us.
            (void)wire::feed(reply, {changed});
            for (auto const& one : out)
                BOOST_TEST(one.stream < asked.size());
        }
    };
    // Not everything: Boost.Redis ends the process when a number or a truth value is missing.
    for (std::size_t place = 0; place + 1 < text.size(); ++place)
        if ((place == 0 || text[place - 1] == '\n') &&
            std::string_view("*%$").find(text[place]) != std::string_view::npos)
        {
            check_changed(place, "*%~$:_-+!,(=>|");
            if (text[place] != '$')
                check_changed(place + 1, "0123456789");
        }
}

BOOST_AUTO_TEST_SUITE_END()
