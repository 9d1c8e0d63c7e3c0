# A component that is optional must not fail the package: what is missing is told.
find_package(yaml-cpp 0.7 CONFIG QUIET)
if(NOT yaml-cpp_FOUND)
    set(strandline_missing "yaml-cpp 0.7 or newer")
elseif(NOT TARGET yaml-cpp::yaml-cpp)
    # As 0.8 calls it.
    add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()
