include(CMakeFindDependencyMacro)
find_dependency(yaml-cpp 0.7 CONFIG)
# As 0.8 calls it.
if(NOT TARGET yaml-cpp::yaml-cpp)
    add_library(yaml-cpp::yaml-cpp ALIAS yaml-cpp)
endif()
