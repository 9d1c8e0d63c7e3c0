#pragma once

#include <strandline/detail/json_problem.hpp>
#include <strandline/detail/json_shape.hpp>
#include <strandline/detail/quoted.hpp>
#include <strandline/error.hpp>

#include <boost/container/static_vector.hpp>
#include <boost/json/value.hpp>
#include <boost/json/value_stack.hpp>

#include <algorithm>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace strandline::detail {

/// Why the value cannot be what the shape is of.
std::string json_mismatch(json_shape const& shape, json_scalar const& found);

/// Takes the events of a parser and fills a target with them. What is open has a frame that knows its open
/// part, so that a failure can tell where it is. The events are those of Boost.JSON's parser, and bytes,
/// which other notations have.
///
/// Whoever sends the events keeps arrays and objects from being nested deeper than `json_max_depth`.
///
/// Boost.JSON's parse_into is not used: in an array or a map it looks for missing members in the first
/// element only, an optional element can inherit members from the one before, and a member given twice makes
/// up for one that is missing.
class json_decoder
{
public:
    explicit json_decoder(json_slot root) : root_(root) {}

    json_decoder(json_decoder const&) = delete;
    json_decoder& operator=(json_decoder const&) = delete;

    static constexpr auto max_object_size = static_cast<std::size_t>(-1);
    static constexpr auto max_array_size = static_cast<std::size_t>(-1);
    static constexpr auto max_key_size = static_cast<std::size_t>(-1);
    static constexpr auto max_string_size = static_cast<std::size_t>(-1);

    // Whether it was this class that has stopped the parser, and not the text.
    bool refused() const { return refused_; }

    std::string words() const { return problem_.words(": "); }

    // The same events once more, for one that was kept.
    bool replay(json::value const& value);

    bool on_document_begin(error_code&) { return true; }

    bool on_document_end(error_code&) { return true; }

    bool on_comment_part(std::string_view, error_code&) { return true; }

    bool on_comment(std::string_view, error_code&) { return true; }

    bool on_object_begin(error_code& code) { return begin(true, code); }

    bool on_object_end(std::size_t size, error_code& code)
    {
        if (ignored_ != 0) {
            --ignored_;
            return true;
        }
        if (kept_depth_ != 0) {
            kept_->push_object(size);
            return end_kept(code);
        }
        auto const& frame = frames_.back();
        for (std::size_t i = 0; i != frame.shape->members.size(); ++i) {
            auto const& member = frame.shape->members[i];
            if (member.required && !frame.seen[i])
                return refuse_open("member " + quoted(member.name) + " is missing", code);
        }
        frames_.pop_back();
        return true;
    }

    bool on_array_begin(error_code& code) { return begin(false, code); }

    bool on_array_end(std::size_t size, error_code& code)
    {
        if (ignored_ != 0) {
            --ignored_;
            return true;
        }
        if (kept_depth_ != 0) {
            kept_->push_array(size);
            return end_kept(code);
        }
        auto const& shape = *frames_.back().shape;
        if (shape.form != json_form::sequence && size != shape.count)
            return refuse_open("expected " + shape.expected() + ", found " + std::to_string(size), code);
        frames_.pop_back();
        return true;
    }

    bool on_key_part(std::string_view text, std::size_t, error_code&) { return part(text); }

    bool on_key(std::string_view text, std::size_t, error_code& code)
    {
        if (ignored_ != 0)
            return true;
        if (kept_depth_ != 0) {
            kept_->push_key(text);
            return true;
        }
        bool const good = open_member(whole(text), code);
        text_.clear();
        return good;
    }

    bool on_string_part(std::string_view text, std::size_t, error_code&) { return part(text); }

    bool on_string(std::string_view text, std::size_t, error_code& code)
    {
        if (ignored_ != 0)
            return true;
        if (kept_depth_ != 0) {
            kept_->push_string(text);
            return true;
        }
        bool const good = scalar(whole(text), code);
        text_.clear();
        return good;
    }

    bool on_number_part(std::string_view, error_code&) { return true; }

    bool on_int64(std::int64_t number, std::string_view, error_code& code) { return scalar(number, code); }

    bool on_uint64(std::uint64_t number, std::string_view, error_code& code) { return scalar(number, code); }

