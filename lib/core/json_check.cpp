#include <strandline/detail/json_check.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

namespace strandline::detail {

namespace {

bool check(json::value const& value, json_problem& problem, std::size_t levels_left)
{
    switch (value.kind()) {
    case json::kind::double_:
        return json_check(value.get_double(), problem);
    case json::kind::string:
        return json_check(value.get_string(), problem);
    case json::kind::array:
    case json::kind::object:
        break;
    default:
        return true;
    }

    if (levels_left == 0) {
        problem.set("is nested deeper than " + std::to_string(json_max_depth) + " levels");
        return false;
    }
    if (auto const* array = value.if_array()) {
        for (std::size_t i = 0; i != array->size(); ++i) {
            if (!check((*array)[i], problem, levels_left - 1)) {
                problem.in_element(i);
                return false;
            }
        }
        return true;
    }
    for (auto const& [key, member] : value.get_object()) {
        if (!is_utf8(key)) {
            problem.set("has a key that is not UTF-8");
            return false;
        }
        if (!check(member, problem, levels_left - 1)) {
            problem.in_member(key);
            return false;
        }
    }
    return true;
}

} // namespace

bool json_check_document(json::value const& value, json_problem& problem)
{
    return check(value, problem, json_max_depth);
}

} // namespace strandline::detail
