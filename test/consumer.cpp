// The program of a project that uses the library from outside.
#include <strandline/version.hpp>

#include <cstdio>

int main()
{
    std::printf("strandline %s\n", strandline::version());
}