    bool on_double(double number, std::string_view, error_code& code) { return scalar(number, code); }

    bool on_bool(bool flag, error_code& code) { return scalar(flag, code); }

    bool on_null(error_code& code) { return scalar(nullptr, code); }

    bool on_bytes(std::span<std::byte const> bytes, error_code& code) { return scalar(bytes, code); }

private:
    static constexpr auto none = static_cast<std::size_t>(-1);

    struct frame
    {
        json_shape const* shape = nullptr;
        void* target = nullptr;
        // The open member or element.
        std::size_t index = none;
        // Objects: the members that have appeared.
        std::bitset<json_max_members> seen;
        // Maps: the open entry.
        json_slot entry;
        std::string_view key;
    };

    bool part(std::string_view text)
    {
        if (kept_depth_ != 0)
            kept_->push_chars(text);
        else if (ignored_ == 0)
            text_.append(text);
        return true;
    }

    // The text with the parts before it. Texts without escapes come in one part.
    std::string_view whole(std::string_view text)
    {
        if (text_.empty())
            return text;
        return text_.append(text);
    }

    bool begin(bool is_object, error_code& code)
    {
        if (ignored_ != 0) {
            ++ignored_;
            return true;
        }
        if (kept_depth_ != 0) {
            ++kept_depth_;
            return true;
        }
        auto slot = next();
        if (!slot.shape) {
            ++ignored_;
            return true;
        }
        while (slot.shape->form == json_form::optional)
            slot = slot.shape->part(slot.target, 0);

        using enum json_form;
        auto const form = slot.shape->form;
        if (form == variant || form == custom) {
            kept_slot_ = slot;
            kept_depth_ = 1;
            kept_.emplace().reset();
            return true;
        }
        if (is_object && form != object && form != map)
            return refuse("expected " + slot.shape->expected() + ", found an object", code);
        if (!is_object && form != sequence && form != array && form != tuple)
            return refuse("expected " + slot.shape->expected() + ", found an array", code);
        if (slot.shape->clear)
            slot.shape->clear(slot.target);
        auto& frame = frames_.emplace_back();
        frame.shape = slot.shape;
        frame.target = slot.target;
        return true;
    }

    bool open_member(std::string_view key, error_code& code)
    {
        auto& frame = frames_.back();
        if (frame.shape->form == json_form::map) {
            frame.entry = frame.shape->entry(frame.target, key);
            if (!frame.entry.shape)
                return refuse_open("member " + quoted(key) + " appears twice", code);
            frame.key = key;
            return true;
        }

        auto const& members = frame.shape->members;
        // Most writers keep the order.
        ++frame.index;
        if (frame.index >= members.size() || members[frame.index].name != key) {
            auto const found = std::ranges::find(members, key, &json_member::name);
            if (found == members.end()) {
                frame.index = none;
                return true;
            }
            frame.index = static_cast<std::size_t>(found - members.begin());
        }
        if (frame.seen[frame.index])
            return refuse_open("member " + quoted(key) + " appears twice", code);
        frame.seen.set(frame.index);
        return true;
    }

    // Where the next value goes; nowhere when it is to be ignored.
    json_slot next()
    {
        if (frames_.empty())
            return root_;
        auto& frame = frames_.back();
        switch (frame.shape->form) {
        case json_form::object:
            return frame.index == none ? json_slot() : frame.shape->members[frame.index].slot(frame.target);
        case json_form::map:
            return frame.entry;
        case json_form::sequence:
            return frame.shape->part(frame.target, ++frame.index);
        default:
            // What is too much is refused at the end, when it is known how much.
            ++frame.index;
            return frame.index < frame.shape->count ? frame.shape->part(frame.target, frame.index)
                                                    : json_slot();
        }
    }

    bool scalar(json_scalar const& value, error_code& code)
    {
        if (ignored_ != 0)
            return true;
        if (kept_depth_ != 0)
            return keep(value, code);
        auto const slot = next();
        if (!slot.shape || store(slot, value))
            return true;
        return refuse_scalar(slot, value, code);
    }

    // Apart from scalar(), so that what never happens does not slow down what always does.
    [[gnu::cold, gnu::noinline]] bool
    refuse_scalar(json_slot slot, json_scalar const& value, error_code& code)
    {
        return refuse(
            slot.shape->form == json_form::custom && conversion_ ? unconverted()
                                                                 : json_mismatch(*slot.shape, value),
            code
        );
    }

