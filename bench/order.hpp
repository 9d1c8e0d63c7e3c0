#pragma once

#include <boost/describe/class.hpp>

#include <cstdint>
#include <string>

namespace bench {

/// An event as programs have them: its JSON is of about 100 bytes.
struct order
{
    std::string id;
    std::string customer;
    std::int64_t quantity = 0;
    double total = 0;
    bool express = false;
};
BOOST_DESCRIBE_STRUCT(order, (), (id, customer, quantity, total, express))

inline order const some_order{"2024-11-20-0000004711", "customer-0815", 12, 99.95, true};

} // namespace bench
