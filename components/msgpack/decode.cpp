#include "core/json_decoder.hpp"

#include <strandline/detail/msgpack_decode.hpp>
#include <strandline/detail/utf8.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace strandline::detail {

namespace {

using document = nlohmann::json;

/// Takes the events of the MessagePack parser to the decoder, which fills the target. The parser calls itself
/// for what is nested, so the depth is limited here.
class events final : public document::json_sax_t
{
public:
    events(std::size_t size, json_slot target) : size_(size), decoder_(target) {}

    failure why() const { return {errc::not_decodable, decoder_.refused() ? decoder_.words() : words_}; }

    bool null() override { return decoder_.on_null(code_); }

    bool boolean(bool value) override { return decoder_.on_bool(value, code_); }

    bool number_integer(std::int64_t value) override { return decoder_.on_int64(value, {}, code_); }

    bool number_unsigned(std::uint64_t value) override
    {
        // As JSON's parser tells them.
        if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
            return number_integer(static_cast<std::int64_t>(value));
        return decoder_.on_uint64(value, {}, code_);
    }

    bool number_float(double value, std::string const&) override
    {
        // A target of any type would take it; JSON has no such number, and it could not be published again.
        return decoder_.on_double(value, {}, code_) &&
               (std::isfinite(value) || refuse("there is a number that is not finite"));
    }

    bool string(std::string& value) override
    {
        return check(value) && decoder_.on_string(value, value.size(), code_);
    }

    bool binary(document::binary_t& value) override
    {
        if (value.has_subtype())
            return refuse("there is a value of an extension type");
        return decoder_.on_bytes(std::as_bytes(std::span(value)), code_);
    }

    bool start_object(std::size_t size) override { return open(size) && decoder_.on_object_begin(code_); }

    bool key(std::string& name) override { return check(name) && decoder_.on_key(name, name.size(), code_); }

    bool end_object() override { return decoder_.on_object_end(sizes_[--depth_], code_); }

    bool start_array(std::size_t size) override { return open(size) && decoder_.on_array_begin(code_); }

    bool end_array() override { return decoder_.on_array_end(sizes_[--depth_], code_); }

    bool parse_error(std::size_t read, std::string const&, nlohmann::detail::exception const& thrown) override
    {
        auto const offset = read - 1;
        std::string words = "there is an invalid byte";
        if (size_ == 0)
            return refuse("the body is empty");
        if (offset >= size_)
            words = "the MessagePack ends too early";
        // By the parser's documentation.
        else if (thrown.id == 110)
            words = "there is something after the MessagePack value";
        else if (thrown.id == 113)
            words = "there is a key that is not text";
        return refuse(words + " at byte offset " + std::to_string(offset));
    }

private:
    bool open(std::size_t size)
    {
        if (depth_ == json_max_depth)
            return refuse("nested deeper than " + std::to_string(json_max_depth) + " levels");
        sizes_[depth_++] = size;
        return true;
    }

    bool check(std::string_view text)
    {
        return is_utf8(text) || refuse("there is text that is not UTF-8: " + quoted(text));
    }

    bool refuse(std::string words)
    {
        words_ = std::move(words);
        return false;
    }

    std::size_t size_;
    json_decoder decoder_;
    error_code code_;
    /// Of what is open: the parts that it was said to have.
    std::array<std::size_t, json_max_depth> sizes_;
    std::size_t depth_ = 0;
    std::string words_;
};

} // namespace

failure msgpack_decode(std::string_view body, json_slot target)
{
    events to(body.size(), target);
    if (document::sax_parse(body.begin(), body.end(), &to, document::input_format_t::msgpack))
        return {};
    return to.why();
}

} // namespace strandline::detail
