# Each public header must compile alone: one file per header that includes nothing else.
file(GLOB_RECURSE public_headers CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/include
    ${PROJECT_SOURCE_DIR}/include/strandline/*.hpp)
add_library(headers OBJECT)
target_link_libraries(headers PRIVATE strandline::strandline)
target_compile_options(headers PRIVATE -O0 -g0)
foreach(header IN LISTS public_headers)
    set(file ${CMAKE_CURRENT_BINARY_DIR}/headers/${header}.cpp)
    file(CONFIGURE OUTPUT ${file} CONTENT "#include <${header}>\n")
    target_sources(headers PRIVATE ${file})
endforeach()
