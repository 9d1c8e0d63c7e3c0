#pragma once

#include <boost/describe.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// Events of a shop, as a program would describe them.
namespace sales {

enum class state
{
    open,
    paid,
    shipped
};
BOOST_DESCRIBE_ENUM(state, open, paid, shipped)

struct line
{
    std::string sku;
    double price = 0;
    std::optional<std::string> note;

    friend bool operator==(line const&, line const&) = default;
};
BOOST_DESCRIBE_STRUCT(line, (), (sku, price, note))

struct card
{
    std::string holder;
    std::uint16_t last_digits = 0;

    friend bool operator==(card const&, card const&) = default;
};
BOOST_DESCRIBE_STRUCT(card, (), (holder, last_digits))

struct order
{
    std::string id;
    double total = 0;
    sales::state state = sales::state::open;
    std::vector<line> lines;
    std::map<std::string, std::int64_t> stock;
    std::variant<std::monostate, std::int64_t, std::string, card> payment;
    std::optional<card> backup;

    friend bool operator==(order const&, order const&) = default;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, total, state, lines, stock, payment, backup))

} // namespace sales
