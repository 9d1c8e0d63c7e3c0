#include <strandline/detail/quoted.hpp>
#include <strandline/wire_format.hpp>

#include <algorithm>
#include <utility>

namespace strandline {

namespace {

class body_field final : public wire_format
{
public:
    explicit body_field(std::string name) : name_(std::move(name)) {}

    failure write(std::string_view, event& what) const override
    {
        if (std::ranges::find(what.headers, name_, &header::name) != what.headers.end())
            return {errc::invalid_name, "the field " + detail::quoted(name_) + " is the body's"};
        if (auto body = std::exchange(what.body, std::nullopt))
            what.headers.insert(what.headers.begin(), {name_, std::move(*body)});
        return {};
    }

    failure read(std::string_view, event& what) const override
    {
        auto other = std::exchange(what.body, std::nullopt);
        auto const found = std::ranges::find(what.headers, name_, &header::name);
        if (found != what.headers.end()) {
            what.body = std::move(found->value);
            what.headers.erase(found);
        }
        if (other)
            what.headers.insert(what.headers.begin(), {"body", std::move(*other)});
        return {};
    }

private:
    std::string name_;
};

} // namespace

wire_format_ptr body_in(std::string field)
{
    if (field == "body")
        return nullptr;
    if (field.empty() || field.starts_with("dead-"))
        throw error({errc::invalid_name, "the body cannot be in a field " + detail::quoted(field)});
    return std::make_shared<body_field>(std::move(field));
}

} // namespace strandline
