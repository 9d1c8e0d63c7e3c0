set(ways_out
    "Either use GCC 13 or newer, or Clang 16 or newer, for example:\n"
    "    CXX=clang++-19 cmake --preset release --fresh\n"
    "On Debian and Ubuntu ./scripts/setup installs clang-19, and ./scripts/test and ./scripts/demo use it.")

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    message(FATAL_ERROR
        "GCC ${CMAKE_CXX_COMPILER_VERSION} (${CMAKE_CXX_COMPILER}) miscompiles coroutines: temporaries with "
        "non-trivial members in a full expression with co_await are destroyed twice. Programs built with it "
        "crash, so strandline does not build with it.\n" ${ways_out})
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 16)
    message(FATAL_ERROR
        "Clang ${CMAKE_CXX_COMPILER_VERSION} (${CMAKE_CXX_COMPILER}) lacks parts of C++20 that strandline "
        "uses, and is not tested.\n" ${ways_out})
endif()
unset(ways_out)