    bool store(json_slot slot, json_scalar const& value)
    {
        if (slot.shape->store)
            return slot.shape->store(slot.target, value);
        switch (slot.shape->form) {
        case json_form::optional:
            if (!std::holds_alternative<std::nullptr_t>(value))
                return store(slot.shape->part(slot.target, 0), value);
            slot.shape->clear(slot.target);
            return true;
        case json_form::variant:
            for (std::size_t i = 0; i != slot.shape->count; ++i) {
                if (store(slot.shape->part(slot.target, i), value))
                    return true;
            }
            return false;
        case json_form::custom:
            return !std::holds_alternative<std::span<std::byte const>>(value) &&
                   convert(slot, std::visit(to_json(), value));
        default:
            return false;
        }
    }

    bool keep(json_scalar const& value, error_code& code)
    {
        struct pusher
        {
            json::value_stack& stack;

            void operator()(std::nullptr_t) const { stack.push_null(); }

            void operator()(bool flag) const { stack.push_bool(flag); }

            void operator()(std::int64_t number) const { stack.push_int64(number); }

            void operator()(std::uint64_t number) const { stack.push_uint64(number); }

            void operator()(double number) const { stack.push_double(number); }

            void operator()(std::string_view text) const { stack.push_string(text); }

            void operator()(std::span<std::byte const>) const {}
        };

        if (std::holds_alternative<std::span<std::byte const>>(value))
            return refuse("has bytes inside, which can be kept in a member of their own only", code);
        std::visit(pusher{*kept_}, value);
        return true;
    }

    bool end_kept(error_code& code)
    {
        if (--kept_depth_ != 0)
            return true;
        auto const value = kept_->release();
        if (fill(kept_slot_, value))
            return true;
        if (kept_slot_.shape->form == json_form::custom)
            return refuse(unconverted(), code);
        return refuse(
            "expected " + kept_slot_.shape->expected() + ", found " +
                (value.is_object() ? "an object" : "an array") + " that is none of them",
            code
        );
    }

    struct to_json
    {
        json::value operator()(std::span<std::byte const>) const { return {}; }

        json::value operator()(auto const& scalar) const { return json::value(scalar); }
    };

    bool fill(json_slot slot, json::value const& value)
    {
        if (slot.shape->form == json_form::custom)
            return convert(slot, value);
        if (slot.shape->form != json_form::variant)
            return json_decoder(slot).replay(value);
        for (std::size_t i = 0; i != slot.shape->count; ++i) {
            if (fill(slot.shape->part(slot.target, i), value))
                return true;
        }
        return false;
    }

    bool convert(json_slot slot, json::value const& value)
    {
        conversion_ = slot.shape->convert(slot.target, value);
        return !conversion_;
    }

    std::string unconverted() const { return "does not convert: " + conversion_.message(); }

    // In the open part of what is open.
    bool refuse(std::string what, error_code& code)
    {
        return refuse_at(frames_.size(), std::move(what), code);
    }

    // In what is open as a whole.
    bool refuse_open(std::string what, error_code& code)
    {
        return refuse_at(frames_.size() - 1, std::move(what), code);
    }

    bool refuse_at(std::size_t depth, std::string what, error_code& code)
    {
        problem_.set(std::move(what));
        while (depth-- != 0) {
            auto const& frame = frames_[depth];
            if (frame.shape->form == json_form::object)
                problem_.in_member(frame.shape->members[frame.index].name);
            else if (frame.shape->form == json_form::map)
                problem_.in_member(frame.key);
            else
                problem_.in_element(frame.index);
        }
        refused_ = true;
        code = errc::not_decodable;
        return false;
    }

    json_slot root_;
    boost::container::static_vector<frame, json_max_depth> frames_;
    // Inside of something that nobody asked for: how deep.
    std::size_t ignored_ = 0;
    // Inside of something that is kept until it is whole: how deep, and for whom.
    std::size_t kept_depth_ = 0;
    json_slot kept_slot_;
    std::optional<json::value_stack> kept_;
    // The parts of a text.
    std::string text_;
    error_code conversion_;
    json_problem problem_;
    bool refused_ = false;
};

} // namespace strandline::detail
