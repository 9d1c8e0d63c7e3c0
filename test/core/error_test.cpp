#include <strandline/error.hpp>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_disposition.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/test/unit_test.hpp>

#include <set>
#include <sstream>
#include <string>

namespace asio = boost::asio;
using strandline::errc;
using strandline::error_code;
using strandline::failure;

namespace {

// An operation as the library has them: a failure first, then a result.
template <class Token = asio::deferred_t>
auto async_answer(asio::io_context& context, failure why, Token&& token = {})
{
    return asio::async_initiate<Token, void(failure, int)>(
        [&context](auto handler, failure outcome) {
            asio::post(context, [handler = std::move(handler), outcome = std::move(outcome)]() mutable {
                std::move(handler)(std::move(outcome), 42);
            });
        },
        token, std::move(why)
    );
}

failure some_failure()
{
    return {errc::wrong_type, "WRONGTYPE Operation against a key holding the wrong kind of value"};
}

template <class F>
void run(asio::io_context& context, F body)
{
    std::exception_ptr thrown;
    asio::co_spawn(context, std::move(body), [&thrown](std::exception_ptr why) { thrown = why; });
    context.restart();
    context.run();
    if (thrown)
        std::rethrow_exception(thrown);
}

bool is_the_error(strandline::error const& thrown)
{
    std::string_view const what = thrown.what();
    return thrown.code() == errc::wrong_type && thrown.cause().words() == some_failure().words() &&
           what.find("WRONGTYPE Operation against a key") != what.npos &&
           what.find("key holds something that is not a stream") != what.npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(errors)

BOOST_AUTO_TEST_CASE(have_a_text_each_and_belong_to_strandline)
{
    std::set<std::string> texts;
    for (auto i = static_cast<int>(errc::invalid_option); i <= static_cast<int>(errc::stuck); ++i) {
        error_code const code = static_cast<errc>(i);
        BOOST_TEST(code.failed());
        BOOST_TEST(code.category().name() == std::string("strandline"));
        BOOST_TEST(code.message() != "unknown error");
        texts.insert(code.message());
        char text[80];
        BOOST_TEST(code.message(text, sizeof text) == code.message());
    }
    BOOST_TEST(texts.size() == static_cast<std::size_t>(errc::stuck));
    BOOST_TEST(error_code(999, strandline::category()).message() == "unknown error");
}

BOOST_AUTO_TEST_CASE(are_equal_only_within_their_category)
{
    BOOST_TEST((error_code(errc::closed) == errc::closed));
    BOOST_TEST((error_code(static_cast<int>(errc::closed), boost::system::generic_category()) != errc::closed)
    );
}

BOOST_AUTO_TEST_CASE(are_worth_another_try_when_the_server_may_come_to_itself)
{
    std::set<errc> const retryable = {errc::unreachable, errc::connection_lost, errc::out_of_memory,
                                      errc::unavailable, errc::timed_out,       errc::outcome_unknown};
    for (auto i = static_cast<int>(errc::invalid_option); i <= static_cast<int>(errc::stuck); ++i) {
        auto const code = static_cast<errc>(i);
        BOOST_TEST_INFO(error_code(code).message());
        BOOST_TEST(strandline::is_retryable(code) == retryable.contains(code));
    }
    BOOST_TEST(!strandline::is_retryable(error_code()));
    BOOST_TEST(!strandline::is_retryable(asio::error::connection_reset));
}

BOOST_AUTO_TEST_CASE(tell_what_may_have_been_done_all_the_same)
{
    BOOST_TEST(strandline::is_outcome_unknown(errc::connection_lost));
    BOOST_TEST(strandline::is_outcome_unknown(errc::outcome_unknown));
    for (auto const code : {errc::unreachable, errc::timed_out, errc::partly_stored, errc::closed})
        BOOST_TEST(!strandline::is_outcome_unknown(code));
    BOOST_TEST(!strandline::is_outcome_unknown(error_code()));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(failures)

BOOST_AUTO_TEST_CASE(are_false_when_there_is_none)
{
    failure const none;
    BOOST_TEST(!none);
    BOOST_TEST(!none.code());
    BOOST_TEST(none.words().empty());
}

BOOST_AUTO_TEST_CASE(tell_code_and_words_in_one_line)
{
    failure const why{errc::unreachable, "localhost:1: Connection refused"};
    BOOST_TEST(bool(why));
    BOOST_TEST((why == errc::unreachable));
    BOOST_TEST(why.words() == "localhost:1: Connection refused");
    BOOST_TEST(why.message() == "server cannot be reached: localhost:1: Connection refused");
    std::ostringstream out;
    out << why;
    BOOST_TEST(out.str() == why.message());
    BOOST_TEST(failure(errc::closed).message() == "broker was closed");
}

BOOST_AUTO_TEST_CASE(share_their_words_with_their_copies)
{
    failure const why = some_failure();
    failure const copy = why;
    BOOST_TEST(static_cast<void const*>(copy.words().data()) == static_cast<void const*>(why.words().data()));
}

BOOST_AUTO_TEST_CASE(used_as_a_code_drop_their_words)
{
    error_code const code = some_failure();
    BOOST_TEST((code == errc::wrong_type));
}

BOOST_AUTO_TEST_CASE(in_a_result_are_thrown_by_value)
{
    strandline::result<int> const none = some_failure();
    BOOST_CHECK_EXCEPTION(none.value(), strandline::error, is_the_error);
    BOOST_TEST(strandline::result<int>(3).value() == 3);
}

BOOST_AUTO_TEST_CASE(thrown_are_system_errors_with_the_words_in_what)
{
    BOOST_CHECK_THROW(throw strandline::error(some_failure()), boost::system::system_error);
    BOOST_CHECK_EXCEPTION(throw strandline::error(some_failure()), strandline::error, is_the_error);
    BOOST_TEST(std::string(strandline::error(errc::closed).what()).starts_with("broker was closed"));
}

BOOST_AUTO_TEST_CASE(thrown_tell_no_place_in_the_source)
{
    static constexpr boost::source_location here("/home/somebody/secret.cpp", 7, "function");
    error_code code;
    code.assign(errc::closed, &here);
    BOOST_TEST(std::string(code.what()).find("secret") != std::string::npos);
    BOOST_TEST(std::string(strandline::error(code).what()).find("secret") == std::string::npos);
    BOOST_TEST(std::string(strandline::error({code, "words"}).what()).find("secret") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(are_thrown_by_co_await)
{
    asio::io_context context;
    run(context, [&]() -> asio::awaitable<void> {
        BOOST_TEST(co_await async_answer(context, {}) == 42);
        bool caught = false;
        try {
            co_await async_answer(context, some_failure());
        }
        catch (boost::system::system_error const& thrown) {
            auto const* mine = dynamic_cast<strandline::error const*>(&thrown);
            caught = mine && is_the_error(*mine);
        }
        BOOST_TEST(caught);
        BOOST_CHECK_EXCEPTION(
            co_await async_answer(context, some_failure(), asio::use_awaitable), strandline::error,
            is_the_error
        );
    });
}

BOOST_AUTO_TEST_CASE(arrive_whole_with_as_tuple)
{
    asio::io_context context;
    run(context, [&]() -> asio::awaitable<void> {
        auto const [why, number] = co_await async_answer(context, some_failure(), asio::as_tuple);
        BOOST_TEST((why == errc::wrong_type));
        BOOST_TEST(why.words() == some_failure().words());
        BOOST_TEST(number == 42);
    });
}

BOOST_AUTO_TEST_CASE(arrive_whole_with_redirect_disposition)
{
    asio::io_context context;
    run(context, [&]() -> asio::awaitable<void> {
        failure why;
        BOOST_TEST(co_await async_answer(context, some_failure(), asio::redirect_disposition(why)) == 42);
        BOOST_TEST((why == errc::wrong_type));
        BOOST_TEST(why.words() == some_failure().words());
    });
}

BOOST_AUTO_TEST_CASE(come_out_of_a_future)
{
    asio::io_context context;
    auto good = async_answer(context, {}, asio::use_future);
    auto bad = async_answer(context, some_failure(), asio::use_future);
    context.run();
    BOOST_TEST(good.get() == 42);
    BOOST_CHECK_EXCEPTION(bad.get(), strandline::error, is_the_error);
}

BOOST_AUTO_TEST_CASE(arrive_at_callbacks)
{
    asio::io_context context;
    failure seen;
    async_answer(context, some_failure(), [&seen](failure why, int) { seen = std::move(why); });
    context.run();
    BOOST_TEST(seen.words() == some_failure().words());
}

BOOST_AUTO_TEST_SUITE_END()
