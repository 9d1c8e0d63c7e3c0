#include <strandline/version.hpp>

#include <cstdio>

int main()
{
    std::printf("strandline %s\n", strandline::version());
}
