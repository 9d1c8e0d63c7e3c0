// The program of a project that uses the component from outside.
#include <strandline/yaml.hpp>

int main()
{
    return strandline::parse_yaml("main: {url: 'memory:'}") ? 0 : 1;
}
