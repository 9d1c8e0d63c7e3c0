# cmake -D SCRIPTS=... -D OUTPUT_DIR=... -P embed_scripts.cmake
# Turns each NAME.lua into `script const& strandline::redis::scripts::NAME()`, and all of them into `all()`. A line
# "-- include FILE" in one stands for that file of the folder shared/ beside it.
set(declarations "")
set(definitions "")
set(all "")
foreach(file IN LISTS SCRIPTS)
    cmake_path(GET file STEM name)
    cmake_path(GET file PARENT_PATH folder)
    file(READ ${file} text)
    while(text MATCHES "-- include ([a-z_]+[.]lua)\n")
        file(READ ${folder}/shared/${CMAKE_MATCH_1} part)
        string(REPLACE "${CMAKE_MATCH_0}" "${part}" text "${text}")
    endwhile()
    string(APPEND declarations "script const& ${name}();\n")
    string(APPEND definitions "
script const& ${name}()
{
    static script const one(R\"lua(${text})lua\");
    return one;
}
")
    list(APPEND all "&${name}()")
endforeach()
list(JOIN all ", " all)
file(WRITE ${OUTPUT_DIR}/scripts.hpp "#pragma once

#include \"redis/script.hpp\"

#include <vector>

namespace strandline::redis::scripts {

${declarations}
std::vector<script const*> all();

} // namespace strandline::redis::scripts
")
file(WRITE ${OUTPUT_DIR}/scripts.cpp "#include \"redis/scripts.hpp\"

namespace strandline::redis::scripts {
${definitions}
std::vector<script const*> all()
{
    return {${all}};
}

} // namespace strandline::redis::scripts
")
