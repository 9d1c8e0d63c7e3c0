#pragma once

#include <strandline/error.hpp>

#include <boost/json/value.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace strandline::detail {

/// Writes one value as MessagePack, part by part. Between `begin_map` and `end` stands a key before each
/// value.
class msgpack_writer
{
public:
    msgpack_writer();
    ~msgpack_writer();

    msgpack_writer(msgpack_writer const&) = delete;
    msgpack_writer& operator=(msgpack_writer const&) = delete;

    void null();
    void boolean(bool value);
    void integer(std::int64_t value);
    void integer(std::uint64_t value);
    void floating(double value);
    void text(std::string_view value);
    void bytes(std::span<std::byte const> value);
    void document(boost::json::value const& value);

    void begin_map();
    void begin_array();
    void key(std::string_view name);
    void end();

    /// Replaces what is in `out`. Fails when something was nested too deep to be read back.
    failure finish(std::string& out);

private:
    struct tree;

    std::unique_ptr<tree> tree_;
};

} // namespace strandline::detail
