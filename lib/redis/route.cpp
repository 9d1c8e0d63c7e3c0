#include "redis/route.hpp"

#include <strandline/detail/quoted.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace strandline::redis {

namespace {

constexpr std::uint16_t usual_port = 6379;
constexpr std::uint16_t usual_port_of_sentinels = 26379;

redis_address with_port(redis_address address, std::uint16_t usual)
{
    if (address.port == 0)
        address.port = usual;
    return address;
}

/// The server's or the system's words, which say more than our code.
std::string words_of(failure const& why)
{
    return why.words().empty() ? why.code().message() : std::string(why.words());
}

} // namespace

std::string to_string(redis_address const& address)
{
    return address.host.find(':') == std::string::npos ? fmt::format("{}:{}", address.host, address.port)
                                                       : fmt::format("[{}]:{}", address.host, address.port);
}

route::route(redis_options const& options)
    : master_name_(options.sentinel.addresses.empty() ? std::string() : options.sentinel.master)
    , tls_(options.tls)
    , sentinel_tls_(options.sentinel.tls)
    , connect_timeout_(options.connect_timeout)
{
    auto const add = [this](redis_address const& given, std::uint16_t usual) {
        auto const address = with_port(given, usual);
        stops_.push_back({address, to_string(address), {}});
    };
    if (has_sentinels())
        for (auto const& address : options.sentinel.addresses)
            add(address, usual_port_of_sentinels);
    else if (!options.unix_socket.empty())
        stops_.push_back({{}, options.unix_socket, {}});
    else
        for (auto const& address : options.addresses)
            add(address, usual_port);
}

route::target route::next() const
{
    if (master_)
        return {to_string(*master_), *master_, false, tls_};
    auto const& here = stops_[at_];
    return {here.name, here.at, has_sentinels(), has_sentinels() ? sentinel_tls_ : tls_};
}

void route::note(failure why)
{
    if (master_)
        why = {why.code(), fmt::format("named the master {}: {}", to_string(*master_), words_of(why))};
    master_.reset();
    stops_[at_].problem = std::move(why);
}

bool route::failed(failure why)
{
    note(std::move(why));
    at_ = (at_ + 1) % stops_.size();
    failed_in_round_ = (failed_in_round_ + 1) % stops_.size();
    return failed_in_round_ == 0;
}

void route::arrived()
{
    for (auto& each : stops_)
        each.problem = {};
}

void route::lost(failure why)
{
    note(std::move(why));
    failed_in_round_ = 0;
}

failure route::problem(std::chrono::milliseconds waited) const
{
    auto const said = [this](errc code) {
        return std::ranges::any_of(stops_, [=](stop const& each) { return each.problem == code; });
    };
    std::string names;
    std::string reasons;
    for (auto const& each : stops_) {
        auto const reason = each.problem ? words_of(each.problem) : std::string("no answer");
        names.append(names.empty() ? "" : ", ").append(each.name);
        reasons.append(reasons.empty() ? "" : "; ").append(each.name).append(": ").append(reason);
        if (stops_.size() == 1 && !said(errc::refused) && !said(errc::unavailable))
            reasons = reason; // its name stands before it already
    }
    if (said(errc::refused))
        return {errc::refused, std::move(reasons)};
    if (said(errc::unavailable))
        return {errc::unavailable, std::move(reasons)};
    if (has_sentinels())
        names = fmt::format(
            "the master {} of {} {}", detail::quoted(master_name_),
            stops_.size() == 1 ? "the sentinel" : "the sentinels", names
        );
    return {
        errc::unreachable, fmt::format("no connection to {} within {} ms: {}", names, waited.count(), reasons)
    };
}

std::chrono::milliseconds route::time_for_attempt() const
{
    auto const attempts =
        static_cast<std::chrono::milliseconds::rep>(stops_.size()) + (has_sentinels() ? 1 : 0);
    return std::max(connect_timeout_ / attempts, std::chrono::milliseconds(1));
}

} // namespace strandline::redis
