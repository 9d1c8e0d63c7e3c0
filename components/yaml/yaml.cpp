#include <strandline/detail/duration.hpp>
#include <strandline/detail/quoted.hpp>
#include <strandline/detail/registry_mistake.hpp>
#include <strandline/yaml.hpp>

#include <yaml-cpp/yaml.h>

#include <cerrno>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace strandline {

namespace {

/// Where something stands in the text, and by which way it is reached there.
struct place
{
    YAML::Mark mark;
    std::string path = {};
};

std::string described(place const& where)
{
    auto const out =
        "line " + std::to_string(where.mark.line + 1) + ", column " + std::to_string(where.mark.column + 1);
    return where.path.empty() ? out : out + ": " + where.path;
}

/// What the reader throws to itself; the words have the place.
[[noreturn]] void fail(place const& where, failure const& why)
{
    throw failure(why.code(), described(where) + ": " + std::string(why.words()));
}

[[noreturn]] void fail(place const& where, std::string what)
{
    fail(where, failure(errc::invalid_option, std::move(what)));
}

/// A step of a path; in quotes where it would not be read as one.
std::string step(std::string_view name)
{
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-{}:";
    auto const is_plain = !name.empty() && name.size() <= 64 && name.find_first_not_of(plain) == name.npos;
    return is_plain ? std::string(name) : detail::quoted(name);
}

place below(place const& where, YAML::Node const& node, std::string_view name)
{
    return {node.Mark(), where.path.empty() ? step(name) : where.path + "." + step(name)};
}

/// Members in the order of the text, those that occur twice included: the parser does not mind them.
template <class Visit>
void for_each_member(YAML::Node const& mapping, place const& where, std::string const& what, Visit visit)
{
    if (!mapping.IsMap())
        fail(where, "expected " + what);
    for (auto const& member : mapping) {
        if (!member.first.IsScalar())
            fail({member.first.Mark(), where.path}, "a name must be a text");
        visit(member.first, member.second);
    }
}

/// Where the servers of the options stand.
struct stream_places
{
    place name;
    std::vector<place> groups;
};

struct server_places
{
    place name;
    place url;
    place connect_timeout;
    place health_check_interval;
    std::vector<stream_places> streams;
};

class reader
{
public:
    registry_options read(YAML::Node const& document)
    {
        place const root{document.Mark()};
        for_each_member(
            document, root, "a mapping from servers' names to their members",
            [&](YAML::Node const& name, YAML::Node const& server) {
                read_server(below(root, name, name.Scalar()), name.Scalar(), server);
            }
        );
        if (auto const mistake = detail::find_mistake(options_))
            fail(find(mistake->where, root), mistake->what);
        return std::move(options_);
    }

private:
    void read_server(place const& where, std::string const& name, YAML::Node const& server)
    {
        server_options& out = options_.servers.emplace_back();
        out.name = name;
        places_.push_back({.name = where, .url = where});
        std::set<std::string> seen;
        for_each_member(
            server, where, "a mapping with url and streams",
            [&](YAML::Node const& key, YAML::Node const& value) {
                read_member(where, key, value, seen, out, places_.back());
            }
        );
        if (!seen.contains("url"))
            fail(where, "url is missing");
    }

    static void read_member(
        place const& server, YAML::Node const& key, YAML::Node const& value, std::set<std::string>& seen,
        server_options& out, server_places& places
    )
    {
        auto const& name = key.Scalar();
        auto const here = below(server, value, name);
        if (name == "url")
            out.url = text(value, places.url = here);
        else if (name == "connect_timeout")
            out.times.connect_timeout = time(value, places.connect_timeout = here);
        else if (name == "health_check_interval")
            out.times.health_check_interval = time(value, places.health_check_interval = here);
        else if (name == "streams")
            read_streams(here, value, out, places);
        else
            // Not repeated: where a colon is missing it may be anything, a URL with its password too.
            fail(
                {key.Mark(), server.path},
                "unknown member; there are url, streams, connect_timeout and health_check_interval"
            );
        if (!seen.insert(name).second)
            fail(below(server, key, name), "occurs twice");
    }

    static void
    read_streams(place const& where, YAML::Node const& streams, server_options& out, server_places& places)
    {
        for_each_member(
            streams, where, "a mapping from streams' names to lists of groups",
            [&](YAML::Node const& name, YAML::Node const& groups) {
                auto& stream = out.streams.emplace_back();
                stream.name = name.Scalar();
                auto& known = places.streams.emplace_back();
                known.name = below(where, name, stream.name);
                place const list{groups.Mark(), known.name.path};
                if (!groups.IsSequence())
                    fail(list, "expected a list of groups, [] for none");
                for (auto const& group : groups) {
                    auto const index = "[" + std::to_string(stream.groups.size()) + "]";
                    known.groups.push_back({group.Mark(), known.name.path + index});
                    stream.groups.push_back(text(group, known.groups.back()));
                }
            }
        );
    }

    static std::string text(YAML::Node const& value, place const& where)
    {
        if (!value.IsScalar())
            fail(where, "expected a text");
        return value.Scalar();
    }

    static std::chrono::milliseconds time(YAML::Node const& value, place const& where)
    {
        auto const parsed = detail::parse_duration(text(value, where));
        if (!parsed)
            fail(where, parsed.error());
        return *parsed;
    }

    place const& find(detail::registry_place const& where, place const& root) const
    {
        if (!where.server)
            return root;
        auto const& server = places_[*where.server];
        if (where.stream) {
            auto const& stream = server.streams[*where.stream];
            return where.group ? stream.groups[*where.group] : stream.name;
        }
        if (where.member == "url")
            return server.url;
        if (where.member == "times.connect_timeout")
            return server.connect_timeout;
        if (where.member == "times.health_check_interval")
            return server.health_check_interval;
        return server.name;
    }

    registry_options options_;
    /// Of the servers with the same index.
    std::vector<server_places> places_;
};

/// Without what the parser repeats of the text, which it has behind a colon: it may be a part of a password.
std::string words_of(YAML::Exception const& malformed)
{
    return malformed.msg.substr(0, malformed.msg.find(": "));
}

failure unreadable(std::filesystem::path const& file)
{
    return {error_code(errno, boost::system::generic_category()), detail::quoted(file.string())};
}

} // namespace

result<registry_options> parse_yaml(std::string_view text)
{
    try {
        auto const documents = YAML::LoadAll(std::string(text));
        if (documents.empty())
            fail({YAML::Mark()}, "there is nothing in it");
        if (documents.size() > 1)
            fail({documents[1].Mark()}, "expected one document");
        return reader().read(documents[0]);
    }
    catch (failure& why) {
        return std::move(why);
    }
    catch (YAML::Exception const& malformed) {
        return failure(errc::invalid_option, described({malformed.mark}) + ": " + words_of(malformed));
    }
}

result<registry_options> load_yaml(std::filesystem::path const& file)
{
    std::ifstream in(file, std::ios::binary);
    if (!in)
        return unreadable(file);
    // Tells by its state what an iterator would throw.
    std::ostringstream text;
    text << in.rdbuf();
    if (text.bad())
        return unreadable(file);
    auto options = parse_yaml(text.view());
    if (options)
        return options;
    auto const& why = options.error();
    return failure(why.code(), detail::quoted(file.string()) + ", " + std::string(why.words()));
}

} // namespace strandline
