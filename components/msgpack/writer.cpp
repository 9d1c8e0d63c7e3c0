#include <strandline/detail/json_form.hpp>
#include <strandline/detail/msgpack_writer.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>
#include <vector>

namespace strandline::detail {

namespace {

/// Keeps the order of members.
using node = nlohmann::ordered_json;

} // namespace

struct msgpack_writer::tree
{
    node root;
    /// What is open, from the outside in.
    std::vector<node*> open;
    std::string key;
    bool too_deep = false;

    node& add(node value)
    {
        if (open.empty())
            return root = std::move(value);
        auto& in = *open.back();
        if (in.is_array())
            return in.get_ref<node::array_t&>().emplace_back(std::move(value));
        // As it is a vector: it would look for the key in all that it has, and there is none twice.
        auto& members = static_cast<node::object_t::Container&>(in.get_ref<node::object_t&>());
        return members.emplace_back(std::move(key), std::move(value)).second;
    }

    void begin(node value)
    {
        too_deep = too_deep || open.size() == json_max_depth;
        open.push_back(&add(std::move(value)));
    }
};

msgpack_writer::msgpack_writer() : tree_(std::make_unique<tree>()) {}

msgpack_writer::~msgpack_writer() = default;

void msgpack_writer::null()
{
    tree_->add(nullptr);
}

void msgpack_writer::boolean(bool value)
{
    tree_->add(value);
}

void msgpack_writer::integer(std::int64_t value)
{
    tree_->add(value);
}

void msgpack_writer::integer(std::uint64_t value)
{
    tree_->add(value);
}

void msgpack_writer::floating(double value)
{
    tree_->add(value);
}

void msgpack_writer::text(std::string_view value)
{
    tree_->add(value);
}

void msgpack_writer::bytes(std::span<std::byte const> value)
{
    node::binary_t::container_type copy(value.size());
    std::ranges::transform(value, copy.begin(), [](std::byte one) {
        return std::to_integer<std::uint8_t>(one);
    });
    tree_->add(node::binary(std::move(copy)));
}

void msgpack_writer::document(boost::json::value const& value)
{
    switch (value.kind()) {
    case json::kind::null:
        return null();
    case json::kind::bool_:
        return boolean(value.get_bool());
    case json::kind::int64:
        return integer(value.get_int64());
    case json::kind::uint64:
        return integer(value.get_uint64());
    case json::kind::double_:
        return floating(value.get_double());
    case json::kind::string:
        return text(value.get_string());
    case json::kind::array:
        begin_array();
        for (auto const& element : value.get_array())
            document(element);
        return end();
    case json::kind::object:
        begin_map();
        for (auto const& [name, member] : value.get_object()) {
            key(name);
            document(member);
        }
        return end();
    }
}

void msgpack_writer::begin_map()
{
    tree_->begin(node::object());
}

void msgpack_writer::begin_array()
{
    tree_->begin(node::array());
}

void msgpack_writer::key(std::string_view name)
{
    tree_->key = name;
}

void msgpack_writer::end()
{
    tree_->open.pop_back();
}

failure msgpack_writer::finish(std::string& out)
{
    if (tree_->too_deep)
        return {errc::not_encodable, "nested deeper than " + std::to_string(json_max_depth) + " levels"};
    out.clear();
    node::to_msgpack(tree_->root, out);
    return {};
}

} // namespace strandline::detail
